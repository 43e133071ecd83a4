"""Answers that go on: server-sent events, one whenever something has changed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import orjson
from aiohttp import web

from enricher.answers import Json
from enricher.errors import EnricherError
from enricher.gateway.pool import Busy, Overdue

MEDIA_TYPE = "text/event-stream"
LOOK_SECONDS = 1.0
"""How often a stream looks for changes."""
ALIVE_SECONDS = 15.0
"""After so long without an event a comment is sent, so that proxies keep the connection."""
MAX_STREAMS = 32


class EventStreams:
    """The streams of one process. is_ending: whether they shall end."""

    def __init__(self, is_ending: Callable[[], bool]) -> None:
        self._is_ending = is_ending
        self._open = 0

    async def send(
        self, request: web.Request, name: str, read: Callable[[], Awaitable[Json]]
    ) -> web.StreamResponse:
        """Send what `read` gives whenever it has changed, until the client leaves or the service ends.

        Raises Busy if too many streams are open, and what the first `read` raises.
        """
        if self._open >= MAX_STREAMS:
            raise Busy(round(ALIVE_SECONDS))
        self._open += 1
        try:
            first = _event(name, await read())
            response = web.StreamResponse(headers={"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"})
            await response.prepare(request)
            await response.write(first)
            with suppress(ConnectionResetError):  # the client has left
                await self._follow(response, name, first, read)
            return response
        finally:
            self._open -= 1

    async def _follow(
        self, response: web.StreamResponse, name: str, sent: bytes, read: Callable[[], Awaitable[Json]]
    ) -> None:
        silent = 0.0
        while not self._is_ending():
            await asyncio.sleep(LOOK_SECONDS)
            event, silent = await _read(name, read), silent + LOOK_SECONDS
            if event != sent:
                await response.write(event)
                sent, silent = event, 0.0
            elif silent >= ALIVE_SECONDS:
                await response.write(b": nothing new\n\n")
                silent = 0.0


async def _read(name: str, read: Callable[[], Awaitable[Json]]) -> bytes:
    """The next event; one of the type `error` if nothing can be read now."""
    try:
        return _event(name, await read())
    except (EnricherError, Busy, Overdue) as error:
        return _event("error", {"reason": str(error)})


def _event(name: str, data: Json) -> bytes:
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"
