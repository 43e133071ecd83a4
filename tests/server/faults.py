"""The way to the server, with faults: everything that is answered by the server is true."""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from elastic_transport import (
    ApiResponseMeta,
    BaseNode,
    ConnectionError,
    ConnectionTimeout,
    HttpHeaders,
    Urllib3HttpNode,
)
from elastic_transport._node import NodeApiResponse

Send = Callable[[bytes], NodeApiResponse]
Fault = Callable[[Send, bytes, Any], NodeApiResponse]
"""What happens to a bulk request: how to send, its body, and the configuration of the node."""


def node_with(faults: Iterable[Fault | None]) -> type[BaseNode]:
    """A way to the server on which one fault after the other happens to bulk requests."""
    coming: Iterator[Fault | None] = iter(faults)

    class FaultyNode(Urllib3HttpNode):
        def perform_request(  # type: ignore[override]
            self, method: str, target: str, body: bytes | None = None, *args: Any, **options: Any
        ) -> NodeApiResponse:
            real = super().perform_request
            fault = next(coming, None) if "/_bulk" in target else None
            if fault is None or body is None:
                return real(method, target, body, *args, **options)
            return fault(lambda sent: real(method, target, sent, *args, **options), body, self.config)

    return FaultyNode


def refuse_items(share: float, chance: random.Random) -> Fault:
    """A share of the items never reaches the server and comes back with 429."""

    def fault(send: Send, body: bytes, config: Any) -> NodeApiResponse:
        kept, refused = without_some(body, lambda: chance.random() < share)
        response = send(kept)
        return NodeApiResponse(response.meta, with_refused(response.body, refused))

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

    def fault(send: Send, body: bytes, config: Any) -> NodeApiResponse:
        headers = HttpHeaders({"content-type": "application/json", "x-elastic-product": "Elasticsearch"})
        meta = ApiResponseMeta(status=status, http_version="1.1", headers=headers, duration=0.0, node=config)
        error = {"type": "es_rejected_execution_exception", "reason": "too much to do"}
        return NodeApiResponse(meta, json.dumps({"error": error, "status": status}).encode())

    return fault


def apply_and_time_out(send: Send, body: bytes, config: Any) -> NodeApiResponse:
    """The server does what was asked, and its answer never comes."""
    send(body)
    raise ConnectionTimeout("the answer did not come in time")


def time_out(send: Send, body: bytes, config: Any) -> NodeApiResponse:
    """Nothing reaches the server, and no answer comes."""
    raise ConnectionTimeout("the answer did not come in time")


def reset(send: Send, body: bytes, config: Any) -> NodeApiResponse:
    """The connection breaks before anything reaches the server."""
    raise ConnectionError("connection reset by peer")


def apply_and_reset(send: Send, body: bytes, config: Any) -> NodeApiResponse:
    """The server does what was asked, and the connection breaks before it has answered."""
    send(body)
    raise ConnectionError("connection reset by peer")
