"""What a job is: its plan, where it stands, and who works on it. All of it is one JSON document."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import msgspec

from enricher.decoding import DecodingError, check, decode
from enricher.errors import EngineError, UsageError

FORMAT = 2
ONLY = ("missing", "stale")
"""Documents that a job in place may be about: without our enrichment; enriched by another model, or before
their text was changed.
"""


class JobKind(StrEnum):
    """What a job does."""

    COPY = "copy"
    """A new index is made beside the old one, and put in its place."""
    ROLLBACK = "rollback"
    """The old index is brought up to date, and put back in its place."""
    IN_PLACE = "in place"
    """The documents of one index are enriched where they are."""


class Phase(StrEnum):
    """What is to be done next."""

    PREPARING = "preparing"
    """The target is made."""
    COPYING = "copying"
    """Passes over all shards, each from where the one before ended, until little is left."""
    RECONCILING = "reconciling"
    """Documents that were deleted since they were copied are found."""
    GATING = "gating"
    """The new index is measured against the old one."""
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


class Lease(msgspec.Struct, forbid_unknown_fields=True):
    """Who works on something. fence: grows with every lease of the job; beat: with every sign of life."""

    worker: str
    fence: int
    beat: int = 0


class Interval(msgspec.Struct, forbid_unknown_fields=True):
    """A piece of a pass: the operations of a shard over `after` up to `upto`, copied up to `at`."""

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
        """Operations of the interval."""
        return self.upto - self.after


@dataclass(slots=True)
class Counters:
    """Documents: read and written count every copy, also one that is made again. present: those that needed
    none. retried: how often the server had no time for one.
    """

    read: int = 0
    written: int = 0
    present: int = 0
    refused: int = 0
    retried: int = 0
    deleted: int = 0


@dataclass(frozen=True, slots=True)
class JobOptions:
    """What a job was asked for.

    block_limit: seconds; rate: documents a second, None for no limit. gate: the folder of a collection.
    only: "missing", "stale", or both; query, ids: the documents that a job in place is about.
    """

    write_block: bool = False
    block_limit: float = 60.0
    rate: float | None = None
    gate: str | None = None
    only: tuple[str, ...] = ()
    query: Mapping[str, Any] | None = None
    ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check(self, UsageError)  # what cannot be read again is not written: infinity is not JSON

    @property
    def is_partial(self) -> bool:
        """Whether documents may be left as they are."""
        return bool(self.query or self.ids or (self.only and "stale" not in self.only))


@dataclass(slots=True)
class Job:
    """A job and where it stands.

    planned: whether there is a pass whose intervals are to be copied. cursors: of each shard the number up to
    which all is copied; terms: of its primary at that time; since: where the job began. lease: of the step
    that one worker does alone. documents, rejected: of the source at the end. swapped_at: where the shards of
    the target stood before the swap, when writes went on. created, noted: when it was planned, and when any
    worker last gave a sign of life (ISO 8601, UTC, by the clocks of those who wrote it).

    Of a rollback, undoes: the job that it takes back; kept: documents that the target has and the source
    never had. Of a job in place, uuid: of the index, where another of the same name may be made. Of both,
    stood: where the shards of the target stood when it began. gates: nDCG@10 of the old index and the new.
    """

    id: str
    source: str
    alias: str
    target: str
    model: str | None
    fields: tuple[str, ...]
    created: str
    options: JobOptions = field(default_factory=JobOptions)
    kind: JobKind = JobKind.COPY
    undoes: str | None = None
    uuid: str | None = None
    phase: Phase = Phase.PREPARING
    passes: int = 0
    planned: bool = False
    cursors: dict[int, int] = field(default_factory=dict)
    terms: dict[int, int] = field(default_factory=dict)
    since: dict[int, int] = field(default_factory=dict)
    stood: dict[int, int] = field(default_factory=dict)
    kept: int = 0
    written_before: int = 0
    intervals: list[Interval] = field(default_factory=list)
    lease: Lease | None = None
    fence: int = 0
    counters: Counters = field(default_factory=Counters)
    documents: int = 0
    rejected: int = 0
    blocked: bool = False
    blocks: int = 0
    block_seconds: float | None = None
    swap_seconds: float | None = None
    swapped_at: dict[int, int] = field(default_factory=dict)
    gates: tuple[float, float] | None = None
    noted: str | None = None

    @property
    def rejects(self) -> str:
        """The index of what the target refused."""
        return f"{self.id}-rejects"

    @property
    def complete(self) -> bool:
        """Whether all documents are of its model when it has ended."""
        return self.kind is not JobKind.IN_PLACE or not self.options.is_partial

    @property
    def waiting(self) -> bool:
        """Whether intervals of its pass are not copied yet."""
        return any(not interval.done for interval in self.intervals)

    @property
    def operations(self) -> int:
        """Those of its pass."""
        return sum(interval.length for interval in self.intervals)

    @property
    def operations_done(self) -> int:
        """Those of its pass that are copied."""
        return sum(interval.at - interval.after for interval in self.intervals)

    @property
    def workers(self) -> list[str]:
        """Who holds leases of it, by name."""
        return sorted({lease.worker for lease in self.leases()})

    def leases(self) -> Iterator[Lease]:
        """All that are held."""
        if self.lease is not None:
            yield self.lease
        yield from (one.lease for one in self.intervals if one.lease is not None)

    def as_json(self) -> dict[str, Any]:
        """The job as plain JSON, whose keys are strings."""
        return {"format": FORMAT, **msgspec.to_builtins(self, str_keys=True)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """The job that `as_json` wrote; EngineError where it is damaged or of another format."""
        if value.get("format") != FORMAT:
            raise EngineError("The job was made by another version of this program.")
        try:
            return decode(cls, {name: item for name, item in value.items() if name != "format"})
        except DecodingError as error:
            raise EngineError(f"What is kept of the job {value.get('id')!r} is damaged: {error}") from error
