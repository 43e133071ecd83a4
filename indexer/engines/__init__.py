"""The registry of search engines: finds and opens the engine of a URL.

To add an engine, add a package beside the others and one line in KINDS. docs/engines.md has the requirements.
"""

from enricher.errors import ConfigurationError
from enricher.records import SearchEngine
from indexer.engines import detected, elasticsearch, opensearch, tantivy
from indexer.engines.addresses import keep_secret
from indexer.engines.connection import Connection
from indexer.engines.kinds import EngineKind

__all__ = ["KINDS", "Connection", "kind_of", "open_engine"]

KINDS = (
    tantivy.KIND,
    detected.KIND,
    elasticsearch.KIND,
    opensearch.KIND,
)


def kind_of(url: str) -> EngineKind:
    """The kind of engine of a URL. Raises ConfigurationError if no kind has the scheme of the URL."""
    forms = f"write {', or '.join(kind.form for kind in KINDS)}"
    scheme, colon, _ = url.strip().partition(":")
    if not colon:
        raise ConfigurationError(f"The engine URL has no scheme; {forms}.")
    for kind in KINDS:
        if scheme.lower() in kind.schemes:
            return kind
    raise ConfigurationError(f"The engine URL has an unknown scheme; {forms}.")


def open_engine(connection: Connection | str) -> SearchEngine:
    """Open the engine of a connection, or of a URL without options. Imports only the library of this engine.

    Raises ConfigurationError, whose message never repeats the URL: it may hold a password.
    """
    if isinstance(connection, str):
        connection = Connection(connection.strip())
    keep_secret(connection.url)
    return kind_of(connection.url).open(connection)
