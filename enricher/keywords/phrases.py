"""Keywords as phrases: runs of adjacent words, not the fragments that a segmenter leaves.

A run is a longest sequence of lexical words that touch; English verbs part runs too. A candidate is a
content word, or a part of a run of two to LONGEST different words: in English any, in Chinese one that
occurs twice in the document, or that the training text holds, or that is a whole run of two words in the
title.

The score of a candidate is a sum of parts with the `Weights` of the language:

    tf          ln ln(1 + occurrences)
    idf         ln min(Σ idf of its words, cap)
    title       whether it stands in the title
    place       −ln(.03 + the share of the document before its first occurrence)
    freedom     ln(1 + the lower entropy of its neighbours in the training text)
    alone       share of its occurrences that are a whole run
    inside      share of its occurrences inside a longer candidate, at most 1
    short       whether it is a single word of one or two characters
    single      whether it is a single word
    long        words beyond the usual length

and in English of how well its first word opens a phrase and its last word closes one, by the company that
they keep (`enricher.keywords.word_facts`). A logistic function makes it the probability that the author of a
text of N words names the candidate, which is the score of a keyword: a threshold means the same in every
document,

    p = 1 / (1 + exp(−(scale · score + shift − ½ ln(N / 100))))

A candidate that is contained in a better one is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from enricher.keywords.word_facts import Facts, WordFacts
from enricher.model.arrays import DoubleArray
from enricher.model.usage import Keys, Usage, phrase_keys
from enricher.model.word2vec import Word2Vec
from enricher.records import AnalyzedDocument, Keyword, Token
from enricher.text import stem
from enricher.text.names import parts_of, spelled
from enricher.text.scripts import CHINESE_SHARE
from enricher.text.stretches import stretches

LEAST_PLACE = 0.03
USUAL_WORDS, LENGTH_SHARE = 100, 0.5

Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Weights:
    """What the parts of a score weigh; `cap` of the idf, `usual` length; `scale` and `shift` of the score."""

    tf: float
    idf: float
    cap: float
    title: float
    place: float
    freedom: float
    alone: float
    inside: float
    short: float
    single: float
    long: float
    usual: int
    scale: float
    shift: float


CHINESE = Weights(
    tf=1.0, idf=1.0, cap=10.0, title=0.6, place=0.0, freedom=0.3, alone=0.0, inside=-0.2, short=-0.3,
    single=0.0, long=-0.15, usual=2, scale=1.7, shift=-6.2,
)  # fmt: skip
ENGLISH = Weights(
    tf=1.4, idf=1.5, cap=9.0, title=0.0, place=0.15, freedom=0.4, alone=1.0, inside=0.0, short=0.0,
    single=-0.6, long=-0.15, usual=3, scale=1.5, shift=-7.7,
)  # fmt: skip


class PhraseExtractor:
    """Finds the keywords of documents. usage: None where the model does not say how words are used."""

    def __init__(
        self,
        word2vec: Word2Vec,
        usage: Usage | None,
        chinese: Weights = CHINESE,
        english: Weights = ENGLISH,
    ) -> None:
        self._usage = usage
        self._facts = WordFacts(word2vec, usage)
        self._chinese, self._english = chinese, english

    def keywords(self, document: AnalyzedDocument, top: int, title_field: str | None = None) -> list[Keyword]:
        """The best phrases of a document, best first, with their probabilities."""
        words = _words_of(document, title_field, self._facts)
        if not words.tokens:
            return []
        candidates = _candidates_of(words, self._usage)
        scores = _scores(candidates, words, self._chinese if words.is_chinese else self._english)
        order = np.lexsort((candidates.starts, -scores))
        return _best(words, candidates, scores, order, top)


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a document, N of them: with the text that each stands in, FACTS (N,), and bool (N,).

    joined: whether a word and the next may be in one phrase. is_chinese: whether the document is.
    """

    tokens: list[tuple[str, Token]]
    facts: Facts
    joined: Flags
    in_title: Flags
    is_chinese: bool


def _words_of(document: AnalyzedDocument, title_field: str | None, known: WordFacts) -> _Words:
    """The words of all fields."""
    tokens: list[tuple[str, Token]] = []
    ends: list[int] = []
    in_title: list[bool] = []
    for name, found in document.tokens.items():
        text = document.text(name)
        in_title += [name == title_field] * len(found)
        for stretch in stretches(text, found):
            tokens += [(text, token) for token in stretch]
            ends.append(len(tokens) - 1)
    facts = known.of([token.text for _, token in tokens])
    keys, in_runs = facts["key"], facts["in_runs"]
    joined = np.zeros(len(tokens), np.bool_)
    joined[:-1] = in_runs[:-1] & in_runs[1:] & (keys[:-1] != keys[1:])
    joined[ends] = False
    is_chinese = bool(facts["is_han"].sum() >= CHINESE_SHARE * len(tokens))
    return _Words(tokens, facts, joined, np.array(in_title, np.bool_), is_chinese)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The candidates of a document, n of them, as arrays (n,): the place of the first word at the first
    occurrence, the number of words, that of occurrences, and parts of the score.
    """

    starts: Integers
    lengths: Integers
    counts: Integers
    freedom: DoubleArray
    alone: DoubleArray
    inside: DoubleArray
    in_title: Flags


@dataclass(frozen=True, slots=True)
class _Occurrences:
    """Every part of a run, with repetitions, the shorter ones first: keys and places (m,), both of those of
    each length in a slice.
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
    freedom, known = np.zeros(len(keys)), np.zeros(len(keys), np.bool_)
    if usage is not None:
        rows = usage.find(keys)
        known = rows >= 0
        freedom[known] = usage.freedom[rows[known]]
    goes_on = np.append(words.joined, False)
    is_whole = ~goes_on[found.places - 1] & ~goes_on[found.places + found.lengths - 1]
    alone = np.bincount(which, is_whole, len(keys)) / counts
    in_title = np.bincount(which, words.in_title[found.places], len(keys)) > 0
    if words.is_chinese:
        is_phrase = (counts > 1) | known | ((lengths == 2) & in_title & (alone == 1))
    else:
        is_phrase = np.ones(len(keys), np.bool_)
    kept = np.where(lengths == 1, words.facts["is_content"][starts], is_phrase)
    inside = np.minimum(_counts_inside(found, which, np.where(kept, counts, 0)) / counts, 1.0)
    return _Candidates(
        starts[kept], lengths[kept], counts[kept], freedom[kept], alone[kept], inside[kept], in_title[kept]
    )


def _occurrences(words: _Words) -> _Occurrences:
    word_keys = words.facts["key"]
    fits = words.facts["in_runs"].copy()
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
    """Of every part of a run how often the most frequent longer candidate occurs that holds it.

    counts: of candidates, 0 of other parts.
    """
    inside = np.zeros(len(counts), np.int64)
    numbers = np.zeros(int(found.places.max(initial=0)) + 2, np.int64)
    for shorter, longer in reversed(list(zip(found.slices, found.slices[1:], strict=False))):
        numbers[found.places[shorter]] = which[shorter]
        holders, starts = which[longer], found.places[longer]
        most = np.maximum(counts[holders], inside[holders])
        np.maximum.at(inside, numbers[starts], most)
        np.maximum.at(inside, numbers[starts + 1], most)
    return inside


def _scores(found: _Candidates, words: _Words, weights: Weights) -> DoubleArray:
    """The probability of every candidate, float64 (n,)."""
    facts, ends, size = words.facts, found.starts + found.lengths, len(words.tokens)
    sums = np.append(0.0, np.cumsum(facts["idf"]))
    is_single = (found.lengths == 1) & ~facts["is_name"][found.starts]
    parts = (
        (weights.tf, np.log(np.log1p(found.counts))),
        (weights.idf, np.log(np.clip(sums[ends] - sums[found.starts], 1e-9, weights.cap))),
        (weights.title, found.in_title),
        (weights.place, -np.log(LEAST_PLACE + found.starts / size)),
        (weights.freedom, np.log1p(found.freedom)),
        (weights.alone, found.alone),
        (weights.inside, found.inside),
        (weights.short, is_single & facts["is_short"][found.starts]),
        (weights.single, is_single),
        (weights.long, np.maximum(found.lengths - weights.usual, 0)),
        (0.0 if words.is_chinese else 1.0, facts["opening"][found.starts] + facts["closing"][ends - 1]),
    )
    score = sum((weight * values for weight, values in parts if weight), np.zeros(len(found.starts)))
    logits = weights.scale * score + weights.shift - LENGTH_SHARE * np.log(size / USUAL_WORDS)
    return np.asarray(1 / (1 + np.exp(-logits)))


def _best(words: _Words, found: _Candidates, scores: DoubleArray, order: Integers, top: int) -> list[Keyword]:
    """The first candidates in an order that no better one contains, and names that occur without those."""
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
    """The stem of a word, or those of the words of a name."""
    return " ".join(map(stem, parts_of(word)))


def _is_more_frequent_name(words: _Words, found: _Candidates, place: int, stems: str, taken: str) -> bool:
    """Whether a candidate is a name that occurs more often than every better one that contains it."""
    if found.lengths[place] > 1 or not words.facts["is_name"][found.starts[place]]:
        return False
    holders = [holder for holder in taken.split("|") if stems in holder]
    return all(int(holder.split(" ", 1)[0]) < found.counts[place] for holder in holders)


def _form(tokens: Sequence[tuple[str, Token]]) -> str:
    """A word as it is indexed, a phrase as it stands in the text, normalised."""
    text, first = tokens[0]
    if len(tokens) == 1:
        return first.text
    return spelled(text[first.start : tokens[-1][1].end])
