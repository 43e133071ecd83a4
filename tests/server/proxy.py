"""A proxy on the loopback between a job and its cluster, on which things go wrong."""

import http.client
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.server.faults import with_refused, without_some

SILENCE = 60.0
"""Seconds after which an answer that never comes ends."""
FIRST_FAULT_BY = 20
"""The request that fails at the latest, where requests can fail: a test never ends without a fault."""
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"}


@dataclass(frozen=True, slots=True)
class Faults:
    """How often what goes wrong, as shares of the requests; refused_items: of the items of bulk requests.

    reset: the connection breaks before the server has seen the request. cut: it breaks in the middle of the
    answer, after the server has done what it was asked. silent: the same, and nothing ever comes.
    """

    refused_items: float = 0.0
    reset: float = 0.0
    cut: float = 0.0
    silent: float = 0.0
    seed: int = 0


class Proxy(ThreadingHTTPServer):
    """Passes requests to `target` (host:port); `counts` says how often what went wrong."""

    daemon_threads = True

    def __init__(self, target: str, faults: Faults) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target, self.faults = target, faults
        self.counts: Counter[str] = Counter()
        self.ended = threading.Event()
        self._chance, self._lock = random.Random(faults.seed), threading.Lock()
        self._requests = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def draw(self) -> float:
        """A number from 0 to 1; the same ones in the same order for a seed."""
        with self._lock:
            return self._chance.random()

    def draw_request(self) -> float:
        """A number from 0 to 1 that decides what goes wrong with a request."""
        chance, any_fault = self.draw(), self.faults.reset + self.faults.cut + self.faults.silent
        with self._lock:
            self._requests += 1
            is_due = self._requests >= FIRST_FAULT_BY and not self.counts.total()
        return chance * any_fault if is_due else chance

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are no news."""


@contextmanager
def proxy(url: str, faults: Faults) -> Iterator[Proxy]:
    """A proxy before the server of a URL."""
    made = Proxy(url.removeprefix("http://"), faults)
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.ended.set()
        made.shutdown()
        made.server_close()
        thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        faults, chance = self.server.faults, self.server.draw_request()
        if chance < faults.reset:
            return self._reset("reset")
        refused: dict[int, object] = {}
        if faults.refused_items and self.path.split("?")[0].endswith("/_bulk"):
            body, refused = without_some(body, lambda: self.server.draw() < faults.refused_items)
            self.server.counts["refused items"] += len(refused)
        status, headers, answer = self._ask(body)
        if refused:
            answer = with_refused(answer, refused)
        chance -= faults.reset
        if chance < faults.cut:
            self._answer(status, headers, answer, answer[: len(answer) // 2])
            return self._reset("cut")
        if chance < faults.cut + faults.silent:
            self.server.counts["silent"] += 1
            self.server.ended.wait(SILENCE)
            return self._reset("silence ended")
        return self._answer(status, headers, answer, answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _pass  # noqa: N815  (names of the base class)

    def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.server.target, timeout=120)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            headers["Accept-Encoding"] = "identity"
            connection.request(self.command, self.path, body or None, headers)
            response = connection.getresponse()
            kept = [pair for pair in response.getheaders() if pair[0].lower() not in HOP_BY_HOP]
            return response.status, kept, response.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], answer: bytes, sent: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(sent)
            self.wfile.flush()

    def _reset(self, what: str) -> None:
        self.server.counts[what] += 1
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
