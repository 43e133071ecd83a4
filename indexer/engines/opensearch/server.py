"""Requests to OpenSearch, sent by its official client."""

import base64
import copy
import logging
from collections.abc import Iterable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import opensearchpy
from opensearchpy import Connection, OpenSearch
from opensearchpy.exceptions import ConnectionTimeout, SerializationError, SSLError, TransportError

from indexer.engines.addresses import Addresses
from indexer.engines.cluster.server import (
    Answer,
    NoAnswer,
    Refused,
    Server,
    TimedOut,
    Tries,
    Unreadable,
    Untrusted,
)
from indexer.engines.connection import AUTHORIZATION, Certificates, Credentials
from indexer.engines.fields import encode
from indexer.engines.opensearch.connections import (
    CONNECTIONS_PER_NODE,
    connection_options,
    last_received,
)
from indexer.engines.opensearch.dialect import OpenSearchDialect

JSON, LINES = "application/json", "application/x-ndjson"
RETRIED = (429, 502, 503, 504)
"""Statuses of busy servers."""

logging.getLogger("opensearch").addHandler(logging.NullHandler())  # else warnings go to standard error


class OpenSearchServer(Server):
    """A cluster of OpenSearch. `client` is the client of the library."""

    dialect = OpenSearchDialect()

    def __init__(
        self, addresses: Addresses, client: OpenSearch, timeout: float, tries: Tries = Tries()
    ) -> None:
        self.addresses, self.client, self.tries = addresses, client, tries
        self._timeout = timeout
        # A copy shares the connections.
        self._transport = copy.copy(client.transport)
        self._transport.max_retries = tries.retries
        self._transport.retry_on_timeout = tries.after_timeout

    @classmethod
    def connect(
        cls,
        addresses: Addresses,
        timeout: float,
        credentials: Credentials | None,
        certificates: Certificates,
        headers: Mapping[str, str] | None,
        connection_class: type[Connection] | None = None,
    ) -> Self:
        """Make a client, which sends nothing yet. Raises ConfigurationError.

        connection_class: its transport.
        """
        options = connection_options(certificates)
        if connection_class is not None:
            options["connection_class"] = connection_class
        sent = dict(headers or {})
        if credentials is None and addresses.user is not None:
            user = f"{addresses.user}:{addresses.password or ''}".encode()
            credentials = Credentials("Basic", base64.b64encode(user).decode())
        if credentials is not None:
            sent[AUTHORIZATION] = credentials.header
        client = OpenSearch(
            [_host(address) for address in addresses.hosts],
            timeout=timeout,
            headers=sent,
            pool_maxsize=CONNECTIONS_PER_NODE,
            retry_on_status=RETRIED,
            **options,
        )
        return cls(addresses, client, timeout)

    def trying(self, tries: Tries) -> Self:
        return type(self)(self.addresses, self.client, self._timeout, tries)

    def close(self) -> None:
        self.client.close()

    def _send(
        self, method: str, path: str, parameters: Mapping[str, str], body: object, ignored: Iterable[int]
    ) -> Answer:
        headers = {"accept": JSON, "content-type": LINES if isinstance(body, list) else JSON}
        try:
            found = self._transport.perform_request(
                method,
                path,
                params=dict(parameters),
                headers=headers,
                body=_encoded(body),
                timeout=self.tries.seconds or self._timeout,
                ignore=tuple(ignored),
            )
        except opensearchpy.exceptions.ConnectionError as error:
            kind = _fault_of(error)
            raise kind(str(error.error if kind is NoAnswer else error.info or error.error)) from error
        except TransportError as error:
            said = error.info if isinstance(error.info, Mapping) else error.error
            raise Refused(int(error.status_code), said, is_from_family=isinstance(said, Mapping)) from error
        except SerializationError as error:
            raise Unreadable(str(error)) from error
        received = last_received()
        return Answer(received.status, found, received.size)


def _fault_of(error: TransportError) -> type[NoAnswer]:
    if isinstance(error, ConnectionTimeout):
        return TimedOut
    return Untrusted if isinstance(error, SSLError) else NoAnswer


def _encoded(body: object) -> bytes | None:
    """A body as JSON, or as lines of JSON."""
    if body is None:
        return None
    if isinstance(body, list):
        return b"".join(_line(part) for part in body)
    return encode(body)


def _line(part: object) -> bytes:
    line = part if isinstance(part, bytes) else encode(part)
    return line if line.endswith(b"\n") else line + b"\n"


def _host(address: str) -> dict[str, Any]:
    parts = urlsplit(address)
    return {
        "host": parts.hostname,
        "port": parts.port,
        "use_ssl": parts.scheme == "https",
        "url_prefix": parts.path,
    }
