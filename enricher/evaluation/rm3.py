"""RM3: a query expanded from its own first hits (pseudo-relevance feedback).

The relevance model of Lavrenko and Croft (2001), mixed with the query as in Abdul-Jaleel et al. (2004),
with the defaults and the choice of terms of Anserini.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from enricher.evaluation.baselines import WORDS, content
from enricher.records import Frequencies, Hit, Query, QueryTerm, text_at
from enricher.text import Analyzer, is_content

FEEDBACK_DOCUMENTS = 10
FEEDBACK_TERMS = 10
QUERY_WEIGHT = 0.5
LONGEST_TERM = 20
COMMON = 0.1
"""A word that stands in a greater share of the documents is no feedback term."""


def relevance_model(
    documents: Sequence[tuple[Mapping[str, int], float]], terms: int = FEEDBACK_TERMS
) -> dict[str, float]:
    """p(word|R) of the heaviest words, summing to 1, from the first hits: (counts of words, score) each.

    p(w|R) ∝ Σ_d score(d) · count(w, d) / |d|, where d is cut to its `terms` most frequent words first.
    """
    weights: dict[str, float] = {}
    for counts, score in documents:
        kept = _heaviest(counts, terms)
        length = sum(kept.values())
        for word, count in kept.items():
            weights[word] = weights.get(word, 0.0) + score * count / length
    chosen = _heaviest(weights, terms)
    total = sum(chosen.values())
    return {word: weight / total for word, weight in chosen.items()} if total > 0 else {}


def _heaviest(weights: Mapping[str, float], number: int) -> dict[str, float]:
    """The largest entries, those of equal weight in the order of the alphabet."""
    ordered = sorted(weights, key=lambda word: (-weights[word], word))
    return {word: weights[word] for word in ordered[:number]}


def interpolate(query: Mapping[str, float], model: Mapping[str, float]) -> dict[str, float]:
    """QUERY_WEIGHT · p(word|query) + (1 − QUERY_WEIGHT) · p(word|R), over the words of both."""
    total = sum(query.values())
    mixed = {word: QUERY_WEIGHT * weight / total for word, weight in query.items()}
    for word, weight in model.items():
        mixed[word] = mixed.get(word, 0.0) + (1 - QUERY_WEIGHT) * weight
    return mixed


@dataclass(frozen=True)
class FeedbackQueries:
    """Makes RM3 queries over the field `words`.

    search: the hits of a query, so many at most. frequencies: in how many documents words stand.
    """

    analyzer: Analyzer
    fields: tuple[str, ...]
    plain: Callable[[str], Query]
    search: Callable[[Query, int], Sequence[Hit]]
    frequencies: Callable[[Sequence[str]], Frequencies]

    def query(self, text: str) -> Query:
        """The query expanded from its first hits; the plain one where it finds nothing to add."""
        plain = self.plain(text)
        if not plain.terms:
            return plain
        model = relevance_model(self._feedback(self.search(plain, FEEDBACK_DOCUMENTS)))
        typed = {term.term: term.weight for term in plain.terms}
        mixed = interpolate(typed, model)
        return Query(text, tuple(_term(word, weight, word in typed) for word, weight in mixed.items()))

    def _feedback(self, hits: Sequence[Hit]) -> list[tuple[Mapping[str, int], float]]:
        """The counts of the words of every hit that may be feedback terms, and its score."""
        counted = [Counter(self._words(hit)) for hit in hits]
        candidates = sorted({word for counts in counted for word in counts})
        found = self.frequencies(candidates) if candidates else Frequencies(0, ())
        most = COMMON * found.documents
        rare = {word for word, count in zip(candidates, found.counts, strict=True) if count <= most}
        return [
            ({word: count for word, count in counts.items() if word in rare}, hit.score)
            for counts, hit in zip(counted, hits, strict=True)
        ]

    def _words(self, hit: Hit) -> list[str]:
        words = [word for name in self.fields for word in self.analyzer.words(text_at(hit.source, name))]
        return [word for word in content(words) if is_content(word) and len(word) <= LONGEST_TERM]


def _term(word: str, weight: float, typed: bool) -> QueryTerm:
    if typed:
        return QueryTerm(word, weight, field=WORDS)
    return QueryTerm(word, weight, "rm3", "frequent in the first hits", field=WORDS)
