"""Process batches in worker processes: results in order, memory bounded.

Only the parent reads the source. A worker has at most MAX_BATCHES_PER_WORKER batches at a time. Workers are
new interpreters (*spawn*), because threads of BLAS, numba or Tantivy in the parent do not survive a fork.
Starting workers takes about PARENT_SECONDS. Therefore the parent processes a short input itself, and also
the batches before the workers are ready.

A worker exits when its pipe to the parent is closed, however the parent ended. Workers block Ctrl-C, SIGTERM
and SIGHUP, which are often sent to all processes of a command. Only the parent handles them, and ends the
workers.
"""

import os
import pickle
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any, Generic, NoReturn, TypeVar

from threadpoolctl import threadpool_limits

from enricher.errors import EnricherError, WorkerLost
from enricher.records import Document

BATCH_DOCUMENTS = 256
BATCH_CHARACTERS = 4_000_000

MAX_BATCHES_PER_WORKER = 2
"""The batch that the worker processes, and the next one."""

PARENT_SECONDS = 1.0
"""Seconds of work in the parent before workers are started."""

EXIT_SECONDS = 5.0
"""Seconds to wait for the exit code of a lost worker."""

STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP})

T = TypeVar("T")
R = TypeVar("R")


def document_batches(
    documents: Iterable[Document], fields: Sequence[str], max_documents: int | None = None
) -> Iterator[list[Document]]:
    """Group documents into batches of at most `max_documents` (default BATCH_DOCUMENTS).

    A batch ends earlier when the text of its fields reaches BATCH_CHARACTERS.
    """
    max_documents = BATCH_DOCUMENTS if max_documents is None else max_documents
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += sum(len(document.text(name)) for name in fields)
        if len(batch) >= max_documents or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


class WorkerPool(Generic[T, R]):
    """Worker processes that apply `work` to batches: started when they are needed, kept until `close`.

    With one worker, everything runs in this process. With more, `work` is pickled once for each worker. A
    `work` with a model or dictionary should pickle as the recipe to open it, so that each worker opens its
    own. For one thread at a time. A script that uses it needs the guard `if __name__ == "__main__":`.
    """

    def __init__(self, work: Callable[[T], R], workers: int) -> None:
        self._work = work
        self.workers = workers
        self._team: list[_Worker] = []
        self._worked = 0.0

    def __enter__(self) -> "WorkerPool[T, R]":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def map(self, batches: Iterable[T]) -> Generator[tuple[T, R], None, None]:
        """Yield each batch with the result of `work`, in the order of the batches.

        An exception of `work` is raised here, when it is the turn of its batch. Raises WorkerLost if a worker
        is killed. Closing the generator before its end ends the workers immediately; another call starts new
        ones.
        """
        waiting: deque[_Task] = deque()
        try:
            for batch in batches:
                ready = self._ready()
                if not ready:
                    began = time.monotonic()
                    result = self._work(batch)
                    self._worked += time.monotonic() - began
                    yield batch, result
                    continue
                waiting.append(_Task(batch))
                chosen = min(ready, key=lambda worker: len(worker.tasks))
                chosen.tasks.append(waiting[-1])
                chosen.send(pickle.dumps(batch, pickle.HIGHEST_PROTOCOL))
                while waiting and (
                    waiting[0].answer or len(waiting) >= MAX_BATCHES_PER_WORKER * self.workers
                ):
                    yield _first(waiting, self._team)
            while waiting:
                yield _first(waiting, self._team)
        except BaseException:  # the workers have batches whose results nobody will take
            self.close()
            raise

    def close(self) -> None:
        """Kill the workers."""
        team, self._team = self._team, []
        for worker in team:
            worker.process.kill()
            worker.pipe.close()
        for worker in team:
            worker.process.join()
            worker.process.close()

    def _ready(self) -> list["_Worker"]:
        """The workers that have opened their copies of `work`; they are started after PARENT_SECONDS."""
        if self.workers == 1 or self._worked < PARENT_SECONDS:
            return []
        if not self._team:
            self._start()
        _listen(self._team, 0)
        return [worker for worker in self._team if worker.ready]

    def _start(self) -> None:
        recipe = pickle.dumps(self._work, pickle.HIGHEST_PROTOCOL)
        for _ in range(self.workers):
            self._team.append(_start())
        for worker in self._team:
            worker.send(recipe)


def map_in_order(
    work: Callable[[T], R], batches: Iterable[T], workers: int
) -> Generator[tuple[T, R], None, None]:
    """Yield each batch with the result of `work`, in order, from workers that end with the generator.

    Raises what `WorkerPool.map` raises.
    """
    with WorkerPool(work, workers) as pool:
        yield from pool.map(batches)


@dataclass(slots=True)
class _Task:
    """A batch sent to a worker. answer: (True, result) or (False, exception); None while it is processed."""

    batch: Any
    answer: tuple[bool, Any] | None = None


@dataclass(slots=True)
class _Worker:
    """A worker process, its pipe, and its unanswered tasks, in the order in which they were sent."""

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
        """Receive the next answer. The first one confirms that `work` is open, the others belong to tasks."""
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
        self.process.join(EXIT_SECONDS)
        code = self.process.exitcode
        how = f"was killed by signal {-code}" if code is not None and code < 0 else f"ended with code {code}"
        raise WorkerLost(
            f"A worker process {how} before its work was done. "
            "If memory is short, use fewer --workers. Documents that were written are kept."
        )


def _first(waiting: deque[_Task], team: Sequence[_Worker]) -> tuple[Any, Any]:
    """Wait for the answer to the first task, and remove the task."""
    task = waiting.popleft()
    while task.answer is None:
        _listen(team, None)
    return task.batch, _result(task.answer)


def _listen(team: Sequence[_Worker], seconds: float | None) -> None:
    """Receive the answers that workers have sent. seconds: maximum time to wait; None for no limit."""
    readable = wait([worker.pipe for worker in team], seconds)
    for worker in team:
        if worker.pipe in readable:
            worker.receive()


def _result(answer: tuple[bool, Any]) -> Any:
    done, value = answer
    if not done:
        raise value
    return value


def _start() -> _Worker:
    """Start a worker. It inherits a signal mask that blocks STOP_SIGNALS."""
    spawn = get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
    resource_tracker.ensure_running()  # process.start() would start it otherwise, and unblock SIGINT
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        theirs.close()
    return _Worker(process, ours)


def _serve(pipe: Connection) -> None:
    """The main function of a worker: open the copy of `work`, then process the batches one by one."""
    received: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_receive, args=(pipe, received), daemon=True).start()
    work: list[Callable[[Any], Any]] = []

    def open_work() -> None:
        work.append(pickle.loads(received.get()))
        threadpool_limits(1)  # one thread per worker: more threads than cores slow each other down

    _answer(pipe, open_work)
    while work:
        _answer(pipe, lambda: work[0](pickle.loads(received.get())))


def _receive(pipe: Connection, received: "SimpleQueue[bytes]") -> None:
    """Receive batches in a thread of their own. Otherwise parent and worker could block each other."""
    while True:
        try:
            received.put(pipe.recv_bytes())
        except (EOFError, OSError):
            os._exit(0)


def _answer(pipe: Connection, function: Callable[[], object]) -> None:
    """Call a function, and send its result or its exception to the parent."""
    try:
        data = pickle.dumps((True, function()), pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001  the parent raises it
        data = pickle.dumps((False, _portable(error)))
    try:
        pipe.send_bytes(data)
    except OSError:  # the parent has gone
        os._exit(0)


def _portable(error: Exception) -> Exception:
    """An exception that can be pickled. An unexpected one gets a note with its traceback in the worker."""
    if not isinstance(error, EnricherError):
        error.add_note("".join(("In a worker process: ", *traceback.format_exception(error))))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001  pickling a foreign exception may raise anything
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
