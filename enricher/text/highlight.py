"""Highlighting: fragments of a text around the words of a query."""

import html
import re
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from enricher.records import Token
from enricher.text.analysis import Analyzer, stem
from enricher.text.markup import TAG
from enricher.text.normalize import normalize_with_offsets, original_end
from enricher.text.scripts import is_han

_WINDOW_CHARACTERS = 4_000
_MAX_MATCHES = 500
_MAX_ANALYZED_CHARACTERS = 200_000
_CONTEXT_CHARACTERS = 24

_SENTENCE_END = re.compile(r"[。！？!?…]+[”’」』）)\"']*|[.;；](?=\s)|\n")
_CLAUSE_END = re.compile(r"[。！？；，\n]|[.,;!?](?=\s)")
_BREAK = re.compile(r"[\s。！？!?；;，,、]")


class _Match(NamedTuple):
    start: int
    end: int
    term: str


class _Wanted(NamedTuple):
    """The query terms to find: whole words, stems, and Han sub-words.

    needles: what a normalized text contains where a word or a stem may be; only there tokens are looked at.
    """

    words: frozenset[str]
    stems: frozenset[str]
    han: re.Pattern[str] | None
    needles: re.Pattern[str] | None

    @classmethod
    def of(cls, terms: Collection[str], subwords: Collection[str]) -> "_Wanted":
        parts = sorted((part for part in subwords if is_han(part)), key=len, reverse=True)
        stems = frozenset(part for part in subwords if part and not is_han(part))
        # The last letter of a stem may differ from the word: happi, happy.
        needles = {*(term.split("_")[0] for term in terms if term), *(s[:-1] or s for s in stems)}
        han = re.compile(f"(?=({'|'.join(parts)}))") if parts else None
        # Sorted, so that the same query gives the same pattern, which `re` keeps.
        found = re.compile("|".join(map(re.escape, sorted(needles)))) if needles else None
        return cls(frozenset(terms), stems, han, found)

    def matches(self, token: Token) -> bool:
        return token.text in self.words or bool(self.stems and stem(token.text) in self.stems)


class Fragment(NamedTuple):
    """A part of a text, and the spans [start, end) of the matched words in it, in order."""

    text: str
    spans: tuple[tuple[int, int], ...]

    def marked(self, pre: str, post: str, *, escape: bool = False) -> str:
        """The fragment with its matches between `pre` and `post`. escape: escape the text for HTML."""
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
    """The best fragments of a text as strings, with the matched words between `pre` and `post`.

    terms, subwords, fragments, size: as for `find_fragments`. escape: escape the text, but not `pre` and
    `post`, for HTML. Without it, tags in the text cannot be distinguished from `pre` and `post`.
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
    """The best fragments of a text, in the order of the text; none if nothing matches.

    terms: words as returned by `Analyzer.words`. subwords: Han sub-words and stems as returned by
    `Analyzer.subwords`. fragments: maximum number of fragments. size: approximate characters of a fragment;
    a longer match makes it longer. The best fragments contain the most different terms. In a very long
    text, only the parts in which a term occurs are analyzed, up to a maximum, and nothing past the
    analyzer's limit.
    """
    visible = analyzer.visible(text) if analyzer.strips_html else text
    analyzer = analyzer.stripping_html(False)  # markup is masked already; a window can cut a tag
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
    """The matches of the terms in the text, up to the maximum work."""
    matches: list[_Match] = []
    analyzed = 0
    for start, end in _windows(text, min(len(text), analyzer.limit)):
        if len(matches) >= _MAX_MATCHES or analyzed >= _MAX_ANALYZED_CHARACTERS:
            break
        window = text[start:end]
        normalized, offsets = normalize_with_offsets(window)
        spans = list(_han_subwords(normalized, offsets, wanted.han))
        for first, last in _clauses_with(wanted.needles, window, normalized, offsets):
            analyzed += last - first
            spans += [
                Token(token.text, first + token.start, first + token.end)
                for token in analyzer.tokens(window[first:last])
                if wanted.matches(token)
            ]
        matches += [
            _Match(start + span.start, start + len(window[: span.end].rstrip(TAG)), span.text)
            for span in sorted(spans, key=_place)
        ]
    return matches


def _clauses_with(
    needles: re.Pattern[str] | None, window: str, normalized: str, offsets: Sequence[int] | None
) -> Iterator[tuple[int, int]]:
    """The places of the clauses in which a needle occurs. No word reaches over the end of a clause."""
    done = 0
    for match in needles.finditer(normalized) if needles is not None else ():
        at = match.start() if offsets is None else offsets[match.start()]
        if at < done:
            continue
        before = [mark.end() for mark in _CLAUSE_END.finditer(window, done, at)]
        after = _CLAUSE_END.search(window, at)
        start, done = before[-1] if before else done, after.end() if after else len(window)
        yield start, done


def _place(token: Token) -> tuple[int, int]:
    return token.start, -token.end


def _han_subwords(
    normalized: str, offsets: Sequence[int] | None, pattern: re.Pattern[str] | None
) -> Iterator[Token]:
    """The Han sub-words in a normalized text, with their offsets in the original text."""
    for match in pattern.finditer(normalized) if pattern is not None else ():
        start, end = match.span(1)
        if offsets is None:
            yield Token(match[1], start, end)
        else:
            yield Token(match[1], offsets[start], original_end(offsets, end))


def _windows(text: str, end: int) -> Iterator[tuple[int, int]]:
    """Split a text into consecutive windows, at white space or punctuation if possible."""
    start = 0
    while start < end:
        stop = min(start + _WINDOW_CHARACTERS, end)
        if stop < end:
            breaks = [match.end() for match in _BREAK.finditer(text, stop - _WINDOW_CHARACTERS // 4, stop)]
            stop = breaks[-1] if breaks else stop
        yield start, stop
        start = stop


def _best(matches: list[_Match], shown: set[str], size: int) -> list[_Match]:
    """The group of nearby matches within `size` characters that has the most new terms."""
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
    """The start and end of the fragment around text[start:end]: at sentence boundaries, else at words."""
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
    """The word boundary nearest to `at`, between `at` and `inner`."""
    low = max(0, min(at, inner) - _CONTEXT_CHARACTERS)
    tokens = analyzer.tokens(text[low : max(at, inner) + _CONTEXT_CHARACTERS])
    if after:
        return min((low + token.start for token in tokens if at <= low + token.start <= inner), default=inner)
    if not any(low + token.start < at < low + token.end for token in tokens):
        return at
    return max((low + token.end for token in tokens if inner <= low + token.end <= at), default=inner)


def _fragment(text: str, start: int, end: int, matches: list[_Match]) -> Fragment:
    """The fragment text[start:end], without surrounding white space. Adjacent matches are merged."""
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    spans: list[tuple[int, int]] = []
    for match in matches:
        if spans and match.start - start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], match.end - start))
        else:
            spans.append((match.start - start, match.end - start))
    return Fragment(piece.strip(), tuple(spans))
