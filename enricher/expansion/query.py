"""From what a user typed to the terms of a query."""

from enricher.records import Query, QueryTerm
from enricher.text import STOP_WORDS, Analyzer


def parse_query(analyzer: Analyzer, text: str) -> Query:
    """The words of a query, each once, with weight 1; stop words only where there is nothing else."""
    words = list(dict.fromkeys(analyzer.words(text)))
    kept = [word for word in words if word not in STOP_WORDS] or words
    return Query(text, tuple(QueryTerm(word) for word in kept))
