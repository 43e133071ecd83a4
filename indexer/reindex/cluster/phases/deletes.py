"""Deletes of copies whose documents no longer exist, and the phase that reconciles both indexes."""

import time

from enricher.errors import EngineError
from indexer.engines.cluster.jobs.aliases import fencing_alias
from indexer.reindex.cluster.context import WorkerContext
from indexer.reindex.cluster.fencing import step_token
from indexer.reindex.cluster.id_snapshot import IdSnapshot
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, Lease, Phase


def reconcile(context: WorkerContext, job: Job, fence: int) -> None:
    """Run the phase RECONCILING: delete what was deleted since it was copied, and build the replicas."""
    context.route.open(job, step_token(fence))
    delete_differences(context, job, fence)
    _replicate(context, job)
    context.enter(fence, Phase.GATING if job.options.gate else Phase.CATCHING_UP)


def delete_differences(
    context: WorkerContext, job: Job, fence: int, snapshot: IdSnapshot | None = None
) -> tuple[Job, bool]:
    """Compare both indexes, and delete the copies whose document is gone.

    Returns the job, and whether the target lacks documents; the next pass copies them again. snapshot:
    records the ids of the source.
    """
    deleted, kept, missing = 0, 0, dict[int, int]()
    trailing = job.phase is Phase.TRAILING
    name = job.target if trailing else fencing_alias(job.target, step_token(fence))
    for found in context.route.differences(job, snapshot):
        reached("deletes-found")
        gone = found.gone
        if trailing:  # newer documents are those of clients, who may also have deleted what is missing
            gone = [one for one in gone if one.sequence <= job.swapped_at[found.shard]]
        elif found.missing is not None:
            missing[found.shard] = min(missing.get(found.shard, found.missing), found.missing)
        deleted += context.target.copies.delete(name, gone)
        kept += found.kept
    reached("deletes-sent")

    def noted(job: Job, lease: Lease) -> None:
        job.counters.deleted += deleted
        job.kept = kept
        for shard, sequence in missing.items():
            job.cursors[shard] = min(job.cursors.get(shard, -1), sequence - 1)

    job = context.claims.note(fence, noted)
    reached("deletes-noted")
    return job, bool(missing)


def delete_since(context: WorkerContext, job: Job, fence: int, snapshot: IdSnapshot) -> Job:
    """Delete the copies whose document was deleted since a snapshot of the source; returns the job."""
    source, target, deleted = context.source, context.target, 0
    for keys in snapshot.deleted(source.shards, source.documents, job.source):
        gone = target.documents.found(job.target, keys)
        deleted += target.copies.delete(fencing_alias(job.target, step_token(fence)), gone)

    def noted(job: Job, lease: Lease) -> None:
        job.counters.deleted += deleted

    return context.claims.note(fence, noted)


def _replicate(context: WorkerContext, job: Job) -> None:
    """Wait until the target has its replicas: after the swap clients rely on them."""
    source, target = context.source.targets, context.target.targets
    target.replicate(context.clusters.described(job.source)[0], job.target)
    reached("replicas-set")
    deadline = time.monotonic() + context.max_away_seconds
    while not target.has_all_replicas(job.target) and source.has_all_replicas(job.source):
        if time.monotonic() > deadline:
            raise EngineError(
                f"The replicas of {job.target!r} are not allocated after {context.max_away_seconds:g} s, but "
                f"those of {job.source!r} are. Make room for them, and resume the job {job.id!r}."
            )
        time.sleep(0.5)
