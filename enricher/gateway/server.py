"""Run the service: listen, serve until a signal, and end in order."""

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from enricher.errors import UsageError
from enricher.gateway.access import is_loopback
from enricher.gateway.application import Gateway, JsonRequestHandler
from enricher.gateway.certificate import Certificate

DRAIN_SECONDS = 30.0
"""How long requests in work may take after a signal to end."""
MAX_HEADER_BYTES = 16_384
KEEP_ALIVE_SECONDS = 75.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service listens. Port 0: any free port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str, option: str) -> "Address":
        """Parse HOST:PORT; the host of an IPv6 address stands in brackets. Raises UsageError."""
        host, found, port = text.rpartition(":")
        host = host.removeprefix("[").removesuffix("]")
        if not found or not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
            raise UsageError(f"{option} must be HOST:PORT, for example 127.0.0.1:9280, not {text!r}.")
        return cls(host, int(port))

    def bound(self) -> socket.socket:
        """A socket that listens here. Raises UsageError."""
        try:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            return socket.create_server((self.host, self.port), family=family, backlog=1024)
        except OSError as error:
            raise UsageError(
                f"The service cannot listen on {self}: {(error.strerror or str(error)).lower()}."
            ) from error

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run `serve` on the fastest event loop that is installed."""
    try:
        import uvloop
    except ImportError:  # not on Windows
        asyncio.run(main)
        return
    uvloop.run(main)


async def serve(
    gateway: Gateway,
    listen: socket.socket,
    admin: socket.socket | None,
    certificate: Certificate | None,
    started: Callable[[], None],
    reload: Callable[[], None],
) -> None:
    """Serve on two sockets until SIGTERM or SIGINT; then let requests in work end.

    admin: None if another process serves it. certificate: for HTTPS on both. started: is called once
    requests are answered; reload: on SIGHUP.
    """
    ended, context = asyncio.Event(), None if certificate is None else certificate.context
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    served = [(gateway.application(), listen)]
    if admin is not None:
        served.append((gateway.admin_application(is_loopback(admin.getsockname()[0])), admin))
    runners = [_Runner(app, **_OPTIONS) for app, _ in served]
    try:
        sites = []
        for runner, (_, held) in zip(runners, served, strict=True):
            await runner.setup()
            sites.append(web.SockSite(runner, held, ssl_context=context))
            await sites[-1].start()
        watching = None if certificate is None else asyncio.create_task(certificate.watch())
        started()
        await ended.wait()
        if watching is not None:
            watching.cancel()
        gateway.log.write("draining", requests=gateway.requests)
        for site in sites:
            await site.stop()
        await gateway.drain(DRAIN_SECONDS)
    finally:
        await asyncio.gather(*(runner.cleanup() for runner in runners))
        for pool in gateway.pools.values():
            pool.close()
        gateway.administration.close()


_OPTIONS: dict[str, Any] = {
    "access_log": None,
    "handle_signals": False,
    "shutdown_timeout": 0.1,
    "keepalive_timeout": KEEP_ALIVE_SECONDS,
    "max_line_size": MAX_HEADER_BYTES,
    "max_field_size": MAX_HEADER_BYTES,
    "auto_decompress": True,
}


class _Server(web.Server):
    """Makes connections that answer what is no HTTP with a JSON error."""

    def __call__(self) -> JsonRequestHandler:
        return JsonRequestHandler(self, loop=self._loop, **self._kwargs)


class _Runner(web.AppRunner):
    """Runs an application on a `_Server`."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        server.__class__ = _Server
        return server
