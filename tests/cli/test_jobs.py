"""What people see of jobs: how old, how far, and whether anybody works on them."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import typer

from indexer.cli import job_runs
from indexer.cli.jobs import JobView, ago, print_jobs
from indexer.cli.output import progress_display
from indexer.reindex.job import Interval, Job, JobKind, Lease, Phase

LONG = "a-rather-long-name-of-an-alias-20260101t120000-4f1c"


class Terminal(StringIO):
    """A terminal, as wide as COLUMNS says."""

    def isatty(self) -> bool:
        return True


def before(seconds: float) -> str:
    """A moment so many seconds ago."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def job(silent: float | None = None, kind: JobKind = JobKind.COPY) -> Job:
    """A job that is under way; silent: seconds since its last heartbeat."""
    made = Job(LONG, f"{LONG}-old", "alias", LONG, "model", ("text",), before(2 * 3600 + 30), kind=kind)
    made.phase, made.passes, made.planned = Phase.COPYING, 1, True
    made.intervals = [Interval(0, 0, 100, 25, Lease("one", 1)), Interval(0, 100, 200, 100, Lease("two", 2))]
    made.noted = None if silent is None else before(silent)
    return made


@pytest.mark.parametrize(
    ("silent", "workers"), [(1, "2"), (95, "0 (no heartbeat for 95 s)"), (200, "0 (no heartbeat for 3 min)")]
)
def test_workers_count_while_their_heartbeats_come(
    capsys: pytest.CaptureFixture[str], silent: float, workers: str
) -> None:
    """A killed worker holds its lease, and is not shown as alive."""
    print_jobs([job(silent)], 30.0)
    shown = capsys.readouterr().out
    assert f"  {workers}  " in shown or f" {workers} " in shown
    assert ("no heartbeat" in shown) == (silent > 30)
    assert "2 h ago" in shown


def test_a_job_without_leases_has_no_workers(capsys: pytest.CaptureFixture[str]) -> None:
    """However long it waits."""
    waiting = job(10_000)
    waiting.intervals = [Interval(0, 0, 100, 25)]
    print_jobs([waiting], 30.0)
    assert "no heartbeat" not in (shown := capsys.readouterr().out) and "2 h ago" in shown


@pytest.mark.parametrize("kind", list(JobKind))
def test_how_far_a_pass_is_shows_for_every_kind(capsys: pytest.CaptureFixture[str], kind: JobKind) -> None:
    """Also for jobs in place."""
    print_jobs([job(1, kind)], 30.0)
    assert "copying, pass 1, 12%" in capsys.readouterr().out


def test_progress_is_counted_in_operations(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of documents that were overwritten or deleted count too, so they are not called documents."""
    copying = job(1)
    copying.intervals = [Interval(0, -1, 99, 24), Interval(3, -1, 99, -1)]
    with progress_display() as progress:
        JobView(progress)(copying)
    assert ": 25 of 200 (operations of shards 0, 3) …" in capsys.readouterr().err


def test_a_narrow_terminal_breaks_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each job is a block of lines there; a wide one shows a table."""
    for columns, lines in (("80", 2 * 12 + 1), ("400", 3)):
        terminal = Terminal()
        monkeypatch.setattr("sys.stdout", terminal)
        monkeypatch.setenv("COLUMNS", columns)
        print_jobs([job(1), job(2)], 30.0)
        shown = terminal.getvalue().splitlines()
        assert len(shown) == lines
        assert sum(LONG in line.replace("\x1b", " ").split() for line in shown) >= 2, shown


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s ago"), (119, "119 s ago"), (120, "2 min ago"), (7199, "119 min ago"), (7200, "2 h ago"),
     (47 * 3600, "47 h ago"), (49 * 3600, "2 days ago"), (-5, "0 s ago")],
)  # fmt: skip
def test_an_age_is_a_number_of_its_largest_unit(seconds: int, said: str) -> None:
    """None is below 0 where clocks differ."""
    now = datetime.now(UTC)
    assert ago((now - timedelta(seconds=seconds)).isoformat(), now) == said
    assert ago(None, now) == ""


@pytest.mark.parametrize(
    ("typed", "kept"), [("articles-v1\n", False), ("y\n", True), ("\n", True), ("", True)]
)
def test_an_index_is_removed_when_its_name_is_typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: str, kept: bool
) -> None:
    """Nothing else removes it; the question says how much would be lost."""
    monkeypatch.setattr(job_runs, "is_interactive", lambda: True)
    monkeypatch.setattr("sys.stdin", StringIO(typed))
    if kept:
        with pytest.raises((typer.Exit, typer.Abort)):
            job_runs.ask_for_name("articles-v1", 2000)
    else:
        job_runs.ask_for_name("articles-v1", 2000)
    assert "'articles-v1' with 2,000 documents" in capsys.readouterr().err
