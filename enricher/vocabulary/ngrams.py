"""The frequent n-grams of a token stream, with the statistics by which terms are recognised."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import FloatArray, IntArray
from enricher.vocabulary.ngram_rows import Keys, RowTable, extension_keys, pair_keys, shifted, token_rows
from enricher.vocabulary.token_stream import PART_TOKENS, TokenStream

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
        return pair_keys(self.prefixes, self.lasts, vocabulary)


@dataclass(frozen=True)
class NgramTable:
    """The levels of lengths 1, 2, … of a stream. tokens: their number, without breaks."""

    levels: tuple[NgramLevel, ...]
    vocabulary: int
    tokens: int
    _tables: dict[int, RowTable] = field(default_factory=dict, repr=False)

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
        longest, size = len(self.levels), len(stream)
        for start in range(0, size, PART_TOKENS):
            part = stream.part(start, start + PART_TOKENS + longest)
            for counts, rows in zip(found, self.places_in(part), strict=True):
                here = rows[:PART_TOKENS]
                counts += np.bincount(here[here >= 0], minlength=len(counts))
            progress("counting the background", min(start + PART_TOKENS, size), size)
        return found

    @cached_property
    def _first_rows(self) -> IntArray:
        return token_rows(self.levels[0].lasts, self.vocabulary)

    def places_in(self, part: IntArray) -> Iterator[IntArray]:
        """For every length, the rows of the n-grams that begin at each token of a text.

        part: int32 (n,). Yields int32 (n,), −1 where no frequent n-gram begins.
        """
        at = self._first_rows[part]
        yield at
        for length, level in enumerate(self.levels[1:], start=1):
            table = self._tables.get(length)
            if table is None:
                table = self._tables[length] = RowTable(level.keys(self.vocabulary))
            at = table.find(extension_keys(at, shifted(part, length, len(part)), self.vocabulary))
            yield at
