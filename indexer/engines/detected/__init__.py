"""The engine of a cluster whose family is not named: the server says it with its first answer."""

from enricher.records import SearchEngine
from indexer.engines.connection import Connection
from indexer.engines.kinds import EngineKind


def _open(connection: Connection) -> SearchEngine:
    addresses = connection.addresses()
    from indexer.engines.detected.engine import DetectedEngine

    return DetectedEngine(addresses, connection)


KIND = EngineKind("cluster", ("http", "https"), "http(s)://[user:password@]host:port", _open)
