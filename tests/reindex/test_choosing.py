"""Which job a command means, without a server."""

from pathlib import Path

import pytest

from enricher.errors import UsageError
from indexer.reindex.choosing import job_under_way, job_with_rejects
from indexer.reindex.embedded.states import FileStates
from indexer.reindex.job import Job, Phase
from indexer.reindex.ledger import Ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger without jobs."""
    return Ledger(FileStates(tmp_path))


def add(ledger: Ledger, name: str, phase: Phase, rejected: int = 0) -> None:
    """Keep a job of that name in a phase."""
    job = Job(name, "old", "alias", name, None, ("text",), "2026-01-01T00:00:00+00:00")
    job.phase, job.rejected = phase, rejected
    ledger.create(job)


def test_the_only_job_under_way_need_not_be_named(ledger: Ledger) -> None:
    """Jobs that have ended do not count."""
    add(ledger, "ended", Phase.DONE)
    with pytest.raises(UsageError, match=r"There is no job under way\."):
        job_under_way(ledger, None)
    add(ledger, "one", Phase.COPYING)
    assert job_under_way(ledger, None).id == "one"


def test_one_of_several_jobs_must_be_named(ledger: Ledger) -> None:
    """The message lists their names."""
    add(ledger, "one", Phase.COPYING)
    add(ledger, "two", Phase.PREPARING)
    with pytest.raises(UsageError, match=r"There are 2 jobs under way \((one, two|two, one)\): name one"):
        job_under_way(ledger, None)
    assert job_under_way(ledger, "two").id == "two"


def test_a_job_that_is_named_may_have_ended(ledger: Ledger) -> None:
    """The command reports its outcome; an unknown name is refused."""
    add(ledger, "ended", Phase.CANCELLED)
    assert job_under_way(ledger, "ended").phase is Phase.CANCELLED
    with pytest.raises(UsageError, match="no job 'other'"):
        job_under_way(ledger, "other")


def test_only_jobs_with_rejects_are_replayed(ledger: Ledger) -> None:
    """A job without rejects, or one that has not ended, is refused even if it is named."""
    add(ledger, "clean", Phase.DONE)
    add(ledger, "running", Phase.COPYING, rejected=2)
    add(ledger, "lossy", Phase.DONE, rejected=2)
    assert job_with_rejects(ledger, None).id == "lossy"
    for name in ("clean", "running"):
        with pytest.raises(UsageError, match=f"no job '{name}' with rejected documents"):
            job_with_rejects(ledger, name)
