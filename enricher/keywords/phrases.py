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
    once              1 if it occurs once
    letters           number of its words that are a single letter

In English, two scores are added: how well its first word begins a phrase, and how well its last word ends one
(`enricher.keywords.word_features`).

The score of the keyword is the probability that the author of a text of N words would name the candidate. So
a threshold has the same meaning in every document:

    p = 1 / (1 + exp(−(scale · score + shift − ½ ln(N / 100))))

A candidate that is part of a better keyword is dropped.

Documents of more than MAX_SHORT_WORDS words have their own weights: papers and reports begin with a summary,
and a phrase that occurs once in them is hardly ever a keyword.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from enricher.keywords.word_features import Features, WordFeatures
from enricher.model.arrays import DoubleArray
from enricher.model.usage import Keys, PhraseTable, Usage
from enricher.model.word2vec import Word2Vec
from enricher.records import AnalyzedDocument, Keyword, Token
from enricher.text import stem
from enricher.text.names import keyword_spelling, split_name
from enricher.text.scripts import CHINESE_SHARE
from enricher.text.word_runs import word_runs

MIN_POSITION = 0.03
USUAL_WORDS, LENGTH_SHARE = 100, 0.5
MAX_SHORT_WORDS = 600
"""Maximum words of a short document, such as an abstract."""

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
    once: float
    letters: float
    edges: float
    usual: int
    scale: float
    shift: float


CHINESE = Weights(
    tf=1.0, idf=1.0, cap=10.0, title=0.6, place=0.0, boundary_entropy=0.3, alone=0.0, inside=-0.2, short=-0.3,
    single=0.0, long=-0.15, once=0.0, letters=0.0, edges=0.0, usual=2, scale=1.7, shift=-6.2,
)  # fmt: skip
ENGLISH = Weights(
    tf=1.4, idf=1.5, cap=9.0, title=0.0, place=0.15, boundary_entropy=0.4, alone=1.0, inside=0.0, short=0.0,
    single=-0.6, long=-0.15, once=0.0, letters=0.0, edges=1.0, usual=3, scale=1.5, shift=-7.7,
)  # fmt: skip
LONG_CHINESE = replace(CHINESE, place=0.5, once=-1.0, letters=-0.5, shift=-7.0)
LONG_ENGLISH = Weights(
    tf=2.0, idf=1.3, cap=9.0, title=0.0, place=1.0, boundary_entropy=0.4, alone=0.7, inside=0.0, short=0.0,
    single=-1.0, long=-0.15, once=-2.0, letters=-0.7, edges=1.4, usual=3, scale=1.0, shift=-6.6,
)  # fmt: skip


class PhraseExtractor:
    """Extracts phrases as keywords.

    usage: phrase statistics of the training text; None if there are none. The weights are those of short
    documents, and of long ones.
    """

    def __init__(
        self,
        word2vec: Word2Vec,
        usage: Usage | None,
        chinese: Weights = CHINESE,
        english: Weights = ENGLISH,
        long_chinese: Weights = LONG_CHINESE,
        long_english: Weights = LONG_ENGLISH,
    ) -> None:
        self._usage = usage
        self._features = WordFeatures(word2vec, usage)
        self._weights = ((english, long_english), (chinese, long_chinese))

    def keywords(
        self, documents: Sequence[AnalyzedDocument], top: int, title_field: str | None = None
    ) -> list[list[Keyword]]:
        """The `top` best phrases of each document with their probabilities, best first."""
        texts = [_text_of(document, title_field) for document in documents]
        if not any(text.tokens for text in texts):
            return [[] for _ in documents]
        from enricher.model import phrase_kernels  # load compiled code only if needed

        words = _words_of(texts, self._features)
        found = self._candidates(words)
        scores = self._scores(found, words)
        order = phrase_kernels.rank(scores, found.places, found.keys, found.ends)
        return _best(texts, words, found, scores, order, top)

    def _candidates(self, words: "_Words") -> "_Candidates":
        from enricher.model import phrase_kernels

        features = words.features
        columns = (
            *(np.ascontiguousarray(features[name]) for name in ("key", "in_runs", "is_content")),
            words.in_title,
            words.is_last,
            np.ascontiguousarray(features["idf"]),
        )
        table = self._table
        known = table.keys, table.entropies, table.buckets, table.shift
        found = phrase_kernels.candidates_of_texts(columns, words.starts, words.is_chinese, *known)
        return _Candidates(*found)

    @cached_property
    def _table(self) -> PhraseTable:
        return PhraseTable.of(self._usage)

    def _scores(self, found: "_Candidates", words: "_Words") -> DoubleArray:
        """The probability of every candidate, float64 (n,)."""
        text = np.repeat(np.arange(len(words.is_chinese)), np.diff(found.ends, prepend=0))
        is_chinese, is_long = words.is_chinese[text], (np.diff(words.starts) > MAX_SHORT_WORDS)[text]
        scores = np.empty(len(text))
        for chinese, long in product((False, True), repeat=2):
            chosen = (is_chinese == chinese) & (is_long == long)
            if chosen.any():
                weights = self._weights[chinese][long]
                scores[chosen] = _scores(found.part(chosen), words, text[chosen], weights)
        return scores


@dataclass(frozen=True, slots=True)
class _Text:
    """The words of a document, names joined to one word each.

    tokens: of all fields. fields: the text of each field, and the index at which its tokens end. lasts: the
    index of the last word of each run. titles: the first index and the end of the words in a title.
    """

    tokens: list[Token]
    fields: list[tuple[str, int]]
    lasts: list[int]
    titles: list[tuple[int, int]]


def _text_of(document: AnalyzedDocument, title_field: str | None) -> _Text:
    tokens: list[Token] = []
    fields: list[tuple[str, int]] = []
    lasts: list[int] = []
    titles: list[tuple[int, int]] = []
    start = 0
    for name, found in document.tokens.items():
        text = document.text(name)
        for run in word_runs(text, found):
            tokens += run
            lasts.append(len(tokens) - 1)
        fields.append((text, len(tokens)))
        if name == title_field:
            titles.append((start, start + len(found)))
        start += len(found)
    return _Text(tokens, fields, lasts, titles)


@dataclass(frozen=True, slots=True)
class _Words:
    """The N words of T documents.

    features: WORD_FEATURES (N,). starts: int64 (T + 1,); document t has the words starts[t] to starts[t + 1].
    is_last: bool (N,), whether a word is the last one of its run. in_title: bool (N,). is_chinese: bool (T,).
    """

    features: Features
    starts: Integers
    is_last: Flags
    in_title: Flags
    is_chinese: Flags


def _words_of(texts: Sequence[_Text], known: WordFeatures) -> _Words:
    features = known.of([token[0] for text in texts for token in text.tokens])
    starts = np.cumsum([0, *(len(text.tokens) for text in texts)])
    is_last, in_title = np.zeros(len(features), np.bool_), np.zeros(len(features), np.bool_)
    for text, start, end in zip(texts, starts.tolist(), starts[1:].tolist(), strict=False):
        is_last[start:end][text.lasts] = True
        for first, last in text.titles:
            in_title[start:end][first:last] = True
    han = np.append(0, np.cumsum(features["is_han"]))
    sizes = np.diff(starts)
    is_chinese = (han[starts[1:]] - han[starts[:-1]]) >= CHINESE_SHARE * sizes
    return _Words(features, starts, is_last, in_title, is_chinese)


@dataclass(frozen=True, slots=True)
class _Candidates:
    """The n candidates of T documents, ordered by document, then by place.

    ends: int64 (T,), where the candidates of each document end. The others are arrays (n,): keys of the
    sequences; places, the first word of the first occurrence, among all words; lengths, number of words;
    counts, number of occurrences; whole, how many of them are a whole run; inside, the count of the most
    frequent longer candidate that contains it; boundary_entropy; idf, the sum over its words; in_title.
    """

    ends: Integers
    keys: Keys
    places: Integers
    lengths: Integers
    counts: Integers
    whole: Integers
    inside: Integers
    boundary_entropy: DoubleArray
    idf: DoubleArray
    in_title: Flags

    def part(self, chosen: Flags) -> "_Candidates":
        """Some of the candidates. chosen: bool (n,)."""
        columns = (getattr(self, field.name)[chosen] for field in fields(self)[1:])
        return _Candidates(self.ends, *columns)


def _scores(found: _Candidates, words: _Words, text: Integers, weights: Weights) -> DoubleArray:
    """The probability of every candidate, float64 (n,). text: (n,), the document of each."""
    features, ends = words.features, found.places + found.lengths
    sizes = np.diff(words.starts)[text]
    letters = np.append(0, np.cumsum(features["is_letter"]))
    is_single = (found.lengths == 1) & ~features["is_name"][found.places]
    parts = (
        (weights.tf, np.log(np.log1p(found.counts))),
        (weights.idf, np.log(np.clip(found.idf, 1e-9, weights.cap))),
        (weights.title, found.in_title),
        (weights.place, -np.log(MIN_POSITION + (found.places - words.starts[text]) / sizes)),
        (weights.boundary_entropy, np.log1p(found.boundary_entropy)),
        (weights.alone, found.whole / found.counts),
        (weights.inside, np.minimum(found.inside / found.counts, 1.0)),
        (weights.short, is_single & features["is_short"][found.places]),
        (weights.single, is_single),
        (weights.long, np.maximum(found.lengths - weights.usual, 0)),
        (weights.once, found.counts == 1),
        (weights.letters, letters[ends] - letters[found.places]),
        (weights.edges, features["opening"][found.places] + features["closing"][ends - 1]),
    )
    score = sum((weight * values for weight, values in parts if weight), np.zeros(len(text)))
    logits = weights.scale * score + weights.shift - LENGTH_SHARE * np.log(sizes / USUAL_WORDS)
    return np.asarray(1 / (1 + np.exp(-logits)))


def _best(
    texts: Sequence[_Text],
    words: _Words,
    found: _Candidates,
    scores: DoubleArray,
    order: Integers,
    top: int,
) -> list[list[Keyword]]:
    """Of each document the `top` first candidates in `order`, without those that are part of a better one.

    A name is kept if it occurs more often than the better candidates that contain it.
    """
    is_name = (found.lengths == 1) & words.features["is_name"][found.places]
    columns = (found.places, found.lengths, found.counts, scores, is_name)
    ranked = list(zip(*(column[order].tolist() for column in columns), strict=True))
    best, begin = [], 0
    for text, start, end in zip(texts, words.starts.tolist(), found.ends.tolist(), strict=False):
        best.append(_best_of(text, start, ranked[begin:end], top))
        begin = end
    return best


def _best_of(
    text: _Text, start: int, ranked: Sequence[tuple[int, int, int, float, bool]], top: int
) -> list[Keyword]:
    """The keywords of one document, whose words begin at `start`."""
    chosen: list[Keyword] = []
    taken = "|"
    for place, length, count, score, is_name in ranked:
        first = place - start
        tokens = text.tokens[first : first + length]
        stems = f" {' '.join([_stems(token[0]) for token in tokens])} "
        if stems in taken and not (is_name and _is_more_frequent(count, stems, taken)):
            continue
        taken += f"{count}{stems}|"
        chosen.append(Keyword(_form(text, first, tokens), score))
        if len(chosen) == top:
            break
    return chosen


@lru_cache(maxsize=2**15)
def _stems(word: str) -> str:
    """The stem of a word; of a name, the stems of its words."""
    return " ".join(map(stem, split_name(word)))


def _is_more_frequent(count: int, stems: str, taken: str) -> bool:
    """Whether a candidate occurs more often than every better candidate that contains it."""
    holders = [holder for holder in taken.split("|") if stems in holder]
    return all(int(holder.split(" ", 1)[0]) < count for holder in holders)


def _form(text: _Text, first: int, tokens: Sequence[Token]) -> str:
    """The text of a keyword: a word as it is indexed; a phrase as in the document, normalized."""
    if len(tokens) == 1:
        return tokens[0].text
    whole = next(content for content, end in text.fields if first < end)
    return keyword_spelling(whole[tokens[0].start : tokens[-1].end])
