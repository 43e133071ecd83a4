"""The transports of the client: they count requests for the profile of a search, and pin a certificate."""

import ssl
import threading
from pathlib import Path
from typing import Any

import urllib3
from elastic_transport import (
    ConnectionError,
    ConnectionTimeout,
    NodeConfig,
    TlsError,
    Urllib3HttpNode,
)
from elastic_transport._node import NodeApiResponse

from enricher.search.profile import count_request
from indexer.engines.cluster.tls import certificate_options, pinned_pool_options
from indexer.engines.connection import Certificates


def node_options(certificates: Certificates) -> dict[str, Any]:
    """The options of the client for certificates. Raises ConfigurationError if one cannot be used."""
    options = {"node_class": CountingNode, **certificate_options(certificates)}
    if certificates.fingerprint is not None:
        options["ssl_assert_fingerprint"] = certificates.fingerprint
        options["node_class"] = PinnedNode
    return options


class CountingNode(Urllib3HttpNode):
    """Counts every answered request. Bytes are those of the bodies, received ones after decompression."""

    def perform_request(self, *arguments: Any, **options: Any) -> NodeApiResponse:
        response = super().perform_request(*arguments, **options)
        body = options.get("body") or (arguments[2] if len(arguments) > 2 else None)
        count_request(len(body or b""), len(response.body))
        return response


class PinnedNode(CountingNode):
    """A node that is trusted by the SHA-256 fingerprint of its certificate, or of an authority of it."""

    def __init__(self, config: NodeConfig) -> None:
        super().__init__(config)
        self._lock = threading.Lock()
        self._anchored = False

    def perform_request(self, *arguments: Any, **options: Any) -> Any:
        with self._lock:
            if not self._anchored:
                self._anchor()
        return super().perform_request(*arguments, **options)

    def _anchor(self) -> None:
        """Make a pool of connections that trusts the certificate with the fingerprint alone."""
        config = self.config
        certificates = Certificates(
            fingerprint=config.ssl_assert_fingerprint,
            client_certificate=Path(config.client_cert) if config.client_cert else None,
            client_key=Path(config.client_key) if config.client_key else None,
        )
        try:
            options = pinned_pool_options(
                config.host, config.port, certificates, config.request_timeout or None
            )
        except ssl.SSLError as error:
            raise TlsError(str(error.args[-1]), errors=(error,)) from error
        except TimeoutError as error:
            raise ConnectionTimeout("Connection timed out", errors=(error,)) from error
        except OSError as error:
            raise ConnectionError(str(error), errors=(error,)) from error
        self.pool.close()
        self.pool = urllib3.HTTPSConnectionPool(
            config.host,
            port=config.port,
            timeout=urllib3.Timeout(total=config.request_timeout),
            maxsize=config.connections_per_node,
            block=True,
            **options,
        )
        self._anchored = True
