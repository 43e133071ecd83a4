"""What the instances that follow an index share: how far every shard is read, and who works on it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

import msgspec

from enricher.decoding import DecodingError, decode
from enricher.errors import EngineError
from indexer.engines.cluster.jobs.shards import FollowedIndex, FollowedShard
from indexer.engines.names import index_name_for
from indexer.reindex.cluster.follow.ranges import Range, advanced, left, merged
from indexer.reindex.job import Lease

FORMAT = 1


class ShardState(msgspec.Struct, forbid_unknown_fields=True):
    """A shard of a followed index.

    history: an id that changes if the shard has lost operations. at: the sequence number up to which every
    document is enriched or refused. own: ranges of sequence numbers above `at` that are writes of followers.
    """

    history: str
    at: int = -1
    own: list[Range] = msgspec.field(default_factory=list)
    lease: Lease | None = None

    def operations_left(self, shard: FollowedShard) -> int:
        """How many operations of others are not read yet; all if the shard has lost operations."""
        if self.is_lost(shard):
            return shard.checkpoint + 1
        return left(self.at, shard.checkpoint, self.own)

    def is_lost(self, shard: FollowedShard) -> bool:
        """Whether operations that were read may have been replaced by others of the same numbers."""
        return self.history != shard.history

    def restart(self, shard: FollowedShard) -> None:
        """Begin again with the first operation."""
        self.history, self.at, self.own = shard.history, -1, []

    def note(self, at: int, written: list[int]) -> None:
        """Note that everything up to `at` is read, and which sequence numbers the writes have got."""
        self.own = merged(self.own, written, at)
        self.at = advanced(at, self.own)
        self.own = merged(self.own, (), self.at)


class FollowState(msgspec.Struct, forbid_unknown_fields=True):
    """The state of a followed index.

    id: the index. uuid: of that index, because another of the same name may be created. enriched, refused:
    documents, by all instances together. noted: the last change (ISO 8601, UTC, by the clock of the worker).
    """

    id: str
    uuid: str
    created: str
    shards: dict[int, ShardState] = msgspec.field(default_factory=dict)
    fence: int = 0
    enriched: int = 0
    refused: int = 0
    noted: str | None = None

    @classmethod
    def of(cls, index: FollowedIndex, cursors: Mapping[int, int]) -> Self:
        """The state of an index that nobody has followed so far.

        cursors: shard → the sequence number up to which its documents are enriched; -1 where it is missing.
        """
        state = cls(index.name, index.uuid, datetime.now(UTC).isoformat())
        state.restart(index, cursors)
        return state

    def restart(self, index: FollowedIndex, cursors: Mapping[int, int]) -> None:
        """Begin again, for an index that has replaced another of the same name."""
        self.uuid = index.uuid
        self.shards = {
            number: ShardState(shard.history, min(cursors.get(number, -1), shard.checkpoint))
            for number, shard in index.shards.items()
        }

    def shard(self, number: int, shard: FollowedShard) -> ShardState:
        """The state of a shard; a new one if the shard had no primary so far."""
        return self.shards.setdefault(number, ShardState(shard.history))

    def holders(self) -> list[ShardState]:
        """What can be leased: the shards."""
        return list(self.shards.values())

    def as_json(self) -> dict[str, Any]:
        """The state as plain JSON with string keys."""
        return {"format": FORMAT, **msgspec.to_builtins(self, str_keys=True)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read the state that `as_json` wrote. Raises EngineError if it is damaged or of another format."""
        if value.get("format") != FORMAT:
            raise EngineError("The state of what is followed was made by another version of this program.")
        try:
            return decode(cls, {name: item for name, item in value.items() if name != "format"})
        except DecodingError as error:
            raise EngineError(f"The stored state of {value.get('id')!r} is damaged: {error}") from error


def rejects_of(index: str) -> str:
    """The name of the index that keeps what could not be enriched in a followed index."""
    return index_name_for(index, "-follow-rejects")
