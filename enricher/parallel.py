"""Work on batches, spread over processes: results in order, memory bounded.

The source is read in the parent alone, and no more than AHEAD batches a worker are out at a time.
Workers are fresh interpreters (*spawn*): threads of BLAS, numba or Tantivy, which the parent may
have, do not survive a fork. Starting them takes about as long as PATIENCE, so that a short input is
worked off in the parent, and so are the batches that come before the workers are ready.

A worker ends when its pipe to the parent does, whatever ended the parent. Ctrl-C, SIGTERM and SIGHUP, which
often go to all processes of a command, reach the parent alone, which ends the workers.
"""

import os
import pickle
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, NoReturn, TypeVar

from threadpoolctl import threadpool_limits

from enricher.errors import EnricherError, WorkerLost
from enricher.records import Document

BATCH_DOCUMENTS = 256
BATCH_CHARACTERS = 4_000_000

AHEAD = 2
"""Batches that a worker has at most: the one it works on, and the next."""

PATIENCE = 1.0
"""Seconds of work in the parent after which workers are started."""

SECONDS_TO_END = 5.0

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})

T = TypeVar("T")
R = TypeVar("R")


def document_batches(
    documents: Iterable[Document], fields: Sequence[str], most: int | None = None
) -> Iterator[list[Document]]:
    """Batches bounded in documents (`most`, else BATCH_DOCUMENTS) and in characters of the fields."""
    most = BATCH_DOCUMENTS if most is None else most
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += sum(len(document.text(name)) for name in fields)
        if len(batch) >= most or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def map_in_order(
    work: Callable[[T], R], batches: Iterable[T], workers: int
) -> Generator[tuple[T, R], None, None]:
    """Each batch with what `work` makes of it, in the order of the batches.

    With one worker all is done in this process. With more, `work` is copied to each by pickle, once:
    what holds a model or a dictionary pickles as the recipe by which the copy opens its own. In a
    script of your own such a call stands under `if __name__ == "__main__":`, as processes need it.

    What `work` raises is raised here, when the turn of its batch comes. Raises WorkerLost when a
    worker is killed. Closing the generator ends the workers at once.
    """
    source = iter(batches)
    worked = 0.0
    for batch in source:
        if workers > 1 and worked >= PATIENCE:
            yield from _spread(work, chain((batch,), source), workers)
            return
        began = time.monotonic()
        result = work(batch)
        worked += time.monotonic() - began
        yield batch, result


@dataclass(slots=True)
class _Task:
    """A batch that is out; `answer` is whether the work was done, and its result or the error."""

    batch: Any
    answer: tuple[bool, Any] | None = None


@dataclass(slots=True)
class _Worker:
    """A process, its pipe, and the tasks that it has not answered yet, in the order it got them."""

    process: BaseProcess
    pipe: Connection
    ready: bool = False
    tasks: deque[_Task] = field(default_factory=deque)

    def send(self, data: bytes) -> None:
        try:
            self.pipe.send_bytes(data)
        except OSError:
            self._lost()

    def receive(self) -> None:
        """Take the next answer: the first is to the opening of the work, the others are to the tasks."""
        try:
            data = self.pipe.recv_bytes()
        except (EOFError, OSError):
            self._lost()
        answer = pickle.loads(data)
        if self.ready:
            self.tasks.popleft().answer = answer
        else:
            _result(answer)
            self.ready = True

    def _lost(self) -> NoReturn:
        self.process.join(SECONDS_TO_END)
        code = self.process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        raise WorkerLost(
            f"A worker process {how} before its work was done. "
            "If memory is short, try fewer --workers; what was written stays."
        )


def _spread(work: Callable[[T], R], batches: Iterable[T], workers: int) -> Iterator[tuple[T, R]]:
    """The same as `map_in_order`, by workers; until the first is ready the parent does the work."""
    waiting: deque[_Task] = deque()
    with _started(work, workers) as team:
        for batch in batches:
            _listen(team, 0)
            ready = [worker for worker in team if worker.ready]
            if not ready:
                yield batch, work(batch)
                continue
            waiting.append(_Task(batch))
            chosen = min(ready, key=lambda worker: len(worker.tasks))
            chosen.tasks.append(waiting[-1])
            chosen.send(pickle.dumps(batch, pickle.HIGHEST_PROTOCOL))
            while waiting and (waiting[0].answer or len(waiting) >= AHEAD * workers):
                yield _first(waiting, team)
        while waiting:
            yield _first(waiting, team)


def _first(waiting: deque[_Task], team: Sequence[_Worker]) -> tuple[Any, Any]:
    """Take the first of the tasks, as soon as it is answered."""
    task = waiting.popleft()
    while task.answer is None:
        _listen(team, None)
    return task.batch, _result(task.answer)


def _listen(team: Sequence[_Worker], seconds: float | None) -> None:
    """Take what the workers have sent; None waits until one has."""
    heard = wait([worker.pipe for worker in team], seconds)
    for worker in team:
        if worker.pipe in heard:
            worker.receive()


def _result(answer: tuple[bool, Any]) -> Any:
    done, value = answer
    if not done:
        raise value
    return value


@contextmanager
def _started(work: Callable[[T], R], workers: int) -> Iterator[list[_Worker]]:
    """Workers that are opening their copies of the work; at the end of the block they are killed."""
    recipe = pickle.dumps(work, pickle.HIGHEST_PROTOCOL)
    team: list[_Worker] = []
    try:
        for _ in range(workers):
            team.append(_start())
        for worker in team:
            worker.send(recipe)
        yield team
    finally:
        for worker in team:
            worker.process.kill()
            worker.pipe.close()
        for worker in team:
            worker.process.join()
            worker.process.close()


def _start() -> _Worker:
    """Start a worker, which inherits that what stops a command is blocked."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
    resource_tracker.ensure_running()  # its own start, within that of a process, would unblock SIGINT
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        theirs.close()
    return _Worker(process, ours)


def _serve(pipe: Connection) -> None:
    """What a worker does: open its copy of the work, then answer batch after batch."""
    received: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, received), daemon=True).start()
    work: list[Callable[[Any], Any]] = []

    def open_work() -> None:
        work.append(pickle.loads(received.get()))
        threadpool_limits(1)  # as many threads as workers are enough; more would wait for each other

    _answer(pipe, open_work)
    while work:
        _answer(pipe, lambda: work[0](pickle.loads(received.get())))


def _receive(pipe: Connection, received: "SimpleQueue[bytes]") -> None:
    """Take what the parent sends while the work goes on, so that neither waits for the other for ever."""
    while True:
        try:
            received.put(pipe.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)


def _answer(pipe: Connection, function: Callable[[], object]) -> None:
    """Send what a function returns or raises."""
    try:
        data = pickle.dumps((True, function()), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001  it is raised in the parent
        data = pickle.dumps((False, _portable(error)))
    try:
        pipe.send_bytes(data)
    except OSError:  # the parent has gone
        os._exit(0)


def _portable(error: Exception) -> Exception:
    """The error as it can be copied to the parent; one that is not ours notes where it was raised."""
    if not isinstance(error, EnricherError):
        error.add_note("".join(("In a worker process: ", *traceback.format_exception(error))))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001  the error is of anybody's making
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
