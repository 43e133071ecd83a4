"""How often two items are used together: p(i, j), counted from records."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from enricher.library.records import Records

MAX_PARTNERS = 500
"""In a longer record, each item counts with that many others, drawn at random."""
MAX_PAIRS_AT_ONCE = 4_000_000
SEED = 1


@dataclass(frozen=True)
class Pairs:
    """The pairs of items that are used together, each once.

    size: how many items there are. first, second: int32 (P,), the numbers of two items, first < second.
    shares: float64 (P,), p(i, j) + p(j, i); they sum to 1, so p is a distribution over ordered pairs.
    """

    size: int
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    shares: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.shares)

    @cached_property
    def item_shares(self) -> NDArray[np.float64]:
        """p(i), the sum over j of p(i, j): float64 (items,), sums to 1 if there is a pair."""
        half = self.shares / 2
        ends = (np.bincount(end, half, minlength=self.size) for end in (self.first, self.second))
        return np.add(*ends)


def count_pairs(records: Records) -> Pairs:
    """Count the pairs of all records.

    In a record of n items and weight w each ordered pair counts w/(n−1): every use of an item counts w,
    in short records and in long ones. A record with one item has no pair.
    """
    size = max(1, len(records.items))
    keys, masses = np.empty(0, np.int64), np.empty(0)
    for firsts, seconds, mass in _pieces(records):
        low, high = np.minimum(firsts, seconds), np.maximum(firsts, seconds)
        keys, masses = _summed(
            np.concatenate([keys, low.astype(np.int64) * size + high]), np.concatenate([masses, mass])
        )
    shares = masses / masses.sum() if len(masses) else masses
    first, second = (part.astype(np.int32) for part in np.divmod(keys, size))
    return Pairs(len(records.items), first, second, shares)


def _summed(
    keys: NDArray[np.int64], masses: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The keys, each once and sorted, with the sums of their masses."""
    if not len(keys):
        return keys, masses
    order = np.argsort(keys, kind="stable")
    keys, masses = keys[order], masses[order]
    begins = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    return keys[begins], np.add.reduceat(masses, begins)


def _pieces(
    records: Records,
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]]:
    """Unordered pairs and their mass, a bounded number at a time; records of equal length together."""
    generator = np.random.default_rng(SEED)
    for length in np.unique(records.lengths).tolist():
        if length < 2:
            continue
        rows = np.flatnonzero(records.lengths == length)
        if length <= MAX_PARTNERS + 1:
            a, b = np.triu_indices(length, 1)
            mass = 2 / (length - 1)
        else:
            a = np.repeat(np.arange(length), MAX_PARTNERS)
            b = (a + generator.integers(1, length, len(a))) % length
            mass = 1 / MAX_PARTNERS
        step = max(1, MAX_PAIRS_AT_ONCE // len(a))
        for start in range(0, len(rows), step):
            some = rows[start : start + step]
            members = records.members[records.starts[some][:, None] + np.arange(length)]
            weights = np.repeat(records.weights[some] * mass, len(a))
            yield members[:, a].ravel(), members[:, b].ravel(), weights
