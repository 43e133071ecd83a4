"""The rows of n-grams: found by key in a hash table, and kept in a file for every place of a text.

An n-gram is the extension of a shorter one by the following token.

    key = row of the shorter n-gram · (V + 1) + number of the token + 1        0 for a break
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import IntArray
from enricher.vocabulary.token_stream import BREAK

Keys = NDArray[np.uint64]


def pair_keys(rows: IntArray, tokens: IntArray, vocabulary: int) -> Keys:
    """The keys of n-grams, given as rows, with the tokens beside them."""
    keys = rows.astype(np.uint64)
    keys *= np.uint64(vocabulary + 1)
    keys += (tokens + 1).astype(np.uint64)
    return keys


def extension_keys(rows: IntArray, tokens: IntArray, vocabulary: int) -> Keys:
    """The keys of extensions; a row of −1 and a break give a key that no n-gram has."""
    keys = pair_keys(rows, tokens, vocabulary)
    keys[(rows < 0) | (tokens < 0)] = np.iinfo(np.uint64).max
    return keys


def shifted(tokens: IntArray, by: int, size: int) -> IntArray:
    """The tokens `by` places further, BREAK after the end: int32 (size,)."""
    found = np.full(size, BREAK, np.int32)
    rest = tokens[by : by + size]
    found[: len(rest)] = rest
    return found


def token_rows(tokens: IntArray, vocabulary: int) -> IntArray:
    """The row of every token of a vocabulary in a list of tokens, int32 (V + 1,); −1 for all others.

    The last entry is for BREAK.
    """
    rows = np.full(vocabulary + 1, -1, np.int32)
    rows[tokens] = np.arange(len(tokens), dtype=np.int32)
    return rows


class RowTable:
    """Finds the rows of keys by hashing. keys: uint64 (n,), all different."""

    def __init__(self, keys: Keys) -> None:
        from enricher.vocabulary import ngram_kernels  # load compiled code only if needed

        self._kernels, self._keys = ngram_kernels, keys
        self._bits = max(4, (2 * len(keys)).bit_length())
        self._slots = ngram_kernels.slots_of(keys, self._bits)

    def find(self, asked: Keys) -> IntArray:
        """The row of each key, int32 (n,), −1 for keys that are not in the table."""
        found: IntArray = self._kernels.look_up(self._keys, self._slots, self._bits, asked)
        return found


class RowFile:
    """The row of the n-gram that begins at each place of a text, int32, in a file.

    The file is not mapped: mapped pages would stay in the memory of the process.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, path.open("w+b")

    def write(self, start: int, rows: IntArray) -> None:
        """Write the rows of the places from `start` on."""
        self._file.seek(start * 4)
        self._file.write(np.ascontiguousarray(rows).data)

    def read(self, start: int, size: int) -> IntArray:
        """The rows of `size` places, int32; fewer at the end of the text."""
        self._file.seek(start * 4)
        return np.frombuffer(self._file.read(size * 4), np.int32)

    def remove(self) -> None:
        """Close and remove the file."""
        self._file.close()
        self._path.unlink()
