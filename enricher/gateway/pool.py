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

    def __init__(self, seconds: float) -> None:
        super().__init__(f"The request took longer than {seconds:g} s.")


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
        answer: asyncio.Future[T] = loop.create_future()
        task = self._executor.submit(contextvars.copy_context().run, self._work, work, loop, answer)
        limit = loop.call_later(self.seconds, _fail, answer, Overdue(self.seconds))
        try:
            return await answer
        finally:
            limit.cancel()
            if task.cancel():  # it still waited, and will never run
                self._hold(-1)

    def _work(
        self, work: Callable[[], T], loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[T]"
    ) -> None:
        """Do the work of a request in a thread. The last step wakes the loop, once."""
        try:
            ending = partial(_succeed, answer, work())
        except BaseException as error:  # noqa: BLE001  it is raised where the request waits
            ending = partial(_fail, answer, error)
        with suppress(RuntimeError):  # the service has ended meanwhile
            loop.call_soon_threadsafe(self._end, ending)

    def _end(self, ending: Callable[[], None]) -> None:
        self._hold(-1)
        ending()

    def _hold(self, change: int) -> None:
        self.held += change
        self.on_held(self.held)

    def close(self) -> None:
        """Drop what waits. Threads end with their present work."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _succeed(answer: "asyncio.Future[T]", found: T) -> None:
    """Give a request its answer, if it still waits."""
    if not answer.done():
        answer.set_result(found)


def _fail(answer: "asyncio.Future[T]", error: BaseException) -> None:
    """Raise an error where a request waits, if it still does."""
    if not answer.done():
        answer.set_exception(error)
