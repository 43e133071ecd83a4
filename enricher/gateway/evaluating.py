"""Compare the enriched search with the typed words alone, on a few judged queries."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from enricher.answers import Json
from enricher.errors import NotSupported
from enricher.gateway.requests import EvaluateRequest, JudgedQuery
from enricher.search.searcher import Answer, Question

if TYPE_CHECKING:
    from enricher.evaluation.report import QueryResult, Results

TYPED, ENRICHED = "words", "enriched"
SCORED_HITS = 100
SHOWN_HITS = 10


def evaluate(search: Callable[[Question], Answer], request: EvaluateRequest) -> Json:
    """The metrics of both searches, and the gain of each query.

    Raises what `search` raises; NotSupported if the packages of evaluations are not installed.
    """
    try:  # scipy takes most of a second to import
        from enricher.evaluation.report import summary_of
    except ModuleNotFoundError as error:
        raise NotSupported(f"This installation cannot evaluate: it has no package {error.name!r}.") from error
    queries = {query.id or str(place): query for place, query in enumerate(request.queries, 1)}
    found = {
        system: {name: _result(search, request.in_, query, is_expanded) for name, query in queries.items()}
        for system, is_expanded in ((TYPED, False), (ENRICHED, True))
    }
    base: Results = found[TYPED]

    def detail(name: str) -> Json:
        scores = {system: results[name].scores.ndcg for system, results in found.items()}
        return {
            "id": name,
            "text": queries[name].text,
            "ndcg@10": scores,
            "gain": scores[ENRICHED] - scores[TYPED],
            "hits": {system: list(results[name].ranks)[:SHOWN_HITS] for system, results in found.items()},
        }

    details = [detail(name) for name in queries]
    return {
        "index": request.in_,
        "queries": len(queries),
        "systems": {
            system: summary_of(system, results, base, base).as_json() for system, results in found.items()
        },
        "details": sorted(details, key=lambda one: -float(str(one["gain"]))),
    }


def _result(
    search: Callable[[Question], Answer], index: str, query: JudgedQuery, is_expanded: bool
) -> QueryResult:
    """The metrics of one query on one system, with the ranks of all hits."""
    from enricher.evaluation.metrics import score_ranking
    from enricher.evaluation.report import QueryResult

    answer = search(Question(query.text, index, SCORED_HITS, expansion=is_expanded))
    ranks = {hit.id: rank for rank, hit in enumerate(answer.response.hits, 1)}
    scores = score_ranking(query.relevant, {name: -rank for name, rank in ranks.items()})
    return QueryResult(scores, answer.response.took_ms, ranks)
