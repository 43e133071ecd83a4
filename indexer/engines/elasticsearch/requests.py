"""Build search requests for Elasticsearch, and read the responses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from enricher.records import (
    EMPTY_MARK,
    ENRICHMENT,
    KEYWORDS,
    MODEL,
    TOKENS,
    FacetCount,
    FieldKind,
    Frequencies,
    Hit,
    IndexLayout,
    SearchRequest,
    SearchResponse,
    clean,
)
from enricher.search.bodies import query_body
from enricher.search.facets import FACET_SIZE, by_distinction
from enricher.search.plans import Group
from indexer.engines.elasticsearch import conditions
from indexer.engines.elasticsearch.columns import Columns
from indexer.engines.elasticsearch.conditions import Trial, conditions_of
from indexer.engines.elasticsearch.sorting import also_near, order_of, refused_order
from indexer.engines.fields import keywords_of
from indexer.engines.filters import no_scored_field

_SHARD_SIZE = 1_000
_KEYWORDS_FIELD = f"{ENRICHMENT}.{KEYWORDS}"


def body_of(
    request: SearchRequest,
    groups: Sequence[Group],
    layout: IndexLayout,
    columns: Columns,
    near: Sequence[str] = (),
) -> dict[str, Any]:
    """The body of the search request. near: ids of documents that are hits although no word matches."""
    body: dict[str, Any] = {
        "size": request.top,
        "track_total_hits": True,
        "search_type": "dfs_query_then_fetch",
        "query": query_body(groups, conditions_of(request, columns)),
        "source": {"excludes": _excludes(layout)} if request.source else False,
    }
    if near:
        body["query"] = also_near(body["query"], near)
    if request.from_:
        body["from_"] = request.from_
    if request.sort is not None:
        body["sort"] = order_of(request.sort, columns)
    aggregations: dict[str, Any] = {}
    for place, name in enumerate(request.facets):
        size = {"size": FACET_SIZE, "shard_size": _SHARD_SIZE}
        column, aggregations[_facet_name(place)] = columns.counting(name, size)
        if column.name == _KEYWORDS_FIELD:
            # Request more than a facet shows: the order of ties is arbitrary in the server.
            apart: dict[str, Any] = {"field": column.name, **size, "size": _SHARD_SIZE, "min_doc_count": 1}
            apart["mutual_information"] = {"include_negatives": False, "background_is_superset": True}
            aggregations[_distinctive_name(place)] = {"significant_terms": apart}
    if aggregations:
        body["aggs"] = aggregations
    return body


def trials_of(request: SearchRequest, columns: Columns) -> Iterator[Trial]:
    """Yield a search body for each condition and facet alone, with its error if the server refuses it."""
    for query, refused in conditions.trials_of(request, columns):
        yield {"size": 0, "query": query}, refused
    if request.sort is not None:
        body = {"size": 1, "sort": order_of(request.sort, columns)}
        yield body, partial(refused_order, columns, request.sort)
    for name in request.facets:
        _, counting = columns.counting(name, {"size": 1})
        yield {"size": 0, "aggs": {"values": counting}}, partial(columns.refused_facet, name)


def documents_body(names: Sequence[str], layout: IndexLayout) -> dict[str, Any]:
    """The body of a request for documents by their ids."""
    query = {"ids": {"values": list(names)}}
    return {"query": query, "size": len(names), "source": {"excludes": _excludes(layout)}}


def foreign_of(layout: IndexLayout) -> dict[str, Any]:
    """The query for documents without a valid enrichment by the model of the layout."""
    model = f"{ENRICHMENT}.{MODEL}"
    if layout.mapping.get(MODEL) is not FieldKind.KEYWORD:
        return {"match_all": {}}
    if layout.model_version is not None:
        return {"bool": {"must_not": {"terms": {model: list(layout.valid_versions)}}}}
    words = [path for path, kind in layout.mapping.items() if kind.scored][:1]
    unwritten = [{"bool": {"must_not": {"exists": {"field": f"{ENRICHMENT}.{path}"}}}} for path in words]
    return {"bool": {"should": [{"exists": {"field": model}}, *unwritten]}}


def without_words_of(layout: IndexLayout) -> dict[str, Any]:
    """The query for documents without words in all enriched fields."""
    fields = [f"{ENRICHMENT}.{path}" for path in layout.family(TOKENS)]
    return {"bool": {"filter": [{"term": {field: EMPTY_MARK}} for field in fields]}}


def termvectors_of(field: str, terms: Sequence[str]) -> dict[str, Any]:
    """The term vectors request for the statistics of terms in a field, with an artificial document."""
    path = f"{ENRICHMENT}.{field}"
    document: Any = " ".join(map(clean, terms))
    for step in reversed(path.split(".")):
        document = {step: document}
    return {
        "doc": document,
        "fields": [path],
        "term_statistics": True,
        "positions": False,
        "offsets": False,
    }


def frequencies_of(index: str, field: str, terms: Sequence[str], answer: Mapping[str, Any]) -> Frequencies:
    """Read the frequencies in a term vectors response. Raises UsageError if there is no such field."""
    wanted = [clean(term) for term in terms]
    found = answer["term_vectors"].get(f"{ENRICHMENT}.{field}")
    if found is None:
        if any(map(str.split, wanted)):
            raise no_scored_field(index, field)
        return Frequencies(0, (0,) * len(wanted))
    counts = tuple(int(found["terms"].get(term, {}).get("doc_freq", 0)) for term in wanted)
    return Frequencies(int(found["field_statistics"]["doc_count"]), counts)


def sample_of(layout: IndexLayout, number: int) -> dict[str, Any]:
    """The search body for some documents that the layout's model has enriched, those with vectors first."""
    of_model = {"term": {f"{ENRICHMENT}.{MODEL}": layout.model_version}}
    vectors = [
        {"exists": {"field": f"{ENRICHMENT}.{path}"}}
        for path, kind in layout.mapping.items()
        if kind is FieldKind.VECTOR
    ]
    return {"query": {"bool": {"filter": of_model, "should": vectors}}, "size": number}


def _excludes(layout: IndexLayout) -> list[str]:
    tops = {path.split(".")[0] for path in layout.mapping} - {KEYWORDS}
    return [f"{ENRICHMENT}.{top}" for top in sorted(tops)]


def _facet_name(place: int) -> str:
    return f"facet_{place}"


def _distinctive_name(place: int) -> str:
    return f"distinctive_{place}"


def _facet(
    columns: Columns, name: str, aggregations: Mapping[str, Any], place: int
) -> tuple[FacetCount, ...]:
    """The values of a facet. Keywords are sorted by how typical of the hits they are."""
    counts = columns.counts(name, aggregations[_facet_name(place)])
    apart = aggregations.get(_distinctive_name(place))
    if apart is None:
        return counts
    everywhere = {str(bucket["key"]): int(bucket["bg_count"]) for bucket in apart["buckets"]}
    every = sorted({*columns.counts(name, apart), *counts}, key=lambda one: -one.count)
    return by_distinction(every, everywhere.get, int(apart["doc_count"]), int(apart["bg_count"]))


def response_of(request: SearchRequest, answer: Mapping[str, Any], columns: Columns) -> SearchResponse:
    """Read a search response."""
    total = int(answer["hits"]["total"]["value"])
    hits = hits_of(answer)
    if request.sort is not None:
        hits = tuple(replace(hit, score=0.0) for hit in hits)
    aggregations = answer.get("aggregations", {})
    return SearchResponse(
        total=total,
        took_ms=float(answer["took"]),
        hits=hits,
        facets={
            name: _facet(columns, name, aggregations, place) for place, name in enumerate(request.facets)
        },
        by_words=total,
    )


def hits_of(answer: Mapping[str, Any]) -> tuple[Hit, ...]:
    """Read the hits of a search response, in its order."""
    return tuple(_hit(hit) for hit in answer["hits"]["hits"])


def _hit(hit: Mapping[str, Any]) -> Hit:
    source = dict(hit.get("_source", {}))
    enrichment = source.pop(ENRICHMENT, None)
    keywords = enrichment.get(KEYWORDS) if isinstance(enrichment, Mapping) else None
    return Hit(str(hit["_id"]), float(hit["_score"]), source, keywords_of(keywords))
