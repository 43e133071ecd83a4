"""The OpenSearch engine, based on the official client."""

from enricher.records import SearchEngine
from indexer.engines.connection import Connection
from indexer.engines.kinds import EngineKind


def _open(connection: Connection) -> SearchEngine:
    addresses = connection.addresses()
    from indexer.engines.opensearch.engine import OpenSearchEngine

    return OpenSearchEngine(
        addresses,
        timeout=connection.timeout,
        credentials=connection.credentials,
        certificates=connection.certificates,
        headers=connection.headers,
    )


KIND = EngineKind(
    "opensearch",
    ("opensearch+http", "opensearch+https"),
    "opensearch+http(s)://[user:password@]host:port",
    _open,
)
