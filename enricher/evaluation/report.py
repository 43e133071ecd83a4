"""What an evaluation found: one line a system, the most hurt queries, and the gate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from enricher.evaluation.collection import Collection, Counts
from enricher.evaluation.metrics import QueryScores, p_value
from enricher.records import QueryTerm

BASE = "bm25"
ENRICHED = "enriched"
PLAIN_PREFIX = "bm25"
MARGIN = 0.01
"""A query is helped or hurt when its nDCG@10 differs by more than this."""
SHOWN_HURT = 10


@dataclass(frozen=True, slots=True)
class QueryResult:
    """One query on one system: its measures, its time, and the ranks of the relevant documents found."""

    scores: QueryScores
    ms: float
    ranks: Mapping[str, int]


Results = Mapping[str, QueryResult]
"""Query id → result, the same queries in the same order for every system."""


@dataclass(frozen=True, slots=True)
class SystemSummary:
    """One system: means over the queries, milliseconds a query (median).

    helped and hurt: queries on which nDCG@10 differs from that of `bm25` by more than MARGIN. change:
    percent of nDCG@10 against the strongest plain system; p: how likely that difference is by chance.
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
        """The figures under the names of the contract."""
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

    document: the relevant document that the plain system ranks best, else the enriched search, None
    where neither finds one. Ranks begin with 1, None where it is not among the hits that were judged.
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
    """Bytes on disk of an index with words only, and of the enriched one."""

    words: int
    enriched: int

    @property
    def growth(self) -> float:
        """How many times as large the enriched index is."""
        return self.enriched / self.words if self.words else 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of an evaluation; `strongest` names the plain system of the highest nDCG@10."""

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
        """What the contract names."""
        return {
            "collection": self.collection,
            "queries": self.queries,
            "systems": {system.name: system.as_json() for system in self.systems},
        }

    def as_full_json(self) -> dict[str, object]:
        """The same with all else that was found."""
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
    """The plain system with the highest mean nDCG@10; of equals the first."""
    plain = [name for name in results if name.startswith(PLAIN_PREFIX)]
    return max(plain, key=lambda name: fmean(_ndcg(results[name])))


def summarize(results: Mapping[str, Results]) -> tuple[SystemSummary, ...]:
    """One summary a system, in their order; `bm25` must be among them."""
    base = _ndcg(results[BASE])
    strongest = _ndcg(results[strongest_plain(results)])
    return tuple(_summary(name, found, base, strongest) for name, found in results.items())


def _summary(name: str, results: Results, base: Sequence[float], strongest: Sequence[float]) -> SystemSummary:
    scores = [result.scores for result in results.values()]
    ndcg = _ndcg(results)
    mean, best = fmean(ndcg), fmean(strongest)
    return SystemSummary(
        name,
        mean,
        fmean(score.recall for score in scores),
        fmean(score.average_precision for score in scores),
        fmean(score.reciprocal_rank for score in scores),
        helped=sum(mine - other > MARGIN for mine, other in zip(ndcg, base, strict=True)),
        hurt=sum(other - mine > MARGIN for mine, other in zip(ndcg, base, strict=True)),
        ms=median(result.ms for result in results.values()),
        change=100 * (mean / best - 1) if best else 0.0,
        p=p_value(ndcg, strongest),
    )


def _ndcg(results: Results) -> list[float]:
    return [result.scores.ndcg for result in results.values()]


def most_hurt(plain: Results, enriched: Results) -> list[str]:
    """The ids of the queries that lose most nDCG@10, more than MARGIN, the worst first."""
    losses = {name: plain[name].scores.ndcg - result.scores.ndcg for name, result in enriched.items()}
    hurt = [name for name, loss in losses.items() if loss > MARGIN]
    return sorted(hurt, key=lambda name: -losses[name])[:SHOWN_HURT]


def explain_hurt(
    name: str, collection: Collection, plain: Results, enriched: Results, terms: tuple[QueryTerm, ...]
) -> HurtQuery:
    """What a query asked, and where the relevant document stands in both rankings."""
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
    """Why the enriched search may not be used: one sentence, None where it may.

    It may fall below the strongest plain system by so many percent of nDCG@10.
    """
    enriched, plain = report.system(ENRICHED), report.system(report.strongest)
    if enriched.ndcg >= plain.ndcg * (1 - percent / 100):
        return None
    return (
        f"The gate is closed: nDCG@10 of {ENRICHED} is {enriched.ndcg:.4f}, {-enriched.change:.1f} % below "
        f"{plain.name} with {plain.ndcg:.4f}; at most {percent:g} % are allowed."
    )
