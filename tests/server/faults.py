"""The way to the server, with faults: everything that is answered by the server is true."""

import json
import random
from collections.abc import Callable, Iterable, Iterator
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
        lines = body.rstrip(b"\n").split(b"\n")
        pairs = [b"\n".join(lines[at : at + 2]) for at in range(0, len(lines), 2)]
        refused = {place for place in range(1, len(pairs)) if chance.random() < share}
        sent = [pair for place, pair in enumerate(pairs) if place not in refused]
        response = send(b"\n".join(sent) + b"\n")
        answer = json.loads(response.body)
        applied = iter(answer["items"])
        answer["items"] = [
            _refused(pair) if place in refused else next(applied) for place, pair in enumerate(pairs)
        ]
        answer["errors"] = True
        return NodeApiResponse(response.meta, json.dumps(answer).encode())

    return fault


def _refused(pair: bytes) -> dict[str, Any]:
    action = json.loads(pair.split(b"\n")[0])["index"]
    error = {"type": "es_rejected_execution_exception", "reason": "rejected execution of a write"}
    return {"index": {**action, "status": 429, "error": error}}


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
