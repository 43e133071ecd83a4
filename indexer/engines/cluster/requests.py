"""Build the search requests of a cluster, and read the responses."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from enricher.records import (
    EMPTY_MARK,
    ENRICHMENT,
    FINGERPRINT,
    KEYWORDS,
    MODEL,
    SUBWORDS,
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
from indexer.engines.cluster import conditions
from indexer.engines.cluster.columns import Columns
from indexer.engines.cluster.conditions import Trial, conditions_of
from indexer.engines.cluster.sorting import also_near, order_of, refused_order
from indexer.engines.fields import keywords_of

MAX_CLAUSES = 900
"""Clauses of a query; a server takes 1,024 and more."""
_SHARD_SIZE = 1_000
_KEYWORDS_FIELD = f"{ENRICHMENT}.{KEYWORDS}"
_EVERY = "every"


def body_of(
    request: SearchRequest,
    groups: Sequence[Group],
    columns: Columns,
    shown: Mapping[str, Any],
    bm25_factor: float,
    near: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The body of a search by words.

    shown: the parameters of what a hit contains. bm25_factor: that of the engine. near: the query for
    documents that are hits although no word matches.
    """
    query = query_body(groups, conditions_of(request, columns), bm25_factor)
    body: dict[str, Any] = {
        "track_total_hits": True,
        "query": also_near(query, near) if near else query,
        **shown,
        "size": request.top,
    }
    if request.from_:
        body["from"] = request.from_
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


def shown_of(request: SearchRequest, layout: IndexLayout) -> dict[str, Any]:
    """The parameters of a search whose hits are documents, with their keywords and model versions.

    Without `request.source`, hits contain no document.
    """
    if not request.source:
        return {"_source": False}
    tops = {path.split(".")[0] for path in layout.mapping} - {KEYWORDS, MODEL}
    return {"_source": {"excludes": [f"{ENRICHMENT}.{top}" for top in sorted(tops)]}}


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


def foreign_of(layout: IndexLayout) -> dict[str, Any]:
    """The query for documents without a valid and complete enrichment by the model of the layout."""
    model = f"{ENRICHMENT}.{MODEL}"
    if layout.mapping.get(MODEL) is not FieldKind.KEYWORD:
        return {"match_all": {}}
    if layout.model_version is not None:
        return {
            "bool": {"must_not": all_of([{"terms": {model: list(layout.valid_versions)}}, *words_of(layout)])}
        }
    unwritten = [{"bool": {"must_not": words}} for words in words_of(layout)]
    return {"bool": {"should": [{"exists": {"field": model}}, *unwritten]}}


def unenriched_of(layout: IndexLayout) -> dict[str, Any]:
    """The query for documents without enrichment, or with an incomplete one.

    A partial update by an application keeps the fields of `_source` only: words and vectors are lost.
    """
    return {"bool": {"must_not": enriched_of(layout)}}


def enriched_of(layout: IndexLayout) -> dict[str, Any]:
    """The query for completely enriched documents, by any model."""
    stamped: dict[str, Any] = {"exists": {"field": f"{ENRICHMENT}.{FINGERPRINT}"}}
    return all_of([stamped, *words_of(layout)])


def words_of(layout: IndexLayout) -> list[dict[str, Any]]:
    """The query for documents with words, which every completely enriched document matches.

    An empty list if the layout has no words.
    """
    paths = layout.family(TOKENS) or [path for path, kind in layout.mapping.items() if kind.scored]
    return [{"exists": {"field": f"{ENRICHMENT}.{path}"}} for path in paths[:1]]


def all_of(queries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The query for documents that match all queries. Nothing is scored."""
    return {"bool": {"filter": list(queries)}}


def containing_of(layout: IndexLayout, groups: Sequence[Sequence[str]]) -> dict[str, Any] | None:
    """The query for documents whose sub-words include all of at least one group.

    None if the layout has no sub-words, or a group is empty, or the query would have more than MAX_CLAUSES.
    """
    fields = [f"{ENRICHMENT}.{path}" for path in layout.family(SUBWORDS)]
    if not fields or not all(groups) or len(fields) * sum(map(len, groups)) > MAX_CLAUSES:
        return None
    found = [
        all_of([any_of([{"term": {field: clean(part)}} for field in fields]) for part in group])
        for group in groups
    ]
    return any_of(found)


def any_of(queries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The query for documents that match at least one query. Nothing is scored."""
    return {"bool": {"filter": [{"bool": {"should": list(queries), "minimum_should_match": 1}}]}}


def without_words_of(layout: IndexLayout) -> dict[str, Any]:
    """The query for documents without words in all enriched fields."""
    fields = [f"{ENRICHMENT}.{path}" for path in layout.family(TOKENS)]
    return all_of([{"term": {field: EMPTY_MARK}} for field in fields])


def frequencies_body(terms: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The search that counts the documents with each term of each field, and those with the field."""
    counted: dict[str, Any] = {}
    for number, (field, asked) in enumerate(terms.items()):
        path = f"{ENRICHMENT}.{field}"
        filters: dict[str, Any] = {str(n): {"term": {path: clean(term)}} for n, term in enumerate(asked)}
        counted[str(number)] = {"filters": {"filters": {_EVERY: {"exists": {"field": path}}} | filters}}
    return {"size": 0, "track_total_hits": False, "aggs": counted}


def frequencies_of(terms: Mapping[str, Sequence[str]], answer: Mapping[str, Any]) -> dict[str, Frequencies]:
    """Read the answer to `frequencies_body`."""
    found = {}
    for number, (field, asked) in enumerate(terms.items()):
        buckets = answer["aggregations"][str(number)]["buckets"]
        counts = tuple(int(buckets[str(n)]["doc_count"]) for n in range(len(asked)))
        found[field] = Frequencies(int(buckets[_EVERY]["doc_count"]), counts)
    return found


def sample_of(layout: IndexLayout, number: int) -> dict[str, Any]:
    """The search body for some documents that the layout's model has enriched, those with vectors first."""
    of_model = {"term": {f"{ENRICHMENT}.{MODEL}": layout.model_version}}
    vectors = [
        {"exists": {"field": f"{ENRICHMENT}.{path}"}}
        for path, kind in layout.mapping.items()
        if kind is FieldKind.VECTOR
    ]
    return {"query": {"bool": {"filter": of_model, "should": vectors}}, "size": number}


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
    """Read a search response without its hits."""
    total = int(answer["hits"]["total"]["value"])
    aggregations = answer.get("aggregations", {})
    return SearchResponse(
        total=total,
        took_ms=float(answer["took"]),
        hits=(),
        facets={
            name: _facet(columns, name, aggregations, place) for place, name in enumerate(request.facets)
        },
        by_words=total,
    )


def hits_of(hits: Sequence[Mapping[str, Any]], *, is_sorted: bool = False) -> tuple[Hit, ...]:
    """Read the hits of a search response, in their order. is_sorted: whether a field sorts them."""
    return tuple(_hit(hit, 0.0 if is_sorted else float(hit["_score"])) for hit in hits)


def _hit(hit: Mapping[str, Any], score: float) -> Hit:
    source = dict(hit.get("_source", {}))
    enrichment = source.pop(ENRICHMENT, None)
    keywords = enrichment.get(KEYWORDS) if isinstance(enrichment, Mapping) else None
    return Hit(str(hit["_id"]), score, source, keywords_of(keywords))
