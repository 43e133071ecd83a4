"""Print a hit for people: title, keywords, and fragments of the text with the searched words marked."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from enricher.records import SUBWORDS, Hit, Query, text_at
from indexer.cli.output import print_line

if TYPE_CHECKING:
    from enricher.search.searcher import Answer
    from enricher.text import Analyzer, Fragment


SENTENCE_BEFORE = re.compile(r"(?:^|[。！？!?…]|[.;；](?=\s))[”’」』）)\"'»]*\s*$|\n\s*$")
SENTENCE_ENDS = re.compile(r"[。！？!?….;；][”’」』）)\"'»]*$")
LOOKBEHIND_CHARACTERS = 16
MAX_BEGINNING_CHARACTERS = 100
"""Letters that are shown of a text in which no word of the query stands."""


def print_hit(number: int, hit: Hit, answer: Answer) -> None:
    """Title, score unless a field sorts the hits, and id; then the keywords, then the fragments."""
    opened, query = answer.index, answer.query
    title = opened.title(hit)
    score = f"   [{hit.score:.3f}]" if answer.question.sort is None else ""
    print_line(f"{number}. {title or hit.id}{score}{f'   {hit.id}' if title else ''}")
    if hit.keywords:
        print_line(f"   {'  '.join(hit.keywords)}")
    texts = [text for name in opened.layout.fields if (text := text_at(hit.source, name))]
    fragments = opened.fragments(hit, query)
    for fragment in fragments:
        before, after = _dots(fragment.text, texts)
        print_line(f"   {before}{mark(fragment, opened.analyzer, query)}{after}")
    if not fragments and texts:  # found by its vector
        print_line(f"   {_beginning(texts[-1])}")


def _beginning(text: str) -> str:
    """The first letters of a text, on one line."""
    line = " ".join(text[: 2 * MAX_BEGINNING_CHARACTERS].split())
    return line if len(line) <= MAX_BEGINNING_CHARACTERS else f"{line[:MAX_BEGINNING_CHARACTERS].rstrip()} …"


def mark(fragment: Fragment, analyzer: Analyzer, query: Query) -> str:
    """A fragment with «typed» words and their parts, and ‹added› words."""
    words = set(query.typed)
    parts = {term.term for term in query.terms if term.field == SUBWORDS}
    shown, done = [], 0
    for start, end in fragment.spans:
        shown += [fragment.text[done:start], _marked(fragment.text[start:end], analyzer, words, parts)]
        done = end
    return "".join([*shown, fragment.text[done:]])


def _marked(matched: str, analyzer: Analyzer, words: set[str], parts: set[str]) -> str:
    """Matched words: what was typed of them in one mark, all else in the other."""
    from enricher.text import find_fragments

    found = find_fragments(matched, analyzer, words, parts, 1, len(matched))
    typed = found[0].spans if found else ()
    shown, done = [], 0
    for start, end in typed:
        shown += [_added(matched[done:start]), f"«{matched[start:end]}»"]
        done = end
    return "".join([*shown, _added(matched[done:])])


def _added(piece: str) -> str:
    return f"‹{piece}›" if piece.strip() else piece


def _dots(plain: str, texts: list[str]) -> tuple[str, str]:
    """What stands around a fragment that begins or ends inside a sentence."""
    for text in texts:
        start = text.find(plain)
        if start >= 0:
            end = start + len(plain)
            begins = SENTENCE_BEFORE.search(text[max(0, start - LOOKBEHIND_CHARACTERS) : start])
            ends = SENTENCE_ENDS.search(plain) or not text[end:].strip() or text[end : end + 1] == "\n"
            return "" if begins else "… ", "" if ends else " …"
    return "", ""
