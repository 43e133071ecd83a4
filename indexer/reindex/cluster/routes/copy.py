"""The route from an index into a new one."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from enricher.enrichment import DocumentEnricher
from indexer.engines.cluster.jobs.aliases import fencing_alias
from indexer.engines.cluster.jobs.versioned import Copied, VersionedDocument
from indexer.reindex.cluster.cluster import ClusterPair
from indexer.reindex.cluster.enriched_lines import lines_in_batches
from indexer.reindex.cluster.id_snapshot import IdSnapshot
from indexer.reindex.cluster.reconciliation import Differences, Rules, compare
from indexer.reindex.cluster.routes.between import BetweenIndexes
from indexer.reindex.job import Job, Phase


class CopyRoute(BetweenIndexes):
    """Copies carry the versions of the source, so the server refuses a copy that is older than its own."""

    def __init__(self, clusters: ClusterPair, enricher: DocumentEnricher) -> None:
        super().__init__(clusters, enricher)
        self._layout = enricher.layout()

    def prepare(self, job: Job) -> None:
        settings, mapping = self._clusters.described(job.source)
        self._target.targets.create_like(settings, mapping, job.target, self._layout, job.id)

    def read(self, job: Job, shard: int, after: int, upto: int, size: int) -> list[VersionedDocument]:
        return self._source.shards.read(job.source, shard, after, upto, size)

    def write(self, job: Job, shard: int, page: Sequence[VersionedDocument], token: str) -> Copied:
        if job.phase is Phase.TRAILING:
            return self._write_late(job, shard, page)
        alias, copied, sent = fencing_alias(job.target, token), Copied(), Future[Copied]()
        sent.set_result(copied)
        batches = lines_in_batches(self._enricher, page, with_codes=self._has_vector_codes(job.target))
        with ThreadPoolExecutor(1) as sender, closing(batches):
            for lines, refused in batches:  # a batch is sent while the next ones are enriched
                copied += sent.result() + Copied(refused=refused)
                sent = sender.submit(self._target.copies.write, alias, lines)
            return copied + sent.result()

    def differences(self, job: Job, snapshot: IdSnapshot | None = None) -> Iterator[Differences]:
        refused = self._refused(job.rejects)
        rules = Rules(refused, lambda document, copy: copy.version >= document.copied_version)
        shards = self._source.shards, self._target.shards
        aligned = self._are_aligned(job.source, job.target)
        return compare(*shards, job.source, job.target, job.cursors, rules, snapshot, is_aligned=aligned)
