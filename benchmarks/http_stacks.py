"""HTTP servers compared: one endpoint on aiohttp, and on uvicorn and Granian with Starlette.

The endpoint decodes a JSON body of a search, works for about half a millisecond in a thread pool, and answers
with 4 kB of JSON. Every server is a process of its own; one client with a kept-alive connection measures
latency, those of wrk throughput. `pip install --group stacks` installs the servers.
"""

import asyncio
import hashlib
import importlib.util
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

import msgspec

from benchmarks.load import CLIENTS, Ask, under_load

ROUTE = "/_enricher/search"
BODY = json.dumps({"query": "数据库 index", "in": "articles", "top": 10}).encode()
ANSWER = {"hits": [{"id": str(n), "score": 1.0, "title": "x" * 350} for n in range(10)]}
ROUNDS = 20_000
"""Hashes in a row: the work of a request."""
REQUESTS, WARM_UP, SECONDS = 2_000, 200, 5.0
THREADS = 4
STACKS = {"aiohttp": ("aiohttp", "uvloop"), "uvicorn": ("uvicorn", "starlette"), "granian": ("granian",)}
COLUMNS = ("server", "median", "99th percentile", f"requests/s with {CLIENTS} clients")


class Search(msgspec.Struct):
    """The body of a request."""

    query: str
    in_: str = msgspec.field(name="in")
    top: int = 10


def answer(body: bytes) -> bytes:
    """The work of a request, in a thread."""
    asked = msgspec.json.decode(body, type=Search)
    hashlib.pbkdf2_hmac("sha256", asked.query.encode(), b"salt", ROUNDS // 20)
    return msgspec.json.encode(ANSWER)


# ------------------------------------------------------------------ servers


def serve_aiohttp(port: int) -> None:
    """Aiohttp with uvloop."""
    import uvloop
    from aiohttp import web

    pool = ThreadPoolExecutor(THREADS)

    async def search(request: web.Request) -> web.Response:
        body = await request.read()
        found = await asyncio.get_running_loop().run_in_executor(pool, answer, body)
        return web.Response(body=found, content_type="application/json")

    application = web.Application()
    application.router.add_post(ROUTE, search)
    uvloop.install()
    web.run_app(application, host="127.0.0.1", port=port, access_log=None, print=lambda *_: None)


def application() -> Any:
    """The same as an ASGI application."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    pool = ThreadPoolExecutor(THREADS)

    async def search(request: Request) -> Response:
        body = await request.body()
        found = await asyncio.get_running_loop().run_in_executor(pool, answer, body)
        return Response(found, media_type="application/json")

    return Starlette(routes=[Route(ROUTE, search, methods=["POST"])])


def serve_uvicorn(port: int) -> None:
    """Uvicorn with uvloop and httptools."""
    import uvicorn

    uvicorn.run(
        application(), host="127.0.0.1", port=port, loop="uvloop", log_level="error", access_log=False
    )


def serve_granian(port: int) -> None:
    """Granian, whose HTTP is in Rust."""
    from granian import Granian
    from granian.constants import Interfaces, Loops

    target = "benchmarks.http_stacks:application"
    Granian(
        target,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        factory=True,
        log_enabled=False,
    ).serve()


# ------------------------------------------------------------------ clients


class Client:
    """A kept-alive connection. It costs less than any library, so the times are those of the server."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, route: str = ROUTE, body: bytes = BODY) -> bytes:
        """Send a request, and return the body of the answer."""
        head = f"POST {route} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        self._socket.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._read()
        head, _, rest = data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        lines = head.lower().split(b"\r\n")
        length = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
        while len(rest) < length:
            rest += self._read()
        return rest

    def _read(self) -> bytes:
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError("The server has closed the connection.")
        return data


@contextmanager
def running(stack: str) -> Iterator[int]:
    """A server in a process of its own; yields its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.http_stacks", stack, str(port)])
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                Client(port).ask()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def latencies(port: int) -> list[float]:
    """Milliseconds of each request of one client."""
    client, found = Client(port), []
    for _ in range(WARM_UP + REQUESTS):
        started = time.perf_counter()
        client.ask()
        found.append((time.perf_counter() - started) * 1e3)
    return found[WARM_UP:]


def rows() -> Iterator[tuple[str, ...]]:
    """One row for each server that is installed."""
    for stack, modules in STACKS.items():
        if any(importlib.util.find_spec(module) is None for module in modules):
            yield (stack, "not installed", "", "")
            continue
        with running(stack) as port:
            found = latencies(port)
            tail = quantiles(found, n=100)[-1]
            together = under_load(port, [Ask(ROUTE, BODY)], SECONDS).rate
            yield (stack, f"{median(found):.2f} ms", f"{tail:.2f} ms", f"{together:,.0f}")


if __name__ == "__main__":
    {"aiohttp": serve_aiohttp, "uvicorn": serve_uvicorn, "granian": serve_granian}[sys.argv[1]](
        int(sys.argv[2])
    )
