"""Search engines behind one Protocol, opened by URL."""

from enricher.errors import ConfigurationError
from enricher.files import user_path
from enricher.records import SearchEngine
from indexer.engines.addresses import keep_secret, parse_addresses

__all__ = ["open_engine"]

_FORMS = "write tantivy:FOLDER, or http(s)://[user:password@]host:port"


def open_engine(url: str) -> SearchEngine:
    """Open the engine that a URL names; only its own library is imported.

    Raises ConfigurationError where the URL is of no known form. Its message never repeats the
    URL, which may hold a password.
    """
    keep_secret(url)
    scheme, colon, rest = url.strip().partition(":")
    match scheme.lower() if colon else "":
        case "tantivy":
            if not rest:
                raise ConfigurationError("The engine URL 'tantivy:' lacks its folder; write tantivy:./index.")
            from indexer.engines.tantivy.engine import TantivyEngine

            return TantivyEngine(user_path(rest))
        case "http" | "https":
            from indexer.engines.elasticsearch.engine import ElasticsearchEngine

            return ElasticsearchEngine(parse_addresses(url))
        case "":
            raise ConfigurationError(f"The engine URL has no scheme; {_FORMS}.")
        case _:
            raise ConfigurationError(f"The engine URL begins with no known scheme; {_FORMS}.")
