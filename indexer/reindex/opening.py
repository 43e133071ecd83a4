"""Where the jobs of an engine are kept, and how its indexes are copied."""

from typing import NamedTuple

from enricher.errors import UsageError
from enricher.records import SearchEngine
from indexer.engines.elasticsearch import ElasticsearchEngine
from indexer.engines.elasticsearch_copies import Copies
from indexer.engines.elasticsearch_states import ClusterStates
from indexer.reindex.ledger import LEASE_SECONDS, Ledger


class Opened(NamedTuple):
    """All that the commands of a job need of an engine."""

    ledger: Ledger
    copies: Copies


def open_jobs(engine: SearchEngine, lease_seconds: float = LEASE_SECONDS) -> Opened:
    """The jobs of an engine; UsageError where it has none."""
    if not isinstance(engine, ElasticsearchEngine):
        raise UsageError(
            "Jobs run on Elasticsearch: name it with --engine. On the embedded engine index into a new name."
        )
    return Opened(Ledger(ClusterStates(engine), lease_seconds), Copies(engine))
