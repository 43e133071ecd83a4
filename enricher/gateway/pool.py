"""Threads that answer requests, so that the event loop never waits: a bounded number, with a bounded queue.

A class of requests has a pool of its own, so that slow enrichment does not keep searches waiting.
"""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TypeVar

T = TypeVar("T")


class Busy(Exception):
    """The queue of a pool is full. retry_seconds: when to try again."""

    def __init__(self, retry_seconds: int) -> None:
        super().__init__("The service has too many requests of this kind at this moment.")
        self.retry_seconds = retry_seconds


class Overdue(Exception):
    """The time limit of a request is over."""


class Pool:
    """Answers requests of one class.

    threads: how many at the same time. queue: how many more wait. seconds: time limit of each. held: how many
    are answered or wait now. on_held: is called with it whenever it changes.
    """

    def __init__(self, name: str, threads: int, queue: int, seconds: float) -> None:
        self.name, self.seconds = name, seconds
        self._limit = threads + queue
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"enricher-{name}")
        self.held = 0
        self.on_held: Callable[[int], object] = lambda held: None

    async def run(self, work: Callable[[], T]) -> T:
        """Run a function in a thread.

        Raises Busy if the queue is full, and Overdue after the time limit. A thread cannot be stopped: work
        that is overdue goes on to its end, and counts as held until then.
        """
        if self.held >= self._limit:
            raise Busy(max(1, round(self.seconds / 10)))
        self._hold(1)
        loop = asyncio.get_running_loop()
        future = self._executor.submit(contextvars.copy_context().run, work)
        future.add_done_callback(lambda _: _call_if_open(loop, partial(self._hold, -1)))
        try:
            async with asyncio.timeout(self.seconds) as limit:
                return await asyncio.wrap_future(future)  # cancels the work if it still waits
        except TimeoutError:
            if not limit.expired():
                raise
            raise Overdue(f"The request took longer than {self.seconds:g} s.") from None

    def _hold(self, change: int) -> None:
        self.held += change
        self.on_held(self.held)

    def close(self) -> None:
        """Drop what waits. Threads end with their present work."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _call_if_open(loop: asyncio.AbstractEventLoop, function: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the service has ended meanwhile
        loop.call_soon_threadsafe(function)
