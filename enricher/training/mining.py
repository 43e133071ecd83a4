"""Mine the usage statistics of words and phrases from a sample of the training text.

A phrase is one to MAX_PHRASE_WORDS adjacent lexical words that occur MIN_OCCURRENCES times or more. No
phrase is more frequent than its sub-phrases. So a longer phrase is counted only if both phrases that are
one word shorter were kept.

The boundary entropy of a phrase is the entropy of the words beside it, on the side where it is lower. It is
high for a complete unit, which occurs beside many words, and low for a fragment, which is always followed
or preceded by the same word. The beginning or end of a run counts as a distinct word each time.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import DoubleArray, IntArray
from enricher.model.usage import (
    ANY_ENDING,
    ENDING_LETTERS,
    MAX_PHRASE_WORDS,
    Keys,
    Role,
    Usage,
    extended_keys,
    key_of,
    sorted_rows,
)
from enricher.parallel import document_batches, map_in_order
from enricher.records import Document
from enricher.text import Analyzer, is_lexical
from enricher.text.markup import without_filler
from enricher.text.word_runs import word_runs

MIN_OCCURRENCES = 3
"""Minimum occurrences of a phrase."""
MAX_SAMPLE_WORDS = 4_000_000
"""Maximum words of the sample; later documents are ignored."""

# fmt: off
DETERMINERS = frozenset((
    "the", "a", "an", "this", "these", "that", "those", "its", "their", "his", "her", "our", "your", "my",
    "each", "every", "some", "any", "such", "all", "both", "several", "many", "no", "another", "either",
    "neither",
))
BEFORE_VERBS = frozenset((
    "to", "we", "they", "i", "you", "it", "which", "who", "he", "she", "can", "will", "may", "could",
    "should", "would", "must", "might", "cannot", "not", "do", "does", "did", "is", "are", "was", "were",
    "be", "been", "being", "am", "has", "have", "had",
))
# fmt: on
OWN_ENDING_WEIGHT = 4.0
"""Weight of the words with the same ending, in occurrences, when shares of a word are smoothed."""
SHORTER_ENDING_WEIGHT = 20.0
"""Weight of the next shorter ending, in occurrences, when shares of an ending are smoothed."""

GAP = -1
Shares = DoubleArray


@dataclass(frozen=True, slots=True)
class WordRunSegmenter:
    """Segments batches of documents into word runs."""

    analyzer: Analyzer
    fields: tuple[str, ...]

    def __call__(self, documents: Sequence[Document]) -> list[list[list[str]]]:
        return [list(self._cut(document)) for document in documents]

    def _cut(self, document: Document) -> Iterator[list[str]]:
        analyzer = self.analyzer.stripping_html(False)
        for field in self.fields:
            text = document.text(field)
            if self.analyzer.strips_html:
                text = without_filler(self.analyzer.visible(text))
            for run in word_runs(text, analyzer.tokens(text)):
                yield [token.text for token in run]


@dataclass(frozen=True, slots=True)
class WordStream:
    """The words of a sample as word numbers in one array, with GAP between runs and at both ends.

    words: int32 (N,). places: int32 (N,), the document number of each. vocabulary: the words by number.
    """

    vocabulary: list[str]
    words: IntArray
    places: IntArray

    @property
    def documents(self) -> int:
        return int(self.places[-1]) + 1 if len(self.places) else 0


def mine(documents: Iterable[Document], fields: Sequence[str], analyzer: Analyzer, workers: int = 1) -> Usage:
    """Compute the usage statistics of documents, which are segmented by `workers` processes."""
    work = WordRunSegmenter(analyzer, tuple(fields))
    with closing(map_in_order(work, document_batches(documents, fields), workers)) as cut:
        return mine_word_runs(chain.from_iterable(batch for _, batch in cut))


def mine_word_runs(documents: Iterable[Sequence[Sequence[str]]]) -> Usage:
    """Compute the usage statistics of documents that are segmented into word runs."""
    stream = _stream(documents)
    keys = np.array([key_of(word) for word in stream.vocabulary], np.uint64)
    lexical = np.array([is_lexical(word) for word in stream.vocabulary], np.bool_)
    phrases = _phrases(stream, keys, lexical)
    return Usage(stream.documents, *phrases, *_roles(stream, lexical))


def _stream(documents: Iterable[Sequence[Sequence[str]]]) -> WordStream:
    numbers: dict[str, int] = {}
    words, places = array("i", [GAP]), array("i", [0])
    for place, found in enumerate(documents):
        if len(words) > MAX_SAMPLE_WORDS:
            break
        for run in found:
            words.extend([numbers.setdefault(word, len(numbers)) for word in run])
            words.append(GAP)
            places.extend([place] * (len(run) + 1))
    return WordStream(list(numbers), np.array(words, np.int32), np.array(places, np.int32))


def _phrases(
    stream: WordStream, keys: Keys, lexical: NDArray[np.bool_]
) -> tuple[Keys, NDArray[np.uint32], NDArray[np.float32]]:
    """The keys, document frequencies and boundary entropies of the kept phrases, sorted by key."""
    words = stream.words
    inside = words >= 0
    good = np.zeros(len(words), np.bool_)
    good[inside] = lexical[words[inside]]
    word_keys = np.zeros(len(words), np.uint64)
    word_keys[inside] = keys[words[inside]]
    found = []
    starts = np.flatnonzero(good)
    at = word_keys.copy()
    for length in range(1, MAX_PHRASE_WORDS + 1):
        if length > 1:
            kept = np.zeros(len(words) + 1, np.bool_)
            kept[starts] = True
            starts = starts[kept[starts + 1]]
            at[starts] = extended_keys(at[starts], word_keys[starts + length - 1])
        unique, which, counts = np.unique(at[starts], return_inverse=True, return_counts=True)
        often = counts >= MIN_OCCURRENCES
        starts, which = starts[often[which]], which[often[which]]
        which = (np.cumsum(often) - 1)[which]
        counts = counts[often]
        boundary_entropy = np.minimum(
            _entropy(which, words[starts - 1], counts), _entropy(which, words[starts + length], counts)
        )
        found.append((unique[often], _documents(which, stream.places[starts], len(counts)), boundary_entropy))
        if not len(starts):
            break
    every, documents, boundary_entropy = map(np.concatenate, zip(*found, strict=True))
    order = np.argsort(every)
    return every[order], documents[order].astype(np.uint32), boundary_entropy[order].astype(np.float32)


def _entropy(which: NDArray[np.int64], beside: IntArray, counts: NDArray[np.int64]) -> DoubleArray:
    """The entropy of the words beside each phrase, in nats, float64 (n,)."""
    there = beside >= 0
    pairs, times = np.unique((which[there] << 32) | beside[there], return_counts=True)
    known = np.bincount(pairs >> 32, times * np.log(times), len(counts))
    return np.asarray(np.log(counts) - known / counts)


def _documents(which: NDArray[np.int64], places: IntArray, number: int) -> NDArray[np.int64]:
    pairs = np.unique((which << 32) | places)
    return np.bincount(pairs >> 32, minlength=number)


def _roles(stream: WordStream, lexical: NDArray[np.bool_]) -> tuple[Keys, NDArray[np.float32]]:
    """The keys and context shares of frequent English words, and of word endings."""
    words, vocabulary = stream.words, stream.vocabulary
    before, at, after = words[:-2], words[1:-1], words[2:]
    english = np.array([word.isascii() and word.isalpha() for word in vocabulary], np.bool_)
    here = at >= 0
    here[here] = english[at[here]]
    before, at, after = before[here], at[here], after[here]

    def among(beside: IntArray, words: frozenset[str] | None) -> NDArray[np.bool_]:
        """Whether the word beside is in a set of words, or lexical if `words` is None; False at a gap."""
        member = lexical if words is None else np.array([word in words for word in vocabulary], np.bool_)
        return np.append(member, False)[beside]

    columns = {
        Role.BEFORE: among(after, None),
        Role.AFTER: among(before, None),
        Role.DETERMINED: among(before, DETERMINERS),
        Role.VERBAL: among(before, BEFORE_VERBS) | among(after, DETERMINERS),
    }
    size = len(vocabulary)
    counts = np.bincount(at, minlength=size)
    sums = np.stack([np.bincount(at, columns[role], size) for role in Role], axis=1).astype(np.float64)
    return _smoothed(vocabulary, counts, sums)


def _smoothed(
    vocabulary: Sequence[str], counts: NDArray[np.int64], sums: Shares
) -> tuple[Keys, NDArray[np.float32]]:
    """The context shares of words, smoothed with those of their endings, and the shares of the endings."""
    numbers: dict[str, list[int]] = {ANY_ENDING: []}
    seen = np.flatnonzero(counts).tolist()
    for number in seen:
        word = vocabulary[number]
        numbers[ANY_ENDING].append(number)
        for letters in ENDING_LETTERS:
            if len(word) > letters:
                numbers.setdefault(word[-letters:], []).append(number)
    shares: dict[str, Shares] = {}
    for ending in sorted(numbers, key=len):
        total, sum_ = counts[numbers[ending]].sum(), sums[numbers[ending]].sum(axis=0)
        if ending == ANY_ENDING:
            shares[ending] = sum_ / max(total, 1.0)
        else:
            shares[ending] = (sum_ + SHORTER_ENDING_WEIGHT * shares[_ending_of(ending, shares)]) / (
                total + SHORTER_ENDING_WEIGHT
            )
    table = {f"-{ending}": value for ending, value in shares.items()}
    for number in seen:
        if counts[number] >= MIN_OCCURRENCES:
            word = vocabulary[number]
            start = shares[_ending_of(word, shares)]
            table[word] = (sums[number] + OWN_ENDING_WEIGHT * start) / (counts[number] + OWN_ENDING_WEIGHT)
    keys, order = sorted_rows([key_of(name) for name in table])
    values = np.array(list(table.values()), np.float32).reshape(-1, len(Role))
    return keys, values[order]


def _ending_of(word: str, shares: Mapping[str, Shares]) -> str:
    """The longest known ending of a word, or of a extended_keys ending."""
    return next((word[-n:] for n in ENDING_LETTERS if len(word) > n and word[-n:] in shares), ANY_ENDING)
