"""What a worker holds of a job, and gives back whatever ends it."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from enricher.errors import EngineUnavailable, UsageError
from enricher.settings import IndexConfiguration
from indexer.engines.addresses import parse_addresses
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.pipeline import DocumentEnricher, EnricherRecipe
from indexer.reindex import claims
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.embedded.states import FileStates
from indexer.reindex.job import Job
from indexer.reindex.ledger import Ledger

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def words() -> DocumentEnricher:
    """Words alone."""
    return EnricherRecipe(Path(), None, ("text",), IndexConfiguration(enrichments=("tokens",))).open()


class Stalled(FileStates):
    """Gives no answer to changes from the moment on that it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.stalls, self.answer = False, threading.Event()

    def save(self, name: str, value: Mapping[str, Any], seen: tuple[int, int]) -> tuple[int, int] | None:
        if self.stalls:
            self.answer.wait()
        return super().save(name, value, seen)


def worker(ledger: Ledger, enricher: DocumentEnricher, **more: Any) -> Worker:
    """One whose cluster is away."""
    cluster = Cluster(ElasticsearchEngine(parse_addresses(NOWHERE)))
    ledger.create(Job("a", "old", "alias", "new", None, ("text",), "2026-01-01T00:00:00+00:00"))
    return Worker(ledger, cluster, enricher, "a", max_away_seconds=0.05, **more)


def test_a_worker_that_fails_holds_nothing(tmp_path: Path, words: DocumentEnricher) -> None:
    """The cluster is away: the lease of the step that it began is free at once."""
    ledger = Ledger(FileStates(tmp_path))
    with pytest.raises(EngineUnavailable):
        worker(ledger, words).run()
    left = ledger.load("a")
    assert left.fence > 0 and left.workers == []


def test_any_other_way_out_gives_back_too(tmp_path: Path, words: DocumentEnricher) -> None:
    """Also an error that nobody foresaw."""
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
    """What the worker holds expires then."""
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
    """Without a fault in its thread, which would be printed."""
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
