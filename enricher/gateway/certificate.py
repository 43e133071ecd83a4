"""The certificate of the service, which is loaded again when its files change."""

import asyncio
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from enricher.errors import ConfigurationError
from enricher.files import file_state

LOOK_SECONDS = 2.0
"""How often the files are looked at."""
CHECK_SECONDS = 3600.0
"""How often the dates of the certificate are looked at."""
_DATES = {9: "is not valid yet", 10: "has expired"}
"""What is wrong, by the code with which OpenSSL refuses a certificate."""


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

    def fault(self) -> str | None:
        """A sentence if clients refuse the certificate by its dates: it has expired, or is not valid yet.

        Python reads no dates of certificates; so a client that trusts this one alone connects in memory.
        """
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        trusting.load_verify_locations(self._certificate)
        asked, answered = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = trusting.wrap_bio(answered, asked)
        server = self.context.wrap_bio(asked, answered, server_side=True)
        for side in (client, server, client):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                if error.verify_code in _DATES:
                    said = _DATES[error.verify_code]
                    return f"The certificate {str(self._certificate)!r} {said}: clients refuse it."
        return None

    async def watch(self, report: Callable[[str], object]) -> None:
        """Load the files whenever they have changed, for ever. Wrong files leave the certificate as it is.

        report: is told the fault of the certificate at the start, whenever it is another, and each hour.
        """
        checked = float("-inf")
        while True:
            if time.monotonic() - checked >= CHECK_SECONDS:
                checked = time.monotonic()
                if fault := self.fault():
                    report(fault)
            await asyncio.sleep(LOOK_SECONDS)
            state = self._state()
            if state != self._seen:
                try:
                    self._load()
                except ConfigurationError:  # it may be half written
                    continue
                self._seen, checked = state, float("-inf")


def _no_password() -> str:
    """Instead of asking on the terminal."""
    raise OSError(0, "its key is encrypted")
