"""Parse the text of a query: words, quoted phrases, and excluded words."""

import re
from collections.abc import Container

from enricher.records import Query, QueryTerm
from enricher.text import STOP_WORDS, Analyzer

_QUOTED = (
    r"""(?:(?<![0-9A-Za-z])["＂]|“)(?P<phrase>[^"＂“”]*)["＂”]"""  # a quote after a letter or digit: 5" pipe
    r"""|「(?P<cornered>[^「」]*)」"""
)
_EXCLUDED = r"""(?<!\S)[-－](?P<word>[^\s\d"＂“”「」－-][^\s"＂“”「」]*)"""
_OPERATOR = re.compile(rf"(?P<minus>(?<!\S)[-－])?(?:{_QUOTED})|{_EXCLUDED}")


def parse_query(analyzer: Analyzer, text: str) -> Query:
    """The distinct words of a query with weight 1. Stop words are dropped unless there are no other words.

    Quotes and hyphens have no meaning.
    """
    return Query(text, _terms(analyzer, text))


def parse_operators(analyzer: Analyzer, text: str) -> Query:
    """The query of a text with operators; without operators, the query of `parse_query`.

    "a b" (also ＂ ＂, “ ” and 「 」): documents that contain these words next to each other. -a, -"a b": only
    documents that do not contain them. A hyphen excludes only at the beginning of the text or after white
    space, and neither before white space nor before a digit or another hyphen. What does not fit stays text:
    unbalanced quotes, and operators without a word.

    The text of the query is without what is excluded. Stop words of a phrase are terms if it has no others.
    """
    required: list[tuple[str, ...]] = []
    excluded: list[tuple[str, ...]] = []
    kept: list[str] = []
    done = 0
    for found in _OPERATOR.finditer(text):
        words = tuple(analyzer.words(found["phrase"] or found["cornered"] or found["word"] or ""))
        if not words:
            continue
        if found["minus"] is None and found["word"] is None:
            required.append(words)
        else:
            excluded.append(words)
            kept += [text[done : found.start()], " "]
            done = found.end()
    text = "".join([*kept, text[done:]])
    only = {word for words in required if STOP_WORDS.issuperset(words) for word in words}
    return Query(
        text,
        _terms(analyzer, text, only),
        required=tuple(dict.fromkeys(required)),
        excluded=tuple(dict.fromkeys(excluded)),
    )


def _terms(analyzer: Analyzer, text: str, also: Container[str] = ()) -> tuple[QueryTerm, ...]:
    """The terms of a text. also: stop words that are kept."""
    words = list(dict.fromkeys(analyzer.words(text)))
    kept = [word for word in words if word not in STOP_WORDS or word in also] or words
    return tuple(map(QueryTerm, kept))
