"""The Elasticsearch engine."""

from collections.abc import Mapping

from elastic_transport import BaseNode

from indexer.engines.addresses import Addresses
from indexer.engines.cluster.bulk import CHUNK_BYTES, RetryPolicy
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.connection import Certificates, Credentials
from indexer.engines.elasticsearch.server import ElasticsearchServer


class ElasticsearchEngine(ClusterEngine):
    """A SearchEngine on an Elasticsearch cluster.

    settings: index settings of new indexes. timeout: of a request, in seconds. credentials, certificates,
    headers: as in a Connection. node_class: replaces the transport in tests of connection faults. `client` is
    the client of the Elasticsearch library.
    """

    name = ElasticsearchServer.dialect.family

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
        node_class: type[BaseNode] | None = None,
    ) -> None:
        server = ElasticsearchServer.connect(
            addresses, timeout, credentials, certificates, headers, node_class
        )
        super().__init__(server, settings=settings, timeout=timeout, retry=retry, chunk_bytes=chunk_bytes)
        self.addresses, self.client = addresses, server.client
