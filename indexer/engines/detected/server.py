"""A server of any family: it is asked for its family before the first request."""

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Self

from indexer.engines.addresses import Addresses
from indexer.engines.cluster.dialect import Dialect
from indexer.engines.cluster.errors import BUSY, refusal_of
from indexer.engines.cluster.server import Answer, OtherProduct, Refused, Server, Tries
from indexer.engines.connection import Connection
from indexer.engines.elasticsearch.server import ElasticsearchServer
from indexer.engines.opensearch.server import OpenSearchServer

UNKNOWN = "Elasticsearch or OpenSearch"
"""The product of a server that has not answered yet."""


class Detection:
    """Finds the family of a server, once for all threads.

    elasticsearch: connected, for the question too. opensearch: connects a server of that family.
    """

    def __init__(self, elasticsearch: ElasticsearchServer, opensearch: Callable[[], Server]) -> None:
        self._elasticsearch, self._opensearch = elasticsearch, opensearch
        self._lock = threading.Lock()
        self.found: Server | None = None

    def server(self) -> Server:
        """The server by its family. Raises Refused, NoAnswer and OtherProduct."""
        with self._lock:
            if self.found is None:
                self.found = self._elasticsearch if self._is_elasticsearch() else self._opensearch()
                if self.found is not self._elasticsearch:
                    self._elasticsearch.close()
            return self.found

    def _is_elasticsearch(self) -> bool:
        try:
            self._elasticsearch.get()
        except OtherProduct as error:
            if not says_opensearch(error.body):
                raise
            return False
        except Refused as error:
            if error.is_from_family and error.status not in BUSY:
                return True  # whoever may not ask for the version may still use indexes
            if refusal_of(error).type == "security_exception":
                return False
            raise
        return True

    def close(self) -> None:
        """Close all connections."""
        with self._lock:
            (self.found or self._elasticsearch).close()


def says_opensearch(body: object) -> bool:
    """Whether an answer to `GET /` is that of OpenSearch, which may claim to be Elasticsearch 7.10.2."""
    if not isinstance(body, Mapping):
        return False
    version = body.get("version")
    is_named = isinstance(version, Mapping) and version.get("distribution") == "opensearch"
    return is_named or "OpenSearch" in str(body.get("tagline"))


class DetectedServer(Server):
    """A server of the family that it says it is of."""

    def __init__(self, addresses: Addresses, detection: Detection, tries: Tries = Tries()) -> None:
        self.addresses, self.tries, self._detection = addresses, tries, detection
        self._server: Server | None = None

    @classmethod
    def connect(cls, addresses: Addresses, connection: Connection) -> Self:
        """Make the clients, which send nothing yet. Raises ConfigurationError."""
        options = (
            addresses,
            connection.timeout,
            connection.credentials,
            connection.certificates,
            connection.headers,
        )
        elasticsearch = ElasticsearchServer.connect(*options)
        return cls(addresses, Detection(elasticsearch, lambda: OpenSearchServer.connect(*options)))

    @property
    def family(self) -> str | None:
        """The family of the server; None before the first request."""
        found = self._detection.found
        return None if found is None else found.dialect.family

    @property
    def dialect(self) -> Dialect:  # type: ignore[override]
        """The family of the server, which is asked for it. Raises Refused, NoAnswer and OtherProduct."""
        return self._detection.server().dialect

    @property
    def product(self) -> str:
        found = self._detection.found
        return UNKNOWN if found is None else found.product

    def trying(self, tries: Tries) -> Self:
        return type(self)(self.addresses, self._detection, tries)

    def close(self) -> None:
        self._detection.close()

    def _send(
        self, method: str, path: str, parameters: Mapping[str, str], body: object, ignored: Iterable[int]
    ) -> Answer:
        if self._server is None:  # kept, because `trying` makes a client
            self._server = self._detection.server().trying(self.tries)
        return self._server._send(method, path, parameters, body, ignored)
