"""What the registry knows of a kind of engine before one is opened."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from enricher.records import SearchEngine


@dataclass(frozen=True, slots=True)
class EngineKind:
    """A kind of engine, found by how its URLs begin.

    name: what `SearchEngine.name` answers. schemes: what stands before the first colon of its URLs. form: how
    its URLs are written, for messages. open: opens the engine of a URL, and imports its library only then;
    raises ConfigurationError, whose message never repeats a URL that holds a password. url_of_folder: the URL
    of an engine of its own in an empty folder; None where an engine needs a server.
    """

    name: str
    schemes: tuple[str, ...]
    form: str
    open: Callable[[str], SearchEngine]
    url_of_folder: Callable[[Path], str] | None = None
