"""Parse the text of a query into terms."""

from enricher.records import Query, QueryTerm
from enricher.text import STOP_WORDS, Analyzer


def parse_query(analyzer: Analyzer, text: str) -> Query:
    """The distinct words of a query with weight 1. Stop words are dropped unless there are no other words."""
    words = list(dict.fromkeys(analyzer.words(text)))
    kept = [word for word in words if word not in STOP_WORDS] or words
    return Query(text, tuple(QueryTerm(word) for word in kept))
