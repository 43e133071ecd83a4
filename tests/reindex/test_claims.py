"""The leases of a worker: how they are taken, kept and given back."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.errors import EngineUnavailable, UsageError
from enricher.settings import IndexConfiguration
from indexer.engines.addresses import parse_addresses
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.reindex import claims
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.embedded.states import FileStates
from indexer.reindex.job import Interval, Job, Lease, Phase
from indexer.reindex.ledger import LeaseLost, Ledger

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def words() -> DocumentEnricher:
    """An enricher that only segments text into words."""
    return EnricherRecipe(Path(), None, ("text",), IndexConfiguration(enrichments=("tokens",))).open()


class Stalled(FileStates):
    """Does not answer changes while `stalls` is set."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stalls, self.answer = False, threading.Event()

    def save(self, name: str, value: Mapping[str, Any], seen: tuple[int, int]) -> tuple[int, int] | None:
        if self.stalls:
            self.answer.wait()
        return super().save(name, value, seen)


def worker(ledger: Ledger, enricher: DocumentEnricher, **more: Any) -> Worker:
    """A worker whose cluster does not answer."""
    cluster = Cluster(ElasticsearchEngine(parse_addresses(NOWHERE)))
    ledger.create(Job("a", "old", "alias", "new", None, ("text",), "2026-01-01T00:00:00+00:00"))
    return Worker(ledger, cluster, enricher, "a", max_away_seconds=0.05, **more)


def test_a_worker_that_fails_holds_nothing(tmp_path: Path, words: DocumentEnricher) -> None:
    """If the cluster is away, the lease of the step that was begun is free at once."""
    ledger = Ledger(FileStates(tmp_path))
    with pytest.raises(EngineUnavailable):
        worker(ledger, words).run()
    left = ledger.load("a")
    assert left.fence > 0 and left.workers == []


def test_any_other_way_out_gives_back_too(tmp_path: Path, words: DocumentEnricher) -> None:
    """A worker gives back its leases after an unexpected error too."""
    ledger = Ledger(FileStates(tmp_path))

    def fail(job: Job) -> None:
        if job.workers:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        worker(ledger, words, on_progress=fail).run()
    assert ledger.load("a").workers == []


def test_a_ledger_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, words: DocumentEnricher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker ends soon, and its leases expire."""
    monkeypatch.setattr(claims, "MAX_GIVE_BACK_SECONDS", 0.05)
    states = Stalled(tmp_path)
    ledger = Ledger(states)

    def stall(job: Job) -> None:
        if job.workers:
            states.stalls = True
            raise EngineUnavailable("The cluster is away.")

    ended = threading.Event()

    def run() -> None:
        with pytest.raises(EngineUnavailable):
            worker(ledger, words, on_progress=stall).run()
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    assert ended.wait(30)
    assert ledger.load("a").workers != []
    states.answer.set()


def test_a_heartbeat_ends_where_the_job_is_removed(tmp_path: Path) -> None:
    """No exception escapes from the thread of the heartbeat."""
    ledger = Ledger(FileStates(tmp_path), lease_seconds=0.02)
    ledger.create(Job("a", "old", "alias", "new", None, ("text",), "2026-01-01T00:00:00+00:00"))
    held = claims.Claims(ledger, "a", "one").take_step(ledger.load("a"))
    assert held is not None
    faults: list[object] = []
    before, threading.excepthook = threading.excepthook, faults.append
    try:
        with claims.Claims(ledger, "a", "one").heartbeats(held[1]):
            ledger.remove("a")
            with pytest.raises(UsageError):
                while True:
                    ledger.load("a")
            threading.Event().wait(0.2)
    finally:
        threading.excepthook = before
    assert faults == []


def claims_on(folder: Path, worker: str, lease_seconds: float = 30.0) -> tuple[Ledger, claims.Claims]:
    """A worker with a ledger of its own, as in another process."""
    ledger = Ledger(FileStates(folder), lease_seconds)
    return ledger, claims.Claims(ledger, "a", worker)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger with a job whose pass has two intervals."""
    ledger = Ledger(FileStates(tmp_path))
    job = Job("a", "old", "alias", "new", None, ("text",), "2026-01-01T00:00:00+00:00")
    job.intervals, job.planned = [Interval(0, -1, 9, -1), Interval(1, -1, 9, -1)], True
    ledger.create(job)
    return ledger


def test_workers_take_different_intervals(ledger: Ledger, tmp_path: Path) -> None:
    """A third worker gets no interval, and no step begins before all are copied."""
    workers = [claims_on(tmp_path, name) for name in ("one", "two", "three")]
    taken = [held.take_interval(its_ledger.load("a")) for its_ledger, held in workers]
    assert [one and (one[1].shard, one[2]) for one in taken] == [(0, 1), (1, 2), None]
    assert ledger.load("a").workers == ["one", "two"]
    assert workers[2][1].take_step(ledger.load("a")) is None


def test_an_interval_that_is_copied_is_not_taken(ledger: Ledger, tmp_path: Path) -> None:
    """A worker takes the first interval that is not copied."""

    def copied(job: Job) -> None:
        job.intervals[0].at = job.intervals[0].upto

    taken = claims_on(tmp_path, "one")[1].take_interval(ledger.update("a", copied))
    assert taken is not None and taken[1].shard == 1


def test_a_lease_is_taken_over_once_no_heartbeat_has_come_for_its_time(
    ledger: Ledger, tmp_path: Path
) -> None:
    """The silent worker can no longer change the job: it gets LeaseLost."""
    first = claims_on(tmp_path, "one")[1]
    second_ledger, second = claims_on(tmp_path, "two", lease_seconds=0.1)
    ledger.update("a", step_is_due)
    held = first.take_step(ledger.load("a"))
    assert held is not None and second.take_step(second_ledger.load("a")) is None
    threading.Event().wait(0.15)
    taken = second.take_step(second_ledger.load("a"))
    assert taken is not None and taken[1] > held[1]
    with pytest.raises(LeaseLost):
        first.note(held[1])
    assert second.note(taken[1], one_more_read).counters.read == 1


def test_a_heartbeat_keeps_a_lease(ledger: Ledger, tmp_path: Path) -> None:
    """A lease with heartbeats is not taken over, however long the step takes."""
    first = claims_on(tmp_path, "one", lease_seconds=1.0)[1]
    second_ledger, second = claims_on(tmp_path, "two", lease_seconds=1.0)
    ledger.update("a", step_is_due)
    held = first.take_step(ledger.load("a"))
    assert held is not None
    with first.heartbeats(held[1]):
        for _ in range(8):
            assert second.take_step(second_ledger.load("a")) is None
            threading.Event().wait(0.2)


def test_a_worker_takes_its_own_lease_again_at_once(ledger: Ledger, tmp_path: Path) -> None:
    """After an error a worker need not wait for itself, and changes under its earlier fence are refused."""
    held = claims_on(tmp_path, "one")[1]
    before, after = held.take_interval(ledger.load("a")), held.take_interval(ledger.load("a"))
    assert before is not None and after is not None
    assert before[1].shard == after[1].shard == 0 and after[2] > before[2]
    with pytest.raises(LeaseLost):
        held.note(before[2])


def test_leases_that_are_given_back_are_free_at_once(ledger: Ledger, tmp_path: Path) -> None:
    """The leases of other workers stay."""
    first, second = claims_on(tmp_path, "one")[1], claims_on(tmp_path, "two")[1]
    first.take_interval(ledger.load("a"))
    second.take_interval(ledger.load("a"))
    first.release()
    assert ledger.load("a").workers == ["two"]
    taken = claims_on(tmp_path, "three")[1].take_interval(ledger.load("a"))
    assert taken is not None and taken[1].shard == 0


def test_nothing_of_a_job_that_has_ended_is_taken(ledger: Ledger, tmp_path: Path) -> None:
    """A worker that knows an outdated state of the job learns the end from the ledger."""
    held = claims_on(tmp_path, "one")[1]
    due = ledger.update("a", step_is_due)
    ledger.update("a", ended)
    assert held.take_step(due) is None


def step_is_due(job: Job) -> None:
    """The change after which the next step of a job can be taken."""
    job.intervals, job.planned = [], False


def ended(job: Job) -> None:
    """The change that ends a job."""
    job.phase = Phase.DONE


def one_more_read(job: Job, lease: Lease) -> None:
    """A change that is noted under a lease."""
    job.counters.read += 1
