"""What the routes from one index to another have in common."""

from collections.abc import Sequence
from functools import cache

from enricher.enrichment import DocumentEnricher
from indexer.engines.cluster.jobs.versioned import Copied, Line, Refused, VersionedDocument
from indexer.reindex.cluster.cluster import ClusterPair
from indexer.reindex.cluster.enriched_lines import lines_of
from indexer.reindex.cluster.reconciliation import RefusedSequences
from indexer.reindex.job import Job


class BetweenIndexes:
    """Writes behind a fencing alias, and after the swap only what clients have not written since."""

    def __init__(self, clusters: ClusterPair, enricher: DocumentEnricher | None) -> None:
        self._clusters, self._enricher = clusters, enricher
        self._source, self._target = clusters.source, clusters.target
        self._has_vector_codes = cache(clusters.target.has_vector_codes)
        self._are_aligned = cache(clusters.are_aligned)

    def open(self, job: Job, token: str) -> None:
        self._target.aliases.open_fencing_alias(job.target, token)

    def finish(self, job: Job) -> None:
        self._target.aliases.close_fencing_alias(job.target)
        self._target.targets.forget_deletes(self._clusters.described(job.source)[0], job.target)

    def _lines(self, job: Job, documents: Sequence[VersionedDocument]) -> tuple[list[Line], list[Refused]]:
        """The lines of documents for the target, and the documents that it cannot hold."""
        return lines_of(self._enricher, documents, with_codes=self._has_vector_codes(job.target))

    def _write_late(self, job: Job, shard: int, page: Sequence[VersionedDocument]) -> Copied:
        """Write documents after the swap, when clients write to the target too."""
        lines, refused = self._lines(job, page)
        swapped_at = {line.document.key: job.swapped_at[self._place(job, shard, line)] for line in lines}
        copied = self._target.copies.write_late(job.target, lines, swapped_at)
        return copied + Copied(refused=refused)

    def _place(self, job: Job, shard: int, line: Line) -> int:
        """The shard of the target that holds a document of a shard of the source."""
        if self._are_aligned(job.source, job.target):
            return shard
        document = line.document
        (place,) = self._target.shards.places(job.target, document.routing or document.id)
        return place

    def _refused(self, rejects: str) -> RefusedSequences:
        return {(one.id, one.routing): one.sequence for one in self._source.rejects.load(rejects)}
