"""A pass cut into intervals, which any number of workers copy."""

from collections.abc import Mapping

from indexer.engines.cluster.jobs.shards import ShardPoint
from indexer.reindex.job import Interval, Job, JobKind

MIN_INTERVAL_OPERATIONS = 5_000
"""Operations of an interval, except the last of a shard; more if there would be too many intervals."""
MAX_INTERVALS = 256
"""Intervals of a pass, about: every shard may add one."""


def intervals_of(job: Job, points: Mapping[int, ShardPoint]) -> list[Interval]:
    """The intervals of the next pass: of every shard, the operations from the last pass to its checkpoint.

    Where a shard has a new primary, the whole shard is copied again: the new primary may have lost operations
    and given their numbers to others.
    """
    starts = {
        shard: job.cursors.get(shard, -1)
        if job.terms.get(shard, point.term) == point.term
        else job.since.get(shard, -1)
        for shard, point in points.items()
    }
    total = sum(point.checkpoint - starts[shard] for shard, point in points.items())
    width = max(MIN_INTERVAL_OPERATIONS, -(-total // MAX_INTERVALS))
    if job.kind is JobKind.IN_PLACE and (job.options.is_partial or job.passes):
        width = max(width, total)  # the job reads few of the documents
    return [
        Interval(shard, after, min(after + width, point.checkpoint), after)
        for shard, point in sorted(points.items())
        for after in range(starts[shard], point.checkpoint, width)
    ]
