"""RM3: expand a query with words of its first hits (pseudo-relevance feedback).

The relevance model of Lavrenko and Croft (2001), interpolated with the query as in Abdul-Jaleel et al.
(2004). The defaults and the selection of terms are those of Anserini.
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
MAX_TERM_CHARACTERS = 20
MAX_DOCUMENT_SHARE = 0.1
"""Maximum share of the documents that may contain a feedback term."""


def relevance_model(
    documents: Sequence[tuple[Mapping[str, int], float]], terms: int = FEEDBACK_TERMS
) -> dict[str, float]:
    """The relevance model p(w|R): the weights of the `terms` heaviest words, which sum to 1.

    p(w|R) ∝ Σ_d score(d) · count(w, d) / |d|, where each d is first reduced to its `terms` most frequent
    words. documents: the word counts and the score of each of the first hits.
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
    """The `number` largest entries; equal weights in alphabetical order."""
    ordered = sorted(weights, key=lambda word: (-weights[word], word))
    return {word: weights[word] for word in ordered[:number]}


def interpolate(query: Mapping[str, float], model: Mapping[str, float]) -> dict[str, float]:
    """QUERY_WEIGHT · p(w|query) + (1 − QUERY_WEIGHT) · p(w|R), for all words w of both."""
    total = sum(query.values())
    mixed = {word: QUERY_WEIGHT * weight / total for word, weight in query.items()}
    for word, weight in model.items():
        mixed[word] = mixed.get(word, 0.0) + (1 - QUERY_WEIGHT) * weight
    return mixed


@dataclass(frozen=True)
class FeedbackQueries:
    """Builds RM3 queries for the field `words`.

    plain: parses a text to a query. search: returns at most the given number of hits of a query. frequencies:
    returns the document frequencies of words.
    """

    analyzer: Analyzer
    fields: tuple[str, ...]
    plain: Callable[[str], Query]
    search: Callable[[Query, int], Sequence[Hit]]
    frequencies: Callable[[Sequence[str]], Frequencies]

    def query(self, text: str) -> Query:
        """The query expanded with words of its first hits; the plain query if there is nothing to add."""
        plain = self.plain(text)
        if not plain.terms:
            return plain
        model = relevance_model(self._feedback(self.search(plain, FEEDBACK_DOCUMENTS)))
        typed = {term.term: term.weight for term in plain.terms}
        mixed = interpolate(typed, model)
        return Query(text, tuple(_term(word, weight, word in typed) for word, weight in mixed.items()))

    def _feedback(self, hits: Sequence[Hit]) -> list[tuple[Mapping[str, int], float]]:
        """The counts of the possible feedback terms in each hit, and its score."""
        counted = [Counter(self._words(hit)) for hit in hits]
        candidates = sorted({word for counts in counted for word in counts})
        found = self.frequencies(candidates) if candidates else Frequencies(0, ())
        max_count = MAX_DOCUMENT_SHARE * found.documents
        rare = {word for word, count in zip(candidates, found.counts, strict=True) if count <= max_count}
        return [
            ({word: count for word, count in counts.items() if word in rare}, hit.score)
            for counts, hit in zip(counted, hits, strict=True)
        ]

    def _words(self, hit: Hit) -> list[str]:
        words = [word for name in self.fields for word in self.analyzer.words(text_at(hit.source, name))]
        return [word for word in content(words) if is_content(word) and len(word) <= MAX_TERM_CHARACTERS]


def _term(word: str, weight: float, typed: bool) -> QueryTerm:
    if typed:
        return QueryTerm(word, weight, field=WORDS)
    return QueryTerm(word, weight, "rm3", "frequent in the first hits", field=WORDS)
