"""Maps over HTTP: pages that `enricher library map` has drawn, of the files that the operator lists."""

from collections.abc import Callable
from pathlib import Path

from enricher.answers import Json
from enricher.errors import MapNotFound
from enricher.settings import Configuration

HEADERS = {
    "Cache-Control": "no-cache",
    # Whatever is in the file, it reaches neither this service nor its keys.
    "Content-Security-Policy": "sandbox allow-scripts; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
}


class Maps:
    """The maps that the console shows. configuration: reads enricher.toml."""

    def __init__(self, configuration: Callable[[], Configuration]) -> None:
        self._configuration = configuration

    def names(self) -> Json:
        """The names of the maps, as the operator lists them."""
        return {"maps": list(self._configuration().serve.maps)}

    def page(self, name: str) -> bytes:
        """The page of a map. Raises MapNotFound."""
        if name not in self._configuration().serve.maps:
            raise MapNotFound(
                f"There is no map {name!r}: `maps` in [serve] of enricher.toml lists the files."
            )
        try:
            return Path(name).read_bytes()
        except OSError as error:
            raise MapNotFound(f"The map {name!r} cannot be read: {error.strerror or error}.") from error
