"""Run the service: listen, serve until a signal, and end in order."""

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from aiohttp import web

from enricher.gateway.access import is_loopback
from enricher.gateway.application import Gateway, JsonRequestHandler
from enricher.gateway.certificate import Certificate
from enricher.gateway.logs import Log

DRAIN_SECONDS = 30.0
"""How long requests in work may take after a signal to end."""
MAX_HEADER_BYTES = 16_384
KEEP_ALIVE_SECONDS = 75.0


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
        report = partial(_report, gateway.log)
        watching = None if certificate is None else asyncio.create_task(certificate.watch(report))
        started()
        warming = asyncio.create_task(gateway.warm_up())
        await ended.wait()
        warming.cancel()
        if watching is not None:
            watching.cancel()
        gateway.log.write("draining", requests=gateway.requests)
        for site in sites:
            await site.stop()
        await gateway.drain(DRAIN_SECONDS)
        gateway.log.write("stopped", requests=gateway.requests)
    finally:
        await asyncio.gather(*(runner.cleanup() for runner in runners))
        for pool in gateway.pools.values():
            pool.close()
        gateway.administration.close()
        gateway.traces.close()


def _report(log: Log, fault: str) -> None:
    log.write("certificate_fault", reason=fault)


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
