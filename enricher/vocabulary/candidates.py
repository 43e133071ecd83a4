"""Candidates for terms: runs of words that are cohesive and free on both sides.

A candidate is a sequence of one to MAX_TERM_WORDS words without stop words that occurs often enough. It must
be free on both sides (boundary entropy), its words must belong together (cohesion), and it must not be a part
of one longer candidate (nested).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import FloatArray, IntArray
from enricher.text import STOP_WORDS
from enricher.text.dictionary import dictionary
from enricher.text.scripts import HAN_RUN
from enricher.vocabulary.ngrams import NgramTable
from enricher.vocabulary.rules import Rules

MAX_TERM_WORDS = 4
MIN_CHARACTERS, MAX_HAN_CHARACTERS, MAX_CHARACTERS = 2, 8, 40
MIN_COUNT, MIN_SMALL_COUNT, SMALL_CORPUS_WORDS = 5, 3, 1_000_000
"""Minimum occurrences of a term; the second in a corpus with fewer words than the third."""
MIN_RATE = 2e-6
"""Minimum share of a term in the words of the corpus."""
MAX_MIN_COUNT = 50
"""Maximum of the count that follows from MIN_RATE: in a large corpus, rare terms are terms too."""
MIN_ENTROPY = 1.0
MIN_COHESION = 2.0
MAX_NESTED = 0.9

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Candidates:
    """K candidates.

    terms: as they are written, normalized. sequences: the numbers of their words, −1 after the last: int32
    (K, MAX_TERM_WORDS). lengths: number of words. counts, isolated: occurrences, and those between
    boundaries. left, right: boundary entropies in nats. cohesion: in nats, infinity for one word. nested:
    share within the most frequent extension. background: occurrences in the background. first: place of the
    first occurrence in the stream. levels, rows: where each is in the table of n-grams.
    """

    terms: NDArray[Any]
    sequences: IntArray
    lengths: Integers
    counts: Integers
    isolated: Integers
    left: FloatArray
    right: FloatArray
    cohesion: FloatArray
    nested: FloatArray
    background: Integers
    first: Integers
    last: Integers
    rows: Integers

    def __len__(self) -> int:
        return len(self.terms)

    @property
    def boundary_entropy(self) -> FloatArray:
        """The lower entropy of both sides, float32 (K,)."""
        return np.minimum(self.left, self.right)

    def part(self, chosen: NDArray[Any]) -> "Candidates":
        """Some of the candidates. chosen: bool (K,), or numbers."""
        return Candidates(*(getattr(self, one.name)[chosen] for one in fields(self)))

    def with_background(self, counts: Integers) -> "Candidates":
        """The candidates with other counts in the background."""
        return replace(self, background=counts)


def min_count_of(tokens: int) -> int:
    """The minimum occurrences of a term in a corpus of so many words."""
    least = MIN_SMALL_COUNT if tokens < SMALL_CORPUS_WORDS else MIN_COUNT
    return max(least, min(MAX_MIN_COUNT, int(MIN_RATE * tokens)))


def is_inner(words: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each word may be a part of a term: no stop words."""
    return np.fromiter((word not in STOP_WORDS for word in words), np.bool_, len(words))


def candidates_of(table: NgramTable, background: Sequence[Integers], words: Sequence[str]) -> Candidates:
    """All candidates that can be written as a term, without any threshold."""
    parts = [
        _level(table, length, background[length - 1], words) for length in range(1, len(table.levels) + 1)
    ]
    return Candidates(
        *(np.concatenate([getattr(one, name.name) for one in parts]) for name in fields(Candidates))
    )


def _level(table: NgramTable, length: int, background: Integers, words: Sequence[str]) -> Candidates:
    level, numbers = table.levels[length - 1], table.sequences(length)
    terms = [written([words[number] for number in row]) for row in numbers.tolist()]
    sequences = np.full((len(level), MAX_TERM_WORDS), -1, np.int32)
    sequences[:, :length] = numbers
    found = Candidates(
        np.array([*terms, ""], object)[:-1],
        sequences,
        np.full(len(level), length, np.int64),
        level.counts,
        level.isolated,
        level.left,
        level.right,
        table.cohesion(length),
        table.nested(length),
        background,
        level.first,
        level.last,
        np.arange(len(level)),
    )
    return found.part(np.fromiter(map(_can_be_written, terms), np.bool_, len(terms)))


def written(words: Sequence[str]) -> str:
    """The words of a term as one string: a space stands between words of other letters only."""
    term = ""
    for word in words:
        latin = term and _is_latin(term[-1]) and _is_latin(word[0])
        term += f" {word}" if latin else word
    return term


def _is_latin(character: str) -> bool:
    return HAN_RUN.match(character) is None


def _can_be_written(term: str) -> bool:
    if len(term) < MIN_CHARACTERS or len(term) > MAX_CHARACTERS:
        return False
    return HAN_RUN.fullmatch(term) is None or len(term) <= MAX_HAN_CHARACTERS


def is_cohesive(found: Candidates) -> NDArray[np.bool_]:
    """Whether candidates are complete units: free on both sides, cohesive, no part of one longer unit."""
    return (
        (found.boundary_entropy >= MIN_ENTROPY)
        & (found.cohesion >= MIN_COHESION)
        & (found.nested < MAX_NESTED)
    )


def accepted(found: Candidates, words: Sequence[str], rules: Rules, min_count: int) -> Candidates:
    """The candidates that pass all thresholds and rules."""
    kept = found.part(is_cohesive(found) & (found.counts >= min_count))
    tag = cache(_tagger())
    lasts = kept.sequences[np.arange(len(kept)), kept.lengths - 1].tolist()
    return kept.part(
        np.fromiter(
            (
                rules.accept(term, tag(words[last]))
                for term, last in zip(kept.terms.tolist(), lasts, strict=True)
            ),
            np.bool_,
            len(kept),
        )
    )


def _tagger() -> Callable[[str], str]:
    """Looks up the tag of a word in the dictionary: x if it is missing, "" for a word that is not Han."""
    tags = dictionary().tags
    return lambda word: tags.get(word, "x") if HAN_RUN.search(word) else ""
