"""The analyzer: it splits documents, queries and training text into the same words."""

import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial
from itertools import accumulate, chain, pairwise
from operator import add
from typing import Any

import regex
import Stemmer

from enricher.records import AnalyzedDocument, Document, Token
from enricher.text.lexicon import MAX_WORD_CHARACTERS, Lexicon
from enricher.text.markup import without_markup
from enricher.text.matching import LexiconMatcher
from enricher.text.normalize import normalize, normalize_with_offsets, original_end
from enricher.text.overlay import OVERLAY, open_overlay_segmenter
from enricher.text.scripts import HAN_RUN, HAN_SPLIT
from enricher.text.segmentation import DEFAULT_SEGMENTER, NO_LEXICON, Segmenter
from enricher.text.stopwords import STOP_WORDS
from enricher.text.words import Span, spans_between, split_long_word, words_between

ANALYSIS_FORMAT = "1"
"""Version of the analysis. It changes whenever the same text and segmenter would give other words."""

PAIR_MARK = "_"
"""Separator between two stems that form one sub-word. It occurs in no stem."""

DEFAULT_LIMIT = 2_000_000
"""Maximum characters of a field that are analyzed."""

STRIP_HTML = "strip_html"
"""Key in `Analyzer.describe` of an analyzer that removes HTML."""

MAX_CACHED_WORDS = 2**15
"""Words whose kind is kept in memory."""

_LETTER_OR_DIGIT = regex.compile(r"[\p{L}\p{N}]")  # like the module `words`: re has an older Unicode
_NUMBER = re.compile(r"[\d.,]+")
_LOCAL = threading.local()
_TOKEN = partial(tuple.__new__, Token)  # takes half the time of Token(...)


class Analyzer:
    """Splits texts into words. Thread-safe, and can be pickled: the copy opens its own segmenter.

    Words are normalized (`normalize`) and contain no white space: a lexicon word with spaces is written with
    `_`. Runs of Han characters are segmented. In other text, a word is a run of letters, combining marks and
    digits. Kana, Hangul and the scripts of South-East Asia form words of their own. `3.14`, `1,000`, `don't`,
    `c++`, `c#` and `.net` are one word. A final `'s` is dropped. Hyphens, underscores, slashes and dots
    separate words. Symbols and emoji are ignored.

    lexicon: words that are kept whole. overlay: words that were added to them later; a text without any of
    them has the same words as before. limit: maximum characters of a text. strip_html: whether texts are
    HTML; markup is then ignored, and offsets still refer to the original text.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        lexicon: Lexicon = NO_LEXICON,
        *,
        overlay: Lexicon = NO_LEXICON,
        limit: int = DEFAULT_LIMIT,
        strip_html: bool = False,
    ) -> None:
        self._segmenter = segmenter
        self._strip_html = strip_html
        self._limit = limit
        self._lexicon, self._overlay = lexicon, overlay
        mixed = lexicon.with_words(overlay).mixed
        self._matcher = LexiconMatcher(mixed) if mixed else None

    @property
    def lexicon(self) -> Lexicon:
        """The words that are kept whole."""
        return self._lexicon

    @property
    def overlay(self) -> Lexicon:
        """The words that were added to the lexicon later."""
        return self._overlay

    @property
    def limit(self) -> int:
        """The maximum characters of a field that are analyzed."""
        return self._limit

    @property
    def strips_html(self) -> bool:
        """Whether texts are HTML whose markup is ignored."""
        return self._strip_html

    def stripping_html(self, strip_html: bool) -> "Analyzer":
        """An analyzer with the same segmenter and lexicon that ignores HTML markup, or does not."""
        if strip_html == self._strip_html:
            return self
        settings: dict[str, Any] = {"overlay": self._overlay, "limit": self._limit, "strip_html": strip_html}
        return Analyzer(self._segmenter, self._lexicon, **settings)

    def visible(self, text: str) -> str:
        """The part of a text that is analyzed. All offsets stay the same.

        The text past the limit is cut off. If the texts are HTML, markup is masked.
        """
        text = text[: self._limit]
        return without_markup(text, every_tag=True) if self._strip_html else text

    def truncates(self, text: str) -> bool:
        """Whether the text is longer than the limit."""
        return len(text) > self._limit

    def words(self, text: str) -> list[str]:
        """The words of a text, including stop words. Faster than `tokens`, without offsets."""
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
        """The words of a text with their offsets, including stop words."""
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
        """The content words of a text: the words for which `is_content` is true."""
        return [word for word in self.words(text) if is_content(word)]

    def subwords(self, text: str) -> list[str]:
        """The sub-words of a text (`subwords_of`). They match even if words are segmented differently."""
        return self.subwords_of(self.tokens(text))

    def subwords_of(self, tokens: Iterable[Token]) -> list[str]:
        """The sub-words of tokens.

        First the characters and bigrams of Han runs, then the stems of all other words, then pairs of stems
        (`heat_transfer`) of consecutive words, ignoring stop words. Bigrams cross word boundaries, so they do
        not depend on the segmentation. Lexicon words are split like any other text.
        """
        subwords: list[str] = []
        others: list[str] = []
        run: list[str] = []
        end = -1
        for word, start, following in tokens:
            if start != end and run:
                run = _flush(subwords, run)
            end = following
            kind = _KINDS[word]
            if kind == _HAN:
                run.append(word)
                continue
            if kind == _PLAIN:
                others.append(word)
                if run:
                    run = _flush(subwords, run)
                continue
            for index, part in enumerate(HAN_SPLIT.split(word.replace("_", " "))):
                if index % 2:
                    run.append(part)
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
        """Add the tokens of the given fields to a document. A field without text has no tokens."""
        return AnalyzedDocument(
            document.id, document.source, {field: self.tokens(document.text(field)) for field in fields}
        )

    def describe(self) -> Mapping[str, str]:
        """All settings that change the result. Two analyzers with equal descriptions give equal words."""
        identity = {f"segmenter.{key}": value for key, value in self._segmenter.identity.items()}
        return {
            "analysis": ANALYSIS_FORMAT,
            "lexicon": self._lexicon.sha256,
            **({OVERLAY: self._overlay.sha256} if self._overlay.words else {}),
            "limit": str(self._limit),
            **({STRIP_HTML: "yes"} if self._strip_html else {}),
            **identity,
        }

    def _words(self, text: str) -> list[str]:
        """The words of a normalized text that contains no mixed lexicon words."""
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
                elif _has_words(gap := next(following)):
                    words += words_between(gap)
            words += words_between(gaps[-1])
        if max(map(len, words), default=0) > MAX_WORD_CHARACTERS:
            return [piece for word in words for piece, _, _ in split_long_word((word, 0, len(word)))]
        return words

    def _add_spans(self, spans: list[Span], text: str, start: int) -> None:
        """Append the words of a normalized text with their spans. `start`: the offset of the text."""
        parts = HAN_SPLIT.split(text)
        if _has_words(parts[0]):
            spans += spans_between(parts[0], start)
        if len(parts) == 1:
            return
        start += len(parts[0])
        words = [*self._segmenter.cut(" ".join(parts[1::2])), " "]
        is_long = max(map(len, words)) > MAX_WORD_CHARACTERS
        first = 0
        for gap in parts[2::2]:  # one after each run of Han characters
            end = words.index(" ", first)
            run = words[first:end]
            places = list(accumulate(map(len, run), initial=start))
            found = zip(run, places, places[1:], strict=False)
            spans += chain.from_iterable(map(split_long_word, found)) if is_long else found
            start = places[-1]
            if _has_words(gap):
                spans += spans_between(gap, start)
            start += len(gap)
            first = end + 1


def open_analyzer(
    segmenter: str = DEFAULT_SEGMENTER,
    lexicon: Lexicon = NO_LEXICON,
    *,
    overlay: Lexicon = NO_LEXICON,
    limit: int = DEFAULT_LIMIT,
    strip_html: bool = False,
) -> Analyzer:
    """Open an analyzer. Its segmenter, which uses the same words, is loaded with the first text.

    lexicon, overlay, limit, strip_html: as for `Analyzer`.
    """
    opened = open_overlay_segmenter(segmenter, lexicon, overlay)
    return Analyzer(opened, lexicon, overlay=overlay, limit=limit, strip_html=strip_html)


@lru_cache(maxsize=2**12)
def _have_words(gap: str) -> bool:
    return _LETTER_OR_DIGIT.search(gap) is not None


def _has_words(gap: str) -> bool:
    """Whether a text without Han characters has words. Most gaps between Han characters are one sign."""
    return _have_words(gap) if len(gap) < 3 else _LETTER_OR_DIGIT.search(gap) is not None


def is_lexical(word: str) -> bool:
    """Whether a word can be part of a phrase: it is neither a stop word nor a bare number."""
    return word not in STOP_WORDS and _NUMBER.fullmatch(word) is None


@lru_cache(maxsize=2**15)
def is_content(word: str) -> bool:
    """Whether a word is a content word: no stop word, no bare number, more than one character.

    Single characters do not count in any script. In Chinese they are mostly particles, units and fragments of
    unknown names. They are still searched as sub-words.
    """
    return len(word) > 1 and is_lexical(word)


@lru_cache(maxsize=2**15)
def stem(word: str) -> str:
    """The Porter stem of a word. Words that are not English hardly change."""
    stemmer: Any = getattr(_LOCAL, "stemmer", None)
    if stemmer is None:
        stemmer = _LOCAL.stemmer = Stemmer.Stemmer("porter")  # not safe to share between threads
    stemmed: str = stemmer.stemWord(word)
    return stemmed or word  # the stem of "s" is empty


def _flush(subwords: list[str], run: Sequence[str]) -> list[str]:
    """Append the characters and bigrams of a Han run to the sub-words. Returns an empty run."""
    whole = "".join(run)
    subwords += whole
    subwords += map(add, whole, whole[1:])
    return []


_PLAIN, _HAN, _MIXED = range(3)


class _WordKinds(dict[str, int]):
    """The kind of a word: ASCII letters and digits, Han characters, or other. The last words are kept."""

    def __missing__(self, word: str) -> int:
        if len(self) >= MAX_CACHED_WORDS:
            self.clear()
        plain = word.isascii() and word.isalnum()
        kind = self[word] = _PLAIN if plain else _HAN if HAN_RUN.fullmatch(word) is not None else _MIXED
        return kind


_KINDS = _WordKinds()
