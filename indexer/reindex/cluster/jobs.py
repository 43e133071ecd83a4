"""The jobs of a cluster, whose states are kept in an index of that cluster."""

from collections.abc import Callable

from enricher.enrichment import DocumentEnricher
from enricher.errors import UsageError
from enricher.records import IndexLayout, SearchEngine
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.cluster.jobs.aliases import fencing_alias
from indexer.engines.cluster.jobs.states import FOLLOWED, ClusterStates
from indexer.reindex.cluster import into_embedded, planning
from indexer.reindex.cluster.cluster import Cluster, ClusterPair
from indexer.reindex.cluster.follow.follower import Follower
from indexer.reindex.cluster.follow.state import FollowState
from indexer.reindex.cluster.into_embedded import EmbeddedEngine
from indexer.reindex.cluster.preflight import check, check_in_place, check_migration
from indexer.reindex.cluster.replay import replay
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.enrichers import affected_by
from indexer.reindex.gate import CollectionGate
from indexer.reindex.job import Job, JobOptions
from indexer.reindex.jobs import EnrichmentSettings, OpenTarget, Progress, Replayed, Say
from indexer.reindex.ledger import LEASE_SECONDS, Ledger, StateLedger
from indexer.reindex.removal import Confirm, remove

MAX_REASONS = 5
"""Rejects whose reasons are shown."""


def unknown_target(destination: str) -> SearchEngine:
    """Refuse to open the target of a migration: only `enricher reindex` knows how to reach it."""
    raise UsageError(f"The job fills an index of {destination}, which only `enricher reindex` opens.")


class ClusterJobs:
    """Implements `Jobs` for clusters.

    open_target: opens the engine of the target of a migration, which its caller closes.
    """

    def __init__(
        self,
        engine: ClusterEngine,
        lease_seconds: float = LEASE_SECONDS,
        open_target: OpenTarget = unknown_target,
    ) -> None:
        self._open_target, self._opened = open_target, dict[str, SearchEngine]()
        self.ledger = Ledger(ClusterStates(engine), lease_seconds)
        self._cluster = Cluster(engine)
        self.engine = engine

    def layout(self, index: str) -> IndexLayout | None:
        return self._cluster.layout(self._cluster.engine.name_of(index))

    def plan(self, source: str, alias: str, enricher: DocumentEnricher, options: JobOptions, say: Say) -> Job:
        block = options.write_block
        for note in check(self._cluster, source, alias, enricher.layout(), write_block=block):
            say(note)
        return planning.start(self.ledger, self._cluster, source, alias, enricher, options)

    def plan_migration(
        self,
        source: str,
        alias: str,
        target: SearchEngine,
        enricher: DocumentEnricher,
        options: JobOptions,
        say: Say,
    ) -> Job:
        if not isinstance(target, ClusterEngine):
            job = into_embedded.plan(
                self.ledger, self._cluster, _as_embedded(target), source, alias, enricher, options
            )
            self._opened[job.destination or ""] = target
            return job
        clusters = ClusterPair(self._cluster, Cluster(target))
        layout, block = enricher.layout(), options.write_block
        for note in check_migration(clusters, source, alias, layout, write_block=block):
            say(note)
        job = planning.start_migration(self.ledger, clusters, source, alias, enricher, options)
        self._opened[job.destination or ""] = target
        return job

    def engine_of_target(self, job: Job) -> SearchEngine:
        if job.destination is None:
            return self.engine
        if job.destination not in self._opened:
            self._opened[job.destination] = self._open_target(job.destination)
        return self._opened[job.destination]

    def _clusters(self, job: Job) -> ClusterPair:
        if job.destination is None:
            return self._cluster.alone
        return ClusterPair(self._cluster, Cluster(_as_cluster(self.engine_of_target(job))))

    def _embedded_target(self, job: Job) -> EmbeddedEngine | None:
        """The embedded engine of the target of a migration; None if the target is in a cluster."""
        if job.destination is None or "://" in job.destination:
            return None
        return _as_embedded(self.engine_of_target(job))

    def plan_in_place(
        self, index: str, alias: str, enricher: DocumentEnricher, options: JobOptions, say: Say
    ) -> Job:
        for note in check_in_place(self._cluster, index, alias, enricher, options):
            say(note)
        return planning.start_in_place(self.ledger, self._cluster, index, alias, enricher, options)

    def to_roll_back(self) -> list[Job]:
        return planning.to_roll_back(self.ledger.jobs(), self._cluster)

    def plan_rollback(self, undone: Job) -> Job:
        return planning.plan_rollback(self.ledger, self._cluster, undone)

    def cancel(self, name: str) -> Job:
        job = self.ledger.load(name)
        embedded = self._embedded_target(job)
        if embedded is not None:
            return into_embedded.cancel(self.ledger, self._cluster, embedded, name)
        return planning.cancel(self.ledger, self._clusters(job), name)

    def remove(self, job: Job, *, old_index: bool, confirm: Confirm) -> None:
        there = old_index and self._cluster.aliases.behind(job.source)
        aliases = self._cluster.targets.described(job.source)[2] if there else {}
        visible = [name for name in aliases if not name.startswith(fencing_alias(job.source, ""))]
        remove(self.ledger, self._cluster.engine, job, visible, old_index=old_index, confirm=confirm)

    def replay(self, job: Job, enricher: DocumentEnricher | None) -> Replayed:
        if self._embedded_target(job) is not None:
            raise UsageError(
                "The embedded engine refuses these documents for what they are: correct them in "
                f"{job.source!r}, and start a new job."
            )
        return replay(self.ledger, self._clusters(job), enricher, job)

    def reasons(self, job: Job) -> list[str]:
        rejects = self._cluster.rejects.load(job.rejects)
        return [f"{one.id}: {one.reason}" for one in rejects[:MAX_REASONS]]

    def work(
        self,
        job: Job,
        enricher: DocumentEnricher | None,
        on_progress: Progress,
        settings: EnrichmentSettings,
        is_ending: Callable[[], bool] = lambda: False,
    ) -> Job:
        embedded = self._embedded_target(job)
        if embedded is not None:
            assert enricher is not None
            run = into_embedded.Migration(
                self.ledger, self._cluster, embedded, enricher, job.id, on_progress, is_ending
            )
            return run.to_the_end()
        measure = CollectionGate(self._cluster.engine, settings.models, settings.configuration)
        return Worker(
            self.ledger,
            self._cluster,
            enricher,
            job.id,
            on_progress,
            gate=measure,
            target=self._clusters(job).target,
            is_ending=is_ending,
            affected=affected_by(job, enricher, settings),
        ).run()

    def is_blocking(self, job: Job) -> bool:
        return job.blocked and self._cluster.targets.is_blocked(job.source)


def _as_cluster(engine: SearchEngine) -> ClusterEngine:
    """The engine of the target of a migration. Raises UsageError if it is no cluster."""
    if not isinstance(engine, ClusterEngine):
        raise UsageError(
            "The job fills an index of a cluster: --target-engine names one, http(s)://HOST:PORT."
        )
    return engine


def _as_embedded(engine: SearchEngine) -> EmbeddedEngine:
    """The engine of the target of a migration. Raises UsageError if it is a cluster."""
    if isinstance(engine, ClusterEngine):
        raise UsageError(
            "The job fills an index of the embedded engine: --target-engine names tantivy:FOLDER."
        )
    return engine  # type: ignore[return-value]


def follower(
    engine: ClusterEngine,
    alias: str,
    settings: EnrichmentSettings,
    lag_seconds: float,
    lease_seconds: float = LEASE_SECONDS,
    workers: int = 1,
) -> Follower:
    """An instance that keeps the enrichment of the index behind an alias up to date."""
    absent = "What is noted of {} was removed: start `enricher follow` again."
    states = StateLedger(ClusterStates(engine, FOLLOWED), FollowState.from_json, absent, lease_seconds)
    jobs = Ledger(ClusterStates(engine))
    return Follower(Cluster(engine), states, jobs, alias, settings, lag_seconds, workers)
