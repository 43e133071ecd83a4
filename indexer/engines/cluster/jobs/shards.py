"""Documents of one shard, read in the order of their sequence numbers.

Every operation on a document gets the next sequence number of its shard, also when the document is deleted
and created again. A shard of the target holds the documents of the shard with that number in the source,
because both indexes have the same number of shards.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.cluster.jobs.versioned import STAMP_FIELDS, Key, VersionedDocument, document_of

MAX_PAGE_BYTES = 20_000_000
MAX_RANGES = 1_000
"""Ranges of sequence numbers in one search."""
MAX_HITS = 10_000
"""Hits of one search, unless the settings of the index allow more."""
STAMPED = "stamped"
"""The name of the query that documents with a stamp match."""
ANY_SEQUENCE = 2**62
"""An upper bound above every sequence number."""

Query = Mapping[str, Any]


class ShardPoint(NamedTuple):
    """How far a shard has come.

    term: the term of its primary. checkpoint: the global checkpoint, the sequence number up to which all
    copies of the shard hold every operation. last: the sequence number of the last operation.
    """

    term: int
    checkpoint: int
    last: int


class FollowedShard(NamedTuple):
    """How far a shard of a followed index has come.

    history: an id that changes if operations were given up (a stale or an empty primary, a repaired shard).
    checkpoint: the global checkpoint. No change of the primary loses operations up to it.
    """

    history: str
    checkpoint: int


class FollowedIndex(NamedTuple):
    """An index behind a name. shards: by number; those without a primary at this moment are missing."""

    name: str
    uuid: str
    shards: dict[int, FollowedShard]


FOLLOWED = (
    "indices.*.uuid",
    "indices.*.shards.*.routing.primary",
    "indices.*.shards.*.seq_no.global_checkpoint",
    "indices.*.shards.*.commit.user_data.history_uuid",
)
"""What `Shards.behind` reads of an answer."""


def checkpoints(points: Mapping[int, ShardPoint]) -> dict[int, int]:
    """The global checkpoint of every shard."""
    return {shard: point.checkpoint for shard, point in points.items()}


class Bucket(NamedTuple):
    """A range of sequence numbers of a shard, both ends included, and how many documents it held."""

    first: int
    last: int
    documents: int


class Shards:
    """Reads the shards of the indexes of a cluster."""

    def __init__(self, engine: ClusterEngine) -> None:
        self._engine = engine
        self._server = engine.server.patient
        self._document_bytes = 0

    def points(self, index: str) -> dict[int, ShardPoint]:
        """How far every shard has come. Raises EngineUnavailable if a shard has no primary."""
        with self._engine.failures(index):
            stats = self._server.get(index, "_stats", "docs", level="shards")
            terms_path = "metadata.indices.*.primary_terms"
            state = self._server.get("_cluster", "state", "metadata", index, filter_path=terms_path)
        ((name, described),) = state["metadata"]["indices"].items()
        terms, found = described["primary_terms"], {}
        shards = stats["indices"].get(name, {}).get("shards", {})  # missing while the index is being opened
        for number, copies in shards.items():
            for copy in copies:
                if copy["routing"]["primary"] and copy.get("seq_no"):
                    numbers = copy["seq_no"]
                    found[int(number)] = ShardPoint(
                        int(terms[number]), int(numbers["global_checkpoint"]), int(numbers["max_seq_no"])
                    )
        if len(found) != len(terms):
            raise self._engine.unavailable(f"A shard of {index!r} has no primary")
        return found

    def behind(self, name: str) -> list[FollowedIndex]:
        """The indexes behind a name, and how far their shards have come, in one small request.

        Raises IndexNotFound, and EngineUnavailable if an index is closed.
        """
        with self._engine.failures(name):
            found = self._server.get(name, "_stats", "docs", level="shards", filter_path=FOLLOWED)
        return [
            FollowedIndex(index, str(described["uuid"]), _followed(described.get("shards", {})))
            for index, described in sorted(found.body.get("indices", {}).items())
        ]

    def places(self, index: str, routing: str) -> list[int]:
        """The shards that hold the documents of a routing."""
        with self._engine.failures(index):
            found = self._server.get(index, "_search_shards", routing=routing)["shards"]
        return sorted(int(copies[0]["shard"]) for copies in found)

    def refresh(self, index: str) -> None:
        """Make everything written so far visible to searches."""
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
        stamps: Sequence[Query] | None = None,
        where: Sequence[Query] = (),
    ) -> list[VersionedDocument]:
        """Read the first documents of a shard, in the order of their sequence numbers.

        after, upto: only documents whose last operation has a number above `after` and at most `upto`.
        size: the maximum number of documents; large documents make a page shorter. source: whether to read
        it. stamps: read the stamp of each document that matches all these queries; the others have none.
        where: queries that must all match.
        """
        query: dict[str, Any] = {"filter": [_between(after, upto), *where]}
        if stamps is not None:
            query["should"] = [{"bool": {"filter": list(stamps), "_name": STAMPED}}]
        if source:
            size = self.page_size(size)
        body = {
            "query": {"bool": query},
            "sort": [{"_seq_no": {"order": "asc", "unmapped_type": "long"}}],  # unmapped in an empty index
            "size": size,
            "version": True,
            "seq_no_primary_term": True,
            "track_total_hits": False,
            "_source": self._engine.whole_source if source else False,
        }
        if stamps is not None:
            body["docvalue_fields"] = [{"field": name} for name in STAMP_FIELDS]
        with self._engine.failures(index):
            answer = self._server.search(index, body, preference=f"_shards:{shard}")
        hits = answer["hits"]["hits"]
        if source and hits:
            self._document_bytes = max(1, answer.size // len(hits))
        return [document_of(hit, is_stamped=STAMPED in hit.get("matched_queries", ())) for hit in hits]

    def page_size(self, size: int) -> int:
        """The number of documents of the next page with sources: fewer than `size` if documents are large."""
        return max(1, min(size, MAX_PAGE_BYTES // self._document_bytes)) if self._document_bytes else size

    def identities(
        self,
        index: str,
        shard: int,
        upto: int = ANY_SEQUENCE,
        page: int = 10_000,
        where: Sequence[Query] = (),
    ) -> Iterator[VersionedDocument]:
        """Read all documents of a shard without their sources, in the order of their sequence numbers.

        upto: the highest sequence number to read. where: queries that must all match.
        """
        after = -1
        while True:
            found = self.read(index, shard, after, upto, page, source=False, where=where)
            yield from found
            if len(found) < page:
                return
            after = found[-1].sequence

    def absent(self, index: str, ids: Sequence[str]) -> list[str]:
        """Those of the ids that no document of an index has, under whatever routing."""
        self.refresh(index)
        where: list[Query] = [{"ids": {"values": list(ids)}}]
        present = {
            one.id for shard in self.points(index) for one in self.identities(index, shard, where=where)
        }
        return [one for one in ids if one not in present]

    def counts(self, index: str, shard: int, buckets: Sequence[Bucket]) -> list[int]:
        """Count the documents that a shard holds now in every bucket; the buckets must be in order."""
        if not buckets:
            return []
        ranges = [{"from": bucket.first, "to": bucket.last + 1} for bucket in buckets]
        body = {
            "query": {"range": {"_seq_no": {"lte": buckets[-1].last}}},
            "size": 0,
            "aggs": {"buckets": {"range": {"field": "_seq_no", "ranges": ranges}}},
        }
        with self._engine.failures(index):
            answer = self._server.search(index, body, preference=f"_shards:{shard}")
        return [int(one["doc_count"]) for one in answer["aggregations"]["buckets"]["buckets"]]

    def keys_of(self, index: str, shard: int, buckets: Sequence[Bucket]) -> set[Key]:
        """The keys of the documents that a shard holds now in any of the buckets."""
        found: set[Key] = set()
        for part in _bounded(buckets):
            ranges = [{"range": {"_seq_no": {"gte": one.first, "lte": one.last}}} for one in part]
            body = {
                "query": {"bool": {"filter": [{"bool": {"should": ranges}}]}},
                "size": sum(one.documents for one in part),
                "_source": False,
                "track_total_hits": False,
            }
            with self._engine.failures(index):
                answer = self._server.search(index, body, preference=f"_shards:{shard}")
            found |= {(str(hit["_id"]), hit.get("_routing")) for hit in answer["hits"]["hits"]}
        return found

    def count(self, index: str, where: Sequence[Query] = ()) -> int:
        """Count the documents that searches see and that all the queries match."""
        with self._engine.failures(index):
            answer = self._server.post(index, "_count", body={"query": {"bool": {"filter": list(where)}}})
        return int(answer["count"])


def _between(after: int, upto: int) -> Query:
    return {"range": {"_seq_no": {"gt": after, "lte": upto}}}


def _followed(shards: Mapping[str, Any]) -> dict[int, FollowedShard]:
    """The shards of an answer that have a primary."""
    found = {}
    for number, copies in shards.items():
        for copy in copies:
            numbers = copy.get("seq_no")
            if copy["routing"]["primary"] and numbers:
                history = str(copy["commit"]["user_data"]["history_uuid"])
                found[int(number)] = FollowedShard(history, int(numbers["global_checkpoint"]))
    return found


def _bounded(buckets: Sequence[Bucket]) -> Iterator[list[Bucket]]:
    """Buckets in groups, each within MAX_RANGES ranges and MAX_HITS documents of one search."""
    part: list[Bucket] = []
    for bucket in buckets:
        documents = sum(one.documents for one in part) + bucket.documents
        if part and (len(part) >= MAX_RANGES or documents > MAX_HITS):
            yield part
            part = []
        part.append(bucket)
    if part:
        yield part
