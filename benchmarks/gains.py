"""What was measured of each collection, and what is gained over others: the arithmetic of the page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from enricher.evaluation.report import ENRICHED

HEADS = (0.0, 0.1, 0.2, 0.3, 0.4)
"""Shares of the vectors in the first ten ranks that are tried beside the default."""
FREQUENT = {
    "none": {"most": 0.05, "most_within_words": 0.05},
    "within words": {"most": 0.05, "most_within_words": 1.0},
    "within words, others to 10 %": {"most": 0.1, "most_within_words": 1.0},
    "all": {"most": 1.0, "most_within_words": 1.0},
}
"""Which frequent Chinese sub-words are searched: the name of a choice, and the settings of `subwords`."""
SATURATED = 0.85
"""From this nDCG@10 of the strongest plain system on there is little left to gain."""
BASE = "bm25"


def head(share: float) -> str:
    """The name of the recipe with that share of the vectors in the first ranks."""
    return f"head {share:g}"


def frequent(choice: str) -> str:
    """The name of the recipe with one of FREQUENT."""
    return f"frequent {choice}"


def without(part: str) -> str:
    """The name of the recipe with one rewriter less."""
    return f"without {part}"


@dataclass(frozen=True, slots=True)
class Gain:
    """Percent of nDCG@10 and of Recall@100."""

    ndcg: float
    recall: float


@dataclass(frozen=True, slots=True)
class Figures:
    """One system on one collection; ms a query, median."""

    ndcg: float
    recall: float
    ms: float

    def over(self, other: "Figures") -> Gain:
        """What this system gains over another; 0 over one that finds nothing."""
        return Gain(_percent(self.ndcg, other.ndcg), _percent(self.recall, other.recall))


def _percent(mine: float, other: float) -> float:
    return 100 * (mine / other - 1) if other else 0.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What is kept of a collection.

    texts: as in CollectionRecipe. origin: machine, versions, commit and month. default_head: the share of
    the vectors in the first ranks by the default recipe. all_documents, all_queries: how many there were
    before some were drawn. growth: how many times as large as an index of words only the enriched one is,
    None where unknown.
    """

    name: str
    kind: str
    texts: str
    origin: str
    default_head: float
    documents: int
    queries: int
    all_documents: int
    all_queries: int
    strongest: str
    systems: Mapping[str, Figures]
    growth: float | None

    @property
    def plain(self) -> Figures:
        """The strongest plain system."""
        return self.systems[self.strongest]

    @property
    def saturated(self) -> bool:
        return self.plain.ndcg >= SATURATED

    def gain(self, system: str = ENRICHED, over: str | None = None) -> Gain:
        """Of a system over another, the strongest plain one where none is named."""
        return self.systems[system].over(self.systems[over] if over else self.plain)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Measured":
        """From what `measure` wrote."""
        report = found["report"]
        size = report["index_bytes"]
        return cls(
            found["name"],
            found["kind"],
            found["texts"],
            found["origin"],
            default_head=found["head"],
            documents=report["counts"]["documents"],
            queries=report["queries"],
            all_documents=found["all_documents"],
            all_queries=found["all_queries"],
            strongest=report["strongest"],
            systems={
                name: Figures(values["ndcg@10"], values["recall@100"], values["ms"])
                for name, values in report["systems"].items()
            },
            growth=size and size["growth"],
        )


def unsaturated(items: Iterable[Measured]) -> list[Measured]:
    return [item for item in items if not item.saturated]


def mean(items: Iterable[Measured], system: str = ENRICHED, over: str | None = None) -> Gain | None:
    """The mean gain over the collections that have the system; None where there is none."""
    gains = [item.gain(system, over) for item in items if system in item.systems]
    if not gains:
        return None
    return Gain(fmean(gain.ndcg for gain in gains), fmean(gain.recall for gain in gains))


def worst(items: Sequence[Measured]) -> Measured:
    """The collection with the smallest gain in nDCG@10 over the strongest plain system."""
    return min(items, key=lambda item: item.gain().ndcg)


def best_recipe(items: Sequence[Measured], recipes: Sequence[str]) -> str:
    """The recipe with the best mean nDCG@10 relative to the strongest plain system; of equals the first."""
    return max(recipes, key=lambda recipe: fmean(item.gain(recipe).ndcg for item in items))


def chosen_recipes(found: Sequence[Measured], recipes: Sequence[str]) -> dict[str, str | None]:
    """Collection → the recipe chosen by the others, of which those of the same texts are left out too.

    None where no other is left.
    """
    chosen: dict[str, str | None] = {}
    for item in found:
        others = [other for other in found if other.texts != item.texts]
        chosen[item.name] = best_recipe(others, recipes) if others else None
    return chosen
