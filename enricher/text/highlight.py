"""Fragments of a text around the words that were searched."""

import html
import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from enricher.records import Token
from enricher.text.analysis import Analyzer, stem
from enricher.text.markup import TAG
from enricher.text.normalize import normalize_with_offsets, original_end
from enricher.text.scripts import is_han

_WINDOW = 4_000
_MOST_MATCHES = 500
_MOST_ANALYSED = 200_000
_CONTEXT = 24

_SENTENCE_END = re.compile(r"[。！？!?…]+[”’」』）)\"']*|[.;；](?=\s)|\n")
_BREAK = re.compile(r"[\s。！？!?；;，,、]")


class _Match(NamedTuple):
    start: int
    end: int
    term: str


class _Wanted(NamedTuple):
    """What is looked for: whole words, stems, and parts of Han words."""

    words: frozenset[str]
    stems: frozenset[str]
    han: re.Pattern[str] | None
    needles: tuple[str, ...]

    @classmethod
    def of(cls, terms: Collection[str], subwords: Collection[str]) -> "_Wanted":
        parts = sorted((part for part in subwords if is_han(part)), key=len, reverse=True)
        stems = frozenset(part for part in subwords if part and not is_han(part))
        # A stem may end otherwise than the word: happi, happy.
        needles = [*(term.split("_")[0] for term in terms if term), *parts, *(s[:-1] or s for s in stems)]
        han = re.compile(f"(?=({'|'.join(parts)}))") if parts else None
        return cls(frozenset(terms), stems, han, tuple(needles))

    def matches(self, token: Token) -> bool:
        return token.text in self.words or bool(self.stems and stem(token.text) in self.stems)


class Fragment(NamedTuple):
    """A piece of a text, and where matched words stand in it: [start, end) in its characters, in order."""

    text: str
    spans: tuple[tuple[int, int], ...]

    def marked(self, pre: str, post: str, *, escape: bool = False) -> str:
        """The piece with its matches between `pre` and `post`; with `escape` only the marks are HTML."""
        parts: list[str] = []
        done = 0
        for start, end in self.spans:
            for part, mark in ((self.text[done:start], pre), (self.text[start:end], post)):
                parts += [html.escape(part) if escape else part, mark]
            done = end
        rest = self.text[done:]
        return "".join([*parts, html.escape(rest) if escape else rest])


def highlight(
    text: str,
    analyzer: Analyzer,
    terms: Collection[str],
    subwords: Collection[str] = (),
    fragments: int = 2,
    size: int = 100,
    pre: str = "<em>",
    post: str = "</em>",
    *,
    escape: bool = False,
) -> list[str]:
    """The fragments of `find_fragments` as strings, the matched words between `pre` and `post`.

    A text that holds the marks itself cannot be told from them: with `escape` the text, not the marks, is
    made safe for HTML.
    """
    found = find_fragments(text, analyzer, terms, subwords, fragments, size)
    return [fragment.marked(pre, post, escape=escape) for fragment in found]


def find_fragments(
    text: str,
    analyzer: Analyzer,
    terms: Collection[str],
    subwords: Collection[str] = (),
    fragments: int = 2,
    size: int = 100,
) -> list[Fragment]:
    """The best fragments of a text, in its order, and where the matched words stand in them.

    `terms` are words as the analyzer makes them, `subwords` parts of Han words and stems of others as
    `Analyzer.subwords` makes them. A fragment has about `size` characters, more only
    where one match is longer; the best hold most different terms. No match gives no fragment. Of
    a very long text only the stretches in which a term occurs are analysed, up to a fixed amount,
    and nothing beyond the analyzer's limit.
    """
    visible = analyzer.visible(text) if analyzer.strips_html else text
    analyzer = analyzer.stripping_html(False)  # of parts of a text it would see parts of tags
    found = matches = _find(visible, analyzer, _Wanted.of(terms, subwords))
    chosen: list[list[_Match]] = []
    while matches and len(chosen) < fragments:
        best = _best(matches, {match.term for group in chosen for match in group}, size)
        chosen.append(best)
        first, last = best[0].start - size // 2, best[-1].end + size // 2
        matches = [match for match in matches if match.end <= first or match.start >= last]
    rendered: list[Fragment] = []
    floor = 0
    for group in sorted(chosen):
        start, end = _borders(visible, analyzer, group[0].start, group[-1].end, size)
        start = max(start, min(floor, group[0].start))
        inside = [match for match in found if start <= match.start and match.end <= end]
        rendered.append(_fragment(text, start, end, inside))
        floor = end
    return rendered


def _find(text: str, analyzer: Analyzer, wanted: _Wanted) -> list[_Match]:
    """Where the terms stand in the text, within what may be looked at."""
    matches: list[_Match] = []
    analysed = 0
    for start, end in _windows(text, min(len(text), analyzer.limit)):
        if len(matches) >= _MOST_MATCHES or analysed >= _MOST_ANALYSED:
            break
        window = text[start:end]
        normalized, offsets = normalize_with_offsets(window)
        if any(needle in normalized for needle in wanted.needles):
            analysed += end - start
            spans = [token for token in analyzer.tokens(window) if wanted.matches(token)]
            spans += _han_parts(normalized, offsets, wanted.han)
            matches += [
                _Match(start + span.start, start + len(window[: span.end].rstrip(TAG)), span.text)
                for span in sorted(spans, key=_place)
            ]
    return matches


def _place(token: Token) -> tuple[int, int]:
    return token.start, -token.end


def _han_parts(
    normalized: str, offsets: Sequence[int] | None, pattern: re.Pattern[str] | None
) -> Iterator[Token]:
    """The parts of Han words in a normalised text, by their places in the original."""
    for match in pattern.finditer(normalized) if pattern is not None else ():
        start, end = match.span(1)
        if offsets is None:
            yield Token(match[1], start, end)
        else:
            yield Token(match[1], offsets[start], original_end(offsets, end))


def _windows(text: str, end: int) -> Iterator[tuple[int, int]]:
    """Stretches of a text that join to its whole, parted at white space or punctuation where there is any."""
    start = 0
    while start < end:
        stop = min(start + _WINDOW, end)
        if stop < end:
            breaks = [match.end() for match in _BREAK.finditer(text, stop - _WINDOW // 4, stop)]
            stop = breaks[-1] if breaks else stop
        yield start, stop
        start = stop


def _best(matches: list[_Match], shown: set[str], size: int) -> list[_Match]:
    """The neighbouring matches, no further apart than a fragment, that show most."""
    best: list[_Match] = []
    best_score = (-1, -1, -1)
    stop = 0
    for index, first in enumerate(matches):
        stop = max(stop, index + 1)
        while stop < len(matches) and matches[stop].end <= first.start + size:
            stop += 1
        terms = {match.term for match in matches[index:stop]}
        score = (len(terms - shown), len(terms), stop - index)
        if score > best_score:
            best, best_score = matches[index:stop], score
    return best


def _borders(text: str, analyzer: Analyzer, start: int, end: int, size: int) -> tuple[int, int]:
    """Where the fragment around text[start:end] begins and ends: at sentences, else at words."""
    room = max(0, size - (end - start))
    left = max(0, start - room)
    sentences = [match.end() for match in _SENTENCE_END.finditer(text, left, start)]
    if sentences:
        left = sentences[-1]
    elif left > 0:
        left = _word_border(text, analyzer, start - room // 2, start, after=True)
    right = left + max(size, end - left)
    if right < len(text):
        sentences = [match.end() for match in _SENTENCE_END.finditer(text, end, right)]
        if sentences and sentences[-1] - left >= size // 2:
            right = sentences[-1]
        else:
            right = _word_border(text, analyzer, right, end, after=False)
    return left, min(right, len(text))


def _word_border(text: str, analyzer: Analyzer, at: int, inner: int, *, after: bool) -> int:
    """The nearest place to `at`, on the way to `inner`, that cuts no word."""
    low = max(0, min(at, inner) - _CONTEXT)
    tokens = analyzer.tokens(text[low : max(at, inner) + _CONTEXT])
    if after:
        return min((low + token.start for token in tokens if at <= low + token.start <= inner), default=inner)
    if not any(low + token.start < at < low + token.end for token in tokens):
        return at
    return max((low + token.end for token in tokens if inner <= low + token.end <= at), default=inner)


def _fragment(text: str, start: int, end: int, matches: list[_Match]) -> Fragment:
    """Text [start, end) without the white space around it; matches that touch are one."""
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    spans: list[tuple[int, int]] = []
    for match in matches:
        if spans and match.start - start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], match.end - start))
        else:
            spans.append((match.start - start, match.end - start))
    return Fragment(piece.strip(), tuple(spans))
