"""Documents of a cluster as a job copies them: shard by shard, in the order of sequence numbers.

Every operation on a document gets the next sequence number of its shard, also when the document is deleted
and made anew. A copy is written with an external version of sequence number + 1, or the version of its
document where that is larger (clients that bring versions of their own): the server refuses what is older
than what it has, so that any copy may be written again, late, or by two workers at once. A shard of the
target has the documents of the shard of that number of the source, because both have as many.

Where the versions of source and target do not compare, a copy is written on the condition that the target is
as it was seen before the source was read: `write_on`.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from enricher.errors import IndexNotFound
from enricher.records import ENRICHMENT, Document
from indexer.engines.elasticsearch.bulk import Action, Outcome
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.engines.elasticsearch.errors import explain_refusal, refusal
from indexer.engines.elasticsearch.reading import as_parameters
from indexer.engines.fields import encode

PAGE_BYTES = 20_000_000
STAMPS = (f"{ENRICHMENT}.model", f"{ENRICHMENT}.fingerprint")
TOGETHER = 1_000
"""Documents, or ranges, that are asked for at once."""
MOST_HITS = 10_000
"""Of a search, unless the settings of the index say otherwise."""
NOT_NOW = 503
"""The status of a shard that does not answer."""
EVERYTHING = 2**62
"""Over every sequence number."""

Query = Mapping[str, Any]
Key = tuple[str, str | None]
"""Id and routing: one id may be there under several routings."""


class EntranceClosed(IndexNotFound):
    """The alias by which copies were written is gone: another worker has gone further."""


class Point(NamedTuple):
    """Where a shard stands: the term of its primary, the sequence number up to which every operation is on
    all its copies, and that of the last operation.
    """

    term: int
    checkpoint: int
    last: int


def checkpoints(points: Mapping[int, Point]) -> dict[int, int]:
    """Of every shard the number up to which all is on all its copies."""
    return {shard: point.checkpoint for shard, point in points.items()}


class Stamp(NamedTuple):
    """What the enrichment of a document says of itself, None where it says nothing."""

    model: str | None = None
    fingerprint: str | None = None


UNSTAMPED = Stamp()


class Present(NamedTuple):
    """The last operation on a document that is there."""

    sequence: int
    term: int

    def condition(self) -> dict[str, object]:
        """A write under it is refused where there was another since."""
        return {"if_seq_no": self.sequence, "if_primary_term": self.term}


class Bucket(NamedTuple):
    """So many documents of a shard, whose last operations have numbers from `first` to `last`."""

    first: int
    last: int
    documents: int


class Named(Protocol):
    """What a document is known by."""

    @property
    def id(self) -> str: ...

    @property
    def routing(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class VersionedDocument:
    """A document of a shard as it was read.

    sequence, term: of its last operation, and of the primary then. source: without our enrichment; empty
    where it was not asked for, as is the stamp of the enrichment.
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
        """What it is known by."""
        return self.id, self.routing

    @property
    def copied_version(self) -> int:
        """The version of its copy."""
        return max(self.sequence + 1, self.version)

    @property
    def present(self) -> Present:
        """For a write on the condition that nobody has changed it since."""
        return Present(self.sequence, self.term)

    def as_document(self) -> Document:
        """For the enrichments."""
        return Document(self.id, self.source)


class Line(NamedTuple):
    """A document, and the line of JSON that is written for it."""

    document: VersionedDocument
    json: bytes


class Refused(NamedTuple):
    """A document that the target did not take, and why."""

    document: VersionedDocument
    reason: str


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of documents: written; passed over, because what is there is as new or is not to be
    changed; refused. retried: how often the server had no time for one. size, seconds: bytes sent, and how
    long it took.
    """

    written: int = 0
    passed_over: Sequence[VersionedDocument] = ()
    refused: Sequence[Refused] = ()
    retried: int = 0
    size: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Copied") -> "Copied":
        return Copied(
            self.written + other.written,
            [*self.passed_over, *other.passed_over],
            [*self.refused, *other.refused],
            self.retried + other.retried,
            self.size + other.size,
            self.seconds + other.seconds,
        )


class Copies:
    """The documents of a cluster, for a job."""

    def __init__(self, engine: ElasticsearchEngine) -> None:
        self._engine = engine
        self._client = engine.patient
        self._page_bytes = 0

    # ------------------------------------------------------------------ shards

    def points(self, index: str) -> dict[int, Point]:
        """Where every shard stands; EngineUnavailable where one has no primary."""
        with self._engine.failures(index):
            stats = self._client.indices.stats(index=index, level="shards", metric="docs")
            state = self._client.cluster.state(
                metric="metadata", index=index, filter_path="metadata.indices.*.primary_terms"
            )
        ((name, described),) = state["metadata"]["indices"].items()
        terms, found = described["primary_terms"], {}
        shards = stats["indices"].get(name, {}).get("shards", {})  # none while it is opened
        for number, copies in shards.items():
            for copy in copies:
                if copy["routing"]["primary"] and copy.get("seq_no"):
                    numbers = copy["seq_no"]
                    found[int(number)] = Point(
                        int(terms[number]), int(numbers["global_checkpoint"]), int(numbers["max_seq_no"])
                    )
        if len(found) != len(terms):
            raise self._engine.unavailable(f"A shard of {index!r} has no primary")
        return found

    def refresh(self, index: str) -> None:
        """Make all that is written visible to searches."""
        self._engine.refresh(index)

    def read(
        self,
        index: str,
        shard: int,
        after: int,
        upto: int,
        size: int,
        *,
        source: bool = True,
        stamps: bool = False,
        where: Sequence[Query] = (),
    ) -> list[VersionedDocument]:
        """The first documents of a shard whose last operation has a number over `after`, at most `upto`, and
        that all the queries find.
        """
        if source and self._page_bytes:
            size = max(1, min(size, PAGE_BYTES // self._page_bytes))
        with self._engine.failures(index):
            answer = self._client.search(
                index=index,
                preference=f"_shards:{shard}",
                query={"bool": {"filter": [{"range": {"_seq_no": {"gt": after, "lte": upto}}}, *where]}},
                sort=[{"_seq_no": {"order": "asc", "unmapped_type": "long"}}],  # not mapped before a document
                size=size,
                version=True,
                seq_no_primary_term=True,
                track_total_hits=False,
                allow_partial_search_results=False,
                source=self._engine.whole_source if source else False,
                docvalue_fields=[{"field": name} for name in STAMPS] if stamps else None,
            )
        hits = answer["hits"]["hits"]
        if source and hits:
            length = int(answer.meta.headers.get("content-length") or 0)
            self._page_bytes = max(1, length // len(hits))
        return [_document(hit) for hit in hits]

    def identities(
        self,
        index: str,
        shard: int,
        upto: int = EVERYTHING,
        page: int = 10_000,
        where: Sequence[Query] = (),
    ) -> Iterator[VersionedDocument]:
        """All documents of a shard up to a number that the queries find, without their sources."""
        after = -1
        while True:
            found = self.read(index, shard, after, upto, page, source=False, where=where)
            yield from found
            if len(found) < page:
                return
            after = found[-1].sequence

    def counts(self, index: str, shard: int, buckets: Sequence[Bucket]) -> list[int]:
        """How many documents of a shard have numbers in each of the buckets, which are in order."""
        if not buckets:
            return []
        ranges = [{"from": bucket.first, "to": bucket.last + 1} for bucket in buckets]
        with self._engine.failures(index):
            answer = self._client.search(
                index=index,
                preference=f"_shards:{shard}",
                query={"range": {"_seq_no": {"lte": buckets[-1].last}}},
                size=0,
                aggs={"buckets": {"range": {"field": "_seq_no", "ranges": ranges}}},
                allow_partial_search_results=False,
            )
        return [int(one["doc_count"]) for one in answer["aggregations"]["buckets"]["buckets"]]

    def keys_of(self, index: str, shard: int, buckets: Sequence[Bucket]) -> set[Key]:
        """Which documents of a shard have numbers in any of the buckets."""
        found: set[Key] = set()
        for part in _bounded(buckets):
            ranges = [{"range": {"_seq_no": {"gte": one.first, "lte": one.last}}} for one in part]
            with self._engine.failures(index):
                answer = self._client.search(
                    index=index,
                    preference=f"_shards:{shard}",
                    query={"bool": {"filter": [{"bool": {"should": ranges}}]}},
                    size=sum(one.documents for one in part),
                    source=False,
                    track_total_hits=False,
                    allow_partial_search_results=False,
                )
            found |= {(str(hit["_id"]), hit.get("_routing")) for hit in answer["hits"]["hits"]}
        return found

    def count(self, index: str, where: Sequence[Query] = ()) -> int:
        """Documents that searches see, those that all the queries find."""
        with self._engine.failures(index):
            answer = self._client.count(index=index, query={"bool": {"filter": list(where)}})
        return int(answer["count"])

    # ------------------------------------------------------------------ documents

    def write(self, entrance: str, lines: Sequence[Line]) -> Copied:
        """Write copies by the name of an entrance. EntranceClosed where it was closed since."""
        heads = [{"index": _versioned(line.document, line.document.copied_version)} for line in lines]
        return self._write(entrance, lines, heads)

    def write_on(self, name: str, lines: Sequence[Line], seen: Mapping[Key, Present | None]) -> Copied:
        """Write each where the last operation on it is the one that was seen, None where it was not there."""
        heads = []
        for line in lines:
            there, head = seen[line.document.key], _head(line.document)
            heads.append({"create": head} if there is None else {"index": head | there.condition()})
        return self._write(name, lines, heads)

    def write_late(self, target: str, lines: Sequence[Line], swapped_at: int) -> Copied:
        """Write copies after the swap: what a client has written or deleted since stays as it is.

        swapped_at: the number of the last operation on the target before the swap.
        """
        kept: list[Line] = []
        heads: list[dict[str, object]] = []
        passed_over = []
        for line, seen in zip(lines, self.current(target, [line.document for line in lines]), strict=True):
            if seen is not None and seen.sequence > swapped_at:
                passed_over.append(line.document)
                continue
            kept.append(line)
            if seen is None:
                heads.append({"index": _versioned(line.document, 0)})  # refused where a client has deleted it
            else:
                heads.append({"index": _head(line.document) | seen.condition()})
        copied = self._write(target, kept, heads)
        return replace(copied, passed_over=[*passed_over, *copied.passed_over])

    def _write(self, name: str, lines: Sequence[Line], heads: Sequence[Mapping[str, object]]) -> Copied:
        actions = [
            Action(line.document.id, encode(head) + b"\n" + line.json, line.document)
            for line, head in zip(lines, heads, strict=True)
        ]
        started = time.monotonic()
        outcome = self._send(name, actions)
        return Copied(
            len(lines) - len(outcome.conflicts) - len(outcome.refused),
            [_document_of(action) for action in outcome.conflicts],
            [Refused(_document_of(action), reason) for action, reason in outcome.refused],
            outcome.retried,
            sum(len(line.json) for line in lines),
            time.monotonic() - started,
        )

    def current(self, index: str, documents: Sequence[Named]) -> list[Present | None]:
        """What an index holds of documents at this moment, None where it has none of that id and routing."""
        found = self._get(index, documents, source=False)
        return [None if one is None else one.present for one in found]

    def found(self, index: str, keys: Sequence[Key]) -> list[VersionedDocument]:
        """Those of the documents that an index holds at this moment, without their sources."""
        found = self._get(index, [VersionedDocument(*key, 0, 0, 0) for key in keys], source=False)
        return [one for one in found if one is not None]

    def fetch(self, index: str, documents: Sequence[Named]) -> list[VersionedDocument | None]:
        """The documents as they are at this moment, without stamps; None where there is none."""
        return self._get(index, documents, source=True)

    def _get(self, index: str, documents: Sequence[Named], *, source: bool) -> list[VersionedDocument | None]:
        asked = [{"_id": one.id} | ({"routing": one.routing} if one.routing else {}) for one in documents]
        # Without `_source` altogether the server leaves out the routing too.
        parameters = as_parameters(self._engine.whole_source) if source else {"_source_excludes": "*"}
        found: list[VersionedDocument | None] = []
        for start in range(0, len(asked), TOGETHER):
            part = asked[start : start + TOGETHER]
            with self._engine.failures(index):
                # The client's own method knows no parameter for vectors.
                answer = self._client.perform_request(
                    "POST",
                    f"/{quote(index, safe='')}/_mget",
                    params=parameters,
                    headers={"accept": "application/json", "content-type": "application/json"},
                    body={"docs": part},
                )
            for one in answer["docs"]:
                if "error" in one:
                    raise explain_refusal(refusal(NOT_NOW, one["error"]), index)
                found.append(_document(one) if one.get("found") else None)
        return found

    def delete(self, name: str, documents: Sequence[VersionedDocument]) -> int:
        """Delete copies that nobody has written since they were read; answers how many.

        By the name of an entrance: EntranceClosed where it was closed since.
        """
        heads = [_head(one) | one.present.condition() for one in documents]
        lines = [encode({"delete": head}) + b"\n" for head in heads]
        actions = [Action(one.id, line) for one, line in zip(documents, lines, strict=True)]
        return self._send(name, actions).results["deleted"]

    def _send(self, name: str, actions: Sequence[Action]) -> Outcome:
        """Settle actions on an index, or by the name of an entrance; no ingest pipeline sees them again."""
        by_entrance = name.startswith(".")
        try:
            return self._engine.bulk(name, alias_only=by_entrance, pipeline="_none").run(actions)
        except IndexNotFound as error:
            raise EntranceClosed(str(error)) if by_entrance else error from error


def _bounded(buckets: Sequence[Bucket]) -> Iterator[list[Bucket]]:
    """Buckets in parts that one search can ask for, and answer."""
    part: list[Bucket] = []
    for bucket in buckets:
        if part and (
            len(part) >= TOGETHER or sum(one.documents for one in part) + bucket.documents > MOST_HITS
        ):
            yield part
            part = []
        part.append(bucket)
    if part:
        yield part


def _document(found: Mapping[str, Any]) -> VersionedDocument:
    """A hit of a search, or a document that was got."""
    fields = found.get("fields", {})
    return VersionedDocument(
        str(found["_id"]),
        found.get("_routing"),
        int(found["_seq_no"]),
        int(found["_primary_term"]),
        int(found["_version"]),
        found.get("_source", {}),
        Stamp(*(next(iter(fields.get(name, ())), None) for name in STAMPS)),
    )


def _document_of(action: Action) -> VersionedDocument:
    assert isinstance(action.key, VersionedDocument)
    return action.key


def _head(document: Named) -> dict[str, object]:
    head: dict[str, object] = {"_id": document.id}
    return head if document.routing is None else head | {"routing": document.routing}


def _versioned(document: VersionedDocument, version: int) -> dict[str, object]:
    return _head(document) | {"version": version, "version_type": "external"}
