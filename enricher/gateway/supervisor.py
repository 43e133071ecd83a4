"""Several processes of the service behind the same addresses, for several cores."""

import multiprocessing
import multiprocessing.process
import os
import signal
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType

from enricher.errors import EnricherError
from enricher.gateway.logs import Log

RESTART_SECONDS = 1.0
"""The shortest life of a process that is replaced at once; one that ends earlier is replaced later."""
LOOK_SECONDS = 0.2

Ready = Callable[[], None]
Process = multiprocessing.process.BaseProcess


def supervise(
    workers: int,
    work: Callable[[int, Ready], None],
    started: Callable[[], None],
    lost: Callable[[int], None],
    ending: Callable[[], None],
    log: Log,
) -> None:
    """Run `work(number, ready)` in so many processes until SIGTERM or SIGINT, and let them end in order.

    A process that ends by itself is replaced. SIGHUP is passed on to all. started: is called once, when all
    processes are ready. lost: is called with the id of a process that was lost; ending: before the
    processes are told to end. Raises EnricherError if a process fails before it was ready.
    """
    forks = multiprocessing.get_context("fork")
    is_ready = forks.Semaphore(0)

    def begin(number: int) -> Process:
        process = forks.Process(target=_child, args=(work, number, is_ready.release, log))
        process.start()
        return process

    with _signals() as received:
        processes = {number: begin(number) for number in range(workers)}
        began = dict.fromkeys(processes, time.monotonic())
        waiting = workers
        while not received["end"]:
            time.sleep(LOOK_SECONDS)
            while waiting and is_ready.acquire(block=False):
                waiting -= 1
                if not waiting:
                    started()
            if received.pop("reload", False):
                _send(processes.values(), signal.SIGHUP)
            for number, process in list(processes.items()):
                if process.is_alive() or received["end"]:
                    continue
                if waiting:
                    _end(processes.values())
                    raise EnricherError("A process of the service failed at its start; its log says why.")
                if time.monotonic() - began[number] > RESTART_SECONDS:
                    log.write("worker_lost", worker=number, code=process.exitcode)
                    if process.pid is not None:
                        lost(process.pid)
                    processes[number], began[number] = begin(number), time.monotonic()
        ending()
        _end(processes.values())


def signal_parent() -> None:
    """Let the process that has started this one pass SIGHUP on to all of its processes."""
    os.kill(os.getppid(), signal.SIGHUP)


def _child(work: Callable[[int, Ready], None], number: int, ready: Ready, log: Log) -> None:
    """Begin with the signals as at the start of a program. An error becomes a line of the log."""
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, signal.SIG_DFL)
    try:
        work(number, ready)
    except EnricherError as error:
        log.write("worker_failed", worker=number, reason=str(error))
        raise SystemExit(1) from None


@contextmanager
def _signals() -> Iterator[dict[str, bool]]:
    """Note signals instead of ending; the earlier handlers come back at the end."""
    received = {"end": False}

    def note(number: int, frame: FrameType | None) -> None:
        received["reload" if number == signal.SIGHUP else "end"] = True

    names = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.signal(name, note) for name in names]
    try:
        yield received
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)


def _send(processes: Collection[Process], number: int) -> None:
    for process in processes:
        if process.is_alive():
            assert process.pid is not None
            os.kill(process.pid, number)


def _end(processes: Collection[Process]) -> None:
    """Let all processes answer the requests in work, and end."""
    _send(processes, signal.SIGTERM)
    for process in processes:
        process.join()
