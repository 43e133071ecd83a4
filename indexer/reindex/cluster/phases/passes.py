"""The phases that copy documents in passes, each pass from where the one before has ended."""

import time

from indexer.engines.cluster.jobs.shards import checkpoints
from indexer.reindex.cluster.context import WorkerContext
from indexer.reindex.cluster.fencing import pass_token, step_token
from indexer.reindex.cluster.intervals import intervals_of
from indexer.reindex.cluster.phases.deletes import delete_differences
from indexer.reindex.cluster.phases.ending import end
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, JobKind, Lease, Phase

MAX_LAST_PASS_OPERATIONS = 1_000
"""The phase COPYING ends after a pass of at most so many operations."""
MAX_PASSES = 20
"""Passes after which the job goes on, even if clients write as fast as it copies."""
TRAILING_DELAY_SECONDS = 1.0
"""Seconds between the swap and the pass that copies late writes."""
FOLLOWING_DELAY_SECONDS = 1.0
"""Seconds between two passes while a migration is followed."""
COMPARED_PASSES = 30
"""While a migration is followed, both indexes are compared in one of so many passes, for documents that were
deleted.
"""


def _follow(context: WorkerContext, job: Job, fence: int) -> None:
    """Wait a moment before the next pass of the phase FOLLOWING; now and then delete what is gone."""
    if job.passes % COMPARED_PASSES == 0:
        context.route.open(job, step_token(fence))
        delete_differences(context, job, fence)
    deadline = time.monotonic() + FOLLOWING_DELAY_SECONDS
    while time.monotonic() < deadline and not context.is_ending():
        time.sleep(0.05)
    context.enter(fence, Phase.FOLLOWING)


def prepare(context: WorkerContext, job: Job, fence: int) -> None:
    """Run the phase PREPARING: make the target ready."""
    context.route.prepare(job)
    reached("target-ready")
    context.enter(fence, Phase.COPYING)


def between_passes(context: WorkerContext, job: Job, fence: int) -> None:
    """Plan the next pass of a phase that copies in passes, or end the one that is copied."""
    if job.planned:
        reached("pass-done")
        _end_pass(context, job, fence)
    else:
        _plan_pass(context, job, fence)


def _plan_pass(context: WorkerContext, job: Job, fence: int) -> None:
    """Note the intervals of the next pass, which all workers then copy."""
    if job.phase is Phase.TRAILING:
        time.sleep(TRAILING_DELAY_SECONDS)
    points = context.source.shards.points(job.source)
    context.source.shards.refresh(job.source)
    intervals = intervals_of(job, points)
    context.route.open(job, pass_token(job.passes + 1))
    reached("pass-planned")

    def planned(job: Job, lease: Lease) -> None:
        job.passes += 1
        job.terms = {shard: point.term for shard, point in points.items()}
        if job.passes == 1 and job.kind is JobKind.IN_PLACE:
            job.checkpoints = checkpoints(points)
        job.intervals, job.planned = intervals, True
        job.written_before = job.counters.written
        job.lease = None

    context.claims.note(fence, planned)


def _end_pass(context: WorkerContext, job: Job, fence: int) -> None:
    """Go on to the next pass or phase, or end the job."""
    if job.kind is JobKind.IN_PLACE:
        unchanged = job.counters.written == job.written_before
        if job.options.is_partial or unchanged or job.passes >= MAX_PASSES:
            end(context, job, fence)
        else:
            context.enter(fence, Phase.COPYING)
        return
    match job.phase:
        case Phase.COPYING if job.operations <= MAX_LAST_PASS_OPERATIONS or job.passes >= MAX_PASSES:
            context.enter(fence, Phase.RECONCILING)
        case Phase.CATCHING_UP if job.options.follow:
            context.enter(fence, Phase.FOLLOWING)
        case Phase.FOLLOWING if not context.is_ending():
            _follow(context, job, fence)
        case Phase.CATCHING_UP | Phase.FOLLOWING:
            context.enter(fence, Phase.BLOCKING if job.options.write_block else Phase.SWAPPING)
        case Phase.TRAILING:
            end(context, job, fence)
        case _:
            context.enter(fence, job.phase)
