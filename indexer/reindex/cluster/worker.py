"""One of any number of workers on a job.

A worker does everything under a lease. The ledger refuses what a worker notes under a lease that another has
taken over, and the target refuses copies that are older than what it has. So a worker that was paused, or
that lost its connection to the cluster, does no harm when it comes back.
"""

import os
import socket
import time
import uuid
from collections.abc import Callable, Mapping

from enricher.enrichment import DocumentEnricher
from enricher.errors import EngineUnavailable, IndexNotFound
from enricher.vocabulary.affected import AffectedDocuments
from indexer.engines.cluster.jobs.copies import FencedOut
from indexer.reindex.claims import Claims
from indexer.reindex.cluster.cluster import Cluster, ClusterPair, removed_source
from indexer.reindex.cluster.context import MAX_AWAY_SECONDS, WorkerContext
from indexer.reindex.cluster.phases.blocking import block_and_swap
from indexer.reindex.cluster.phases.copying import copy_interval
from indexer.reindex.cluster.phases.deletes import reconcile
from indexer.reindex.cluster.phases.measuring import measure
from indexer.reindex.cluster.phases.passes import between_passes, prepare
from indexer.reindex.cluster.phases.swapping import swap_unblocked
from indexer.reindex.cluster.routes.by_kind import route_of
from indexer.reindex.gate import Gate
from indexer.reindex.job import Job, Phase
from indexer.reindex.jobs import Progress
from indexer.reindex.ledger import LeaseLost, Ledger
from indexer.reindex.pace import Pace

STEPS: Mapping[Phase, Callable[[WorkerContext, Job, int], None]] = {
    Phase.PREPARING: prepare,
    Phase.COPYING: between_passes,
    Phase.RECONCILING: reconcile,
    Phase.GATING: measure,
    Phase.CATCHING_UP: between_passes,
    Phase.FOLLOWING: between_passes,
    Phase.BLOCKING: block_and_swap,
    Phase.SWAPPING: swap_unblocked,
    Phase.TRAILING: between_passes,
}
"""What one worker does alone in each phase, given the job and the fence of its lease."""


class Worker:
    """Works on one job until it has ended.

    enricher: None only for a rollback to an index that was never enriched. on_progress: called with the job
    after every change. gate: measures nDCG@10 of the old index and of the new one. target: the cluster of the
    target of a migration. is_ending: whether the user has ended a job that goes on until then. affected: for
    a job that is restricted to the documents that another model version enriches differently.
    """

    def __init__(
        self,
        ledger: Ledger,
        cluster: Cluster,
        enricher: DocumentEnricher | None,
        job: str,
        on_progress: Progress = lambda job: None,
        gate: Gate | None = None,
        max_away_seconds: float = MAX_AWAY_SECONDS,
        target: Cluster | None = None,
        is_ending: Callable[[], bool] = lambda: False,
        affected: AffectedDocuments | None = None,
    ) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:4]}"
        self._ledger, self._enricher = ledger, enricher
        self._job, self._on_progress, self._gate = job, on_progress, gate
        self._max_away_seconds = max_away_seconds
        self._clusters, self._is_ending = ClusterPair(cluster, target or cluster), is_ending
        self._affected = affected
        self._claims = Claims(ledger, job, self.name)

    def run(self) -> Job:
        """Work until the job has ended, and return it. Raises EngineError, GateClosed.

        If anything else ends the worker, it gives back its leases, so that no other worker has to wait.
        """
        ended: Job | None = None
        try:
            ended = self._run()
            return ended
        finally:
            if ended is None:
                self._claims.give_back()

    def _run(self) -> Job:
        context = self._context()
        away_since: float | None = None
        while True:
            try:
                job = self._ledger.load(self._job)
                self._on_progress(job)
                if job.phase.ended:
                    return job
                self._step(context, job)
                away_since = None
            except (LeaseLost, FencedOut):
                time.sleep(0.1)
            except IndexNotFound as error:
                raise removed_source(self._clusters.source, self._ledger.load(self._job)) or error from None
            except EngineUnavailable:
                now = time.monotonic()
                away_since = away_since or now
                if now - away_since > self._max_away_seconds:
                    raise
                time.sleep(min(5.0, 0.2 + (now - away_since) / 4))

    def _context(self) -> WorkerContext:
        job = self._ledger.load(self._job)
        undone = self._ledger.load(job.undoes) if job.undoes is not None else None
        return WorkerContext(
            self._ledger,
            self._claims,
            self._clusters,
            route_of(job.kind, self._clusters, self._enricher, undone, self._affected),
            Pace(job.options.rate),
            self._on_progress,
            self._gate,
            self._max_away_seconds,
            self._is_ending,
        )

    def _step(self, context: WorkerContext, job: Job) -> None:
        """Copy an interval or do the next step of the job; wait a moment if other workers do both."""
        if job.waiting:
            taken = self._claims.take_interval(job)
            if taken is not None:
                copy_interval(context, *taken)
                return
        else:
            led = self._claims.take_step(job)
            if led is not None:
                job, fence = led
                with self._claims.heartbeats(fence):
                    STEPS[job.phase](context, job, fence)
                return
        time.sleep(min(0.2, self._ledger.lease_seconds / 10))
