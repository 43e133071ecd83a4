"""The report of an evaluation: one line per system, the most hurt queries, and the gate."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, median

from enricher.evaluation.collection import Collection, Counts
from enricher.evaluation.metrics import QueryScores, p_value
from enricher.records import QueryTerm

BASE = "bm25"
ENRICHED = "enriched"
PLAIN_PREFIX = "bm25"
MIN_NDCG_DIFFERENCE = 0.01
"""A query is helped or hurt when its nDCG@10 differs by more than this."""
MAX_HURT_QUERIES = 10


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The result of one query on one system: metrics, time, and the ranks of the relevant documents found."""

    scores: QueryScores
    ms: float
    ranks: Mapping[str, int]


Results = Mapping[str, QueryResult]
"""Query id → result. Every system has the same queries in the same order."""


@dataclass(frozen=True, slots=True)
class SystemSummary:
    """The summary of one system: mean metrics over the queries, and median milliseconds per query (`ms`).

    helped, hurt: number of queries whose nDCG@10 is higher, or lower, than that of `bm25` by more than
    MIN_NDCG_DIFFERENCE. change: difference of nDCG@10 to the strongest plain system, in percent. p: the
    p-value of that difference.
    """

    name: str
    ndcg: float
    recall: float
    average_precision: float
    reciprocal_rank: float
    helped: int
    hurt: int
    ms: float
    change: float
    p: float

    def as_json(self) -> dict[str, object]:
        """The figures as JSON. Applications rely on these keys."""
        return {
            "ndcg@10": round(self.ndcg, 6),
            "recall@100": round(self.recall, 6),
            "map": round(self.average_precision, 6),
            "mrr": round(self.reciprocal_rank, 6),
            "helped": self.helped,
            "hurt": self.hurt,
            "ms": round(self.ms, 3),
        }


@dataclass(frozen=True, slots=True)
class HurtQuery:
    """A query that the enriched search answers worse than the strongest plain system.

    document: the relevant document with the best rank in the plain system, else in the enriched search;
    None if neither finds one. Ranks start at 1; None if the document is not among the scored hits.
    """

    id: str
    text: str
    ndcg_plain: float
    ndcg: float
    document: str | None
    rank_plain: int | None
    rank: int | None
    terms: tuple[QueryTerm, ...]

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "text": self.text,
            "ndcg@10": {"plain": round(self.ndcg_plain, 6), ENRICHED: round(self.ndcg, 6)},
            "document": self.document,
            "rank": {"plain": self.rank_plain, ENRICHED: self.rank},
            "terms": [term.as_json() for term in self.terms],
        }


@dataclass(frozen=True, slots=True)
class IndexBytes:
    """Bytes on disk of an index with words only, and of the enriched index."""

    words: int
    enriched: int

    @property
    def growth(self) -> float:
        """The size of the enriched index divided by that of the index with words only."""
        return self.enriched / self.words if self.words else 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """The result of an evaluation. strongest: the plain system with the highest nDCG@10."""

    collection: str
    queries: int
    language: str
    model: str
    systems: tuple[SystemSummary, ...]
    strongest: str
    hurt: tuple[HurtQuery, ...]
    counts: Counts
    index_bytes: IndexBytes

    def system(self, name: str) -> SystemSummary:
        return next(system for system in self.systems if system.name == name)

    def as_json(self) -> dict[str, object]:
        """The main figures as JSON. Applications rely on these keys."""
        return {
            "collection": self.collection,
            "queries": self.queries,
            "systems": {system.name: system.as_json() for system in self.systems},
        }

    def as_full_json(self) -> dict[str, object]:
        """All figures as JSON: the main figures, significance, index sizes and the most hurt queries."""
        systems = {
            system.name: system.as_json() | {"change_percent": round(system.change, 3), "p": system.p}
            for system in self.systems
        }
        size = self.index_bytes
        return self.as_json() | {
            "systems": systems,
            "strongest": self.strongest,
            "language": self.language,
            "model": self.model,
            "counts": self.counts.as_json(),
            "index_bytes": {"words": size.words, ENRICHED: size.enriched, "growth": size.growth},
            "most_hurt": [query.as_json() for query in self.hurt],
        }


def strongest_plain(results: Mapping[str, Results]) -> str:
    """The plain system with the highest mean nDCG@10; the first one if several are equal."""
    plain = [name for name in results if name.startswith(PLAIN_PREFIX)]
    return max(plain, key=lambda name: fmean(_ndcg(results[name])))


def summarize(results: Mapping[str, Results]) -> tuple[SystemSummary, ...]:
    """One summary per system, in the given order. `bm25` must be among the systems."""
    base, strongest = results[BASE], results[strongest_plain(results)]
    return tuple(summary_of(name, found, base, strongest) for name, found in results.items())


def summary_of(name: str, found: Results, base_results: Results, strongest_results: Results) -> SystemSummary:
    """The summary of a system, compared with a base (helped, hurt) and with the strongest plain system."""
    scores = [result.scores for result in found.values()]
    ndcg, base, strongest = _ndcg(found), _ndcg(base_results), _ndcg(strongest_results)
    mean, best = fmean(ndcg), fmean(strongest)
    return SystemSummary(
        name,
        mean,
        fmean(score.recall for score in scores),
        fmean(score.average_precision for score in scores),
        fmean(score.reciprocal_rank for score in scores),
        helped=sum(mine - other > MIN_NDCG_DIFFERENCE for mine, other in zip(ndcg, base, strict=True)),
        hurt=sum(other - mine > MIN_NDCG_DIFFERENCE for mine, other in zip(ndcg, base, strict=True)),
        ms=median(result.ms for result in found.values()),
        change=100 * (mean / best - 1) if best else 0.0,
        p=p_value(ndcg, strongest),
    )


def _ndcg(results: Results) -> list[float]:
    return [result.scores.ndcg for result in results.values()]


def most_hurt(plain: Results, enriched: Results) -> list[str]:
    """The ids of the queries that lose more than MIN_NDCG_DIFFERENCE of nDCG@10, the worst first."""
    losses = {name: plain[name].scores.ndcg - result.scores.ndcg for name, result in enriched.items()}
    hurt = [name for name, loss in losses.items() if loss > MIN_NDCG_DIFFERENCE]
    return sorted(hurt, key=lambda name: -losses[name])[:MAX_HURT_QUERIES]


def explain_hurt(
    name: str, collection: Collection, plain: Results, enriched: Results, terms: tuple[QueryTerm, ...]
) -> HurtQuery:
    """Describe a hurt query: its terms, and the ranks of a relevant document in both systems."""
    before, after = plain[name].ranks, enriched[name].ranks
    ranks = before or after
    document = min(ranks, key=lambda found: ranks[found]) if ranks else None
    return HurtQuery(
        name,
        collection.queries[name],
        plain[name].scores.ndcg,
        enriched[name].scores.ndcg,
        document,
        before.get(document) if document is not None else None,
        after.get(document) if document is not None else None,
        terms,
    )


def gate(report: Report, percent: float) -> str | None:
    """Check the gate: None if the enriched search passes, else a sentence with the reason.

    percent: how far nDCG@10 may be below that of the strongest plain system.
    """
    enriched, plain = report.system(ENRICHED), report.system(report.strongest)
    if enriched.ndcg >= plain.ndcg * (1 - percent / 100):
        return None
    return (
        f"The gate is closed: nDCG@10 of {ENRICHED} is {enriched.ndcg:.4f}, {-enriched.change:.1f} % below "
        f"{plain.name} with {plain.ndcg:.4f}; at most {percent:g} % are allowed."
    )
