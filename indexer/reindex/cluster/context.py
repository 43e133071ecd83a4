"""What one worker works with while it takes part in a job."""

from collections.abc import Callable
from dataclasses import dataclass

from indexer.reindex.claims import Claims
from indexer.reindex.cluster.cluster import Cluster, ClusterPair
from indexer.reindex.cluster.routes.route import Route
from indexer.reindex.gate import Gate
from indexer.reindex.job import Job, Lease, Phase
from indexer.reindex.jobs import Progress
from indexer.reindex.ledger import Ledger
from indexer.reindex.pace import Pace

MAX_AWAY_SECONDS = 600.0
"""Seconds that a worker waits for a cluster that gives no answer."""


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """The shared state of the phases of a job.

    claims: the leases of this worker. gate: measures nDCG@10 of both indexes; None if this worker cannot.
    max_away_seconds: how long the worker waits for a cluster that does not answer, or for replicas.
    is_ending: whether the user has ended a job that goes on until then.
    """

    ledger: Ledger
    claims: Claims
    clusters: ClusterPair
    route: Route
    pace: Pace
    on_progress: Progress
    gate: Gate | None
    max_away_seconds: float
    is_ending: Callable[[], bool]

    @property
    def source(self) -> Cluster:
        """The cluster of the source, of the jobs and of their rejects."""
        return self.clusters.source

    @property
    def target(self) -> Cluster:
        """The cluster of the target."""
        return self.clusters.target

    def enter(self, fence: int, phase: Phase, change: Callable[[Job], None] = lambda job: None) -> Job:
        """Move the job to a phase and give back the lease on its step. Raises LeaseLost.

        change: what else is noted in the same update.
        """

        def noted(job: Job, lease: Lease) -> None:
            change(job)
            job.phase, job.lease, job.intervals, job.planned = phase, None, [], False

        return self.claims.note(fence, noted)
