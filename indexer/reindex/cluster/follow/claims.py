"""The lease on a shard, which an instance holds only while it reads that shard."""

from collections.abc import Mapping
from dataclasses import dataclass

from indexer.engines.cluster.jobs.shards import FollowedShard
from indexer.reindex.claims import LeaseClaims
from indexer.reindex.cluster.follow.ranges import Range
from indexer.reindex.cluster.follow.state import FollowState, ShardState
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Lease


@dataclass(frozen=True, slots=True)
class ShardClaim:
    """A shard that this instance may read: the operations above `after` up to `upto`, without its `own`."""

    shard: int
    after: int
    upto: int
    own: tuple[Range, ...]
    fence: int


class ShardClaims(LeaseClaims[FollowState]):
    """Takes shards, and notes what was done in them."""

    def take(
        self, state: FollowState, shards: Mapping[int, FollowedShard]
    ) -> tuple[FollowState, ShardClaim] | None:
        """Take the lease on a shard with operations that nobody has read; None if there is none.

        shards: the shards to choose from, in the order in which they are tried. Returns the state too.
        """
        if self._free(state, shards) is None:
            return None
        taken: ShardClaim | None = None

        def change(state: FollowState) -> None:
            nonlocal taken
            taken, number = None, self._free(state, shards)
            if number is None:
                return
            one, now = state.shards[number], shards[number]
            if one.is_lost(now):
                one.restart(now)
            state.fence += 1
            one.lease = Lease(self._worker, state.fence)
            taken = ShardClaim(number, one.at, now.checkpoint, tuple(one.own), state.fence)

        state = self._ledger.update(self._name, change)
        if taken is None:
            return None
        reached("interval-claimed")
        return state, taken

    def _free(self, state: FollowState, shards: Mapping[int, FollowedShard]) -> int | None:
        for number, now in shards.items():
            one = state.shard(number, now)
            if one.operations_left(now) and self._is_free(state, one.lease):
                return number
        return None

    def note_page(self, claim: ShardClaim, at: int, written: list[int], refused: int) -> FollowState:
        """Note that everything up to `at` is read. Gives the shard back once all of it is.

        written: the sequence numbers of the enriched documents. refused: how many documents could not be
        enriched. Raises LeaseLost if another instance has taken over the shard.
        """

        def noted(state: FollowState, lease: Lease) -> None:
            one = _leased_with(state, lease)
            one.note(at, written)
            state.enriched += len(written)
            state.refused += refused
            if one.at >= claim.upto:
                one.lease = None

        return self.note(claim.fence, noted)


def _leased_with(state: FollowState, lease: Lease) -> ShardState:
    return next(one for one in state.shards.values() if one.lease is lease)
