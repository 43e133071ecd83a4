"""Count the n-grams of a token stream, of any size, with the statistics by which terms are recognised.

The n-grams of length n + 1 are the extensions of those of length n by the following token, so only frequent
n-grams are extended. For every length, the pairs of an n-gram and the token beside it are sorted in parts,
each part is written to a file if the memory is too small for all, and the parts are merged. From the merged
pairs follow both boundary entropies, the most frequent extension, and the next length.

    key of an extension = number of the n-gram · (V + 1) + number of the token + 1        0 for a break
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import DoubleArray, FloatArray, IntArray, mapped, save
from enricher.vocabulary.token_stream import BREAK, TokenStream

PART_TOKENS = 8_000_000
"""Tokens whose pairs are sorted together: 64 MB."""
MAX_PAIRS_IN_MEMORY = 40_000_000
"""Sorted pairs that are kept in memory, 16 bytes each; more are written to files."""
MERGED_PAIRS = 8_000_000
"""Pairs that are merged together, about."""

Keys = NDArray[np.uint64]
Counts = NDArray[np.int64]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class NgramLevel:
    """The K frequent n-grams of one length, in the order of their keys.

    prefixes: int32 (K,), the rows of their first n − 1 tokens in the level before; of single tokens, their
    numbers. lasts: int32 (K,), the number of the last token. suffixes: int32 (K,), the rows of their last
    n − 1 tokens. counts: int64 (K,). left, right: float32 (K,), boundary entropies in nats; a break counts as
    a distinct token each time. extended: int64 (K,), the count of the most frequent extension by a token on
    either side. isolated: int64 (K,), occurrences with a boundary on both sides. first, last: int64 (K,), the
    places of the first and of the last occurrence.
    """

    prefixes: IntArray
    lasts: IntArray
    suffixes: IntArray
    counts: Counts
    left: FloatArray
    right: FloatArray
    extended: Counts
    isolated: Counts
    first: Counts
    last: Counts

    def __len__(self) -> int:
        return len(self.counts)

    def keys(self, vocabulary: int) -> Keys:
        """The keys of the n-grams, as extensions of their prefixes."""
        return self.prefixes.astype(np.uint64) * np.uint64(vocabulary + 1) + (self.lasts + 1).astype(
            np.uint64
        )


@dataclass(frozen=True)
class NgramTable:
    """The levels of lengths 1, 2, … of a stream. tokens: their number, without breaks."""

    levels: tuple[NgramLevel, ...]
    vocabulary: int
    tokens: int
    _tables: dict[int, "_Rows"] = field(default_factory=dict, repr=False)

    def sequences(self, length: int) -> IntArray:
        """The tokens of the n-grams of a length: int32 (K, length)."""
        columns: list[IntArray] = []
        rows: NDArray[Any] = np.arange(len(self.levels[length - 1]))
        for level in reversed(self.levels[:length]):
            columns.append(level.lasts[rows])
            rows = level.prefixes[rows]
        return np.stack(columns[::-1], axis=1) if columns else np.empty((0, length), np.int32)

    def cohesion(self, length: int) -> FloatArray:
        """The lowest pointwise mutual information over all splits in two: float32 (K,), in nats.

        min over a·b = w of ln( count(w) · N / (count(a) · count(b)) )
        """
        level = self.levels[length - 1]
        whole = np.log(level.counts) + math.log(max(1, self.tokens))
        lowest = np.full(len(level), np.inf)
        prefixes: list[NDArray[Any]] = [np.arange(len(level))]
        suffixes = list(prefixes)
        for above in reversed(self.levels[1:length]):
            prefixes.append(above.prefixes[prefixes[-1]])
            suffixes.append(above.suffixes[suffixes[-1]])
        # prefixes[k], suffixes[k]: the rows of the n-grams that lack the last, or the first, k tokens
        for cut in range(1, length):
            first = self.levels[length - 1 - cut].counts[prefixes[cut]]
            second = self.levels[cut - 1].counts[suffixes[length - cut]]
            lowest = np.minimum(lowest, whole - np.log(first) - np.log(second))
        return lowest.astype(np.float32)

    def nested(self, length: int) -> FloatArray:
        """The share of the occurrences within the most frequent extension: float32 (K,), 0 to 1."""
        level = self.levels[length - 1]
        return np.asarray(level.extended / np.maximum(level.counts, 1), np.float32)

    def counts_in(self, stream: TokenStream, progress: Progress = lambda *_: None) -> list[Counts]:
        """How often the n-grams of every length occur in another stream of the same vocabulary."""
        found = [np.zeros(len(level), np.int64) for level in self.levels]
        longest, size = len(self.levels), len(stream.tokens)
        for start in range(0, size, PART_TOKENS):
            part = np.asarray(stream.tokens[start : start + PART_TOKENS + longest])
            for counts, rows in zip(found, self.places_in(part), strict=True):
                here = rows[:PART_TOKENS]
                counts += np.bincount(here[here >= 0], minlength=len(counts))
            progress("counting the background", min(start + PART_TOKENS, size), size)
        return found

    @cached_property
    def _first_rows(self) -> IntArray:
        """The row of every token in the first level, int32 (V,), −1 for those that are not frequent."""
        rows = np.full(self.vocabulary, -1, np.int32)
        rows[self.levels[0].lasts] = np.arange(len(self.levels[0]), dtype=np.int32)
        return rows

    def places_in(self, part: IntArray) -> Iterator[IntArray]:
        """For every length, the rows of the n-grams that begin at each token of a text.

        part: int32 (n,). Yields int32 (n,), −1 where no frequent n-gram begins.
        """
        at = _rows_of_tokens(self._first_rows, part)
        yield at
        for length, level in enumerate(self.levels[1:], start=1):
            table = self._tables.get(length)
            if table is None:
                table = self._tables[length] = _Rows(level.keys(self.vocabulary))
            at = table.find(_extended(at, _shifted(part, length, len(part)), self.vocabulary))
            yield at


def count_ngrams(
    stream: TokenStream,
    vocabulary: int,
    longest: int,
    min_count: int,
    folder: Path,
    *,
    is_boundary: NDArray[np.bool_],
    is_inner: NDArray[np.bool_] | None = None,
    progress: Progress = lambda *_: None,
) -> NgramTable:
    """Count the n-grams of 1 to `longest` tokens that occur `min_count` times or more.

    vocabulary: the number V of distinct tokens. folder: for files that do not fit in memory. is_boundary:
    bool (V,), tokens that count as boundaries of a term, like breaks. is_inner: bool (V,), tokens that an
    n-gram may contain; None for all.
    """
    places = np.memmap(folder / "rows.i32", np.int32, "w+", shape=(max(1, len(stream.tokens)),))
    levels: list[NgramLevel] = []
    level = _first_level(stream, vocabulary, min_count, is_inner, places)
    for length in range(1, longest + 1):
        counter = _Counter(stream, vocabulary, places, length, folder, progress)
        left = counter.beside(level, -1)
        right = counter.beside(level, length)
        isolated, first, last = counter.occurrences(len(level[3]), is_boundary)
        levels.append(
            NgramLevel(
                *level,
                left.entropies(level[3]),
                right.entropies(level[3]),
                np.maximum(left.largest, right.largest),
                isolated,
                first,
                last,
            )
        )
        if length == longest:
            break
        level = counter.extend(levels, right, min_count, is_inner)
    del places
    (folder / "rows.i32").unlink()
    return NgramTable(tuple(levels), vocabulary, stream.number)


Level = tuple[IntArray, IntArray, IntArray, Counts]
"""prefixes, lasts, suffixes and counts of a level."""


def _first_level(
    stream: TokenStream,
    vocabulary: int,
    min_count: int,
    is_inner: NDArray[np.bool_] | None,
    places: NDArray[np.int32],
) -> Level:
    counts = np.zeros(vocabulary, np.int64)
    for start in range(0, len(stream.tokens), PART_TOKENS):
        part = np.asarray(stream.tokens[start : start + PART_TOKENS])
        counts += np.bincount(part[part >= 0], minlength=vocabulary)
    kept = counts >= min_count
    if is_inner is not None:
        kept &= is_inner
    numbers = np.flatnonzero(kept).astype(np.int32)
    rows = np.full(vocabulary, -1, np.int32)
    rows[numbers] = np.arange(len(numbers), dtype=np.int32)
    for start in range(0, len(stream.tokens), PART_TOKENS):
        part = np.asarray(stream.tokens[start : start + PART_TOKENS])
        places[start : start + len(part)] = _rows_of_tokens(rows, part)
    return numbers, numbers, numbers, counts[numbers]


def _rows_of_tokens(rows: IntArray, tokens: IntArray) -> IntArray:
    return np.where(tokens >= 0, rows[np.maximum(tokens, 0)], np.int32(-1))


def _shifted(part: IntArray, by: int, size: int) -> IntArray:
    """The tokens `by` places further, BREAK after the end: int32 (size,)."""
    found = np.full(size, BREAK, np.int32)
    rest = part[by : by + size]
    found[: len(rest)] = rest
    return found


def _extended(rows: IntArray, tokens: IntArray, vocabulary: int) -> Keys:
    """The keys of extensions; a row of −1 and a break give a key that no n-gram has."""
    keys = rows.astype(np.uint64) * np.uint64(vocabulary + 1) + (tokens + 1).astype(np.uint64)
    keys[(rows < 0) | (tokens < 0)] = np.iinfo(np.uint64).max
    return keys


class _Beside:
    """What stands beside the K n-grams of a level on one side.

    sums: Σ c · ln c over the tokens beside, float64 (K,). largest: int64 (K,). keys, counts: the frequent
    extensions, if they were asked for.
    """

    def __init__(self, size: int) -> None:
        self.sums: DoubleArray = np.zeros(size)
        self.largest: Counts = np.zeros(size, np.int64)
        self.keys: list[Keys] = []
        self.counts: list[Counts] = []

    def entropies(self, counts: Counts) -> FloatArray:
        """The entropies of the tokens beside n-grams with these counts, float32 (K,)."""
        if not len(counts):
            return np.zeros(0, np.float32)
        return np.asarray(np.log(counts) - self.sums / counts, np.float32)


class _Counter:
    """Counts what is beside the n-grams of one length, whose rows are in `places`."""

    def __init__(
        self,
        stream: TokenStream,
        vocabulary: int,
        places: NDArray[np.int32],
        length: int,
        folder: Path,
        progress: Progress,
    ) -> None:
        self._tokens, self._vocabulary, self._places = stream.tokens, vocabulary, places
        self._length, self._folder, self._progress = length, folder, progress

    def _parts(self) -> Iterator[tuple[int, IntArray]]:
        """Yield the start of each part, and the rows of the n-grams that begin in it."""
        for start in range(0, len(self._tokens), PART_TOKENS):
            end = min(start + PART_TOKENS, len(self._tokens))
            yield start, np.asarray(self._places[start:end])
            self._progress(f"counting terms of {self._length}", end, len(self._tokens))

    def _beside(self, start: int, size: int, offset: int) -> IntArray:
        """The tokens `offset` places from those of a part."""
        first, last = start + offset, start + offset + size
        found = np.full(size, BREAK, np.int32)
        low, high = max(first, 0), min(last, len(self._tokens))
        found[low - first : high - first] = self._tokens[low:high]
        return found

    def beside(self, level: Level, offset: int) -> _Beside:
        """Count the tokens `offset` places from the beginning of the n-grams."""
        size = len(level[3])
        runs = _Runs(self._folder, f"{self._length}-{'left' if offset < 0 else 'right'}")
        width = np.uint64(self._vocabulary + 1)
        for start, rows in self._parts():
            here = np.flatnonzero(rows >= 0)
            tokens = self._beside(start, len(rows), offset)[here]
            known = tokens >= 0
            keys = rows[here][known].astype(np.uint64) * width + (tokens[known] + 1).astype(np.uint64)
            runs.add(keys)
        found = _Beside(size)
        for keys, counts in runs.merged(int(width)):
            rows = (keys // width).astype(np.int64)
            found.sums += np.bincount(rows, counts * np.log(counts), size)
            np.maximum.at(found.largest, rows, counts)
            if offset > 0:
                frequent = counts > 1
                found.keys.append(keys[frequent])
                found.counts.append(counts[frequent])
        return found

    def occurrences(self, size: int, is_boundary: NDArray[np.bool_]) -> tuple[Counts, Counts, Counts]:
        """The occurrences between boundaries, and the first and the last place: int64 (K,) all."""
        flags = np.append(is_boundary, True)  # the last is for BREAK
        isolated, first = np.zeros(size, np.int64), np.full(size, len(self._tokens), np.int64)
        last = np.zeros(size, np.int64)
        for start, rows in self._parts():
            here = np.flatnonzero(rows >= 0)
            before = flags[self._beside(start, len(rows), -1)[here]]
            after = flags[self._beside(start, len(rows), self._length)[here]]
            isolated += np.bincount(rows[here], before & after, size).astype(np.int64)
            found, at = np.unique(rows[here], return_index=True)
            first[found] = np.minimum(first[found], start + here[at])
            last[rows[here]] = start + here  # of equal rows the last one counts
        return isolated, first, last

    def extend(
        self,
        levels: Sequence[NgramLevel],
        right: _Beside,
        min_count: int,
        is_inner: NDArray[np.bool_] | None,
    ) -> Level:
        """The n-grams that are one token longer; `places` then has their rows."""
        width = np.uint64(self._vocabulary + 1)
        keys = np.concatenate([*right.keys, np.empty(0, np.uint64)])
        counts = np.concatenate([*right.counts, np.empty(0, np.int64)])
        lasts = (keys % width).astype(np.int64) - 1
        kept = counts >= min_count
        if is_inner is not None:
            kept &= is_inner[lasts]
        keys, counts, last = keys[kept], counts[kept], lasts[kept].astype(np.int32)
        prefixes = (keys // width).astype(np.int32)
        if self._length == 1:
            rows = np.full(self._vocabulary, -1, np.int32)
            rows[levels[0].lasts] = np.arange(len(levels[0]), dtype=np.int32)
            suffixes = rows[last]
        else:
            table = _Rows(levels[-1].keys(self._vocabulary))
            suffixes = table.find(_extended(levels[-1].suffixes[prefixes], last, self._vocabulary))
        table = _Rows(keys)
        for start, rows in self._parts():
            tokens = self._beside(start, len(rows), self._length)
            self._places[start : start + len(rows)] = table.find(_extended(rows, tokens, self._vocabulary))
        return prefixes, last, suffixes, counts


class _Rows:
    """Finds the rows of keys in a sorted table by hashing."""

    def __init__(self, keys: Keys) -> None:
        from enricher.vocabulary import ngram_kernels  # load compiled code only if needed

        self._kernels, self._keys = ngram_kernels, keys
        self._bits = max(4, (2 * len(keys)).bit_length())
        self._slots = ngram_kernels.slots_of(keys, self._bits)

    def find(self, asked: Keys) -> IntArray:
        """The row of each key, int32 (n,), −1 for keys that are not in the table."""
        found: IntArray = self._kernels.look_up(self._keys, self._slots, self._bits, asked)
        return found


class _Runs:
    """Sorted runs of keys with their counts, in memory or in files."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._runs: list[tuple[Keys, Counts]] = []
        self._files: list[Path] = []
        self._in_memory = 0

    def add(self, keys: Keys) -> None:
        """Add unsorted keys."""
        keys = np.sort(keys)
        if not len(keys):
            return
        starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        run = keys[starts], np.diff(np.append(starts, len(keys)))
        self._in_memory += len(starts)
        if self._in_memory > MAX_PAIRS_IN_MEMORY:
            self._in_memory -= len(starts)
            run = self._mapped(*run)
        self._runs.append(run)

    def _mapped(self, keys: Keys, counts: Counts) -> tuple[Keys, Counts]:
        """Write a run to files, and map them."""
        paths = [self._folder / f"{self._name}-{len(self._files)}.{part}.npy" for part in ("keys", "counts")]
        save(paths[0], keys)
        save(paths[1], counts.astype(np.int32))
        self._files += paths
        return mapped(paths[0]), mapped(paths[1])

    def merged(self, width: int) -> Iterator[tuple[Keys, Counts]]:
        """Yield all keys in order with their counts, in parts. No n-gram is in two parts.

        width: the keys of one n-gram are `width` numbers in a row. The files are removed at the end.
        """
        total = sum(len(keys) for keys, _ in self._runs)
        for low, high in self._ranges(total, width):
            spans = [
                (keys, counts, *np.searchsorted(keys, np.array([low, high], np.uint64)).tolist())
                for keys, counts in self._runs
            ]
            keys = np.concatenate([keys[a:b] for keys, _, a, b in spans])
            counts = np.concatenate([np.asarray(counts[a:b], np.int64) for _, counts, a, b in spans])
            if not len(keys):
                continue
            if len(spans) > 1:
                order = np.argsort(keys, kind="stable")  # merges sorted runs
                keys, counts = keys[order], counts[order]
                starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
                keys, counts = keys[starts], np.add.reduceat(counts, starts)
            yield keys, counts
        self._runs.clear()
        for path in self._files:
            path.unlink()

    def _ranges(self, total: int, width: int) -> Iterator[tuple[int, int]]:
        """Ranges of keys with about MERGED_PAIRS pairs each, cut between n-grams."""
        if not self._runs:
            return
        parts = 1 + total // MERGED_PAIRS
        sample = np.sort(np.concatenate([keys[:: max(1, len(keys) // 1000)] for keys, _ in self._runs]))
        cuts = [int(sample[len(sample) * n // parts]) // width * width for n in range(1, parts)]
        largest = max(int(keys[-1]) for keys, _ in self._runs) + 1
        bounds = sorted({0, *cuts, largest})
        yield from pairwise(bounds)
