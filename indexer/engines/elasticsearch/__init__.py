"""The Elasticsearch engine, based on the official client."""

from enricher.records import SearchEngine
from indexer.engines.connection import Connection
from indexer.engines.kinds import EngineKind


def _open(connection: Connection) -> SearchEngine:
    addresses = connection.addresses()
    from indexer.engines.elasticsearch.engine import ElasticsearchEngine

    return ElasticsearchEngine(
        addresses,
        timeout=connection.timeout,
        credentials=connection.credentials,
        certificates=connection.certificates,
        headers=connection.headers,
    )


KIND = EngineKind(
    "elasticsearch",
    ("elasticsearch+http", "elasticsearch+https"),
    "elasticsearch+http(s)://[user:password@]host:port",
    _open,
)
