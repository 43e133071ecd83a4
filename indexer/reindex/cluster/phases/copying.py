"""Copying of intervals, page by page."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import NoReturn

from enricher.errors import EngineError
from indexer.engines.cluster.jobs.copies import FencedOut
from indexer.engines.cluster.jobs.shards import checkpoints
from indexer.engines.cluster.jobs.versioned import Copied
from indexer.reindex.cluster.context import WorkerContext
from indexer.reindex.cluster.fencing import pass_token, step_token
from indexer.reindex.cluster.intervals import intervals_of
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Counters, Interval, Job, Lease
from indexer.reindex.ledger import LeaseLost


def copy_interval(context: WorkerContext, job: Job, interval: Interval, fence: int) -> None:
    """Copy an interval of the current pass, and note every page.

    fence: of the lease on the interval. Raises LeaseLost if another worker has taken over.
    """
    with context.claims.heartbeats(fence):
        try:
            for page in _copied_pages(context, job, interval, pass_token(job.passes)):
                context.on_progress(context.claims.note(fence, partial(_note_page, page)))
                reached("page-noted")
                time.sleep(page.rest)
        except FencedOut:
            _renew_fencing_alias(context, job, fence)
    reached("interval-done")


def copy_remaining(context: WorkerContext, job: Job, fence: int) -> int:
    """Copy in this worker alone what was written since the last pass, and return how many operations it was.

    fence: of the lease on the step.
    """
    points = context.source.shards.points(job.source)
    context.source.shards.refresh(job.source)
    intervals = intervals_of(job, points)
    counted = Counters()
    for interval in intervals:
        for page in _copied_pages(context, job, interval, step_token(fence)):
            counted.add(page.counters)

    def copied(job: Job, lease: Lease) -> None:
        job.cursors = checkpoints(points)
        job.counters.add(counted)

    context.claims.note(fence, copied)
    return sum(interval.length for interval in intervals)


@dataclass(frozen=True, slots=True)
class _Page:
    """A page of documents that was copied.

    at: the sequence number up to which the interval is copied now. read: documents read. rest: seconds to
    wait before the next page.
    """

    at: int
    read: int
    copied: Copied
    rest: float

    @property
    def counters(self) -> Counters:
        """What the page adds to the counters of a job."""
        copied = self.copied
        return Counters(
            self.read, copied.written, len(copied.passed_over), len(copied.refused), copied.retried
        )


def _copied_pages(context: WorkerContext, job: Job, interval: Interval, token: str) -> Iterator[_Page]:
    """Copy an interval through the fencing alias of a token, and yield every page once it is written."""
    at, pace = interval.at, context.pace
    while at < interval.upto:
        pace.begin()
        page = context.route.read(job, interval.shard, at, interval.upto, pace.page)
        reached("page-read")
        copied = context.route.write(job, interval.shard, page, token) if page else Copied()
        if copied.refused:
            context.source.rejects.keep(job.rejects, interval.shard, copied.refused)
            reached("refused-kept")
        reached("page-written")
        at = page[-1].sequence if page else interval.upto
        rest = pace.rest(len(page), copied.retried, copied.size, copied.seconds)
        yield _Page(at, len(page), copied, rest)


def _renew_fencing_alias(context: WorkerContext, job: Job, fence: int) -> NoReturn:
    """Open the fencing alias of the pass again if the pass is still the current one; raise LeaseLost.

    Either other workers have gone on to another pass, or a worker that was paused has replaced the alias.
    """
    if not context.target.aliases.behind(job.target):
        raise EngineError(f"The index {job.target!r} was removed: cancel the job {job.id!r}.")
    context.claims.note(fence)  # fails if another pass has begun
    context.target.aliases.open_fencing_alias(job.target, pass_token(job.passes))
    raise LeaseLost


def _note_page(page: _Page, job: Job, lease: Lease) -> None:
    """Note a page in the job: progress, counters, and the cursors once all intervals are done."""
    for interval in job.intervals:
        if interval.lease is lease:
            interval.at = page.at
            if interval.done:
                interval.lease = None
    job.counters.add(page.counters)
    if all(interval.done for interval in job.intervals):
        for interval in job.intervals:
            job.cursors[interval.shard] = max(job.cursors.get(interval.shard, -1), interval.upto)
