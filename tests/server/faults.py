"""The way to the server, with faults: everything that is answered by the server is true."""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import elastic_transport
import opensearchpy
from elastic_transport import ApiResponseMeta, BaseNode, HttpHeaders, Urllib3HttpNode
from elastic_transport._node import NodeApiResponse

from indexer.engines.opensearch.connections import CountingConnection


class Reply(NamedTuple):
    """The answer to a request."""

    status: int
    body: bytes


class NoReplyInTime(Exception):
    """The answer did not come in time."""


class Reset(Exception):
    """The connection broke."""


Send = Callable[[bytes], Reply]
Fault = Callable[[Send, bytes], Reply]
"""What happens to a bulk request: how to send, and its body. Raises NoReplyInTime and Reset."""


def node_with(faults: Iterable[Fault | None]) -> type[BaseNode]:
    """A way to an Elasticsearch on which one fault after the other happens to bulk requests."""
    coming: Iterator[Fault | None] = iter(faults)

    class FaultyNode(Urllib3HttpNode):
        def perform_request(  # type: ignore[override]
            self, method: str, target: str, body: bytes | None = None, *args: Any, **options: Any
        ) -> NodeApiResponse:
            real = super().perform_request
            fault = next(coming, None) if "/_bulk" in target else None
            if fault is None or body is None:
                return real(method, target, body, *args, **options)

            def send(sent: bytes) -> Reply:
                answer = real(method, target, sent, *args, **options)
                return Reply(answer.meta.status, answer.body)

            try:
                reply = fault(send, body)
            except NoReplyInTime as error:
                raise elastic_transport.ConnectionTimeout("the answer did not come in time") from error
            except Reset as error:
                raise elastic_transport.ConnectionError("connection reset by peer") from error
            headers = HttpHeaders({"content-type": "application/json", "x-elastic-product": "Elasticsearch"})
            return NodeApiResponse(
                ApiResponseMeta(reply.status, "1.1", headers, 0.0, self.config), reply.body
            )

    return FaultyNode


def connection_with(faults: Iterable[Fault | None]) -> type[CountingConnection]:
    """A way to an OpenSearch on which one fault after the other happens to bulk requests."""
    coming: Iterator[Fault | None] = iter(faults)

    class FaultyConnection(CountingConnection):
        def perform_request(
            self, method: str, url: str, params: Any = None, body: bytes | None = None, **options: Any
        ) -> tuple[int, Mapping[str, str], str]:
            real = super().perform_request
            fault = next(coming, None) if "/_bulk" in url else None
            if fault is None or body is None:
                return real(method, url, params, body, **options)

            def send(sent: bytes) -> Reply:
                status, _, answer = real(method, url, params, sent, **options)
                return Reply(status, answer.encode())

            try:
                reply = fault(send, body)
            except NoReplyInTime as error:
                raise opensearchpy.ConnectionTimeout(
                    "TIMEOUT", "the answer did not come in time", error
                ) from error
            except Reset as error:
                raise opensearchpy.ConnectionError("N/A", "connection reset by peer", error) from error
            if reply.status >= 300:
                self._raise_error(reply.status, reply.body.decode(), "application/json")
            return reply.status, {"content-type": "application/json"}, reply.body.decode()

    return FaultyConnection


def refuse_items(share: float, chance: random.Random) -> Fault:
    """A share of the items never reaches the server and comes back with 429."""

    def fault(send: Send, body: bytes) -> Reply:
        kept, refused = without_some(body, lambda: chance.random() < share)
        response = send(kept)
        return Reply(response.status, with_refused(response.body, refused))

    return fault


def without_some(body: bytes, is_refused: Callable[[], bool]) -> tuple[bytes, dict[int, object]]:
    """The body of a bulk request without items, and the answers to those by place; the first is kept."""
    lines, kept, refused = iter(body.rstrip(b"\n").split(b"\n")), [], dict[int, object]()
    for place, head in enumerate(lines):
        ((name, action),) = json.loads(head).items()
        item = [head] if name == "delete" else [head, next(lines)]
        if place and is_refused():
            error = {"type": "es_rejected_execution_exception", "reason": "rejected execution of a write"}
            refused[place] = {name: {**action, "status": 429, "error": error}}
        else:
            kept += item
    return b"\n".join(kept) + b"\n", refused


def with_refused(answer: bytes, refused: Mapping[int, object]) -> bytes:
    """The answer to a bulk request with the items that the server has not seen in their places."""
    found = json.loads(answer)
    for place in sorted(refused) if "items" in found else ():
        found["items"].insert(place, refused[place])
        found["errors"] = True
    return json.dumps(found).encode()


def refuse_request(status: int) -> Fault:
    """The whole request never reaches the server and comes back with a status."""

    def fault(send: Send, body: bytes) -> Reply:
        error = {"type": "es_rejected_execution_exception", "reason": "too much to do"}
        return Reply(status, json.dumps({"error": error, "status": status}).encode())

    return fault


def apply_and_time_out(send: Send, body: bytes) -> Reply:
    """The server does what was asked, and its answer never comes."""
    send(body)
    raise NoReplyInTime


def time_out(send: Send, body: bytes) -> Reply:
    """Nothing reaches the server, and no answer comes."""
    raise NoReplyInTime


def reset(send: Send, body: bytes) -> Reply:
    """The connection breaks before anything reaches the server."""
    raise Reset


def apply_and_reset(send: Send, body: bytes) -> Reply:
    """The server does what was asked, and the connection breaks before it has answered."""
    send(body)
    raise Reset
