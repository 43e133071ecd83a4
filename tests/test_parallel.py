"""Work spread over processes: order, bounds, errors, and that no process stays behind."""

import itertools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from enricher.errors import BundleInvalid, UnknownWord, WorkerLost
from enricher.parallel import MAX_BATCHES_PER_WORKER, _portable, document_batches, map_in_order
from enricher.records import Document

ROOT = Path(__file__).parent.parent  # workers import this module: tests.conftest would take them long

PROGRAM = """
import itertools, os, sys, time
from enricher import parallel

def where(number):
    time.sleep(0.01)
    return os.getpid()

{guard}
    parallel.PARENT_SECONDS = 0.0
    try:
        for _, process in parallel.map_in_order(where, itertools.count(), 2):
            if process != os.getpid():
                print(process, flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
"""


def square(number: int) -> tuple[int, int]:
    """The square and who made it; some batches take long."""
    time.sleep(0.02 * (number % 5 == 0))
    return number * number, os.getpid()


@pytest.mark.usefixtures("eager_workers")
def test_results_are_in_order_and_reading_ahead_is_bounded() -> None:
    """Even with uneven work. Both workers get batches, the parent none."""
    read = 0

    def source() -> Iterator[int]:
        nonlocal read
        for read in range(1, 61):
            yield read - 1

    processes = set()
    for place, (number, (result, process)) in enumerate(map_in_order(square, source(), 2)):
        assert (number, result) == (place, place * place)
        assert read - place <= MAX_BATCHES_PER_WORKER * 2
        processes.add(process)
    assert place == 59
    assert len(processes) == 2 and os.getpid() not in processes
    assert multiprocessing.active_children() == []


def test_the_parent_works_until_the_workers_are_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """No batch waits for a process to start; none is lost or reordered."""
    monkeypatch.setattr("enricher.parallel.PARENT_SECONDS", 0.0)
    processes = []
    results = map_in_order(square, itertools.count(), 2)
    for place, (number, (result, process)) in enumerate(results):
        assert (number, result) == (place, place * place)
        processes.append(process)
        if len(set(processes)) == 3:
            break
    results.close()
    assert processes[0] == os.getpid()


@pytest.mark.parametrize("workers", [1, 3])
def test_no_process_is_started_for_a_short_input_or_one_worker(
    monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    """They would take longer to start than the work."""
    monkeypatch.setattr("enricher.parallel.PARENT_SECONDS", 0.0 if workers == 1 else 60.0)
    for _, (_, process) in map_in_order(square, range(7), workers):
        assert process == os.getpid() and multiprocessing.active_children() == []


def threads(_: int) -> set[int]:
    """The numbers of threads of the numerical libraries."""
    assert np.ones((2, 2)).sum() == 4  # NumPy must be loaded before its threads can be counted
    return {pool["num_threads"] for pool in threadpool_info()}


@pytest.mark.usefixtures("eager_workers")
def test_a_worker_uses_one_thread() -> None:
    """There are already as many processes as cores."""
    assert all(found == {1} for _, found in map_in_order(threads, range(4), 2))


def unknown(number: int) -> int:
    if number == 9:
        raise UnknownWord("wrod", ["word"])
    return number


@pytest.mark.usefixtures("eager_workers")
def test_an_exception_is_raised_when_it_is_the_turn_of_its_batch() -> None:
    """The results before it were yielded."""
    seen: list[int] = []
    with pytest.raises(UnknownWord) as raised:
        seen.extend(result for _, result in map_in_order(unknown, range(30), 2))
    assert seen == list(range(9))
    assert str(raised.value) == str(UnknownWord("wrod", ["word"]))
    assert raised.value.suggestions == ("word",)
    assert multiprocessing.active_children() == []


class Damaged:
    """Work that cannot be opened in another process."""

    def __call__(self, number: int) -> int:
        return number

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return _open_damaged, ()


def _open_damaged() -> None:
    raise BundleInvalid("The model is damaged.")


@pytest.mark.usefixtures("eager_workers")
def test_an_exception_while_opening_the_work_is_raised() -> None:
    """For example if the model was deleted."""
    with pytest.raises(BundleInvalid, match="is damaged"):
        list(map_in_order(Damaged(), range(9), 2))


class OddError(Exception):
    """An error that no copy can be made of."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def test_an_unexpected_exception_has_the_traceback_of_the_worker() -> None:
    """An exception that cannot be pickled becomes a RuntimeError."""
    assert "In a worker process" in pickle.loads(pickle.dumps(_portable(KeyError("a")))).__notes__[0]
    odd = _portable(OddError("some", "thing"))
    assert isinstance(odd, RuntimeError) and "OddError: something" in str(odd)


@pytest.mark.usefixtures("eager_workers")
def test_a_killed_worker_raises_worker_lost() -> None:
    """Whether it was idle or working."""
    with pytest.raises(WorkerLost, match="killed by signal 9"):
        for _, (_, process) in map_in_order(square, itertools.count(), 2):
            os.kill(process, signal.SIGKILL)
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("eager_workers")
def test_closing_the_generator_ends_the_workers() -> None:
    """Immediately, even if batches are unfinished."""
    results = map_in_order(square, itertools.count(), 2)
    next(results)
    assert len(multiprocessing.active_children()) == 2
    results.close()
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_exit_when_the_parent_is_killed(tmp_path: Path, how: signal.Signals) -> None:
    """By Ctrl-C to the process group or kill -9. The output ends when all processes are gone."""
    running = _program(tmp_path, 'if __name__ == "__main__":')
    assert running.stdout is not None
    first = int(running.stdout.readline())
    assert first != running.pid
    os.killpg(running.pid, how) if how is signal.SIGINT else running.kill()
    _, err = running.communicate(timeout=60)
    assert running.returncode == (130 if how is signal.SIGINT else -signal.SIGKILL)
    assert err == ""


def test_a_script_without_a_main_guard_ends(tmp_path: Path) -> None:
    """It neither starts processes endlessly nor hangs."""
    _, err = _program(tmp_path, "if True:").communicate(timeout=60)
    assert "WorkerLost: A worker process ended with code 1" in err


def _program(folder: Path, guard: str) -> "subprocess.Popen[str]":
    script = folder / "program.py"
    script.write_text(PROGRAM.format(guard=guard))
    return subprocess.Popen(
        [sys.executable, str(script)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


@dataclass(frozen=True)
class _Case:
    lengths: tuple[int, ...]
    most: int
    sizes: list[int]


@pytest.mark.parametrize(
    "case",
    [
        _Case((), 3, []),
        _Case((1,) * 7, 3, [3, 3, 1]),
        _Case((3_000_000, 1_500_000, 1, 5_000_000, 1), 3, [2, 2, 1]),
    ],
)
def test_batches_have_a_maximum_of_documents_and_characters(case: _Case) -> None:
    """A document longer than the maximum ends its batch."""
    stream = [Document(str(n), {"text": "x" * length}) for n, length in enumerate(case.lengths)]
    batches = list(document_batches(iter(stream), ("title", "text"), case.most))
    assert [len(batch) for batch in batches] == case.sizes
    assert [document for batch in batches for document in batch] == stream
