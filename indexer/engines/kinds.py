"""The description of a kind of engine, which the registry reads before it opens one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from enricher.records import SearchEngine
from indexer.engines.connection import Connection


@dataclass(frozen=True, slots=True)
class EngineKind:
    """A kind of engine and the URL schemes that select it.

    name: the value of `SearchEngine.name`. schemes: URL schemes, without the colon. form: the form of its
    URLs, for messages. open: imports the library and opens the engine of a connection; raises
    ConfigurationError, whose message must not contain a secret. url_of_folder: returns the URL of a new,
    embedded engine in an empty folder; None if the engine needs a server.
    """

    name: str
    schemes: tuple[str, ...]
    form: str
    open: Callable[[Connection], SearchEngine]
    url_of_folder: Callable[[Path], str] | None = None
