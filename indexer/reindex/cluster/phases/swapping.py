"""The swap of the alias, and the phase that swaps while clients write."""

import time

from indexer.reindex.cluster.context import WorkerContext
from indexer.reindex.cluster.fencing import step_token
from indexer.reindex.cluster.phases.copying import copy_remaining
from indexer.reindex.cluster.phases.ending import end
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, JobKind, Lease, Phase
from indexer.reindex.ledger import LeaseLost

MIN_DELETE_AGE_SECONDS = 0.5
"""Seconds after which the server can forget a delete; it forgets none of the present moment."""
MAX_SHORT_PASSES = 10
"""Passes by one worker right before the swap."""
MAX_SWAP_OPERATIONS = 20
"""The swap follows a short pass of at most so many operations."""


def swap_unblocked(context: WorkerContext, job: Job, fence: int) -> None:
    """Run the phase SWAPPING: copy what is left, and swap; the phase TRAILING copies late writes."""
    if not is_swapped(context, job):
        time.sleep(MIN_DELETE_AGE_SECONDS)
        context.route.open(job, step_token(fence))
        restore_settings(context, job)
        for _ in range(MAX_SHORT_PASSES):
            operations = copy_remaining(context, context.ledger.load(job.id), fence)
            if operations <= MAX_SWAP_OPERATIONS:
                break
        swap_alias(context, note_swap_points(context, job, fence), fence)
    context.enter(fence, Phase.TRAILING)
    reached("swap-noted")


def is_swapped(context: WorkerContext, job: Job) -> bool:
    """Whether a worker has swapped the alias and was stopped before it could note that."""
    return context.target.aliases.behind(job.alias) == [job.target]


def restore_settings(context: WorkerContext, job: Job) -> None:
    """Give the target the settings of the source again."""
    reached("before-restore")
    settings, _ = context.clusters.described(job.source)
    context.target.targets.restore(settings, job.target)
    reached("restored")


def note_swap_points(context: WorkerContext, job: Job, fence: int) -> Job:
    """Note the last sequence number of every shard of the target: later operations are those of clients."""
    points = context.target.shards.points(job.target)

    def noted(job: Job, lease: Lease) -> None:
        job.swapped_at = {shard: point.last for shard, point in points.items()}

    return context.claims.note(fence, noted)


def swap_alias(context: WorkerContext, job: Job, fence: int, blocked_since: float | None = None) -> None:
    """Swap the alias, and note how long that took. Raises LeaseLost if another worker has taken over.

    blocked_since: when the write block was set, on the monotonic clock; None without a block.
    """
    reached("swap-unsent")
    started = time.monotonic()
    if not _move_alias(context, job, step_token(fence)):
        raise LeaseLost
    reached("swap-sent")
    now = time.monotonic()

    def swapped(job: Job, lease: Lease) -> None:
        job.swap_seconds = now - started
        job.block_seconds = None if blocked_since is None else now - blocked_since

    context.claims.note(fence, swapped)


def _move_alias(context: WorkerContext, job: Job, token: str) -> bool:
    """Move the alias to the target; of another cluster than that of the source, only the target gets it."""
    if job.kind is not JobKind.MIGRATION:
        return context.target.aliases.swap(job.alias, job.source, job.target, token)
    held = context.source.aliases.held(job.source, job.alias)
    return context.target.aliases.give(job.alias, job.target, token, held or {})


def end_or_trail(context: WorkerContext, job: Job, fence: int) -> None:
    """End the job after a swap under a write block, or copy again if the block was lifted meanwhile."""
    points = context.source.shards.points(job.source)
    if any(point.checkpoint > job.cursors.get(shard, -1) for shard, point in points.items()):
        context.enter(fence, Phase.TRAILING)
    else:
        end(context, job, fence)
