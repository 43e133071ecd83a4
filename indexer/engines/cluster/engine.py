"""The engine of a cluster, of either family of servers."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, partial
from typing import Any

from enricher.errors import EngineError, EngineUnavailable
from enricher.records import (
    ENRICHMENT,
    FINGERPRINT,
    MODEL,
    Check,
    ClientSearch,
    Document,
    EnrichedDocument,
    FieldKind,
    Frequencies,
    Hit,
    IndexLayout,
    Rejection,
    SearchRequest,
    SearchResponse,
    Share,
    clean,
)
from enricher.records.layout_json import layout_as_json
from indexer.engines.cluster.actions import PreparedActions, prepare_actions, source_of
from indexer.engines.cluster.bulk import CHUNK_BYTES, Action, BulkWriter, RetryPolicy
from indexer.engines.cluster.client_search import client_search
from indexer.engines.cluster.columns import text_fields_of
from indexer.engines.cluster.descriptions import Description, Descriptions, described
from indexer.engines.cluster.errors import failures, readable, refusal_of
from indexer.engines.cluster.health import check_server
from indexer.engines.cluster.mapping import (
    META,
    check_whole_source,
    create_index,
    has_vector_codes,
    mapping_of,
)
from indexer.engines.cluster.multisearch import MultiSearch
from indexer.engines.cluster.reading import (
    close_points_in_time,
    read_documents,
    read_sample,
    read_with_field,
    whole_source,
)
from indexer.engines.cluster.requests import (
    containing_of,
    enriched_of,
    foreign_of,
    without_words_of,
)
from indexer.engines.cluster.scores import Bm25Factor
from indexer.engines.cluster.search import Searches
from indexer.engines.cluster.server import Refused, Server
from indexer.engines.cluster.stored import StoredDocuments
from indexer.engines.cluster.vectors import check_length, dimensions_of, vector_obstacle
from indexer.engines.fields import encode
from indexer.engines.names import (
    check_name,
    check_new_alias,
    check_new_index,
    no_such_index,
)

ALIASES = "*.aliases,*.settings.index.uuid"
"""What is read of an index to know that it is there, and its aliases: never nothing."""
MAX_ALIAS_TRIES = 10
"""How often an alias is set while other indexes are removed."""
MAX_COMPARED_FINGERPRINTS = 20_000
"""Maximum documents whose fingerprints `stale` compares. Larger indexes are sampled."""


class ClusterEngine:
    """A SearchEngine on a cluster of search servers. A family adds its name and its server.

    settings: index settings of new indexes. timeout: of a request, in seconds.
    """

    name: str
    has_other_writers = True

    def __init__(
        self,
        server: Server,
        *,
        settings: Mapping[str, object] | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        self.server = server
        self._settings = {"number_of_shards": 1, **(settings or {})}
        self._retry = retry or RetryPolicy()
        self._chunk_bytes = chunk_bytes
        self._timeout = timeout
        self._points_in_time: set[str] = set()
        self._descriptions = Descriptions(self._describe)
        searches = MultiSearch(server)
        self.bm25_factor = Bm25Factor(server)
        self._searches = Searches(searches, self.failures, self._descriptions, self.bm25_factor)
        self._stored = StoredDocuments(searches, self.failures, self._descriptions)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.server.addresses)!r})"

    def failures(self, index: str | None = None) -> AbstractContextManager[None]:
        """Translate exceptions of the server in this block into EngineErrors."""
        return failures(self.server, index)

    # -------------------------------------------------------------- indexes

    @readable
    def missing_kinds(self, index: str | None = None) -> Mapping[FieldKind, str]:
        with self.failures(index):
            obstacle = vector_obstacle(self.server, index)
        return {} if obstacle is None else {FieldKind.VECTOR: obstacle}

    def create(self, index: str, layout: IndexLayout) -> None:
        check_new_index(index)
        with self._changing(), self.failures(index):
            mapping = mapping_of(layout, self.server.dialect)
            create_index(self.server.once, index, layout, self._settings, mapping)

    def drop(self, index: str) -> None:
        check_name(index)
        with self._changing(), self.failures(index):
            self.server.once.delete(index)

    def exists(self, index: str) -> bool:
        check_name(index)
        with self.failures(index):
            # A HEAD request has no body, which names the missing privilege.
            return self.server.get(index, filter_path=ALIASES, ignored=[404]).status != 404

    @readable
    def indexes(self) -> list[str]:
        with self.failures():
            answer = self.server.get(
                "*", "_mapping", filter_path=f"*.mappings._meta.{META}", expand_wildcards="open,closed"
            )
        return sorted(answer.body)

    @readable
    def name_of(self, index: str) -> str:
        """The index that a name or an alias points to. EngineError if an alias points to several."""
        return self._mapping(index)[0]

    @readable
    def layout(self, index: str) -> IndexLayout:
        return self._descriptions.fresh(index).layout

    @readable
    def stamp(self, index: str, model: str, compatible: Sequence[str] = ()) -> None:
        found = self._descriptions.fresh(index)
        stamped = dataclasses.replace(
            found.layout, model_version=model, compatible=tuple(compatible), mixed=False
        )
        meta = {**found.mapping["_meta"], META: layout_as_json(stamped)}
        with self._changing(), self.failures(index):
            self.server.once.put(self.name_of(index), "_mapping", body={"_meta": meta})

    @readable
    def set_alias(self, alias: str, index: str) -> None:
        check_new_alias(alias)
        name, _ = self._mapping(index)
        remove = {"remove": {"index": "*", "alias": alias, "must_exist": False}}
        add = {"add": {"index": name, "alias": alias}}
        with self._changing(), self.failures(alias):
            for left in reversed(range(MAX_ALIAS_TRIES)):
                try:
                    self.server.once.post("_aliases", body={"actions": [remove, add]})
                    return
                except Refused as error:  # any index that was removed at this moment fails the pattern
                    if left == 0 or refusal_of(error).type != "index_not_found_exception":
                        raise

    @readable
    def aliases(self) -> Mapping[str, tuple[str, ...]]:
        with self.failures():
            answer = self.server.get("_alias")
        found: dict[str, tuple[str, ...]] = {}
        for index, details in sorted(answer.body.items()):
            for alias in details["aliases"]:
                if not alias.startswith("."):
                    found[alias] = (*found.get(alias, ()), index)
        return found

    def _mapping(self, index: str) -> tuple[str, dict[str, Any]]:
        """The index that a name or an alias points to, and its mapping."""
        found = self._settings_and_mappings(index)
        if len(found) > 1:
            names = ", ".join(sorted(found))
            raise EngineError(
                f"The alias {index!r} points to several indexes ({names}); use the name of one of them."
            )
        ((name, details),) = found.items()
        return name, details.get("mappings", {})

    def _settings_and_mappings(self, index: str) -> dict[str, Any]:
        """The indexes that a name or an alias points to, each with its mapping and its number of shards."""
        check_name(index)
        with self.failures(index):
            answer = self.server.get(index, filter_path="*.mappings,*.settings.index.number_of_shards")
        if not answer.body:
            raise no_such_index(index)
        return dict(answer.body)

    def _describe(self, index: str) -> Description:
        return described(index, self._settings_and_mappings(index))

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Forget all descriptions after a change of an index or an alias, also after a failure."""
        try:
            yield
        finally:
            self._descriptions.forget()

    # -------------------------------------------------------------- documents

    @readable
    def write(self, index: str, documents: Sequence[EnrichedDocument]) -> list[Rejection]:
        return self.write_prepared(index, self.preparation(index)(documents))

    @readable
    def preparation(self, index: str) -> Callable[[Sequence[EnrichedDocument]], PreparedActions]:
        found = self._descriptions.fresh(index)
        with_codes = has_vector_codes(found.mapping)
        return partial(prepare_actions, layout=found.layout, with_codes=with_codes)

    @readable
    def write_prepared(self, index: str, prepared: PreparedActions) -> list[Rejection]:
        # Check that the index exists, because the server would create it.
        description = self._descriptions.fresh(index)
        if prepared.dimensions is not None:
            check_length(index, description.mapping, prepared.dimensions)
        outcome = self.bulk(index).run(prepared.actions)
        refused = [Rejection(action.id, reason, source_of(action)) for action, reason in outcome.refused]
        return prepared.rejections + refused

    def uncommitted(self, index: str) -> int:
        return 0  # the server responds after it has written documents to disk

    @readable
    def refuses(self, index: str, field: str) -> bool:
        _, mapping = self._mapping(index)
        return mapping.get("dynamic") == "strict" and field.split(".")[0] not in mapping.get("properties", {})

    @readable
    def delete(self, index: str, ids: Sequence[str]) -> int:
        self._mapping(index)
        names = [name for name in dict.fromkeys(clean(id_) for id_ in ids) if name]
        lines = (Action(name, encode({"delete": {"_id": name}}) + b"\n") for name in names)
        outcome = self.bulk(index).run(lines)
        if outcome.refused:
            action, reason = outcome.refused[0]
            raise EngineError(f"The document {action.id!r} cannot be deleted: {reason}")
        return outcome.results["deleted"]

    def bulk(
        self,
        index: str,
        *,
        alias_only: bool = False,
        pipeline: str | None = None,
        keep_sequences: bool = False,
    ) -> BulkWriter:
        """A bulk writer with the retry policy of this engine."""
        return BulkWriter(
            self.server,
            index,
            self._retry,
            chunk_bytes=self._chunk_bytes,
            shard_timeout=self._timeout / 3,
            alias_only=alias_only,
            pipeline=pipeline,
            keep_sequences=keep_sequences,
        )

    def unavailable(self, what: str) -> EngineUnavailable:
        """The error for missing shards or nodes."""
        return EngineUnavailable(f"{what}; the cluster at {self.server.addresses} is incomplete.")

    def refresh(self, index: str) -> None:
        check_name(index)
        with self.failures(index):
            self.server.post(index, "_refresh")

    @readable
    def count(self, index: str) -> int:
        check_name(index)
        return self._count(index, {"match_all": {}})

    @readable
    def count_unenriched(self, index: str) -> int:
        return self._count(index, foreign_of(self.layout(index)))

    @readable
    def count_enriched_with(self, index: str, model: str) -> int:
        return self._count(index, {"term": {f"{ENRICHMENT}.{MODEL}": model}})

    @readable
    def count_without_words(self, index: str) -> int:
        return self._count(index, without_words_of(self.layout(index)))

    @readable
    def count_stale(self, index: str, fingerprint: Callable[[Document], str]) -> Share:
        enriched = enriched_of(self.layout(index))
        share = min(1.0, MAX_COMPARED_FINGERPRINTS / max(self._count(index, enriched), 1))
        source, field = self.whole_source, f"{ENRICHMENT}.{FINGERPRINT}"
        found = read_with_field(self.server, index, self._points_in_time, source, field, enriched, share)
        number = looked = 0
        for document, stamped in found:
            looked += 1
            number += stamped != fingerprint(document)
        return Share(number, looked)

    @readable
    def frequencies(self, index: str, terms: Mapping[str, Sequence[str]]) -> dict[str, Frequencies]:
        return self._searches.frequencies(index, terms)

    @readable
    def search_text(self, index: str, text: str, fields: Sequence[str], top: int) -> list[Hit]:
        return self._searches.search_text(index, text, fields, top)

    @readable
    def bytes_on_disk(self, index: str) -> int:
        """The size of an index after a flush, in bytes, without replicas."""
        check_name(index)
        with self.failures(index):
            self.server.post(index, "_flush", wait_if_ongoing=True)
            answer = self.server.get(index, "_stats", "store")
        return int(answer["_all"]["primaries"]["store"]["size_in_bytes"])

    def _count(self, index: str, query: Mapping[str, Any]) -> int:
        with self.failures(index):
            answer = self.server.search(index, {"query": query, "size": 0, "track_total_hits": True})
        return int(answer["hits"]["total"]["value"])

    @readable
    def search(self, index: str, request: SearchRequest) -> SearchResponse:
        return self._searches.search(index, request)

    @readable
    def client_search(self, index: str, request: SearchRequest) -> ClientSearch:
        with self.failures(index):
            return client_search(self._searches, index, self._descriptions.fresh(index), request)

    # -------------------------------------------------------------- reading documents and vectors

    @readable
    def excess_share(self, index: str) -> float:
        return self._stored.excess_share(index)

    @readable
    def sample_enriched(self, index: str, number: int) -> list[EnrichedDocument]:
        return self._stored.sample(index, number)

    @readable
    def dimensions(self, index: str) -> int:
        return dimensions_of(self._mapping(index)[1])

    @readable
    def product(self, index: str, id_: str, codes: bytes) -> int | None:
        return self._stored.product(index, id_, codes)

    @readable
    def read(self, index: str) -> Iterator[Document]:
        name, mapping = self._mapping(index)
        check_whole_source(name, mapping)
        return read_documents(self.server, index, self._points_in_time, self.whole_source, name)

    @readable
    def read_containing(self, index: str, groups: Sequence[Sequence[str]]) -> Iterator[Document]:
        name, mapping = self._mapping(index)
        check_whole_source(name, mapping)
        query = containing_of(self.layout(index), groups)
        return read_documents(self.server, index, self._points_in_time, self.whole_source, name, query)

    @readable
    def sample(self, index: str, size: int) -> list[Document]:
        name, mapping = self._mapping(index)
        check_whole_source(name, mapping)
        return read_sample(self.server, index, self.whole_source, size)

    @readable
    def text_fields(self, index: str) -> tuple[str, ...]:
        return text_fields_of(self._mapping(index)[1])

    @cached_property
    def whole_source(self) -> dict[str, object]:
        """The `_source` parameters for complete documents without enrichment."""
        return whole_source(self.server)

    # -------------------------------------------------------------- the engine itself

    def check(self) -> list[Check]:
        return check_server(self.server)

    def close(self) -> None:
        close_points_in_time(self.server, self._points_in_time)
        self.server.close()
