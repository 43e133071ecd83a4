"""The connections of the client: they count requests for the profile of a search, and pin a certificate."""

import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3
from opensearchpy import Urllib3HttpConnection
from opensearchpy.exceptions import ConnectionError, ConnectionTimeout, SSLError

from enricher.search.profile import count_request
from indexer.engines.cluster.server import OtherProduct
from indexer.engines.cluster.tls import certificate_options, pinned_pool_options
from indexer.engines.connection import Certificates

CONNECTIONS_PER_NODE = 10
ELASTIC = "X-Elastic-Product"
"""A header of every answer of Elasticsearch."""


@dataclass(slots=True)
class Received:
    """What the client does not return of an answer: its status, and the size of its body in bytes."""

    status: int
    size: int


_last = threading.local()


def last_received() -> Received:
    """What this thread has received last."""
    return _last.received  # type: ignore[no-any-return]


def connection_options(certificates: Certificates) -> dict[str, Any]:
    """The options of the client for certificates. Raises ConfigurationError if one cannot be used."""
    options = {"connection_class": CountingConnection, **certificate_options(certificates)}
    if certificates.fingerprint is not None:
        options |= {"pinned": certificates, "connection_class": PinnedConnection}
    return options


def _check_product(headers: Mapping[str, str]) -> None:
    if ELASTIC in headers:
        raise OtherProduct


class CountingConnection(Urllib3HttpConnection):
    """Counts every answered request, and notes its status. Received bytes are those after decompression.

    Raises OtherProduct if Elasticsearch answers.
    """

    def perform_request(self, *arguments: Any, **options: Any) -> tuple[int, Mapping[str, str], str]:
        status, headers, data = super().perform_request(*arguments, **options)
        _check_product(headers)
        body = options.get("body") or (arguments[3] if len(arguments) > 3 else None)
        received = Received(status, len(data.encode("utf-8", "surrogatepass")))
        _last.received = received
        count_request(len(body or b""), received.size)
        return status, headers, data

    def get_response_headers(self, response: Any) -> Any:  # of an answer that is an error
        _check_product(response.headers)
        return super().get_response_headers(response)

    def _raise_warnings(self, warning_headers: Any) -> None:
        """Say nothing: these warnings are about requests of this program, which a user cannot change."""


class PinnedConnection(CountingConnection):
    """Trusts a server by the SHA-256 fingerprint of its certificate, or of an authority of it."""

    def __init__(self, *, pinned: Certificates, **options: Any) -> None:
        super().__init__(**options)
        self._pinned = pinned
        self._anchoring = threading.Lock()
        self._anchored = False

    def perform_request(self, *arguments: Any, **options: Any) -> tuple[int, Mapping[str, str], str]:
        with self._anchoring:
            if not self._anchored:
                self._anchor()
        return super().perform_request(*arguments, **options)

    def _anchor(self) -> None:
        """Make a pool of connections that trusts the certificate with the fingerprint alone."""
        try:
            options = pinned_pool_options(self.hostname, self.port, self._pinned, self.timeout or None)
        except ssl.SSLError as error:
            raise SSLError("N/A", str(error.args[-1]), error) from error
        except TimeoutError as error:
            raise ConnectionTimeout("TIMEOUT", "Connection timed out", error) from error
        except OSError as error:
            raise ConnectionError("N/A", str(error), error) from error
        self.pool.close()
        self.pool = urllib3.HTTPSConnectionPool(
            self.hostname, port=self.port, timeout=self.timeout, maxsize=CONNECTIONS_PER_NODE, **options
        )
        self._anchored = True
