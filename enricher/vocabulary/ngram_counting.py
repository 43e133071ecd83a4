"""Count the n-grams of a token stream, of any size, with the statistics by which terms are recognised.

The n-grams of length n + 1 are the extensions of those of length n by the following token, so only frequent
n-grams are extended. For every length, the pairs of an n-gram and the token beside it are sorted in files.
From the sorted pairs follow both boundary entropies, the most frequent extension, and the next length.

Memory grows with the number of n-grams, which is limited, and not with the text. Files need 20 bytes for
every token.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import IntArray
from enricher.vocabulary.ngram_pairs import Beside, Counts, FrequentKeys, SortedPairs
from enricher.vocabulary.ngram_rows import (
    RowFile,
    RowTable,
    extension_keys,
    pair_keys,
    shifted,
    token_rows,
)
from enricher.vocabulary.ngrams import NgramLevel, NgramTable, Progress
from enricher.vocabulary.token_stream import BREAK, PART_TOKENS, TokenStream

MAX_NGRAMS = 3_000_000
"""Frequent n-grams of one length that are kept: 180 MB."""


def count_ngrams(
    stream: TokenStream,
    vocabulary: int,
    longest: int,
    min_count: int,
    folder: Path,
    *,
    is_boundary: NDArray[np.bool_],
    is_inner: NDArray[np.bool_] | None = None,
    most: int = MAX_NGRAMS,
    progress: Progress = lambda *_: None,
) -> NgramTable:
    """Count the n-grams of 1 to `longest` tokens that occur `min_count` times or more.

    vocabulary: the number V of distinct tokens. folder: for files, which are removed. is_boundary: bool (V,),
    tokens that count as boundaries of a term, like breaks. is_inner: bool (V,), tokens that an n-gram may
    contain; None for all.

    If more than `most` n-grams of a length above 1 reach the minimum, it is raised for this length and all
    longer ones.
    """
    inner = np.ones(vocabulary, np.bool_) if is_inner is None else is_inner
    places = RowFile(folder / "rows.i32")
    counter = _Counter(stream, inner, np.append(is_boundary, True), places, folder, progress)
    levels: list[NgramLevel] = []
    grams = counter.single(min_count)
    for length in range(1, longest + 1):
        frequent = FrequentKeys(min_count, most) if length < longest else None
        levels.append(counter.measure(grams, length, frequent))
        if frequent is not None:
            grams, min_count = counter.extended(grams, length, frequent), frequent.min_count
    places.remove()
    return NgramTable(tuple(levels), vocabulary, stream.number)


@dataclass(frozen=True, slots=True)
class _Grams:
    """The frequent n-grams of one length: the first fields of `NgramLevel`, and the table of their keys."""

    prefixes: IntArray
    lasts: IntArray
    suffixes: IntArray
    counts: Counts
    table: RowTable | None = None

    def __len__(self) -> int:
        return len(self.counts)


class _Counter:
    """Counts what is beside the n-grams of one length after the other; their rows are in `places`.

    is_boundary: bool (V + 1,), the last for BREAK.
    """

    def __init__(
        self,
        stream: TokenStream,
        is_inner: NDArray[np.bool_],
        is_boundary: NDArray[np.bool_],
        places: RowFile,
        folder: Path,
        progress: Progress,
    ) -> None:
        self._stream, self._is_inner, self._is_boundary = stream, is_inner, is_boundary
        self._places, self._folder, self._progress = places, folder, progress
        self._vocabulary = len(is_inner)
        self._first_rows = np.empty(0, np.int32)

    def single(self, min_count: int) -> _Grams:
        """The frequent tokens; `places` then has their rows."""
        counts = np.zeros(self._vocabulary, np.int64)
        for _, part in self._stream.parts(PART_TOKENS):
            counts += np.bincount(part[part >= 0], minlength=self._vocabulary)
        tokens = np.flatnonzero((counts >= min_count) & self._is_inner).astype(np.int32)
        self._first_rows = token_rows(tokens, self._vocabulary)
        for start, part in self._stream.parts(PART_TOKENS):
            self._places.write(start, self._first_rows[part])
        return _Grams(tokens, tokens, tokens, counts[tokens])

    def measure(self, grams: _Grams, length: int, frequent: FrequentKeys | None) -> NgramLevel:
        """The statistics of n-grams; `frequent` gets the keys of their extensions."""
        width = self._vocabulary + 1
        left, right = (
            SortedPairs(self._folder / f"{side}.u64", grams.counts, width) for side in ("left", "right")
        )
        seen = _Occurrences(len(grams), len(self._stream))
        for start, rows, tokens in self._parts(length):
            here = np.flatnonzero(rows >= 0)
            rows = rows[here]
            before, after = tokens[here], tokens[here + (length + 1)]
            left.add(pair_keys(rows[before >= 0], before[before >= 0], self._vocabulary))
            right.add(pair_keys(rows[after >= 0], after[after >= 0], self._vocabulary))
            seen.add(rows, start + here, self._is_boundary[before] & self._is_boundary[after])
        sides = [Beside(len(grams), width) for _ in range(2)]
        for _ in sides[0].count(left):
            pass
        for keys, counts in sides[1].count(right):
            if frequent is not None:
                inner = self._is_inner[(keys % np.uint64(width)).astype(np.int64) - 1]
                frequent.add(keys[inner], counts[inner])
        return NgramLevel(
            grams.prefixes,
            grams.lasts,
            grams.suffixes,
            grams.counts,
            sides[0].entropies(grams.counts),
            sides[1].entropies(grams.counts),
            np.maximum(sides[0].largest, sides[1].largest),
            seen.isolated,
            seen.first,
            seen.last,
        )

    def extended(self, grams: _Grams, length: int, frequent: FrequentKeys) -> _Grams:
        """The n-grams that are one token longer; `places` then has their rows."""
        keys, counts = frequent.all()
        width = np.uint64(self._vocabulary + 1)
        prefixes, lasts = (keys // width).astype(np.int32), (keys % width).astype(np.int32) - 1
        suffixes = self._rows(grams.table, grams.suffixes[prefixes], lasts)
        table = RowTable(keys)
        for start, rows, tokens in self._parts(length):
            following = tokens[length + 1 : length + 1 + len(rows)]
            self._places.write(start, self._rows(table, rows, following))
        return _Grams(prefixes, lasts, suffixes, counts, table)

    def _rows(self, table: RowTable | None, rows: IntArray, tokens: IntArray) -> IntArray:
        """The rows of extensions; without a table, of the single tokens."""
        if table is None:
            return self._first_rows[tokens]
        return table.find(extension_keys(rows, tokens, self._vocabulary))

    def _parts(self, length: int) -> Iterator[tuple[int, IntArray, IntArray]]:
        """Yield the start of each part, the rows of the n-grams that begin in it, and the tokens.

        tokens: int32 (n + length + 1,), from the one before the part on.
        """
        total = len(self._stream)
        for start in range(0, total, PART_TOKENS):
            rows = self._places.read(start, PART_TOKENS)
            tokens = self._stream.part(max(0, start - 1), start + len(rows) + length)
            if not start:
                tokens = np.append(np.int32(BREAK), tokens)
            yield start, rows, shifted(tokens, 0, len(rows) + length + 1)
            self._progress(f"counting terms of {length}", start + len(rows), total)


class _Occurrences:
    """Where the K n-grams of a length occur: fields of `NgramLevel`."""

    def __init__(self, size: int, end: int) -> None:
        self.isolated = np.zeros(size, np.int64)
        self.first = np.full(size, end, np.int64)
        self.last = np.zeros(size, np.int64)

    def add(self, rows: IntArray, places: Counts, is_isolated: NDArray[np.bool_]) -> None:
        """Add occurrences, in the order of their places."""
        np.add.at(self.isolated, rows[is_isolated], 1)
        self.last[rows] = places  # of equal rows the last one counts
        new = self.first[rows] > places[0] if len(places) else np.empty(0, np.bool_)
        backwards = np.flatnonzero(new)[::-1]
        self.first[rows[backwards]] = places[backwards]
