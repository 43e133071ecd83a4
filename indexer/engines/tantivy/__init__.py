"""The embedded engine: Tantivy indexes in a local folder, without a server."""

from enricher.errors import ConfigurationError
from enricher.files import user_path
from enricher.records import SearchEngine
from indexer.engines.connection import Connection
from indexer.engines.kinds import EngineKind

SCHEME = "tantivy"


def _open(connection: Connection) -> SearchEngine:
    connection.without_server()
    folder = connection.url.partition(":")[2]
    if not folder:
        raise ConfigurationError(
            "The engine URL 'tantivy:' has no folder; write for example tantivy:./index."
        )
    from indexer.engines.tantivy.engine import TantivyEngine

    return TantivyEngine(user_path(folder))


KIND = EngineKind("tantivy", (SCHEME,), "tantivy:FOLDER", _open, lambda folder: f"{SCHEME}:{folder}")
