"""The OpenSearch engine."""

from collections.abc import Mapping

from opensearchpy import Connection

from indexer.engines.addresses import Addresses
from indexer.engines.cluster.bulk import CHUNK_BYTES, RetryPolicy
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.connection import Certificates, Credentials
from indexer.engines.opensearch.server import OpenSearchServer


class OpenSearchEngine(ClusterEngine):
    """A SearchEngine on an OpenSearch cluster. The parameters are those of ElasticsearchEngine.

    connection_class: replaces the transport in tests of connection faults. `client` is the client of the
    OpenSearch library.
    """

    name = OpenSearchServer.dialect.family

    def __init__(
        self,
        addresses: Addresses,
        *,
        settings: Mapping[str, object] | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
        chunk_bytes: int = CHUNK_BYTES,
        credentials: Credentials | None = None,
        certificates: Certificates = Certificates(),
        headers: Mapping[str, str] | None = None,
        connection_class: type[Connection] | None = None,
    ) -> None:
        server = OpenSearchServer.connect(
            addresses, timeout, credentials, certificates, headers, connection_class
        )
        super().__init__(server, settings=settings, timeout=timeout, retry=retry, chunk_bytes=chunk_bytes)
        self.client = server.client
