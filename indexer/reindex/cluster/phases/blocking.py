"""The phase that swaps under a write block, so that no write comes between the last copy and the swap."""

import time
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from enricher.errors import EngineError
from indexer.engines.cluster.jobs.copies import FencedOut
from indexer.reindex.cluster.context import WorkerContext
from indexer.reindex.cluster.fencing import step_token
from indexer.reindex.cluster.id_snapshot import IdSnapshot
from indexer.reindex.cluster.phases.copying import copy_remaining
from indexer.reindex.cluster.phases.deletes import delete_differences, delete_since
from indexer.reindex.cluster.phases.ending import note_counts
from indexer.reindex.cluster.phases.swapping import (
    end_or_trail,
    is_swapped,
    note_swap_points,
    restore_settings,
    swap_alias,
)
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, Lease, Phase
from indexer.reindex.ledger import LeaseLost

MAX_BLOCKS = 10
"""Write blocks that may end without a swap; then the job stops."""


def block_and_swap(context: WorkerContext, job: Job, fence: int) -> None:
    """Run the phase BLOCKING. Raises EngineError once MAX_BLOCKS blocks were too short."""
    if is_swapped(context, job):
        end_or_trail(context, job, fence)
        return
    if job.blocks >= MAX_BLOCKS:
        raise EngineError(
            f"The last copies took longer than {job.options.block_limit:g} s {job.blocks} times: cancel "
            f"the job {job.id!r}, and start another with a larger --block-limit or when less is written."
        )

    context.route.open(job, step_token(fence))
    with TemporaryDirectory() as folder, closing(IdSnapshot(Path(folder))) as snapshot:
        job, _ = delete_differences(context, job, fence, snapshot)  # so that the block can be short
        _block_and_finish(context, job, fence, snapshot)


def _block_and_finish(context: WorkerContext, job: Job, fence: int, snapshot: IdSnapshot) -> None:
    """Set the write block and swap; if that cannot be done in time, lift the block and copy again."""
    source, target = context.source, context.target

    def blocked(job: Job, lease: Lease) -> None:
        job.blocked = True
        job.blocks += 1

    job = context.claims.note(
        fence, blocked
    )  # before the block is set: no block may be unknown to the ledger
    reached("block-noted")
    since = time.monotonic()
    source.targets.block(job.source)
    reached("block-set")
    try:
        if _finish_blocked(context, job, fence, since, snapshot):
            return
    except (LeaseLost, FencedOut):
        if context.ledger.load(job.id).phase is Phase.CANCELLED:  # before the block was set
            source.targets.unblock(job.source)
        raise
    target.aliases.close_fencing_alias(job.target)
    context.claims.note(fence)  # fails if another worker has taken over: the block is then its own
    source.targets.unblock(job.source)
    context.enter(fence, Phase.COPYING, note_unblocked)


def _finish_blocked(context: WorkerContext, job: Job, fence: int, since: float, snapshot: IdSnapshot) -> bool:
    """Copy what is left, compare, and swap. Returns False if it took too long or the indexes still differ."""

    def late() -> bool:
        return time.monotonic() - since > job.options.block_limit

    copy_remaining(context, job, fence)
    reached("last-pass-done")
    if late() or not _agree(context, job, fence, snapshot):
        return False
    reached("compared")
    restore_settings(context, job)
    job = note_swap_points(context, job, fence)
    if late():
        return False
    swap_alias(context, job, fence, since)
    end_or_trail(context, job, fence)
    return True


def _agree(context: WorkerContext, job: Job, fence: int, snapshot: IdSnapshot) -> bool:
    """Whether both indexes hold the same documents, once the copies of deleted documents are gone.

    Every document of the source was copied or refused, so equal numbers are enough. If they differ, the
    documents that were deleted since the snapshot are tried first, the comparison of both indexes last.
    """
    if _counts_agree(context, job, fence):
        return True
    job = delete_since(context, job, fence, snapshot)
    if _counts_agree(context, job, fence):
        return True
    job, is_missing = delete_differences(context, job, fence)
    return not is_missing and _counts_agree(context, job, fence)


def _counts_agree(context: WorkerContext, job: Job, fence: int) -> bool:
    """Whether the target holds all documents of the source except the refused ones; note the counts if so."""
    source, target = context.source, context.target
    target.shards.refresh(job.target)
    refused = source.rejects.settle(job.rejects, job.source)
    documents, copied = source.shards.count(job.source), target.shards.count(job.target)
    if documents + job.kept != copied + refused:
        return False
    context.claims.note(fence, partial(note_counts, documents, refused, copied))
    return True


def note_unblocked(job: Job) -> None:
    """Note that the write block is lifted."""
    job.blocked = False
