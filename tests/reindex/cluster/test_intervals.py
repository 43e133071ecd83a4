"""A pass cut into intervals, without a server."""

import pytest

from indexer.engines.cluster.jobs.shards import ShardPoint
from indexer.reindex.cluster.intervals import MAX_INTERVALS, MIN_INTERVAL_OPERATIONS, intervals_of
from indexer.reindex.job import Job, JobKind, JobOptions


def job(kind: JobKind = JobKind.COPY, **options: object) -> Job:
    """A job that has copied nothing yet."""
    made = Job("a", "old", "alias", "new", None, ("text",), "2026-01-01T00:00:00+00:00", kind=kind)
    made.options = JobOptions(**options)  # type: ignore[arg-type]
    return made


def ranges(job: Job, points: dict[int, ShardPoint]) -> list[tuple[int, int, int]]:
    """Shard, after and upto of every interval of the next pass."""
    intervals = intervals_of(job, points)
    assert all(one.at == one.after and one.lease is None for one in intervals)
    return [(one.shard, one.after, one.upto) for one in intervals]


def test_the_first_pass_covers_every_shard_from_before_its_first_operation() -> None:
    """Sequence numbers begin at 0, so an interval begins after -1; the shards are in order."""
    points = {1: ShardPoint(1, 41, 41), 0: ShardPoint(1, 99, 99)}
    assert ranges(job(), points) == [(0, -1, 99), (1, -1, 41)]


def test_an_empty_shard_has_no_interval() -> None:
    """Its checkpoint is -1 before its first operation."""
    assert ranges(job(), {0: ShardPoint(1, -1, -1), 1: ShardPoint(1, 0, 0)}) == [(1, -1, 0)]


def test_a_pass_ends_at_the_checkpoint() -> None:
    """Operations that not all copies of a shard have yet are left to the next pass."""
    assert ranges(job(), {0: ShardPoint(1, 10, 2 * MIN_INTERVAL_OPERATIONS)}) == [(0, -1, 10)]


def test_a_pass_begins_where_the_last_has_ended() -> None:
    """A shard without new operations has no interval."""
    later = job()
    later.cursors, later.terms = {0: 99, 1: 41}, {0: 1, 1: 1}
    assert ranges(later, {0: ShardPoint(1, 120, 120), 1: ShardPoint(1, 41, 41)}) == [(0, 99, 120)]


def test_a_shard_with_a_new_primary_is_copied_again() -> None:
    """From where the job began; the other shards go on from their cursors."""
    later = job(JobKind.ROLLBACK)
    later.cursors, later.terms, later.since = {0: 99, 1: 41}, {0: 1, 1: 1}, {0: 30, 1: 7}
    points = {0: ShardPoint(2, 120, 120), 1: ShardPoint(1, 50, 50)}
    assert ranges(later, points) == [(0, 30, 120), (1, 41, 50)]


def test_the_intervals_of_a_shard_follow_each_other_without_gaps() -> None:
    """The last one is shorter."""
    last = 2 * MIN_INTERVAL_OPERATIONS + 10
    cut = ranges(job(), {0: ShardPoint(1, last, last)})
    assert cut == [(0, -1, 4_999), (0, 4_999, 9_999), (0, 9_999, last)]


def test_a_large_index_has_larger_intervals_and_not_more() -> None:
    """Every shard may add one to the maximum."""
    points = {shard: ShardPoint(1, 10_000_000, 10_000_000) for shard in range(3)}
    cut = ranges(job(), points)
    assert MAX_INTERVALS <= len(cut) <= MAX_INTERVALS + len(points)
    assert sum(upto - after for _, after, upto in cut) == 3 * 10_000_001


@pytest.mark.parametrize(
    ("passes", "options", "number"),
    [
        (0, {}, 4),
        (1, {}, 2),
        (0, {"only": ("missing",)}, 2),
        (0, {"ids": ("a",)}, 2),
        (0, {"only": ("stale",)}, 4),
    ],
)
def test_a_job_in_place_that_reads_few_documents_takes_a_shard_at_once(
    passes: int, options: dict[str, object], number: int
) -> None:
    """Its first pass over all documents is cut as usual."""
    in_place = job(JobKind.IN_PLACE, **options)
    in_place.passes = passes
    points = {shard: ShardPoint(1, 9_999, 9_999) for shard in (0, 1)}
    assert len(ranges(in_place, points)) == number
