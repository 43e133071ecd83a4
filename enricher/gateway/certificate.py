"""The certificate of the service, which is loaded again when its files change."""

import asyncio
import ssl
from pathlib import Path

from enricher.errors import ConfigurationError
from enricher.files import file_state

LOOK_SECONDS = 2.0
"""How often the files are looked at."""


class Certificate:
    """A certificate and its key in PEM files."""

    def __init__(self, certificate: Path, key: Path | None) -> None:
        """Raises ConfigurationError if they cannot be used."""
        self._certificate, self._key = certificate, key
        self._files = [certificate] if key is None else [certificate, key]
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._seen = self._state()
        self._load()

    def _load(self) -> None:
        try:
            # First in another context: if they are wrong, the one in use keeps its certificate.
            for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self.context):
                context.load_cert_chain(self._certificate, self._key, _no_password)
        except (OSError, ssl.SSLError) as error:
            names = " and ".join(repr(str(file)) for file in self._files)
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise ConfigurationError(f"The certificate {names} cannot be used: {said}.") from error

    def _state(self) -> list[object]:
        return [file_state(file) for file in self._files]

    async def watch(self) -> None:
        """Load the files whenever they have changed, for ever. Wrong files leave the certificate as it is."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            state = self._state()
            if state != self._seen:
                try:
                    self._load()
                except ConfigurationError:  # it may be half written
                    continue
                self._seen = state


def _no_password() -> str:
    """Instead of asking on the terminal."""
    raise OSError(0, "its key is encrypted")
