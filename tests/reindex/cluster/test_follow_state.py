"""What instances share of a followed index: ranges, shards and leases, without a server."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from enricher.errors import EngineError
from indexer.engines.cluster.jobs.shards import FollowedIndex, FollowedShard
from indexer.reindex.cluster.follow.claims import ShardClaims
from indexer.reindex.cluster.follow.lag import ShardLag
from indexer.reindex.cluster.follow.ranges import MAX_RANGES, Range, advanced, left, merged
from indexer.reindex.cluster.follow.state import FollowState, ShardState
from indexer.reindex.embedded.states import FileStates
from indexer.reindex.ledger import LeaseLost, StateLedger

NUMBERS = some.lists(some.integers(0, 40), max_size=30)


def numbers_of(ranges: list[Range]) -> set[int]:
    """The numbers in ranges, one by one."""
    return {number for first, last in ranges for number in range(first, last + 1)}


@given(NUMBERS, NUMBERS, some.integers(-1, 40), some.integers(-1, 45))
def test_ranges_are_sets_of_numbers(before: list[int], more: list[int], after: int, upto: int) -> None:
    """They are as short as possible, and count like the sets that they stand for."""
    ranges = merged(merged([], before, -1), more, after)
    known = {number for number in (*before, *more) if number > after}
    assert numbers_of(ranges) == known
    assert all(one[1] + 1 < other[0] for one, other in pairwise(ranges))
    assert left(after, upto, ranges) == len(set(range(after + 1, upto + 1)) - known)
    end = after
    while end + 1 in known:
        end += 1
    assert advanced(after, ranges) == end


def test_only_the_longest_ranges_are_kept() -> None:
    """The documents of the others are read once more."""
    short = [3 * number for number in range(2 * MAX_RANGES)]
    ranges = merged([(10_000, 10_050)], short, -1)
    assert len(ranges) == MAX_RANGES and (10_000, 10_050) in ranges
    assert numbers_of(ranges) < {*short, *range(10_000, 10_051)}


def index(checkpoint: int, uuid: str = "u", history: str = "h") -> FollowedIndex:
    """An index of one shard."""
    return FollowedIndex("articles", uuid, {0: FollowedShard(history, checkpoint)})


def test_writes_of_followers_are_no_work() -> None:
    """Neither right behind what was read, nor among the writes of others."""
    shard = ShardState("h", 9)
    shard.note(20, [21, 22, 25])
    assert (shard.at, shard.own) == (22, [(25, 25)])
    assert shard.operations_left(FollowedShard("h", 22)) == 0
    assert shard.operations_left(FollowedShard("h", 26)) == 3
    shard.note(26, [])
    assert (shard.at, shard.own) == (26, [])


def test_a_shard_that_has_lost_operations_is_read_again() -> None:
    """Its numbers may now belong to other operations."""
    shard = ShardState("h", 9, [(11, 12)])
    other = FollowedShard("other", 4)
    assert shard.operations_left(FollowedShard("h", 5)) == 0, "a new primary may report a lower checkpoint"
    assert shard.operations_left(other) == 5
    shard.restart(other)
    assert shard == ShardState("other", -1)


@pytest.fixture
def ledger(tmp_path: Path) -> StateLedger[FollowState]:
    """A ledger with the state of one index, whose leases last."""
    made = StateLedger(FileStates(tmp_path), FollowState.from_json, "Nobody follows {}.", 60.0)
    made.create(FollowState.of(index(10), {0: 4}))
    return made


def test_one_instance_reads_a_shard_at_a_time(ledger: StateLedger[FollowState]) -> None:
    """The page that reaches the checkpoint gives the shard back."""
    first, second = (ShardClaims(ledger, "articles", name) for name in ("first", "second"))
    taken = first.take(ledger.load("articles"), index(10).shards)
    assert taken is not None
    state, claim = taken
    assert (claim.after, claim.upto, claim.own) == (4, 10, ())
    assert second.take(state, index(12).shards) is None
    state = first.note_page(claim, 8, [11], 1)
    assert second.take(state, index(12).shards) is None
    state = first.note_page(claim, 10, [12], 0)
    assert (state.enriched, state.refused, state.shards[0].at) == (2, 1, 12)
    assert second.take(state, index(12).shards) is None, "only writes of followers are left"
    again = second.take(state, index(13).shards)
    assert again is not None and again[1].after == 12
    with pytest.raises(LeaseLost):
        first.note_page(claim, 13, [], 0)
    second.release()
    assert ledger.load("articles").shards[0].lease is None


def test_another_index_of_the_name_begins_anew(ledger: StateLedger[FollowState]) -> None:
    """A worker that was paused cannot note what it did in the old one."""
    claims = ShardClaims(ledger, "articles", "first")
    taken = claims.take(ledger.load("articles"), index(10).shards)
    assert taken is not None
    state = ledger.update("articles", lambda state: state.restart(index(3, "new", "h2"), {}))
    assert state.shards == {0: ShardState("h2", -1)}
    with pytest.raises(LeaseLost):
        claims.note_page(taken[1], 10, [], 0)


def test_a_cursor_of_a_job_is_never_past_the_checkpoint() -> None:
    """Otherwise documents between them would never be read."""
    assert FollowState.of(index(3), {0: 7}).shards[0].at == 3
    assert FollowState.of(index(3), {}).shards[0].at == -1


def test_a_state_is_read_as_it_was_written() -> None:
    """And what cannot be read is reported."""
    state = FollowState.of(index(10), {0: 4})
    state.shards[0].own = [(6, 7)]
    written = json.loads(json.dumps(state.as_json()))
    assert FollowState.from_json(written) == state
    with pytest.raises(EngineError, match="another version"):
        FollowState.from_json(written | {"format": 99})
    with pytest.raises(EngineError, match="'articles' is damaged"):
        FollowState.from_json(written | {"uuid": 5})


def test_the_lag_is_counted_from_the_last_look_without_the_operation() -> None:
    """What was written before the start counts from the start."""
    lag = ShardLag(started=100.0)
    lag.seen(5, 101.0)
    assert lag.since(3) == 100.0
    lag.seen(5, 102.0)
    lag.seen(9, 103.0)
    lag.seen(14, 104.0)
    assert lag.since(5) == 102.0 and lag.since(7) == 102.0
    assert lag.since(9) == 103.0 and lag.since(14) == 104.0
