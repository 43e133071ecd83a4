"""The ledger of jobs: concurrent changes, and changes without an answer."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields

from enricher.errors import EngineError, EngineUnavailable, UsageError
from indexer.reindex.claims import Claims
from indexer.reindex.embedded.states import FileStates
from indexer.reindex.job import LATER_FIELDS, Counters, Interval, Job, JobKind, JobOptions, Lease, Phase
from indexer.reindex.ledger import Ledger


class Unanswered(FileStates):
    """Breaks off at the first change, before or after it was written; `other` may change the job then."""

    def __init__(self, folder: Path, *, written: bool, other: Ledger | None = None) -> None:
        super().__init__(folder)
        self._written, self._other, self._broken = written, other, False

    def save(self, name: str, value: Mapping[str, Any], seen: tuple[int, int]) -> tuple[int, int] | None:
        if self._broken:
            return super().save(name, value, seen)
        self._broken = True
        if self._written:
            super().save(name, value, seen)
        if self._other is not None:
            self._other.update(name, copying)
        raise EngineUnavailable("No answer came.")


def copying(job: Job) -> None:
    """A change that can be made twice."""
    job.phase = Phase.COPYING


def one_more(job: Job) -> None:
    """A change that must be made once."""
    job.counters.read += 1


def job() -> Job:
    """A new job."""
    return Job("a", "old", "alias", "new", None, ("text",), "2026-01-01T00:00:00+00:00")


@pytest.mark.parametrize("written", [True, False])
def test_a_change_without_an_answer_is_made_once(tmp_path: Path, written: bool) -> None:
    """The ledger reads the state to see whether the change was written."""
    ledger = Ledger(Unanswered(tmp_path, written=written))
    ledger.create(job())
    assert ledger.update("a", one_more).counters.read == 1
    assert ledger.load("a").counters.read == 1


def test_a_change_without_an_answer_is_made_on_top_of_another(tmp_path: Path) -> None:
    """If another worker was faster, the change is made to its state."""
    ledger = Ledger(Unanswered(tmp_path, written=False, other=Ledger(FileStates(tmp_path))))
    ledger.create(job())
    ledger.update("a", one_more)
    changed = ledger.load("a")
    assert (changed.counters.read, changed.phase) == (1, Phase.COPYING)


def test_every_change_is_a_heartbeat(tmp_path: Path) -> None:
    """Every change notes its time, and an unknown job is reported."""
    ledger = Ledger(FileStates(tmp_path))
    ledger.create(job())
    first, second = ledger.update("a", copying).noted, ledger.update("a", copying).noted
    assert first is not None and second is not None and job().created < first < second
    with pytest.raises(UsageError, match="no job 'b'"):
        ledger.load("b")


class Counted(FileStates):
    """Counts reads and writes."""

    reads = writes = 0

    def load(self, name: str) -> tuple[dict[str, Any], tuple[int, int]] | None:
        self.reads += 1
        return super().load(name)

    def save(self, name: str, value: Mapping[str, Any], seen: tuple[int, int]) -> tuple[int, int] | None:
        self.writes += 1
        reads = self.reads
        try:
            return super().save(name, value, seen)
        finally:
            self.reads = reads  # its own


def test_changes_in_a_row_read_nothing(tmp_path: Path) -> None:
    """Only a change by another worker makes the ledger read again."""
    states = Counted(tmp_path)
    ledger = Ledger(states)
    ledger.create(job())
    for _ in range(3):
        ledger.update("a", one_more)
    assert (states.reads, states.writes) == (1, 3)
    Ledger(FileStates(tmp_path)).update("a", copying)
    changed = ledger.update("a", one_more)
    assert (changed.counters.read, changed.phase) == (4, Phase.COPYING)
    assert (states.reads, states.writes) == (2, 5)


def test_a_worker_that_waits_for_others_writes_nothing(tmp_path: Path) -> None:
    """It writes nothing while others hold the step or the intervals."""
    states = Counted(tmp_path)
    ledger = Ledger(states)
    new = job()
    ledger.create(new)
    first, second = Claims(ledger, "a", "first"), Claims(ledger, "a", "second")
    assert first.take_step(new) is not None
    led = ledger.load("a")
    writes = states.writes
    assert second.take_step(led) is None and second.take_interval(led) is None
    assert states.writes == writes


def whole_job() -> Job:
    """One whose every part says something."""
    new = job()
    new.options = JobOptions(True, 2, 3.5, "gate", ("stale",), {"term": {"year": 2024}}, ("a", "b"), True)
    new.kind, new.phase, new.lease = JobKind.ROLLBACK, Phase.CATCHING_UP, Lease("w", 3, 4)
    new.intervals = [Interval(0, 1, 9, 5, Lease("v", 2)), Interval(1, 0, 3, 3)]
    new.counters = Counters(read=9, retried=1)
    new.cursors, new.swapped_at, new.gates = {0: 5, 11: 7}, {0: 9}, (0.5, 1.0)
    new.destination, new.copied = "http://127.0.0.1:9200", 3
    return new


@pytest.mark.parametrize(("made", "left_out"), [(job(), LATER_FIELDS), (whole_job(), ())])
def test_a_job_is_read_as_it_was_written(made: Job, left_out: tuple[str, ...]) -> None:
    """With numbers of shards as keys, which are strings in JSON; without what only migrations need."""
    written = json.loads(json.dumps(made.as_json()))
    assert Job.from_json(written) == made
    assert list(written)[:3] == ["format", "id", "source"]
    assert len(written) == 1 + len(fields(Job)) - len(left_out) and written.keys().isdisjoint(left_out)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"phase": "resting"},
            "phase must be preparing, copying, .*trailing, done or cancelled, not 'resting'",
        ),
        ({"kind": 3}, "kind must be copy, rollback, in place or migration, not 3"),
        ({"cursors": {"x": 1}}, "cursors.x is a wrong key: it must be a whole number"),
        ({"cursors": {"0": "1"}}, "cursors.0 must be a whole number, not the string '1'"),
        ({"intervals": [{"shard": 0}]}, r"intervals\[0\].after is missing"),
        (
            {"lease": {"worker": "w", "fence": 1, "bear": 2}},
            "lease has no key 'bear'; there are worker, fence",
        ),
        ({"options": {"rate": "fast"}}, "options.rate must be a number or null, not the string 'fast'"),
        ({"options": {"rate": math.inf}}, "options.rate must be a finite number, not inf"),
        ({"gates": [1]}, "gates must be a list of 2 or null, not a list"),
        ({"moved": True}, "it has no key 'moved'; there are id, source, "),
        ({"format": 3}, "another version"),
    ],
)
def test_a_damaged_job_is_a_sentence(changes: dict[str, object], said: str) -> None:
    """What is kept by a later version is not lost by writing it without."""
    with pytest.raises(EngineError, match=said):
        Job.from_json(job().as_json() | changes)


@pytest.mark.parametrize(
    "options", [{"rate": math.inf}, {"block_limit": math.nan}, {"query": {"x": math.inf}}]
)
def test_a_job_that_could_not_be_read_again_is_not_planned(options: dict[str, Any]) -> None:
    """NaN and infinity are no JSON."""
    with pytest.raises(UsageError, match="must be a finite number"):
        JobOptions(**options)
