"""What distinguishes the kinds of jobs."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from indexer.engines.cluster.jobs.versioned import Copied, VersionedDocument
from indexer.reindex.cluster.id_snapshot import IdSnapshot
from indexer.reindex.cluster.reconciliation import Differences
from indexer.reindex.job import Job


class Route(Protocol):
    """From where to where documents go. Every method may run twice, and in two workers at once."""

    def prepare(self, job: Job) -> None:
        """Make the target ready for writes."""

    def open(self, job: Job, token: str) -> None:
        """Let only workers with this token write."""

    def read(self, job: Job, shard: int, after: int, upto: int, size: int) -> list[VersionedDocument]:
        """Read the next documents of a shard of the source.

        after, upto: only documents with sequence numbers above `after` and at most `upto`. size: the maximum
        number of documents.
        """

    def write(self, job: Job, shard: int, page: Sequence[VersionedDocument], token: str) -> Copied:
        """Write the documents of a page to the target. Raises FencedOut if the token is no longer valid."""

    def differences(self, job: Job, snapshot: IdSnapshot | None = None) -> Iterator[Differences]:
        """Compare both indexes as they are now, part by part; both are refreshed.

        snapshot: records the ids of the source.
        """

    def finish(self, job: Job) -> None:
        """Do what remains to be done before the job ends."""
