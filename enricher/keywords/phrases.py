"""Keywords as phrases: words and sequences of adjacent words, ranked by a score.

A run is a maximal sequence of adjacent lexical words (no stop words, numbers or quantities). English verbs
split runs too. A candidate is a content word, or a sub-sequence of a run with 2 to MAX_PHRASE_WORDS different
words. In English every such sequence is a candidate. In Chinese it must occur twice in the document, or occur
in the training text, or be a whole run of two words in the title.

The score of a candidate is a weighted sum, with the `Weights` of the language:

    tf                ln ln(1 + occurrences)
    idf               ln min(Σ idf of its words, cap)
    title             1 if it occurs in the title
    place             −ln(0.03 + the share of the document before its first occurrence)
    boundary_entropy  ln(1 + the lower entropy of its left and right neighbors in the training text)
    alone             share of its occurrences that are a whole run
    inside            share of its occurrences inside a longer candidate, at most 1
    short             1 if it is a single word of one or two characters
    single            1 if it is a single word
    long              number of words above the usual length

In English, two scores are added: how well its first word begins a phrase, and how well its last word ends one
(`enricher.keywords.word_features`).

The score of the keyword is the probability that the author of a text of N words would name the candidate. So
a threshold has the same meaning in every document:

    p = 1 / (1 + exp(−(scale · score + shift − ½ ln(N / 100))))

A candidate that is part of a better keyword is dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from enricher.keywords.word_features import Features, WordFeatures
from enricher.model.arrays import DoubleArray
from enricher.model.usage import Keys, Usage, phrase_keys
from enricher.model.word2vec import Word2Vec
from enricher.records import AnalyzedDocument, Keyword, Token
from enricher.text import stem
from enricher.text.names import keyword_spelling, split_name
from enricher.text.scripts import CHINESE_SHARE
from enricher.text.word_runs import word_runs

MIN_POSITION = 0.03
USUAL_WORDS, LENGTH_SHARE = 100, 0.5

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of a score (see the module). cap: maximum idf sum. usual: usual number of words."""

    tf: float
    idf: float
    cap: float
    title: float
    place: float
    boundary_entropy: float
    alone: float
    inside: float
    short: float
    single: float
    long: float
    usual: int
    scale: float
    shift: float


CHINESE = Weights(
    tf=1.0, idf=1.0, cap=10.0, title=0.6, place=0.0, boundary_entropy=0.3, alone=0.0, inside=-0.2, short=-0.3,
    single=0.0, long=-0.15, usual=2, scale=1.7, shift=-6.2,
)  # fmt: skip
ENGLISH = Weights(
    tf=1.4, idf=1.5, cap=9.0, title=0.0, place=0.15, boundary_entropy=0.4, alone=1.0, inside=0.0, short=0.0,
    single=-0.6, long=-0.15, usual=3, scale=1.5, shift=-7.7,
)  # fmt: skip


class PhraseExtractor:
    """Extracts phrases as keywords. usage: phrase statistics of the training text; None if there are none."""

    def __init__(
        self,
        word2vec: Word2Vec,
        usage: Usage | None,
        chinese: Weights = CHINESE,
        english: Weights = ENGLISH,
    ) -> None:
        self._usage = usage
        self._features = WordFeatures(word2vec, usage)
        self._chinese, self._english = chinese, english

    def keywords(self, document: AnalyzedDocument, top: int, title_field: str | None = None) -> list[Keyword]:
        """The `top` best phrases of a document with their probabilities, best first."""
        words = _words_of(document, title_field, self._features)
        if not words.tokens:
            return []
        candidates = _candidates_of(words, self._usage)
        scores = _scores(candidates, words, self._chinese if words.is_chinese else self._english)
        order = np.lexsort((candidates.starts, -scores))
        return _best(words, candidates, scores, order, top)


@dataclass(frozen=True, slots=True)
class _Words:
    """The N words of a document.

    tokens: each token with the text of its field. features: WORD_FEATURES (N,). joined: bool (N,), whether
    a word and the next one can be in one phrase. in_title: bool (N,). is_chinese: whether the document is
    Chinese.
    """

    tokens: list[tuple[str, Token]]
    features: Features
    joined: Flags
    in_title: Flags
    is_chinese: bool


def _words_of(document: AnalyzedDocument, title_field: str | None, known: WordFeatures) -> _Words:
    """The words of all fields of a document, names joined to one word each."""
    tokens: list[tuple[str, Token]] = []
    ends: list[int] = []
    in_title: list[bool] = []
    for name, found in document.tokens.items():
        text = document.text(name)
        in_title += [name == title_field] * len(found)
        for run in word_runs(text, found):
            tokens += [(text, token) for token in run]
            ends.append(len(tokens) - 1)
    features = known.of([token.text for _, token in tokens])
    keys, in_runs = features["key"], features["in_runs"]
    joined = np.zeros(len(tokens), np.bool_)
    joined[:-1] = in_runs[:-1] & in_runs[1:] & (keys[:-1] != keys[1:])
    joined[ends] = False
    is_chinese = bool(features["is_han"].sum() >= CHINESE_SHARE * len(tokens))
    return _Words(tokens, features, joined, np.array(in_title, np.bool_), is_chinese)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The n candidates of a document, as arrays (n,).

    starts: index of the first word of the first occurrence. lengths: number of words. counts: number of
    occurrences. The other arrays are the components of the score with these names.
    """

    starts: Integers
    lengths: Integers
    counts: Integers
    boundary_entropy: DoubleArray
    alone: DoubleArray
    inside: DoubleArray
    in_title: Flags


@dataclass(frozen=True, slots=True)
class _Occurrences:
    """All m occurrences of sub-sequences of runs, sorted by length.

    keys, places, lengths: (m,), the key of the sequence, the index of its first word, its number of words.
    slices: the occurrences of each length, from 1 word on.
    """

    keys: Keys
    places: Integers
    lengths: Integers
    slices: list[slice]


def _candidates_of(words: _Words, usage: Usage | None) -> _Candidates:
    found = _occurrences(words)
    keys, first, which, counts = np.unique(
        found.keys, return_index=True, return_inverse=True, return_counts=True
    )
    starts, lengths = found.places[first], found.lengths[first]
    boundary_entropy, known = np.zeros(len(keys)), np.zeros(len(keys), np.bool_)
    if usage is not None:
        rows = usage.find(keys)
        known = rows >= 0
        boundary_entropy[known] = usage.boundary_entropy[rows[known]]
    goes_on = np.append(words.joined, False)
    is_whole = ~goes_on[found.places - 1] & ~goes_on[found.places + found.lengths - 1]
    alone = np.bincount(which, is_whole, len(keys)) / counts
    in_title = np.bincount(which, words.in_title[found.places], len(keys)) > 0
    if words.is_chinese:
        is_phrase = (counts > 1) | known | ((lengths == 2) & in_title & (alone == 1))
    else:
        is_phrase = np.ones(len(keys), np.bool_)
    kept = np.where(lengths == 1, words.features["is_content"][starts], is_phrase)
    inside = np.minimum(_counts_inside(found, which, np.where(kept, counts, 0)) / counts, 1.0)
    return _Candidates(
        starts[kept],
        lengths[kept],
        counts[kept],
        boundary_entropy[kept],
        alone[kept],
        inside[kept],
        in_title[kept],
    )


def _occurrences(words: _Words) -> _Occurrences:
    word_keys = words.features["key"]
    fits = words.features["in_runs"].copy()
    places, keys, slices = [], [], []
    number = 0
    for length, all_keys in enumerate(phrase_keys(word_keys), 1):
        if length > 1:
            fits = fits[:-1] & words.joined[length - 2 : -1]
            for before in range(length - 1):
                fits &= word_keys[before : before + len(fits)] != word_keys[length - 1 :]
        starts = np.flatnonzero(fits)
        places.append(starts)
        keys.append(all_keys[starts])
        slices.append(slice(number, number := number + len(starts)))
    lengths = np.repeat(np.arange(1, len(places) + 1), [len(starts) for starts in places])
    return _Occurrences(np.concatenate(keys), np.concatenate(places), lengths, slices)


def _counts_inside(found: _Occurrences, which: Integers, counts: Integers) -> Integers:
    """For every sequence, the count of the most frequent longer candidate that contains it, int64 (n,).

    which: (m,), the number of the sequence of each occurrence. counts: (n,), occurrences of candidates; 0 for
    sequences that are not candidates.
    """
    inside = np.zeros(len(counts), np.int64)
    numbers = np.zeros(int(found.places.max(initial=0)) + 2, np.int64)
    for shorter, longer in reversed(list(zip(found.slices, found.slices[1:], strict=False))):
        numbers[found.places[shorter]] = which[shorter]
        holders, starts = which[longer], found.places[longer]
        largest = np.maximum(counts[holders], inside[holders])
        np.maximum.at(inside, numbers[starts], largest)
        np.maximum.at(inside, numbers[starts + 1], largest)
    return inside


def _scores(found: _Candidates, words: _Words, weights: Weights) -> DoubleArray:
    """The probability of every candidate, float64 (n,)."""
    features, ends, size = words.features, found.starts + found.lengths, len(words.tokens)
    sums = np.append(0.0, np.cumsum(features["idf"]))
    is_single = (found.lengths == 1) & ~features["is_name"][found.starts]
    parts = (
        (weights.tf, np.log(np.log1p(found.counts))),
        (weights.idf, np.log(np.clip(sums[ends] - sums[found.starts], 1e-9, weights.cap))),
        (weights.title, found.in_title),
        (weights.place, -np.log(MIN_POSITION + found.starts / size)),
        (weights.boundary_entropy, np.log1p(found.boundary_entropy)),
        (weights.alone, found.alone),
        (weights.inside, found.inside),
        (weights.short, is_single & features["is_short"][found.starts]),
        (weights.single, is_single),
        (weights.long, np.maximum(found.lengths - weights.usual, 0)),
        (0.0 if words.is_chinese else 1.0, features["opening"][found.starts] + features["closing"][ends - 1]),
    )
    score = sum((weight * values for weight, values in parts if weight), np.zeros(len(found.starts)))
    logits = weights.scale * score + weights.shift - LENGTH_SHARE * np.log(size / USUAL_WORDS)
    return np.asarray(1 / (1 + np.exp(-logits)))


def _best(words: _Words, found: _Candidates, scores: DoubleArray, order: Integers, top: int) -> list[Keyword]:
    """The `top` first candidates in `order`, without those that are part of a better one.

    A name is kept if it occurs more often than the better candidates that contain it.
    """
    chosen: list[Keyword] = []
    taken = "|"
    for place in order.tolist():
        start = int(found.starts[place])
        tokens = words.tokens[start : start + int(found.lengths[place])]
        stems = f" {' '.join([_stems(token.text) for _, token in tokens])} "
        if stems in taken and not _is_more_frequent_name(words, found, place, stems, taken):
            continue
        taken += f"{found.counts[place]}{stems}|"
        chosen.append(Keyword(_form(tokens), float(scores[place])))
        if len(chosen) == top:
            break
    return chosen


@lru_cache(maxsize=2**15)
def _stems(word: str) -> str:
    """The stem of a word; of a name, the stems of its words."""
    return " ".join(map(stem, split_name(word)))


def _is_more_frequent_name(words: _Words, found: _Candidates, place: int, stems: str, taken: str) -> bool:
    """Whether a candidate is a name that occurs more often than every better candidate that contains it."""
    if found.lengths[place] > 1 or not words.features["is_name"][found.starts[place]]:
        return False
    holders = [holder for holder in taken.split("|") if stems in holder]
    return all(int(holder.split(" ", 1)[0]) < found.counts[place] for holder in holders)


def _form(tokens: Sequence[tuple[str, Token]]) -> str:
    """The text of a keyword: a word as it is indexed; a phrase as in the document, normalized."""
    text, first = tokens[0]
    if len(tokens) == 1:
        return first.text
    return keyword_spelling(text[first.start : tokens[-1][1].end])
