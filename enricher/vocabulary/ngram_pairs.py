"""Pairs of an n-gram and the token beside it: sorted outside the memory, and counted.

The pairs are divided by ranges of n-grams that hold about RANGE_PAIRS pairs each; the counts of the n-grams
say where the ranges end. Parts of the text are sorted and written to one file. Then each range is gathered
from all parts and sorted. So the memory does not grow with the text.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import DoubleArray, FloatArray
from enricher.vocabulary.ngram_rows import Keys

RANGE_PAIRS = 4_000_000
"""Pairs that are sorted together, about: 32 MB. A range has at least one n-gram, with all its pairs."""

Counts = NDArray[np.int64]


class SortedPairs:
    """Sorts pairs in a file.

    counts: int64 (K,), how many pairs each n-gram has at most. width: the keys of the pairs of one n-gram
    are `width` numbers in a row.
    """

    def __init__(self, path: Path, counts: Counts, width: int) -> None:
        self._path, self._file = path, path.open("w+b")
        numbers = np.cumsum(counts) // RANGE_PAIRS
        firsts = 1 + np.flatnonzero(numbers[1:] != numbers[:-1])
        self._bounds = np.append(firsts, len(counts)).astype(np.uint64) * np.uint64(width)
        self._cuts: list[NDArray[np.int64]] = []
        self._written = 0

    def add(self, keys: Keys) -> None:
        """Add the unsorted keys of pairs; they are sorted in place."""
        keys.sort()
        self._cuts.append(self._written + np.append(0, np.searchsorted(keys, self._bounds)))
        self._file.write(keys.data)
        self._written += len(keys)

    def ranges(self) -> Iterator[Keys]:
        """Yield all keys in order, in parts. No n-gram is in two parts. The file is removed at the end."""
        for number in range(len(self._bounds)):
            size = sum(int(cuts[number + 1] - cuts[number]) for cuts in self._cuts)
            keys, done = np.empty(size, np.uint64), 0
            for cuts in self._cuts:
                part = int(cuts[number + 1] - cuts[number])
                self._file.seek(int(cuts[number]) * 8)
                keys[done : done + part] = np.frombuffer(self._file.read(part * 8), np.uint64)
                done += part
            if size:
                keys.sort()
                yield keys
        self._file.close()
        self._path.unlink()


class Beside:
    """What stands beside K n-grams on one side.

    sums: Σ c · ln c over the tokens beside, float64 (K,). largest: int64 (K,), the count of the most frequent
    token beside.
    """

    def __init__(self, size: int, width: int) -> None:
        self._width = np.uint64(width)
        self.sums: DoubleArray = np.zeros(size)
        self.largest: Counts = np.zeros(size, np.int64)

    def count(self, pairs: SortedPairs) -> Iterator[tuple[Keys, Counts]]:
        """Count sorted pairs. Yields the different keys in order with their counts, in parts."""
        for keys in pairs.ranges():
            starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
            counts = np.diff(starts, append=len(keys))
            keys = keys[starts]
            rows = (keys // self._width).astype(np.int64)
            firsts = np.flatnonzero(np.append(True, rows[1:] != rows[:-1]))
            at = rows[firsts]
            self.sums[at] = np.add.reduceat(counts * np.log(counts), firsts)
            self.largest[at] = np.maximum.reduceat(counts, firsts)
            yield keys, counts

    def entropies(self, counts: Counts) -> FloatArray:
        """The entropies of the tokens beside n-grams with these counts, float32 (K,), in nats."""
        return np.asarray(np.log(counts) - self.sums / counts, np.float32)


class FrequentKeys:
    """The keys that occur `min_count` times or more. If there are more than `most`, the minimum is raised."""

    def __init__(self, min_count: int, most: int) -> None:
        self.min_count, self._most = min_count, most
        self._keys: list[Keys] = []
        self._counts: list[Counts] = []
        self._size = 0

    def add(self, keys: Keys, counts: Counts) -> None:
        """Add keys in ascending order, with their counts."""
        kept = counts >= self.min_count
        self._keys.append(keys[kept])
        self._counts.append(counts[kept])
        self._size += len(self._keys[-1])
        if self._size > 2 * self._most:
            self._raise()

    def all(self) -> tuple[Keys, Counts]:
        """The keys and their counts."""
        if self._size > self._most:
            self._raise()
        keys, counts = np.concatenate([*self._keys, np.empty(0, np.uint64)]), self._counts
        return keys, np.concatenate([*counts, np.empty(0, np.int64)])

    def _raise(self) -> None:
        """Raise the minimum until `most` keys are left, or fewer."""
        counts, place = np.concatenate(self._counts), self._size - self._most - 1
        self.min_count = int(np.partition(counts, place)[place]) + 1
        kept = [one >= self.min_count for one in self._counts]
        self._keys = [keys[which] for keys, which in zip(self._keys, kept, strict=True)]
        self._counts = [one[which] for one, which in zip(self._counts, kept, strict=True)]
        self._size = sum(map(len, self._keys))
