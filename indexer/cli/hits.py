"""A hit as people see it: its title, its keywords, and where the searched words stand in its text."""

import re

from enricher.records import SUBWORDS, Hit, Query, text_at
from enricher.text import Analyzer, highlight
from indexer.cli.output import print_line
from indexer.search import SearchableIndex

MARKED = re.compile(r"<em>(.*?)</em>", re.S)
TYPED = re.compile(r"(«[^»]*»)")
SENTENCE_BEFORE = re.compile(r"(?:^|[。！？!?…]|[.;；](?=\s))[”’」』）)\"'»]*\s*$|\n\s*$")
SENTENCE_ENDS = re.compile(r"[。！？!?….;；][”’」』）)\"'»]*$")
LOOK_BACK = 16
BEGINNING = 100
"""Letters that are shown of a text in which no word of the query stands."""


def print_hit(number: int, hit: Hit, opened: SearchableIndex, query: Query) -> None:
    """Title, score and id, then the keywords, then the fragments."""
    title = opened.title(hit)
    print_line(f"{number}. {title or hit.id}   [{hit.score:.3f}]{f'   {hit.id}' if title else ''}")
    if hit.keywords:
        print_line(f"   {'  '.join(hit.keywords)}")
    texts = [text for name in opened.layout.fields if (text := text_at(hit.source, name))]
    fragments = opened.highlights(hit, query)
    for fragment in fragments:
        before, after = _dots(fragment, texts)
        print_line(f"   {before}{mark(fragment, opened.analyzer, query)}{after}")
    if not fragments and texts:  # found by its vector
        print_line(f"   {_beginning(texts[-1])}")


def _beginning(text: str) -> str:
    """The first letters of a text, on one line."""
    line = " ".join(text[: 2 * BEGINNING].split())
    return line if len(line) <= BEGINNING else f"{line[:BEGINNING].rstrip()} …"


def mark(fragment: str, analyzer: Analyzer, query: Query) -> str:
    """A fragment with «typed» words and their parts, and ‹added› words."""
    words = set(query.typed)
    parts = {term.term for term in query.terms if term.field == SUBWORDS}

    def marks(match: re.Match[str]) -> str:
        found = highlight(match[1], analyzer, words, parts, 1, len(match[1]), "«", "»")
        pieces = TYPED.split(found[0] if found else match[1])
        return "".join(piece if piece[:1] in ("«", "") else _added(piece) for piece in pieces)

    return MARKED.sub(marks, fragment)


def _added(piece: str) -> str:
    return f"‹{piece}›" if piece.strip() else piece


def _dots(fragment: str, texts: list[str]) -> tuple[str, str]:
    """What stands around a fragment that begins or ends inside a sentence."""
    plain = fragment.replace("<em>", "").replace("</em>", "")
    for text in texts:
        start = text.find(plain)
        if start >= 0:
            end = start + len(plain)
            begins = SENTENCE_BEFORE.search(text[max(0, start - LOOK_BACK) : start])
            ends = SENTENCE_ENDS.search(plain) or not text[end:].strip() or text[end : end + 1] == "\n"
            return "" if begins else "… ", "" if ends else " …"
    return "", ""
