"""The route from a new index back into the one that it has replaced."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from enricher.enrichment import DocumentEnricher
from indexer.engines.cluster.jobs.aliases import fencing_alias
from indexer.engines.cluster.jobs.versioned import Copied, VersionedDocument
from indexer.reindex.cluster.cluster import ClusterPair
from indexer.reindex.cluster.id_snapshot import IdSnapshot
from indexer.reindex.cluster.reconciliation import Differences, RefusedSequences, Rules, compare
from indexer.reindex.cluster.routes.between import BetweenIndexes
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, Phase

MAX_TRIES = 5
"""How often a document is read again that a client changed while it was being written."""


class RollbackRoute(BetweenIndexes):
    """The versions of the two indexes cannot be compared.

    So a copy is written on the condition that the target is as it was before the source was read. What is
    written is therefore never older than what it replaces.
    """

    def __init__(self, clusters: ClusterPair, enricher: DocumentEnricher | None, undone: Job) -> None:
        super().__init__(clusters, enricher)
        self._undone = undone

    def prepare(self, job: Job) -> None:
        self._target.targets.reopen(job.target)

    def read(self, job: Job, shard: int, after: int, upto: int, size: int) -> list[VersionedDocument]:
        source = job.phase is Phase.TRAILING  # `write` fetches the sources otherwise
        return self._source.shards.read(job.source, shard, after, upto, size, source=source)

    def write(self, job: Job, shard: int, page: Sequence[VersionedDocument], token: str) -> Copied:
        if job.phase is Phase.TRAILING:
            return self._write_late(job, shard, page)
        documents, alias = self._target.documents, fencing_alias(job.target, token)
        copied, left = Copied(), list(page)
        for _ in range(MAX_TRIES):
            there = documents.current(job.target, left)
            seen = {one.key: present for one, present in zip(left, there, strict=True)}
            reached("target-seen")
            found = [one for one in documents.fetch(job.source, left) if one is not None]
            lines, refused = self._lines(job, found)
            written = self._target.copies.write_if_unchanged(alias, lines, seen)
            left = list(written.passed_over)
            copied += replace(written, passed_over=()) + Copied(refused=refused)
            if not left:
                break
        return replace(copied, passed_over=left)

    def differences(self, job: Job, snapshot: IdSnapshot | None = None) -> Iterator[Differences]:
        refused = self._refused(job.rejects)

        def is_current(document: VersionedDocument, copy: VersionedDocument) -> bool:
            return refused.get(document.key) != document.sequence

        never_copied = NeverCopied(self._refused(self._undone.rejects), self._undone.cursors, job.checkpoints)
        rules = Rules(refused, is_current, never_copied)
        return compare(
            self._source.shards, self._target.shards, job.source, job.target, job.cursors, rules, snapshot
        )


class NeverCopied:
    """Recognises documents of the old index that the new one never had.

    refused: documents that the new index refused. cursors: shard → the sequence number up to which the old
    index was copied. checkpoints: shard → the checkpoint of the old index when the rollback began; what lies
    between was written past the alias, after the swap.
    """

    def __init__(
        self, refused: RefusedSequences, cursors: Mapping[int, int], checkpoints: Mapping[int, int]
    ) -> None:
        self._refused, self._cursors, self._checkpoints = refused, cursors, checkpoints

    def __call__(self, shard: int, document: VersionedDocument) -> bool:
        if self._refused.get(document.key) == document.sequence:
            return True
        return self._cursors.get(shard, -1) < document.sequence <= self._checkpoints.get(shard, -1)
