"""Search engines behind one Protocol, found by the URL that names one.

A further engine is a folder beside the others and one line in KINDS; docs/engines.md says what it must do.
"""

from enricher.errors import ConfigurationError
from enricher.records import SearchEngine
from indexer.engines import elasticsearch, tantivy
from indexer.engines.addresses import keep_secret
from indexer.engines.kinds import EngineKind

__all__ = ["KINDS", "kind_of", "open_engine"]

KINDS = (
    tantivy.KIND,
    elasticsearch.KIND,
)


def kind_of(url: str) -> EngineKind:
    """The kind of engine that a URL names. Raises ConfigurationError where the URL is of no known form."""
    forms = f"write {', or '.join(kind.form for kind in KINDS)}"
    scheme, colon, _ = url.strip().partition(":")
    if not colon:
        raise ConfigurationError(f"The engine URL has no scheme; {forms}.")
    for kind in KINDS:
        if scheme.lower() in kind.schemes:
            return kind
    raise ConfigurationError(f"The engine URL begins with no known scheme; {forms}.")


def open_engine(url: str) -> SearchEngine:
    """Open the engine that a URL names; only its own library is imported.

    Raises ConfigurationError, whose message never repeats the URL: it may hold a password.
    """
    keep_secret(url)
    return kind_of(url).open(url.strip())
