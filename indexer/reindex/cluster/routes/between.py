"""What the routes from one index to another have in common."""

from collections.abc import Sequence
from functools import cache

from enricher.enrichment import DocumentEnricher
from indexer.engines.cluster.jobs.versioned import Copied, Line, Refused, VersionedDocument
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.enriched_lines import lines_of
from indexer.reindex.cluster.reconciliation import RefusedSequences
from indexer.reindex.job import Job


class BetweenIndexes:
    """Writes behind a fencing alias, and after the swap only what clients have not written since."""

    def __init__(self, cluster: Cluster, enricher: DocumentEnricher | None) -> None:
        self._cluster, self._enricher = cluster, enricher
        self._has_vector_codes = cache(cluster.has_vector_codes)

    def open(self, job: Job, token: str) -> None:
        self._cluster.aliases.open_fencing_alias(job.target, token)

    def finish(self, job: Job) -> None:
        self._cluster.aliases.close_fencing_alias(job.target)
        self._cluster.targets.forget_deletes(job.source, job.target)

    def _lines(self, job: Job, documents: Sequence[VersionedDocument]) -> tuple[list[Line], list[Refused]]:
        """The lines of documents for the target, and the documents that it cannot hold."""
        return lines_of(self._enricher, documents, with_codes=self._has_vector_codes(job.target))

    def _write_late(self, job: Job, shard: int, page: Sequence[VersionedDocument]) -> Copied:
        """Write documents after the swap, when clients write to the target too."""
        lines, refused = self._lines(job, page)
        copied = self._cluster.copies.write_late(job.target, lines, job.swapped_at[shard])
        return copied + Copied(refused=refused)

    def _refused(self, rejects: str) -> RefusedSequences:
        return {(one.id, one.routing): one.sequence for one in self._cluster.rejects.load(rejects)}
