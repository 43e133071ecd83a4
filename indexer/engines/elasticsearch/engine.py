"""The Elasticsearch engine."""

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property, partial
from typing import Any

import numpy as np
from elastic_transport import BaseNode
from elasticsearch import BadRequestError, Elasticsearch

from enricher.errors import EngineError, EngineUnavailable
from enricher.model.text_vectors.vectors import to_numbers
from enricher.records import (
    ENRICHMENT,
    FINGERPRINT,
    MODEL,
    VECTOR,
    Check,
    Document,
    EnrichedDocument,
    Frequencies,
    Hit,
    IndexLayout,
    Rejection,
    SearchRequest,
    SearchResponse,
    Share,
    clean,
)
from enricher.records.layout_json import layout_as_json, layout_from_json
from enricher.sentences import counted
from indexer.engines.addresses import Addresses
from indexer.engines.elasticsearch.bulk import CHUNK_BYTES, Action, BulkWriter, RetryPolicy
from indexer.engines.elasticsearch.columns import text_fields_of
from indexer.engines.elasticsearch.errors import check_product, failures, readable, refusal_of
from indexer.engines.elasticsearch.mapping import META, check_whole_source, mapping_of
from indexer.engines.elasticsearch.reading import (
    close_points_in_time,
    read_documents,
    read_sample,
    read_with_field,
    whole_source,
)
from indexer.engines.elasticsearch.requests import (
    foreign_of,
    frequencies_of,
    hits_of,
    sample_of,
    termvectors_of,
    without_words_of,
)
from indexer.engines.elasticsearch.search import Searches, check_length
from indexer.engines.elasticsearch.vectors import (
    PATH,
    dimensions_of,
    only,
    products_of,
    stored_vector,
)
from indexer.engines.fields import Prepared, at, encode, prepare
from indexer.engines.names import (
    check_name,
    check_new_alias,
    check_new_index,
    no_such_index,
    not_created_here,
)

EXCLUDE_SOURCE_VECTORS = "index.mapping.exclude_source_vectors"
"""An index setting: omit vectors from `_source`. The default is true since release 9.2."""

MAX_COMPARED_FINGERPRINTS = 20_000
"""Maximum documents whose fingerprints `stale` compares. Larger indexes are sampled."""
EARLY_TERMINATION = "index.dense_vector.hnsw_enable_early_termination"
"""An index setting: stop a vector search before all candidates are visited. Newer releases do so by default,
and then miss six times as many of the 200 nearest of 8,000 vectors.
"""


class ElasticsearchEngine:
    """A SearchEngine on an Elasticsearch cluster.

    settings: index settings of new indexes. timeout: of a request, in seconds. node_class: replaces the
    transport in tests of connection faults. `client` is the client of the Elasticsearch library. `patient` is
    a client that also retries after a time-out, for idempotent requests.
    """

    name = "elasticsearch"
    has_other_writers = True

    def __init__(
        self,
        addresses: Addresses,
        *,
        settings: Mapping[str, object] | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
        chunk_bytes: int = CHUNK_BYTES,
        ca_certs: str | None = None,
        node_class: type[BaseNode] | None = None,
    ) -> None:
        self.addresses = addresses
        self._settings = {"number_of_shards": 1, **(settings or {})}
        self._retry = retry or RetryPolicy()
        self._chunk_bytes = chunk_bytes
        self._timeout = timeout
        self._points_in_time: set[str] = set()
        options: dict[str, Any] = {"request_timeout": timeout, "max_retries": 2}
        if addresses.user is not None:
            options["basic_auth"] = (addresses.user, addresses.password or "")
        if ca_certs is not None:
            options["ca_certs"] = ca_certs
        if node_class is not None:
            options["node_class"] = node_class
        self.client = Elasticsearch(list(addresses.hosts), **options)
        self._once = self.client.options(max_retries=0)
        self._searches = Searches(self.client, self.failures)
        self.patient = self.client.options(retry_on_timeout=True)

    def __repr__(self) -> str:
        return f"ElasticsearchEngine({str(self.addresses)!r})"

    def failures(self, index: str | None = None) -> AbstractContextManager[None]:
        """Translate exceptions of the client in this block into EngineErrors."""
        return failures(self.addresses, index)

    # -------------------------------------------------------------- indexes

    def create(self, index: str, layout: IndexLayout) -> None:
        check_new_index(index)
        with self.failures(index):
            more: tuple[str, ...] = (EXCLUDE_SOURCE_VECTORS, EARLY_TERMINATION) if layout.has_vectors else ()
            while True:
                try:
                    self._create(index, layout, dict.fromkeys(more, False))
                    return
                except BadRequestError as error:
                    known = tuple(name for name in more if name not in refusal_of(error).reason)
                    if known == more:
                        raise
                    more = known  # an older server has neither setting

    def _create(self, index: str, layout: IndexLayout, more: Mapping[str, object]) -> None:
        settings = {**self._settings, **more}
        self._once.indices.create(index=index, settings=settings, mappings=mapping_of(layout))

    def drop(self, index: str) -> None:
        check_name(index)
        with self.failures(index):
            self._once.indices.delete(index=index)

    def exists(self, index: str) -> bool:
        check_name(index)
        with self.failures(index):
            answer = self.client.indices.exists(index=index)
            check_product(answer.meta, self.addresses)
            return bool(answer)

    @readable
    def indexes(self) -> list[str]:
        with self.failures():
            answer = self.client.indices.get_mapping(
                index="*", filter_path=f"*.mappings._meta.{META}", expand_wildcards="open,closed"
            )
        return sorted(answer.body)

    @readable
    def name_of(self, index: str) -> str:
        """The index that a name or an alias points to. EngineError if an alias points to several."""
        return self._mapping(index)[0]

    @readable
    def layout(self, index: str) -> IndexLayout:
        return self._described(index)[1]

    @readable
    def stamp(self, index: str, model: str, compatible: Sequence[str] = ()) -> None:
        name, layout, mapping = self._described(index)
        stamped = dataclasses.replace(layout, model_version=model, compatible=tuple(compatible), mixed=False)
        meta = {**mapping["_meta"], META: layout_as_json(stamped)}
        with self.failures(index):
            self._once.indices.put_mapping(index=name, meta=meta)

    @readable
    def set_alias(self, alias: str, index: str) -> None:
        check_new_alias(alias)
        name, _ = self._mapping(index)
        remove = {"remove": {"index": "*", "alias": alias, "must_exist": False}}
        with self.failures(alias):
            self._once.indices.update_aliases(actions=[remove, {"add": {"index": name, "alias": alias}}])

    @readable
    def aliases(self) -> Mapping[str, tuple[str, ...]]:
        with self.failures():
            answer = self.client.indices.get_alias()
        found: dict[str, tuple[str, ...]] = {}
        for index, details in sorted(answer.body.items()):
            for alias in details["aliases"]:
                if not alias.startswith("."):
                    found[alias] = (*found.get(alias, ()), index)
        return found

    def _mapping(self, index: str) -> tuple[str, dict[str, Any]]:
        """The index that a name or an alias points to, and its mapping."""
        check_name(index)
        with self.failures(index):
            answer = self.client.indices.get_mapping(index=index)
        if not answer.body:
            raise no_such_index(index)
        if len(answer.body) > 1:
            names = ", ".join(sorted(answer.body))
            raise EngineError(
                f"The alias {index!r} points to several indexes ({names}); use the name of one of them."
            )
        ((name, details),) = answer.body.items()
        return name, details["mappings"]

    def _described(self, index: str) -> tuple[str, IndexLayout, dict[str, Any]]:
        name, mapping = self._mapping(index)
        value = mapping.get("_meta", {}).get(META)
        if value is None:
            raise not_created_here(index)
        return name, layout_from_json(index, value), mapping

    # -------------------------------------------------------------- documents

    @readable
    def write(self, index: str, documents: Sequence[EnrichedDocument]) -> list[Rejection]:
        # Check that the index exists, because the server would create it.
        _, layout, mapping = self._described(index)
        prepared, rejections = prepare(documents, layout)
        vectors = (at(document.enrichment, VECTOR) for document in prepared if layout.has_vectors)
        first = next((vector for vector in vectors if isinstance(vector, list | tuple)), None)
        if first is not None:
            check_length(index, mapping, len(first))
        sources = {document.id: document.source_json for document in prepared}
        outcome = self.bulk(index).run(_action(document) for document in prepared)
        refused = [
            Rejection(action.id, reason, sources[action.id].decode()) for action, reason in outcome.refused
        ]
        return rejections + refused

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
            self.client,
            index,
            self.addresses,
            self._retry,
            chunk_bytes=self._chunk_bytes,
            shard_timeout=self._timeout / 3,
            alias_only=alias_only,
            pipeline=pipeline,
            keep_sequences=keep_sequences,
        )

    def unavailable(self, what: str) -> EngineUnavailable:
        """The error for missing shards or nodes."""
        return EngineUnavailable(f"{what}; the cluster at {self.addresses} is incomplete.")

    def refresh(self, index: str) -> None:
        check_name(index)
        with self.failures(index):
            self.client.indices.refresh(index=index)

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
        field = f"{ENRICHMENT}.{FINGERPRINT}"
        share = min(1.0, MAX_COMPARED_FINGERPRINTS / max(self._count(index, {"exists": {"field": field}}), 1))
        found = read_with_field(
            self.client, self.addresses, index, self._points_in_time, self.whole_source, field, share
        )
        number = looked = 0
        for document, stamped in found:
            looked += 1
            number += stamped != fingerprint(document)
        return Share(number, looked)

    @readable
    def frequencies(self, index: str, field: str, terms: Sequence[str]) -> Frequencies:
        check_name(index)
        body = termvectors_of(field, terms)
        with self.failures(index):
            answer = self.client.termvectors(index=index, **body)
        return frequencies_of(index, field, terms, answer.body)

    @readable
    def search_text(self, index: str, text: str, fields: Sequence[str], top: int) -> list[Hit]:
        query = {"multi_match": {"query": text, "fields": list(fields), "type": "most_fields"}}
        with self.failures(index):
            return list(hits_of(self._searches.ask(index, {"query": query, "size": top, "source": False})))

    @readable
    def bytes_on_disk(self, index: str) -> int:
        """The size of an index after a flush, in bytes, without replicas."""
        check_name(index)
        with self.failures(index):
            self.client.indices.flush(index=index, wait_if_ongoing=True)
            answer = self.client.indices.stats(index=index, metric="store")
        return int(answer["_all"]["primaries"]["store"]["size_in_bytes"])

    def _count(self, index: str, query: Mapping[str, Any]) -> int:
        with self.failures(index):
            answer = self.client.search(
                index=index, query=query, size=0, track_total_hits=True, allow_partial_search_results=False
            )
        return int(answer["hits"]["total"]["value"])

    @readable
    def search(self, index: str, request: SearchRequest) -> SearchResponse:
        _, layout, mapping = self._described(index)
        return self._searches.search(index, layout, mapping, request)

    # -------------------------------------------------------------- reading documents and vectors

    @readable
    def sample_enriched(self, index: str, number: int) -> list[EnrichedDocument]:
        layout = self.layout(index)
        if layout.model_version is None:
            return []
        body = sample_of(layout, number)
        vectors = {**body, "source": {"includes": [PATH]}}  # some releases omit vectors unless they are named
        with self.failures(index):
            hits = self._searches.ask(index, body)["hits"]["hits"]
            answers = self._searches.ask(index, {**vectors, "query": only([hit["_id"] for hit in hits])})
        found = {hit["_id"]: stored_vector(hit.get("_source", {})) for hit in answers["hits"]["hits"]}
        sampled = []
        for hit in hits:
            source = dict(hit.get("_source", {}))
            enrichment, codes = dict(source.pop(ENRICHMENT, {})), found.get(hit["_id"])
            if codes is not None:
                enrichment[VECTOR] = to_numbers(codes)
            sampled.append(EnrichedDocument(str(hit["_id"]), source, enrichment))
        return sampled

    @readable
    def dimensions(self, index: str) -> int:
        return dimensions_of(self._mapping(index)[1])

    @readable
    def product(self, index: str, id_: str, codes: bytes) -> int | None:
        _, mapping = self._mapping(index)
        check_length(index, mapping, len(codes))
        asked = np.frombuffer(codes, np.int8)
        with self.failures(index):
            return products_of(partial(self._searches.ask, index), asked, [only([id_])], 1).get(id_)

    @readable
    def read(self, index: str) -> Iterator[Document]:
        name, mapping = self._mapping(index)
        check_whole_source(name, mapping)
        return read_documents(self.client, self.addresses, index, self._points_in_time, self.whole_source)

    @readable
    def sample(self, index: str, size: int) -> list[Document]:
        name, mapping = self._mapping(index)
        check_whole_source(name, mapping)
        return read_sample(self.client, self.addresses, index, self.whole_source, size)

    @readable
    def text_fields(self, index: str) -> tuple[str, ...]:
        return text_fields_of(self._mapping(index)[1])

    @cached_property
    def whole_source(self) -> dict[str, object]:
        """The `_source` parameters for complete documents without enrichment."""
        return whole_source(min(self._versions(), default=(0,)))

    def _versions(self) -> list[tuple[int, ...]]:
        """The version of every node, as numbers."""
        with self.failures():
            nodes = self.client.nodes.info(filter_path="nodes.*.version").get("nodes", {})
        return [tuple(map(int, re.findall(r"\d+", node["version"])[:3])) for node in nodes.values()]

    # -------------------------------------------------------------- the engine itself

    def check(self) -> list[Check]:
        try:
            with self.failures():
                nodes = self.client.nodes.info(filter_path="nodes.*.version").get("nodes", {})
                versions = ", ".join(sorted({node["version"] for node in nodes.values()}))
                status = self.client.cluster.health()["status"]
        except EngineError as error:
            return [Check("server", False, str(error))]
        return [
            Check("server", True, f"Elasticsearch {versions} answers at {self.addresses}."),
            Check(
                "cluster", status != "red", f"The cluster is {status}, with {counted(len(nodes), 'node')}."
            ),
        ]

    def close(self) -> None:
        close_points_in_time(self.client, self._points_in_time)
        self.client.close()


def _action(document: Prepared) -> Action:
    return Action(document.id, encode({"index": {"_id": document.id}}) + b"\n" + document.line())
