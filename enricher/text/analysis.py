"""Texts become words: the same words, whoever asks, wherever they come from."""

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import pairwise
from operator import add
from typing import Any

import regex
import Stemmer

from enricher.records import AnalyzedDocument, Document, Token
from enricher.text.lexicon import LONGEST_WORD, Lexicon
from enricher.text.markup import without_markup
from enricher.text.matching import LexiconMatcher
from enricher.text.normalize import normalize, normalize_with_offsets, original_end
from enricher.text.scripts import HAN_RUN, HAN_SPLIT
from enricher.text.segmentation import DEFAULT_SEGMENTER, NO_LEXICON, Segmenter, open_segmenter
from enricher.text.stopwords import STOP_WORDS
from enricher.text.words import Span, pieces, spans_between, words_between

ANALYSIS_FORMAT = "1"
"""Raised whenever the same text and the same segmenter would give other words."""

PAIR_MARK = "_"
"""Stands between two stems that are one sub-word, and in no stem."""

DEFAULT_LIMIT = 2_000_000
"""The most characters of a field that are analysed."""

STRIP_HTML = "strip_html"
"""What an analyzer that strips HTML describes itself with."""

_LETTER_OR_DIGIT = regex.compile(r"[\p{L}\p{N}]")  # as `words` knows them: re has an older Unicode
_NUMBER = re.compile(r"[\d.,]+")
_LOCAL = threading.local()
_TOKEN = partial(tuple.__new__, Token)  # half the time of Token(...)


class Analyzer:
    """Cuts texts into words.

    Words are normalised (`normalize`) and never hold white space: a lexicon word with spaces is
    written with `_` instead. Han characters are cut by the segmenter. Of the rest a word is a run
    of letters, their marks and digits; kana, Hangul and the scripts of South-East Asia stand
    apart. `3.14`, `1,000`, `don't`, `c++`, `c#` and `.net` are one word, `'s` at the end is left
    out, hyphen, underscore, slash and dot separate. Symbols and emoji give nothing.
    Safe to use from several threads, and copied to another process it opens its segmenter anew.

    strip_html: whether texts are HTML, whose markup holds no words; every word keeps its place in the text.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        lexicon: Lexicon = NO_LEXICON,
        *,
        limit: int = DEFAULT_LIMIT,
        strip_html: bool = False,
    ) -> None:
        self._segmenter = segmenter
        self._strip_html = strip_html
        self._limit = limit
        self._lexicon = lexicon
        self._matcher = LexiconMatcher(lexicon.mixed) if lexicon.mixed else None

    @property
    def lexicon(self) -> Lexicon:
        """The words that are kept whole."""
        return self._lexicon

    @property
    def limit(self) -> int:
        """The most characters of a field that are analysed."""
        return self._limit

    @property
    def strips_html(self) -> bool:
        """Whether markup of HTML holds no words."""
        return self._strip_html

    def stripping_html(self, strip_html: bool) -> "Analyzer":
        """The same analyzer for texts that are HTML, or for others."""
        if strip_html == self._strip_html:
            return self
        return Analyzer(self._segmenter, self._lexicon, limit=self._limit, strip_html=strip_html)

    def visible(self, text: str) -> str:
        """What of a text is analysed, every character in its place.

        No markup where HTML is stripped, and nothing past the limit.
        """
        text = text[: self._limit]
        return without_markup(text, every_tag=True) if self._strip_html else text

    def truncates(self, text: str) -> bool:
        """Whether the text is longer than what is analysed of it."""
        return len(text) > self._limit

    def words(self, text: str) -> list[str]:
        """The words of a text, stop words included: the texts of `tokens`, only faster."""
        text = normalize(self.visible(text))
        if self._matcher is None:
            return self._words(text)
        words: list[str] = []
        done = 0
        for word, start, end in self._matcher.find(text):
            words += self._words(text[done:start])
            words.append(word)
            done = end
        words += self._words(text[done:])
        return words

    def tokens(self, text: str) -> list[Token]:
        """The words of a text and their places in it, stop words included."""
        normalized, offsets = normalize_with_offsets(self.visible(text))
        spans: list[Span] = []
        done = 0
        for word, start, end in self._matcher.find(normalized) if self._matcher else ():
            self._add_spans(spans, normalized[done:start], done)
            spans.append((word, start, end))
            done = end
        self._add_spans(spans, normalized[done:], done)
        if offsets is not None:
            spans = [(word, offsets[start], original_end(offsets, end)) for word, start, end in spans]
        return list(map(_TOKEN, spans))

    def content_words(self, text: str) -> list[str]:
        """The words that say what a text is about: those of which `is_content` holds."""
        return [word for word in self.words(text) if is_content(word)]

    def subwords(self, text: str) -> list[str]:
        """What a text is found by when its words are cut otherwise: see `subwords_of`."""
        return self.subwords_of(self.tokens(text))

    def subwords_of(self, tokens: Iterable[Token]) -> list[str]:
        """The characters and overlapping pairs of Han runs, then the stems of all other words, then pairs
        of stems (`heat_transfer`) of words that follow each other but for stop words.

        Pairs of characters cross the borders of words that touch, so they do not depend on how a run was
        cut; a lexicon word is taken apart like any other text.
        """
        subwords: list[str] = []
        others: list[str] = []
        run = ""
        end = -1
        for word, start, following in tokens:
            if start != end:
                run = _flush(subwords, run)
            end = following
            if word.isascii() and word.isalnum():
                others.append(word)
                run = _flush(subwords, run)
            elif HAN_RUN.fullmatch(word) is not None:
                run += word
            else:
                for index, part in enumerate(HAN_SPLIT.split(word.replace("_", " "))):
                    if index % 2:
                        run += part
                    elif part:
                        others += words_between(part)
                        run = _flush(subwords, run)
        _flush(subwords, run)
        stems = list(map(stem, others))
        subwords += stems
        content = [stemmed for word, stemmed in zip(others, stems, strict=True) if word not in STOP_WORDS]
        subwords += map(PAIR_MARK.join, pairwise(content))
        return subwords

    def analyze(self, document: Document, fields: Sequence[str]) -> AnalyzedDocument:
        """A document with the tokens of the given fields; a field without text has none."""
        return AnalyzedDocument(
            document.id, document.source, {field: self.tokens(document.text(field)) for field in fields}
        )

    def describe(self) -> Mapping[str, str]:
        """What decides how a text is cut: two analyzers that describe themselves alike cut alike."""
        identity = {f"segmenter.{key}": value for key, value in self._segmenter.identity.items()}
        return {
            "analysis": ANALYSIS_FORMAT,
            "lexicon": self._lexicon.sha256,
            "limit": str(self._limit),
            **({STRIP_HTML: "yes"} if self._strip_html else {}),
            **identity,
        }

    def _words(self, text: str) -> list[str]:
        """The words of a normalised text without lexicon words that are not Han."""
        if text.isascii():
            return words_between(text)
        parts = HAN_SPLIT.split(text)
        if len(parts) == 1:
            return words_between(text)
        cut = self._segmenter.cut(" ".join(parts[1::2]))
        gaps = parts[::2]
        if _LETTER_OR_DIGIT.search("".join(gaps)) is None:
            words = [word for word in cut if word != " "]
        else:
            words = words_between(gaps[0])
            following = iter(gaps[1:])
            for word in cut:
                if word != " ":
                    words.append(word)
                elif _LETTER_OR_DIGIT.search(gap := next(following)) is not None:
                    words += words_between(gap)
            words += words_between(gaps[-1])
        if max(map(len, words), default=0) > LONGEST_WORD:
            return [piece for word in words for piece, _, _ in pieces((word, 0, len(word)))]
        return words

    def _add_spans(self, spans: list[Span], text: str, start: int) -> None:
        """Append the words of `_words(text)` with their places; the text begins at `start`."""
        parts = HAN_SPLIT.split(text)
        if _LETTER_OR_DIGIT.search(parts[0]) is not None:
            spans += spans_between(parts[0], start)
        if len(parts) == 1:
            return
        start += len(parts[0])
        gaps = iter(parts[2::2])
        for word in self._segmenter.cut(" ".join(parts[1::2])):
            if word == " ":
                gap = next(gaps)
                if _LETTER_OR_DIGIT.search(gap) is not None:
                    spans += spans_between(gap, start)
                start += len(gap)
                continue
            end = start + len(word)
            if end - start > LONGEST_WORD:
                spans += pieces((word, start, end))
            else:
                spans.append((word, start, end))
            start = end
        if _LETTER_OR_DIGIT.search(parts[-1]) is not None:
            spans += spans_between(parts[-1], start)


def open_analyzer(
    segmenter: str = DEFAULT_SEGMENTER,
    lexicon: Lexicon = NO_LEXICON,
    *,
    limit: int = DEFAULT_LIMIT,
    strip_html: bool = False,
) -> Analyzer:
    """An analyzer whose segmenter knows the same lexicon; nothing is loaded until the first text."""
    return Analyzer(open_segmenter(segmenter, lexicon), lexicon, limit=limit, strip_html=strip_html)


def is_lexical(word: str) -> bool:
    """Whether a word may be part of a phrase: no stop word and no bare number."""
    return word not in STOP_WORDS and _NUMBER.fullmatch(word) is None


@lru_cache(maxsize=2**15)
def is_content(word: str) -> bool:
    """Whether a word says what a text is about: no stop word, no bare number, not one character.

    Single characters are left out in every script: those of Chinese are mostly particles, units
    and the rubble of unknown names. They are still searched as sub-words.
    """
    return len(word) > 1 and is_lexical(word)


@lru_cache(maxsize=2**15)
def stem(word: str) -> str:
    """The Porter stem of a word; what is not English stays nearly as it is."""
    stemmer: Any = getattr(_LOCAL, "stemmer", None)
    if stemmer is None:
        stemmer = _LOCAL.stemmer = Stemmer.Stemmer("porter")  # not safe to share between threads
    stemmed: str = stemmer.stemWord(word)
    return stemmed or word  # of the word "s" nothing is left


def _flush(subwords: list[str], run: str) -> str:
    """Append the characters of a Han run and its overlapping pairs; answers an empty run."""
    if run:
        subwords += run
        subwords += map(add, run, run[1:])
    return ""
