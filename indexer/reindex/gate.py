"""Measures whether a new index finds what the old one finds, with the queries of a judged collection."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

from enricher.errors import EngineError
from enricher.evaluation.collection import Collection, read_collection
from enricher.loaded_model import load
from enricher.records import Hit, Rejection, SearchEngine, SearchRequest
from enricher.search.searcher import Searcher
from enricher.settings import Configuration
from enricher.sources import SourceFormat
from enricher.text import open_analyzer
from indexer.reindex.job import Job

MAX_RELATIVE_LOSS = 0.01
"""How far nDCG@10 of the new index may be below that of the old one, as a share of the latter."""
TOP_HITS = 10
"""Hits per query."""
FORMAT = SourceFormat("id", "title", "text")

Gate = Callable[[Job], tuple[float, float]]
"""Measures nDCG@10 of the old index and of the new one."""


class GateClosed(EngineError):
    """The new index finds too much less than the old one."""

    def __init__(self, job: str, gates: tuple[float, float]) -> None:
        old, new = gates
        super().__init__(
            f"The gate is closed: nDCG@10 of the new index is {new:.4f}, that of the old one {old:.4f}. "
            f"Nothing was swapped. `enricher reindex cancel {job}` removes the new index; `resume` measures "
            "it again."
        )


def is_closed(gates: tuple[float, float]) -> bool:
    """Whether the second value is more than MAX_RELATIVE_LOSS below the first."""
    old, new = gates
    return new < (1 - MAX_RELATIVE_LOSS) * old


def read_judged(
    folder: Path, on_rejection: Callable[[Rejection], None] = lambda rejection: None
) -> Collection:
    """Read the collection of a gate. Raises SourceError if it holds nothing to measure with."""
    return read_collection(folder, None, FORMAT, open_analyzer(), on_rejection)


@dataclass(frozen=True, slots=True)
class CollectionGate:
    """Queries an enriched index as `enricher search` does, and any other index with its own analysis.

    Judged queries are text: quotes and hyphens in them are no operators.
    """

    engine: SearchEngine
    models: Path
    configuration: Callable[[], Configuration]

    def __call__(self, job: Job) -> tuple[float, float]:
        assert job.options.gate is not None
        collection = read_judged(Path(job.options.gate))
        self.engine.refresh(job.target)
        return self._ndcg(job, job.source, collection), self._ndcg(job, job.target, collection)

    def _ndcg(self, job: Job, index: str, collection: Collection) -> float:
        """Mean nDCG@10 of the queries that have a relevant document."""
        from enricher.evaluation.metrics import score_ranking  # loads scipy, which no other job needs

        is_enriched = index in self.engine.indexes()
        plain = partial(self.engine.search_text, index, fields=job.fields, top=TOP_HITS)
        search = self._enriched(job, index) if is_enriched else plain
        found = {query: search(text) for query, text in collection.queries.items()}
        return fmean(
            score_ranking(collection.judgements[query], {hit.id: hit.score for hit in hits}).ndcg
            for query, hits in found.items()
        )

    def _enriched(self, job: Job, index: str) -> Callable[[str], list[Hit]]:
        searcher = Searcher(self.engine, partial(load, self.models), self.configuration)
        opened = searcher.open(index)
        rewrite = searcher.rewriting(opened, job.alias)

        def search(text: str) -> list[Hit]:
            query = rewrite(opened.query(text))
            if not query.terms and query.vector is None:
                return []
            return list(opened.search(SearchRequest(query, TOP_HITS, source=False)).hits)

        return search
