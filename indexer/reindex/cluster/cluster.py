"""A cluster as jobs use it, and the two clusters of a migration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from enricher.errors import EngineError
from enricher.records import IndexLayout
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.cluster.jobs.aliases import Aliases
from indexer.engines.cluster.jobs.copies import Copies
from indexer.engines.cluster.jobs.documents import Documents
from indexer.engines.cluster.jobs.portable import portable_mapping, portable_settings
from indexer.engines.cluster.jobs.rejects import Rejects
from indexer.engines.cluster.jobs.shards import Shards
from indexer.engines.cluster.jobs.targets import Targets
from indexer.engines.cluster.mapping import has_vector_codes
from indexer.reindex.job import Job

ROUTINGS_COMPARED = 32
"""Routings whose shards are compared; of indexes that differ, half of them or more do."""


class Cluster:
    """An engine, and what jobs read from it and write to it."""

    def __init__(self, engine: ClusterEngine) -> None:
        self.engine = engine
        self.shards = Shards(engine)
        self.documents = Documents(engine)
        self.copies = Copies(engine, self.documents)
        self.rejects = Rejects(engine, self.documents)
        self.targets = Targets(engine)
        self.aliases = Aliases(engine)

    @property
    def alone(self) -> "ClusterPair":
        """The cluster as that of both indexes of a job."""
        return ClusterPair(self, self)

    def layout(self, index: str) -> IndexLayout | None:
        """The layout of an index, by its own name; None if it was never enriched."""
        return self.engine.layout(index) if index in self.engine.indexes() else None

    def has_vector_codes(self, index: str) -> bool:
        """Whether documents of an index are written with their vectors in `vector_codes` too."""
        return has_vector_codes(self.targets.described(index)[1])


def removed_source(cluster: Cluster, job: Job) -> EngineError | None:
    """The error of a job whose source is gone; None if the source exists."""
    if cluster.engine.exists(job.source):
        return None
    return EngineError(
        f"The index {job.source!r} was removed while the job {job.id!r} ran, which cannot go on: cancel it."
    )


@dataclass(frozen=True, slots=True)
class ClusterPair:
    """The clusters of the two indexes of a job, which are one unless the job is a migration.

    The jobs and their rejects are kept in that of the source.
    """

    source: Cluster
    target: Cluster

    def are_aligned(self, source: str, target: str) -> bool:
        """Whether both indexes put each document into the shard of the same number.

        Elasticsearch 9 divides documents among shards in another way than 8 and OpenSearch.
        """
        if self.source is self.target:
            return True
        return all(
            self.source.shards.places(source, str(n)) == self.target.shards.places(target, str(n))
            for n in range(ROUTINGS_COMPARED)
        )

    def described(self, index: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The settings and the mapping of an index of the source, as an index of the target can have them."""
        settings, mapping, _ = self.source.targets.described(index)
        if self.source is self.target:
            return settings, mapping
        missing = self.target.engine.server.dialect.missing_types
        return portable_settings(settings), portable_mapping(mapping, missing)
