"""How the terminal shows jobs and their progress."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from indexer.cli.output import ProgressDisplay, counted, print_line, print_records, say_json

if TYPE_CHECKING:
    from indexer.reindex.job import Job


COUNTERS = ("read", "written", "refused", "deleted")


class JobView:
    """Shows the progress of a job: phase, documents per second, refusals, and the time left for a pass.

    The bar counts operations, not documents: on a cluster, the writes and deletes of each shard.
    """

    def __init__(self, display: ProgressDisplay) -> None:
        self._display = display
        self._since: tuple[float, int] | None = None
        self._pass: tuple[str, int] | None = None

    def __call__(self, job: Job) -> None:
        now = time.monotonic()
        if self._since is None or self._pass != (job.phase, job.passes):
            self._since, self._pass = (now, job.counters.read), (job.phase, job.passes)
        began, read_before = self._since
        total, done = job.operations, job.operations_done
        parts = []
        seconds = now - began
        if seconds > 1 and job.counters.read > read_before:
            parts.append(f"{(job.counters.read - read_before) / seconds:,.0f} documents/s")
        left = sorted({interval.shard for interval in job.intervals if not interval.done})
        if left:
            parts.append(f"operations of shard{'s' * (len(left) > 1)} {', '.join(map(str, left))}")
        if job.counters.refused or job.counters.retried:
            parts.append(f"{job.counters.refused:,} refused, {job.counters.retried:,} sent again")
        if 0 < done < total and seconds > 1:
            parts.append(f"{seconds * (total - done) / done:,.0f} s left")
        self._display(_phase(job), done, total, detail="; ".join(parts))


class JsonView:
    """Prints the report of a job as a line of JSON on stderr, once per phase and at most once per second."""

    def __init__(self) -> None:
        self._last: tuple[str, float] | None = None

    def __call__(self, job: Job) -> None:
        from indexer.reindex.report import report_of

        now = time.monotonic()
        if self._last is None or self._last[0] != job.phase or now - self._last[1] >= 1.0:
            self._last = job.phase, now
            say_json(report_of(job))


def print_outcome(job: Job) -> None:
    """Print the outcome of a job that is done; it has lasted from its start to its last heartbeat."""
    from indexer.reindex.job import JobKind

    counters = job.counters
    begun, last = (datetime.fromisoformat(moment) for moment in (job.created, job.noted or job.created))
    seconds = (last - begun).total_seconds()
    if job.kind is JobKind.IN_PLACE:
        written = counted(counters.written, "document")
        print_line(f"{written} of {job.source} enriched.")
    elif job.kind is JobKind.MIGRATION:
        print_line(
            f"{job.alias} at {job.destination} now points to {job.target}, with "
            f"{counted(job.copied, 'document')}; {job.source} has {job.documents:,}."
        )
    else:
        print_line(
            f"{job.alias} now points to {job.target}, which was compared with "
            f"{counted(job.documents, 'document')} of {job.source}."
        )
    there = f", {counters.present:,} there already" if counters.present else ""
    parts = [
        f"{counters.read:,} read and {counters.written:,} written{there} in {seconds:,.1f} s "
        f"({counters.read / max(seconds, 1e-9):,.0f} a second)",
        f"{counters.deleted:,} deleted",
        f"{job.rejected:,} refused",
    ]
    if job.gates is not None:
        parts.append("nDCG@10 {:.4f} before and {:.4f} now".format(*job.gates))
    if job.block_seconds is not None and job.kind is JobKind.MIGRATION:
        parts.append(f"{job.source} goes on refusing writes (index.blocks.write)")
    elif job.block_seconds is not None:
        parts.append(f"writes were refused for {job.block_seconds:.2f} s")
    print_line(f"{', '.join(parts)}.")


def print_jobs(jobs: Sequence[Job], lease_seconds: float) -> None:
    """Print a line per job, or a block of lines if the terminal is narrow.

    lease_seconds: a worker without a heartbeat for longer is not counted.
    """
    now = datetime.now(UTC)
    rows = [
        (
            job.id,
            str(job.kind),
            job.source,
            f"{job.target} at {job.destination}" if job.destination else job.target,
            _where(job),
            *_counters(job),
            _workers(job, now, lease_seconds),
            ago(job.created, now),
            ago(job.noted, now),
        )
        for job in jobs
    ]
    columns = ("job", "kind", "source", "target", "phase", *COUNTERS, "workers", "started", "last heartbeat")
    print_records(columns, rows)


def _workers(job: Job, now: datetime, lease_seconds: float) -> str:
    """How many workers hold leases; 0 if the last heartbeat is older than a lease lasts."""
    from indexer.reindex.report import seconds_since_heartbeat

    silent = seconds_since_heartbeat(job, now)
    if job.workers and silent is not None and silent > lease_seconds:
        return f"0 (no heartbeat for {_duration(silent)})"
    return str(len(job.workers))


def ago(moment: str | None, now: datetime) -> str:
    """How long ago a moment was (ISO 8601), like "2 h ago"; empty for None."""
    from indexer.reindex.report import seconds_since

    seconds = seconds_since(moment, now)
    return "" if seconds is None else f"{_duration(seconds)} ago"


def _duration(seconds: float) -> str:
    """A duration in the largest unit of which it has at least two."""
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length:,.0f} {unit}"
    return f"{seconds:.0f} s"


def _counters(job: Job) -> list[int]:
    """The values of COUNTERS. Of a job that is done, `refused` counts only what is still refused."""
    from indexer.reindex.job import Phase

    found = asdict(job.counters)
    if job.phase is Phase.DONE:
        found["refused"] = job.rejected
    return [found[name] for name in COUNTERS]


def _where(job: Job) -> str:
    """The phase of a job, with the share of the current pass that is copied."""
    if not job.operations or job.phase.ended:
        return str(job.phase)
    return f"{_phase(job)}, {job.operations_done / job.operations:.0%}"


def _phase(job: Job) -> str:
    """The phase of a job, and the number of its pass."""
    if job.phase == "following":  # a pass a second would be a line a second
        return str(job.phase)
    return f"{job.phase}, pass {job.passes}" if job.passes else str(job.phase)
