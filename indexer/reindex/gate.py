"""Whether a new index finds what the old one found: both are asked the queries of a judged collection."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

from enricher.errors import EngineError
from enricher.evaluation.collection import Collection, read_collection
from enricher.loaded_model import Model, load
from enricher.recipe.configuration import configuration_for
from enricher.records import Hit, Rejection, SearchEngine, SearchRequest
from enricher.search.opened import open_index
from enricher.settings import Configuration
from enricher.sources import SourceFormat
from enricher.text import open_analyzer
from indexer.reindex.job import Job

FALL = 0.01
"""How far the new index may be under the old one, as a share of its nDCG@10."""
DEEP = 10
FORMAT = SourceFormat("id", "title", "text")

Gate = Callable[[Job], tuple[float, float]]
"""Answers nDCG@10 of the old index and of the new one."""


class GateClosed(EngineError):
    """The new index finds less than the old one."""

    def __init__(self, job: str, gates: tuple[float, float]) -> None:
        old, new = gates
        super().__init__(
            f"The gate is closed: nDCG@10 of the new index is {new:.4f}, of the old one {old:.4f}. Nothing "
            f"was swapped; `enricher reindex cancel {job}` removes the new index, `resume` measures again."
        )


def is_closed(gates: tuple[float, float]) -> bool:
    """Whether the second falls too far under the first."""
    old, new = gates
    return new < (1 - FALL) * old


def read_judged(
    folder: Path, on_rejection: Callable[[Rejection], None] = lambda rejection: None
) -> Collection:
    """The collection of a gate. Raises SourceError where nothing can be measured by it."""
    return read_collection(folder, None, FORMAT, open_analyzer(), on_rejection)


@dataclass(frozen=True, slots=True)
class CollectionGate:
    """Asks an index of ours as `search` does, and an index that was never enriched by its own analysis."""

    engine: SearchEngine
    models: Path
    configuration: Configuration

    def __call__(self, job: Job) -> tuple[float, float]:
        assert job.options.gate is not None
        collection = read_judged(Path(job.options.gate))
        self.engine.refresh(job.target)
        return self._ndcg(job, job.source, collection), self._ndcg(job, job.target, collection)

    def _ndcg(self, job: Job, index: str, collection: Collection) -> float:
        """Mean nDCG@10 of the queries with a relevant document."""
        from enricher.evaluation.metrics import score_ranking  # loads scipy, which no other job needs

        ours = index in self.engine.indexes()
        search = (
            self._ours(job, index)
            if ours
            else partial(self.engine.search_text, index, fields=job.fields, top=DEEP)
        )
        found = {query: search(text) for query, text in collection.queries.items()}
        return fmean(
            score_ranking(collection.judgements[query], {hit.id: hit.score for hit in hits}).ndcg
            for query, hits in found.items()
        )

    def _ours(self, job: Job, index: str) -> Callable[[str], list[Hit]]:
        opened = open_index(self.engine, index, self._load)
        configuration = configuration_for(
            self.engine, self.configuration, job.alias, index, recorded=opened.layout
        )
        rewrite = opened.rewriting(configuration)

        def search(text: str) -> list[Hit]:
            query = rewrite(opened.query(text))
            if not query.terms and query.vector is None:
                return []
            return list(opened.search(SearchRequest(query, DEEP, source=False)).hits)

        return search

    def _load(self, version: str) -> Model:
        return load(self.models, version)
