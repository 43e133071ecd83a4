"""The files of a library that hold its counted pairs.

pair_first.npy, pair_second.npy   int32 (P,), rows of two items, first < second
pair_shares.npy                   float64 (P,), p(i, j) + p(j, i); they sum to 1
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from enricher.errors import BundleInvalid
from enricher.library.pairs import Pairs
from enricher.model.arrays import mapped, save

FIRST, SECOND, SHARES = "pair_first.npy", "pair_second.npy", "pair_shares.npy"
PAIRED_USES = "paired_uses"
"""The key of the manifest's training facts with the uses of all items in records of two and more."""


def write_pairs(folder: Path, words: Sequence[str], items: Sequence[str], pairs: Pairs) -> None:
    """Write counted pairs to a bundle. words, items: the items as the model, and as the pairs number them."""
    rows = {word: row for row, word in enumerate(words)}
    row_of = np.array([rows[item] for item in items], np.int32)
    first, second = row_of[pairs.first], row_of[pairs.second]
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((high, low))
    for name, values in ((FIRST, low), (SECOND, high), (SHARES, pairs.shares)):
        save(folder / name, values[order])


def open_pairs(folder: Path, size: int) -> Pairs:
    """Map the pairs of a bundle with so many items. Raises BundleInvalid if they do not belong to it."""
    try:
        first, second = (mapped(folder / name, np.integer, 1) for name in (FIRST, SECOND))
        shares = mapped(folder / SHARES, np.floating, 1)
    except (OSError, ValueError) as error:
        raise BundleInvalid(f"The pairs of the library {folder.name} cannot be read.") from error
    fits = len(first) == len(second) == len(shares)
    if not fits or (len(first) and not (first.min() >= 0 and second.max() < size)):
        raise BundleInvalid(f"The pairs of the library {folder.name} were made for other items.")
    return Pairs(size, first, second, shares)
