"""The rewriters of an index, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass

from enricher import plugins
from enricher.records import TOKENS, Candidate, IndexLayout, Query, Rewriter
from enricher.search.frequencies import KnownFrequencies


@dataclass(frozen=True, slots=True)
class QueryRewriting:
    """Rewrites queries with the rewriters of an index, which are built once. Thread-safe if they are.

    Terms of a field family that the index lacks, and terms of weight 0, are removed. Without rewriters a
    query stays unchanged.
    """

    layout: IndexLayout
    rewriters: Sequence[Rewriter]
    known: KnownFrequencies

    def __call__(self, query: Query) -> Query:
        if not self.rewriters:
            return query
        typed = query
        self.known.load(plugins.looked_up(self.rewriters, query))
        for rewriter in self.rewriters:
            query = plugins.rewrite(rewriter, query)
        present = {family for family in {term.field for term in query.terms} if self._has(family)}
        terms = tuple(term for term in query.terms if term.field in present and term.weight)
        vector = query.vector if self.layout.has_vectors else None
        return Query(query.text, terms, vector, typed.required, typed.excluded)

    def candidates(self, query: Query) -> list[Candidate]:
        """All words that the rewriters consider for a query, and why each is added or not."""
        found: list[Candidate] = []
        self.known.load(plugins.looked_up(self.rewriters, query))
        for rewriter in self.rewriters:
            found += plugins.candidates(rewriter, query)
            query = plugins.rewrite(rewriter, query)
        return found

    def documents_with(self, words: Sequence[str]) -> tuple[int, ...]:
        """How many documents of the index contain each word."""
        return self.known.of(TOKENS, words).counts

    def _has(self, family: str) -> bool:
        return family in self.layout.mapping or bool(self.layout.family(family))
