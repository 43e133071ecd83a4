"""Requests to Elasticsearch, sent by its official client."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

import elastic_transport
import elasticsearch
from elastic_transport import BaseNode

from indexer.engines.addresses import Addresses
from indexer.engines.cluster.server import (
    Answer,
    NoAnswer,
    OtherProduct,
    Refused,
    Server,
    TimedOut,
    Tries,
    Unreadable,
    Untrusted,
)
from indexer.engines.connection import AUTHORIZATION, Certificates, Credentials
from indexer.engines.elasticsearch.dialect import ElasticsearchDialect
from indexer.engines.elasticsearch.nodes import node_options

JSON, LINES = "application/json", "application/x-ndjson"
_PRODUCT = "x-elastic-product"
_FAULTS: Mapping[type[elastic_transport.TransportError], type[NoAnswer]] = {
    elastic_transport.ConnectionTimeout: TimedOut,
    elastic_transport.TlsError: Untrusted,
    elastic_transport.SerializationError: Unreadable,
}


class ElasticsearchServer(Server):
    """A cluster of Elasticsearch. `client` is the client of the library."""

    dialect = ElasticsearchDialect()

    def __init__(
        self, addresses: Addresses, client: elasticsearch.Elasticsearch, tries: Tries = Tries()
    ) -> None:
        self.addresses, self.client, self.tries = addresses, client, tries
        options: dict[str, Any] = {"max_retries": tries.retries, "retry_on_timeout": tries.after_timeout}
        if tries.seconds is not None:
            options["request_timeout"] = tries.seconds
        self._tried = client.options(**options)

    @classmethod
    def connect(
        cls,
        addresses: Addresses,
        timeout: float,
        credentials: Credentials | None,
        certificates: Certificates,
        headers: Mapping[str, str] | None,
        node_class: type[BaseNode] | None = None,
    ) -> Self:
        """Make a client, which sends nothing yet. node_class: its transport. Raises ConfigurationError."""
        options: dict[str, Any] = {"request_timeout": timeout, "headers": dict(headers or {})}
        if addresses.user is not None:
            options["basic_auth"] = (addresses.user, addresses.password or "")
        if credentials is not None:
            options["headers"][AUTHORIZATION] = credentials.header
        options |= node_options(certificates)
        if node_class is not None:
            options["node_class"] = node_class
        return cls(addresses, elasticsearch.Elasticsearch(list(addresses.hosts), **options))

    def trying(self, tries: Tries) -> Self:
        return type(self)(self.addresses, self.client, tries)

    def close(self) -> None:
        self.client.close()

    def _send(
        self, method: str, path: str, parameters: Mapping[str, str], body: object, ignored: Iterable[int]
    ) -> Answer:
        headers = {"accept": JSON}
        if body is not None:
            headers["content-type"] = LINES if isinstance(body, list) else JSON
        statuses = tuple(ignored)
        # A client with other options is a new object with one of each of its parts.
        client = self._tried.options(ignore_status=statuses) if statuses else self._tried
        try:
            found = client.perform_request(method, path, params=parameters, headers=headers, body=body)
        except elasticsearch.UnsupportedProductError as error:
            raise OtherProduct(error.body) from error
        except elasticsearch.ApiError as error:
            raise Refused(
                error.status_code, error.body, is_from_family=_PRODUCT in error.meta.headers
            ) from error
        except elastic_transport.TransportError as error:
            kind = next((fault for one, fault in _FAULTS.items() if isinstance(error, one)), NoAnswer)
            raise kind(error.message) from error
        if found.meta.status >= 300 and _PRODUCT not in found.meta.headers:
            raise Refused(found.meta.status, found.body, is_from_family=False)
        return Answer(found.meta.status, found.body, int(found.meta.headers.get("content-length") or 0))
