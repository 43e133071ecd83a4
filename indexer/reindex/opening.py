"""Opens the jobs of an engine."""

from enricher.errors import UsageError
from enricher.records import SearchEngine
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.reindex.cluster.jobs import ClusterJobs
from indexer.reindex.embedded.jobs import EmbeddedJobs
from indexer.reindex.jobs import Jobs
from indexer.reindex.ledger import LEASE_SECONDS


def open_jobs(engine: SearchEngine, lease_seconds: float = LEASE_SECONDS) -> Jobs:
    """The jobs of an engine. Raises UsageError if it supports none.

    lease_seconds: how long a lease lasts without a heartbeat.
    """
    if isinstance(engine, ElasticsearchEngine):
        return ClusterJobs(engine, lease_seconds)
    if isinstance(engine, TantivyEngine):
        return EmbeddedJobs(engine)
    raise UsageError(f"The engine {engine.name!r} supports no jobs.")
