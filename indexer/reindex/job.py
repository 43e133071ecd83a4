"""What a job is: its plan, where it stands, and who works on it. All of it is one JSON document."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from enricher.errors import EngineError

FORMAT = 1


class Phase(StrEnum):
    """What is to be done next."""

    PREPARING = "preparing"
    """The target is made."""
    COPYING = "copying"
    """Passes over all shards, each from where the one before ended, until little is left."""
    RECONCILING = "reconciling"
    """Documents that were deleted since they were copied are found."""
    CATCHING_UP = "catching up"
    """One more pass: what was written meanwhile."""
    BLOCKING = "blocking"
    """Writes are refused, the rest is copied, both indexes are compared, and the alias is swapped."""
    SWAPPING = "swapping"
    """The alias is swapped while writes go on."""
    TRAILING = "trailing"
    """What writers that had resolved the alias before the swap have written since is copied."""
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (Phase.DONE, Phase.CANCELLED)


@dataclass(slots=True)
class Lease:
    """Who works on something. fence: grows with every lease of the job; beat: with every sign of life."""

    worker: str
    fence: int
    beat: int = 0


@dataclass(slots=True)
class Interval:
    """A piece of a pass: the operations of a shard over `after` up to `upto`, copied up to `at`."""

    shard: int
    after: int
    upto: int
    at: int
    lease: Lease | None = None

    @property
    def done(self) -> bool:
        return self.at >= self.upto


@dataclass(slots=True)
class Counters:
    """Documents: read and written count every copy, also one that is made again."""

    read: int = 0
    written: int = 0
    present: int = 0
    refused: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class JobOptions:
    """What a job was asked for. block_limit: seconds; rate: documents a second, None for no limit."""

    write_block: bool = False
    block_limit: float = 60.0
    rate: float | None = None


@dataclass(slots=True)
class Job:
    """A job and where it stands.

    planned: whether there is a pass whose intervals are to be copied. cursors: of each shard the number up to
    which all is copied; terms: of its primary at that time. lease: of the step that one worker does alone.
    documents, rejected: of the source at the end. swapped_at: where the shards of the target stood before the
    swap, when writes went on.
    """

    id: str
    source: str
    alias: str
    target: str
    model: str | None
    fields: tuple[str, ...]
    created: str
    options: JobOptions = field(default_factory=JobOptions)
    phase: Phase = Phase.PREPARING
    passes: int = 0
    planned: bool = False
    cursors: dict[int, int] = field(default_factory=dict)
    terms: dict[int, int] = field(default_factory=dict)
    intervals: list[Interval] = field(default_factory=list)
    lease: Lease | None = None
    fence: int = 0
    counters: Counters = field(default_factory=Counters)
    documents: int = 0
    rejected: int = 0
    blocked: bool = False
    block_seconds: float | None = None
    swap_seconds: float | None = None
    swapped_at: dict[int, int] = field(default_factory=dict)

    def leases(self) -> Iterator[Lease]:
        """All that are held."""
        if self.lease is not None:
            yield self.lease
        yield from (one.lease for one in self.intervals if one.lease is not None)

    def as_json(self) -> dict[str, Any]:
        """Keys are strings, as JSON has them."""
        found = asdict(self)
        for name in ("cursors", "terms", "swapped_at"):
            found[name] = {str(shard): value for shard, value in found[name].items()}
        return {"format": FORMAT, **found}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The job that `as_json` wrote; EngineError where it is of another format."""
        if value.get("format") != FORMAT:
            raise EngineError("The job was made by another version of this program.")
        found = {name: item for name, item in value.items() if name != "format"}
        for name in ("cursors", "terms", "swapped_at"):
            found[name] = {int(shard): item for shard, item in found[name].items()}
        found["fields"] = tuple(found["fields"])
        found["options"] = JobOptions(**found["options"])
        found["phase"] = Phase(found["phase"])
        found["counters"] = Counters(**found["counters"])
        found["lease"] = Lease(**found["lease"]) if found["lease"] else None
        found["intervals"] = [
            Interval(**{**one, "lease": Lease(**one["lease"]) if one["lease"] else None})
            for one in found["intervals"]
        ]
        return cls(**found)
