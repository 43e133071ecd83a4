"""Opens the jobs of an engine."""

from collections.abc import Callable
from typing import Any

from enricher.errors import UsageError
from enricher.records import SearchEngine
from indexer.reindex.following import Following
from indexer.reindex.jobs import EnrichmentSettings, Jobs, OpenTarget
from indexer.reindex.ledger import LEASE_SECONDS


def open_jobs(
    engine: SearchEngine, lease_seconds: float = LEASE_SECONDS, open_target: OpenTarget | None = None
) -> Jobs:
    """The jobs of an engine. Raises UsageError if it supports none.

    lease_seconds: how long a lease lasts without a heartbeat. open_target: opens the engine of the target of
    a migration, given its addresses; the caller closes it.
    """
    opener = JOBS.get(engine.name)
    if opener is None:
        raise UsageError(f"The engine {engine.name!r} supports no jobs.")
    return opener(engine, lease_seconds, open_target)


def open_following(
    engine: SearchEngine,
    alias: str,
    settings: EnrichmentSettings,
    lag_seconds: float,
    lease_seconds: float = LEASE_SECONDS,
    workers: int = 1,
) -> Following:
    """What keeps the enrichment of an index up to date. Raises UsageError if nobody else can write to it.

    lag_seconds: within which a changed document is enriched. lease_seconds: as for `open_jobs`.
    workers: number of processes that enrich.
    """
    if not engine.has_other_writers:
        raise UsageError(
            "Documents of this engine are enriched when they are written, so there is nothing to follow. "
            "`enricher follow` needs a server: --engine http://HOST:PORT."
        )
    from indexer.reindex.cluster.jobs import follower

    return follower(engine, alias, settings, lag_seconds, lease_seconds, workers)  # type: ignore[arg-type]


def _cluster_jobs(engine: Any, lease_seconds: float, open_target: OpenTarget | None) -> Jobs:
    from indexer.reindex.cluster.jobs import ClusterJobs, unknown_target

    return ClusterJobs(engine, lease_seconds, open_target or unknown_target)


def _embedded_jobs(engine: Any, lease_seconds: float, open_target: OpenTarget | None) -> Jobs:
    from indexer.reindex.embedded.jobs import EmbeddedJobs

    return EmbeddedJobs(engine)


JOBS: dict[str, Callable[[Any, float, OpenTarget | None], Jobs]] = {
    "cluster": _cluster_jobs,
    "elasticsearch": _cluster_jobs,
    "opensearch": _cluster_jobs,
    "tantivy": _embedded_jobs,
}
"""What opens the jobs of an engine, by the engine's name; each imports the library of its own engine only."""
