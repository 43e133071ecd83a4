"""Documents with the sequence number, the primary term and the version of their last operation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from enricher.records import ENRICHMENT, Document

STAMP_FIELDS = (f"{ENRICHMENT}.model", f"{ENRICHMENT}.fingerprint")
"""The fields of `Stamp`, in its order."""

Key = tuple[str, str | None]
"""Id and routing: one id may exist under several routings."""


class Stamp(NamedTuple):
    """The model version and the text fingerprint of an enriched document; None for what it lacks."""

    model: str | None = None
    fingerprint: str | None = None


UNSTAMPED = Stamp()


class Present(NamedTuple):
    """The sequence number and the primary term of the last operation on a document that exists."""

    sequence: int
    term: int

    def condition(self) -> dict[str, object]:
        """Parameters of a write that the server refuses if the document has changed since."""
        return {"if_seq_no": self.sequence, "if_primary_term": self.term}


class Named(Protocol):
    """Anything with the id and the routing of a document."""

    @property
    def id(self) -> str: ...

    @property
    def routing(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class VersionedDocument:
    """A document of a shard as it was read.

    sequence, term: the sequence number of its last operation, and the primary term of that operation.
    source: the document without its enrichment; empty if it was not requested. stamp: UNSTAMPED if it was not
    requested.
    """

    id: str
    routing: str | None
    sequence: int
    term: int
    version: int
    source: Mapping[str, Any] = field(default_factory=dict)
    stamp: Stamp = UNSTAMPED

    @property
    def key(self) -> Key:
        """Id and routing."""
        return self.id, self.routing

    @property
    def copied_version(self) -> int:
        """The external version with which its copy is written."""
        return max(self.sequence + 1, self.version)

    @property
    def present(self) -> Present:
        """The condition of a write that must fail if the document has changed since it was read."""
        return Present(self.sequence, self.term)

    def as_document(self) -> Document:
        """The document that enrichments read."""
        return Document(self.id, self.source)


class Line(NamedTuple):
    """A document, and the line of JSON that is written for it."""

    document: VersionedDocument
    json: bytes


class Refused(NamedTuple):
    """A document that the target refused, and the reason."""

    document: VersionedDocument
    reason: str


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of documents that were sent.

    written: how many the target took. passed_over: documents that were left alone, because the target has
    them as new, or because the condition of the write failed. refused: documents that the target cannot hold.
    retried: how often the server refused an item for lack of time (429). size: bytes sent. seconds: duration.
    sequences: the sequence numbers of what was written.
    """

    written: int = 0
    passed_over: Sequence[VersionedDocument] = ()
    refused: Sequence[Refused] = ()
    retried: int = 0
    size: int = 0
    seconds: float = 0.0
    sequences: Sequence[int] = ()

    def __add__(self, other: "Copied") -> "Copied":
        return Copied(
            self.written + other.written,
            [*self.passed_over, *other.passed_over],
            [*self.refused, *other.refused],
            self.retried + other.retried,
            self.size + other.size,
            self.seconds + other.seconds,
            [*self.sequences, *other.sequences],
        )


def document_of(found: Mapping[str, Any], *, is_stamped: bool = False) -> VersionedDocument:
    """The document of a search hit or of an `_mget` answer. is_stamped: whether to read its stamp."""
    fields = found.get("fields", {}) if is_stamped else {}
    return VersionedDocument(
        str(found["_id"]),
        found.get("_routing"),
        int(found["_seq_no"]),
        int(found["_primary_term"]),
        int(found["_version"]),
        found.get("_source", {}),
        Stamp(*(next(iter(fields.get(name, ())), None) for name in STAMP_FIELDS)),
    )
