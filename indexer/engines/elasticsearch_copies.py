"""Indexes of a cluster as a job copies them: shard by shard, in the order of sequence numbers.

Every operation on a document gets the next sequence number of its shard, also when the document is deleted
and made anew. A copy is written with an external version of sequence number + 1, or the version of its
document where that is larger (clients that bring versions of their own): the server refuses what is older
than what it has, so that any copy may be written again, late, or by two workers at once. A shard of the
target has the documents of the shard of that number of the source, because both have as many.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from elasticsearch import NotFoundError

from enricher.errors import IndexConflict, IndexNotFound
from enricher.records import Document, EnrichedDocument, IndexLayout
from indexer.engines.bulk import Action, Outcome
from indexer.engines.elasticsearch import ElasticsearchEngine
from indexer.engines.elasticsearch_errors import refusal_of
from indexer.engines.elasticsearch_mapping import mapping_of
from indexer.engines.fields import ENRICHMENT, encode, prepare
from indexer.engines.names import check_name

PAGE_BYTES = 20_000_000
GC_DELETES = "index.gc_deletes"
LOADING = {
    "index.refresh_interval": "-1",
    "index.number_of_replicas": 0,
    "index.auto_expand_replicas": "false",
    GC_DELETES: "24h",
    "index.default_pipeline": "_none",
    "index.final_pipeline": "_none",
}
"""Settings of an index while it is filled."""
REJECTS = {"number_of_shards": 1, "auto_expand_replicas": "0-1"}
CURRENT = 1_000
"""Documents that are asked for at once."""
UNCOPIED = (
    "index.uuid", "index.creation_date", "index.provided_name", "index.version.", "index.resize.",
    "index.routing.allocation.", "index.blocks.", "index.history.", "index.replication.", "index.verified_",
)  # fmt: skip
"""Settings that belong to one index, by the beginning of their names."""


class EntranceClosed(IndexNotFound):
    """The alias by which copies were written is gone: another worker has gone further."""


class Point(NamedTuple):
    """Where a shard stands: the term of its primary, and the sequence number up to which every operation is
    on all its copies.
    """

    term: int
    checkpoint: int


@dataclass(frozen=True, slots=True)
class VersionedDocument:
    """A document of a shard as it was read.

    sequence, term: of its last operation, and of the primary then. source: empty where it was not asked for.
    """

    id: str
    routing: str | None
    sequence: int
    term: int
    version: int
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def copied_version(self) -> int:
        """The version of its copy."""
        return max(self.sequence + 1, self.version)


class Refused(NamedTuple):
    """A document that the target did not take, and why."""

    document: VersionedDocument
    reason: str


class Copied(NamedTuple):
    """What became of documents: written, there already as new or newer, refused."""

    written: int
    present: int
    refused: list[Refused]


class Copies:
    """The indexes of a cluster, for a job."""

    def __init__(self, engine: ElasticsearchEngine) -> None:
        self.engine = engine
        self._client = engine.client
        self._page_bytes = 0

    def is_data_stream(self, name: str) -> bool:
        """Whether the name is that of a data stream."""
        with self.engine.failures(name):
            found = self._client.indices.resolve_index(name=check_name(name), ignore_unavailable=True)
        return any(stream["name"] == name for stream in found["data_streams"])

    def behind(self, name: str) -> list[str]:
        """The indexes that a name stands for, itself where it is one; none where there is nothing of it."""
        with self.engine.failures(name):
            found = self._client.options(ignore_status=404).indices.get(index=name, features=["aliases"])
        return sorted(found.body) if found.meta.status == 200 else []

    def free_bytes(self) -> float:
        """Bytes that the data nodes have left, all together."""
        with self.engine.failures():
            stats = self._client.nodes.stats(metric="fs", filter_path="nodes.*.fs.total")
        return sum(float(node["fs"]["total"]["available_in_bytes"]) for node in stats["nodes"].values())

    def described(self, index: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Settings by their full names, mapping, and aliases of an index."""
        with self.engine.failures(index):
            answer = self._client.indices.get(index=index, flat_settings=True)
        ((_, found),) = answer.body.items()
        return found["settings"], found["mappings"], found["aliases"]

    # ------------------------------------------------------------------ the target

    def create_like(self, source: str, target: str, layout: IndexLayout, job: str) -> None:
        """Make the target with the settings and the mapping of the source and what the layout adds, ready to
        be filled; one that this job made before is taken as it is. IndexConflict where another made it.
        """
        settings, mapping, _ = self.described(source)
        kept = {name: value for name, value in settings.items() if not name.startswith(UNCOPIED)}
        ours = mapping_of(layout)
        properties = {**mapping.get("properties", {}), **ours["properties"]}  # type: ignore[dict-item]
        meta = {**mapping.get("_meta", {}), **ours["_meta"], JOB: job}  # type: ignore[dict-item]
        made = {**mapping, "properties": properties, "_meta": meta}
        try:
            with self.engine.failures(target):
                self._client.indices.create(index=target, settings={**kept, **LOADING}, mappings=made)
        except IndexConflict:
            if self.described(target)[1].get("_meta", {}).get(JOB) != job:
                raise

    def restore(self, source: str, target: str) -> None:
        """Give the target the settings of the source that were others while it was filled.

        Deletes by the job are forgotten, and those by clients remembered from now on: see `write_late`.
        """
        self._put(target, {GC_DELETES: "0ms"})
        self.engine.refresh(target)
        settings, _, _ = self.described(source)
        self._put(target, {name: settings.get(name) for name in LOADING} | {GC_DELETES: LOADING[GC_DELETES]})

    def forget_deletes(self, source: str, target: str) -> None:
        """The last of these settings: nothing is copied any more."""
        self._put(target, {GC_DELETES: self.described(source)[0].get(GC_DELETES)})

    def _put(self, index: str, settings: Mapping[str, object]) -> None:
        with self.engine.failures(index):
            self._client.indices.put_settings(index=index, settings=settings)

    def open_entrance(self, target: str, number: str) -> None:
        """Take copies, deletes and a swap from those alone who know the number; one action."""
        add = {"add": {"index": target, "alias": entrance(target, number), "is_hidden": True}}
        with self.engine.failures(target):
            self._client.indices.update_aliases(actions=[self._without_entrances(target), add])

    def close_entrance(self, target: str) -> None:
        """Take none from anybody."""
        with self.engine.failures(target):
            self._client.indices.update_aliases(actions=[self._without_entrances(target)])

    def _without_entrances(self, target: str) -> dict[str, Any]:
        return {"remove": {"index": target, "alias": entrance(target, "*"), "must_exist": False}}

    def swap(self, alias: str, source: str, target: str, number: str) -> bool:
        """Point the alias at the target, with the filter, routing and write index that it had; one action.

        With it the entrance is closed. False, and nothing is done, where the entrance has another number.
        """
        _, _, aliases = self.described(source)
        actions = [
            {"remove": {"index": target, "alias": entrance(target, number), "must_exist": True}},
            {"remove": {"index": source, "alias": alias, "must_exist": False}},
            {"add": {"index": target, "alias": alias, **_alias_of(aliases.get(alias, {}))}},
        ]
        with self.engine.failures(alias):
            try:
                self._client.options(max_retries=0).indices.update_aliases(actions=actions)
            except NotFoundError as error:
                if refusal_of(error).type != "aliases_not_found_exception":
                    raise
                return False
        return True

    def drop(self, index: str) -> None:
        """Remove an index where it is there."""
        with self.engine.failures(index):
            self._client.options(ignore_status=404).indices.delete(index=index)

    # ------------------------------------------------------------------ the block

    def block(self, index: str) -> None:
        """Refuse writes from now on; those under way have completed when this returns."""
        with self.engine.failures(index):
            self._client.indices.add_block(index=index, block="write")

    def unblock(self, index: str) -> None:
        """Take writes again."""
        self._put(index, {"index.blocks.write": None})

    # ------------------------------------------------------------------ shards

    def points(self, index: str) -> dict[int, Point]:
        """Where every shard stands; EngineUnavailable where one has no primary."""
        with self.engine.failures(index):
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
                    found[int(number)] = Point(int(terms[number]), int(copy["seq_no"]["global_checkpoint"]))
        if len(found) != len(terms):
            raise self.engine.unavailable(f"A shard of {index!r} has no primary")
        return found

    def refresh(self, index: str) -> None:
        """Make all that is written visible to searches."""
        self.engine.refresh(index)

    def read(
        self, index: str, shard: int, after: int, upto: int, size: int, *, source: bool = True
    ) -> list[VersionedDocument]:
        """The first documents of a shard whose last operation has a number over `after`, at most `upto`."""
        if source and self._page_bytes:
            size = max(1, min(size, PAGE_BYTES // self._page_bytes))
        with self.engine.failures(index):
            answer = self._client.search(
                index=index,
                preference=f"_shards:{shard}",
                query={"range": {"_seq_no": {"gt": after, "lte": upto}}},
                sort=[{"_seq_no": "asc"}],
                size=size,
                version=True,
                seq_no_primary_term=True,
                track_total_hits=False,
                allow_partial_search_results=False,
                source={"excludes": [ENRICHMENT]} if source else False,
            )
        hits = answer["hits"]["hits"]
        if source and hits:
            length = int(answer.meta.headers.get("content-length") or 0)
            self._page_bytes = max(1, length // len(hits))
        return [
            VersionedDocument(
                str(hit["_id"]),
                hit.get("_routing"),
                int(hit["_seq_no"]),
                int(hit["_primary_term"]),
                int(hit["_version"]),
                hit.get("_source", {}),
            )
            for hit in hits
        ]

    def identities(
        self, index: str, shard: int, upto: int, page: int = 10_000
    ) -> Iterator[VersionedDocument]:
        """All documents of a shard up to a number, without their sources."""
        after = -1
        while True:
            found = self.read(index, shard, after, upto, page, source=False)
            yield from found
            if len(found) < page:
                return
            after = found[-1].sequence

    def count(self, index: str) -> int:
        """Documents that searches see."""
        return self.engine.count(index)

    # ------------------------------------------------------------------ documents

    def write(
        self,
        entrance: str,
        layout: IndexLayout,
        documents: Sequence[VersionedDocument],
        enrichments: Sequence[Mapping[str, object]],
    ) -> Copied:
        """Write copies with what enriches them. EntranceClosed where it was closed since."""
        heads = [{"index": _versioned(document, document.copied_version)} for document in documents]
        return self._write(entrance, layout, documents, enrichments, heads)

    def write_late(
        self,
        target: str,
        layout: IndexLayout,
        documents: Sequence[VersionedDocument],
        enrichments: Sequence[Mapping[str, object]],
        swapped_at: int,
    ) -> Copied:
        """The same after the swap: what a client has written or deleted in the target stays as it is there.

        swapped_at: the number of the last operation on the target before the swap.
        """
        heads: list[dict[str, object] | None] = []
        for document, there in zip(documents, self.current(target, documents), strict=True):
            if there is None:
                heads.append({"index": _versioned(document, 0)})  # refused where a client has deleted it
            elif there.sequence <= swapped_at:
                heads.append({"index": _head(document) | there.condition()})
            else:
                heads.append(None)
        kept = [n for n, head in enumerate(heads) if head is not None]
        copied = self._write(
            target,
            layout,
            [documents[n] for n in kept],
            [enrichments[n] for n in kept],
            [head for head in heads if head is not None],
        )
        return copied._replace(present=copied.present + len(documents) - len(kept))

    def _write(
        self,
        target: str,
        layout: IndexLayout,
        documents: Sequence[VersionedDocument],
        enrichments: Sequence[Mapping[str, object]],
        heads: Sequence[Mapping[str, object]],
    ) -> Copied:
        refused: list[Refused] = []
        actions: list[Action] = []
        for place, (document, added) in enumerate(zip(documents, enrichments, strict=True)):
            enriched = EnrichedDocument(document.id, document.source, added)
            prepared, rejections = prepare([enriched], layout)
            refused += [Refused(document, rejection.reason) for rejection in rejections]
            actions += [
                Action(document.id, encode(heads[place]) + b"\n" + one.line(), place) for one in prepared
            ]
        outcome = self._send(target, actions)
        for action, reason in outcome.refused:
            assert isinstance(action.key, int)
            refused.append(Refused(documents[action.key], reason))
        present = outcome.results["conflict"]
        return Copied(len(documents) - present - len(refused), present, refused)

    def current(self, index: str, documents: Sequence[VersionedDocument]) -> list["Present | None"]:
        """What an index holds of documents at this moment, None where it has none of that id and routing."""
        if not documents:
            return []
        asked = [{"_id": one.id} | ({"routing": one.routing} if one.routing else {}) for one in documents]
        with self.engine.failures(index):
            answer = self._client.mget(index=index, docs=asked, source=False)
        return [
            Present(int(one["_seq_no"]), int(one["_primary_term"])) if one.get("found") else None
            for one in answer["docs"]
        ]

    def delete(self, name: str, documents: Sequence[VersionedDocument]) -> int:
        """Delete copies that nobody has written since they were read; answers how many.

        By the name of an entrance: EntranceClosed where it was closed since.
        """
        heads = [_head(one) | Present(one.sequence, one.term).condition() for one in documents]
        lines = [encode({"delete": head}) + b"\n" for head in heads]
        actions = [Action(one.id, line) for one, line in zip(documents, lines, strict=True)]
        return self._send(name, actions).results["deleted"]

    def _send(self, name: str, actions: Sequence[Action]) -> Outcome:
        """Settle actions on an index, or by the name of an entrance."""
        by_entrance = name.startswith(".")
        try:
            return self.engine.bulk(name, alias_only=by_entrance).run(actions)
        except IndexNotFound as error:
            raise EntranceClosed(str(error)) if by_entrance else error from error

    # ------------------------------------------------------------------ what was refused

    def keep_refused(self, rejects: str, shard: int, refused: Sequence[Refused]) -> None:
        """Keep documents that the target did not take in an index of their own, with the reasons."""
        try:
            with self.engine.failures(rejects):
                self._client.indices.create(index=rejects, settings=REJECTS, mappings={"dynamic": False})
        except IndexConflict:
            pass
        actions = []
        for document, reason in refused:
            key = _key(document)
            value = {
                "id": document.id,
                "routing": document.routing,
                "shard": shard,
                "sequence": document.sequence,
                "reason": reason,
            }
            actions.append(Action(key, encode({"index": {"_id": key}}) + b"\n" + encode(value) + b"\n"))
        self.engine.bulk(rejects).run(actions)

    def refused(self, rejects: str) -> dict[tuple[int, str, str | None], int]:
        """Shard, id and routing of what was refused → its sequence number."""
        if not self.engine.exists(rejects):
            return {}
        self.engine.refresh(rejects)
        found = [document.source for document in self.engine.read(rejects)]
        return {
            (int(str(one["shard"])), str(one["id"]), _routing(one)): int(str(one["sequence"]))
            for one in found
        }

    def settle_refused(self, rejects: str, source: str) -> int:
        """Forget what was refused and has changed or gone since; answers how many documents are left."""
        kept = [
            VersionedDocument(name, routing, sequence, 0, 0)
            for (_, name, routing), sequence in self.refused(rejects).items()
        ]
        gone = []
        for start in range(0, len(kept), CURRENT):
            part = kept[start : start + CURRENT]
            gone += [
                one
                for one, there in zip(part, self.current(source, part), strict=True)
                if there is None or there.sequence != one.sequence
            ]
        if gone:
            self.engine.delete(rejects, [_key(one) for one in gone])
        return len(kept) - len(gone)


class Present(NamedTuple):
    """The last operation on a document that is there."""

    sequence: int
    term: int

    def condition(self) -> dict[str, object]:
        """A write under it is refused where there was another since."""
        return {"if_seq_no": self.sequence, "if_primary_term": self.term}


JOB = "enricher_job"
"""The key of `_meta` under which an index names the job that fills it."""


def as_document(document: VersionedDocument) -> Document:
    """For the enrichments."""
    return Document(document.id, document.source)


def _head(document: VersionedDocument) -> dict[str, object]:
    head: dict[str, object] = {"_id": document.id}
    return head if document.routing is None else head | {"routing": document.routing}


def _versioned(document: VersionedDocument, version: int) -> dict[str, object]:
    return _head(document) | {"version": version, "version_type": "external"}


def entrance(target: str, number: str) -> str:
    """The alias by which copies are written: who was paused finds it gone."""
    return f".{target}-entrance-{number}"


def _key(document: VersionedDocument) -> str:
    """The id of what is kept of a refused document: of the same length whatever its own id is."""
    return hashlib.sha256(f"{document.routing}\0{document.id}".encode()).hexdigest()


def _routing(kept: Mapping[str, object]) -> str | None:
    return None if kept["routing"] is None else str(kept["routing"])


def _alias_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """What an alias has beside its name."""
    return {
        name: found[name]
        for name in ("filter", "index_routing", "search_routing", "is_write_index", "is_hidden")
        if name in found
    }
