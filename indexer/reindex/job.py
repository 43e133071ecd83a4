"""A job: its plan, its progress, and the workers that hold leases of it. All of it is one JSON document."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

import msgspec

from enricher.decoding import DecodingError, check, decode
from enricher.errors import EngineError, UsageError

FORMAT = 2
ONLY = ("missing", "stale")
"""Documents that a job in place may be restricted to.

missing: without enrichment. stale: enriched with another model, or before their text changed.
"""


LATER_FIELDS, LATER_OPTIONS = ("destination", "copied"), ("follow", "former")
"""Fields of a job and of its options that are written if they are set: earlier versions do not know them."""


class JobKind(StrEnum):
    """What a job does."""

    COPY = "copy"
    """Create a new index beside the old one, and move the alias to it."""
    ROLLBACK = "rollback"
    """Bring the old index up to date, and move the alias back to it."""
    IN_PLACE = "in place"
    """Enrich the documents of an index where they are."""
    MIGRATION = "migration"
    """Create a new index in another cluster, and give it the alias there."""


class Phase(StrEnum):
    """The part of a job that is under way."""

    PREPARING = "preparing"
    """Create the target."""
    COPYING = "copying"
    """Copy in passes over all shards. Each pass begins where the previous one ended, until few operations are
    left.
    """
    RECONCILING = "reconciling"
    """Find documents that were deleted since they were copied."""
    GATING = "gating"
    """Measure the new index against the old one."""
    CATCHING_UP = "catching up"
    """Copy what was written in the meantime, in one more pass."""
    FOLLOWING = "following"
    """Go on copying into another cluster what is written, until the user ends it."""
    BLOCKING = "blocking"
    """Block writes, copy the rest, compare both indexes, and swap the alias."""
    SWAPPING = "swapping"
    """Swap the alias while writes continue."""
    TRAILING = "trailing"
    """Copy what late writers, which had resolved the alias before the swap, wrote to the source."""
    DONE = "done"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self in (Phase.DONE, Phase.CANCELLED)


class Lease(msgspec.Struct, forbid_unknown_fields=True):
    """The right of one worker to do a step.

    fence: a number that grows with every lease of the job. heartbeats: how often the worker has renewed it.
    """

    worker: str
    fence: int
    heartbeats: int = msgspec.field(name="beat", default=0)


class Interval(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a pass: the operations of a shard with sequence numbers over `after` up to `upto`.

    at: the sequence number up to which they are copied.
    """

    shard: int
    after: int
    upto: int
    at: int
    lease: Lease | None = None

    @property
    def done(self) -> bool:
        return self.at >= self.upto

    @property
    def length(self) -> int:
        """The number of operations in the interval."""
        return self.upto - self.after


@dataclass(slots=True)
class Counters:
    """Numbers of documents.

    read, written: every copy counts, also a repeated one. present: documents that needed no copy. retried:
    documents that the server refused with 429 and that were sent again.
    """

    read: int = 0
    written: int = 0
    present: int = 0
    refused: int = 0
    retried: int = 0
    deleted: int = 0

    def add(self, others: "Counters") -> None:
        """Add other numbers to these."""
        for name, number in asdict(others).items():
            setattr(self, name, getattr(self, name) + number)


@dataclass(frozen=True, slots=True)
class JobOptions:
    """The options of a job.

    block_limit: in seconds. rate: documents per second, None for no limit. gate: the folder of a collection.
    only: "missing", "stale", or both. query, ids: the documents that a job in place is restricted to. follow:
    whether a migration goes on until the user ends it. former: model versions, of the same family, whose
    enrichment stays valid; a job in place is then restricted to the documents that the new version enriches
    differently from one of them (`enricher.vocabulary.affected`).
    """

    write_block: bool = False
    block_limit: float = 60.0
    rate: float | None = None
    gate: str | None = None
    only: tuple[str, ...] = ()
    query: Mapping[str, Any] | None = None
    ids: tuple[str, ...] = ()
    follow: bool = False
    former: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(self, UsageError)  # infinity is not JSON: such a job could not be read again

    @property
    def is_partial(self) -> bool:
        """Whether some documents may keep their enrichment."""
        return bool(self.query or self.ids or self.former or (self.only and "stale" not in self.only))


class Job(msgspec.Struct, forbid_unknown_fields=True):
    """A job and its progress.

    model_version: of the model that enriches, None if documents go back to an index without enrichment.
    planned: whether the intervals of the current pass are set. cursors: per shard, the sequence number up
    to which everything is copied. terms: per shard, the primary term at that time. since: per shard, the
    sequence number at which the job began. lease: of a step that one worker does alone. documents, rejected,
    copied: at the end, the documents of the source, those that the target refuses, and those of the target.
    swapped_at: per shard of the target, the last sequence number before the swap, if writes went on. created,
    noted: when the job was planned, and when a worker last wrote to it (ISO 8601, UTC, by its own clock).

    Rollback only: undoes: the job that it reverts. kept: documents of the target that the source never had.
    Migration only: destination: the addresses of the cluster of the target, without user and password.
    In place only: uuid: of the index, because another of the same name may be created. Both: checkpoints: per
    shard of the target, the checkpoint at the start. gates: nDCG@10 of the old index and of the new one.
    """

    id: str
    source: str
    alias: str
    target: str
    model_version: str | None = msgspec.field(name="model")
    fields: tuple[str, ...]
    created: str
    options: JobOptions = msgspec.field(default_factory=JobOptions)
    kind: JobKind = JobKind.COPY
    undoes: str | None = None
    uuid: str | None = None
    destination: str | None = None
    phase: Phase = Phase.PREPARING
    passes: int = 0
    planned: bool = False
    cursors: dict[int, int] = msgspec.field(default_factory=dict)
    terms: dict[int, int] = msgspec.field(default_factory=dict)
    since: dict[int, int] = msgspec.field(default_factory=dict)
    checkpoints: dict[int, int] = msgspec.field(name="stood", default_factory=dict)
    kept: int = 0
    written_before: int = 0
    intervals: list[Interval] = msgspec.field(default_factory=list)
    lease: Lease | None = None
    fence: int = 0
    counters: Counters = msgspec.field(default_factory=Counters)
    documents: int = 0
    rejected: int = 0
    copied: int = 0
    blocked: bool = False
    blocks: int = 0
    block_seconds: float | None = None
    swap_seconds: float | None = None
    swapped_at: dict[int, int] = msgspec.field(default_factory=dict)
    gates: tuple[float, float] | None = None
    noted: str | None = None

    @property
    def rejects(self) -> str:
        """The name of the index that keeps what the target refused."""
        return f"{self.id}-rejects"

    @property
    def complete(self) -> bool:
        """Whether all documents are enriched with its model when it has ended."""
        return self.kind is not JobKind.IN_PLACE or not self.options.is_partial

    @property
    def waiting(self) -> bool:
        """Whether an interval of the current pass is not copied yet."""
        return any(not interval.done for interval in self.intervals)

    @property
    def operations(self) -> int:
        """The number of operations in the current pass."""
        return sum(interval.length for interval in self.intervals)

    @property
    def operations_done(self) -> int:
        """The number of operations in the current pass that are copied."""
        return sum(interval.at - interval.after for interval in self.intervals)

    @property
    def workers(self) -> list[str]:
        """The names of the workers that hold leases."""
        return sorted({lease.worker for lease in self.leases()})

    def holders(self) -> "list[Job | Interval]":
        """What can be leased: the step, and the intervals."""
        return [self, *self.intervals]

    def leases(self) -> Iterator[Lease]:
        """All leases that are held."""
        yield from (one.lease for one in self.holders() if one.lease is not None)

    def as_json(self) -> dict[str, Any]:
        """The job as plain JSON with string keys."""
        value = {"format": FORMAT, **msgspec.to_builtins(self, str_keys=True)}
        for place, names in ((value, LATER_FIELDS), (value["options"], LATER_OPTIONS)):
            for name in names:
                if not place[name]:
                    del place[name]
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read the job that `as_json` wrote. Raises EngineError if it is damaged or of another format."""
        if value.get("format") != FORMAT:
            raise EngineError("The job was made by another version of this program.")
        try:
            return decode(cls, {name: item for name, item in value.items() if name != "format"})
        except DecodingError as error:
            raise EngineError(f"The stored job {value.get('id')!r} is damaged: {error}") from error
