"""The end of a job."""

from functools import partial

from indexer.reindex.cluster.context import WorkerContext
from indexer.reindex.cluster.phases.deletes import delete_differences
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, Lease, Phase


def end(context: WorkerContext, job: Job, fence: int) -> None:
    """Count the documents of the source, unless that was done under the write block, and end the job."""
    source = context.source
    if job.phase is Phase.TRAILING:
        delete_differences(context, job, fence)
        reached("late-pass-done")
    if job.phase is not Phase.BLOCKING:
        source.shards.refresh(job.source)
        documents, rejected = (
            source.shards.count(job.source),
            source.rejects.settle(job.rejects, job.source),
        )
        context.target.shards.refresh(job.target)
        copied = context.target.shards.count(job.target)
        context.claims.note(fence, partial(note_counts, documents, rejected, copied))
    context.route.finish(job)
    reached("before-end")
    context.enter(fence, Phase.DONE)


def note_counts(documents: int, rejected: int, copied: int, job: Job, lease: Lease) -> None:
    """Note how many documents the source has, how many of them the target refuses, and how many it has."""
    job.documents, job.rejected, job.copied = documents, rejected, copied
