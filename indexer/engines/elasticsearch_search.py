"""Searching an index of Elasticsearch: the request that is sent, and what its answer means."""

from collections.abc import Mapping, Sequence
from typing import Any

from enricher.records import FacetCount, FieldKind, Hit, IndexLayout, SearchRequest, SearchResponse
from indexer.engines.elasticsearch_mapping import Columns
from indexer.engines.fields import ENRICHMENT, KEYWORDS, as_value, keywords_of
from indexer.engines.plans import FACET_SIZE, MODEL, Clause, Group, valid_models

_SHARD_SIZE = 1_000


def body_of(
    request: SearchRequest, groups: Sequence[Group], layout: IndexLayout, columns: Columns
) -> dict[str, Any]:
    """The body of the search request."""
    body: dict[str, Any] = {
        "size": request.top,
        "track_total_hits": True,
        "query": _query(groups, [columns.filter(name, value) for name, value in request.filters]),
        "source": {"excludes": _excludes(layout)},
    }
    if request.facets:
        body["aggs"] = {
            _facet_name(place): {
                "terms": {
                    "field": columns.find(name).name,
                    "size": FACET_SIZE,
                    "shard_size": _SHARD_SIZE,
                }
            }
            for place, name in enumerate(request.facets)
        }
    return body


def _query(groups: Sequence[Group], filters: Sequence[Mapping[str, object]]) -> dict[str, Any]:
    if not groups:
        return {"match_none": {}}
    scored = [_group(group) for group in groups]
    return {"bool": {"should": scored, "minimum_should_match": 1, "filter": list(filters)}}


def _group(group: Group) -> dict[str, Any]:
    alternatives = [_clause(clause) for clause in group]
    return alternatives[0] if len(alternatives) == 1 else {"dis_max": {"queries": alternatives}}


def _clause(clause: Clause) -> dict[str, Any]:
    paths = [f"{ENRICHMENT}.{path}" for path in clause.fields]
    if clause.exact:
        term = {"term": {paths[0]: {"value": clause.term}}}
        return {"constant_score": {"filter": term, "boost": clause.weight}}
    terms = [{"term": {path: {"value": clause.term, "boost": clause.weight}}} for path in paths]
    return terms[0] if len(terms) == 1 else {"bool": {"should": terms}}


def foreign_of(layout: IndexLayout) -> dict[str, Any]:
    """The query for the documents that are not valid by the layout's model."""
    model = f"{ENRICHMENT}.{MODEL}"
    if layout.mapping.get(MODEL) is not FieldKind.KEYWORD:
        return {"match_all": {}}
    if layout.model is not None:
        return {"bool": {"must_not": {"terms": {model: list(valid_models(layout))}}}}
    words = [path for path, kind in layout.mapping.items() if kind.scored][:1]
    unwritten = [{"bool": {"must_not": {"exists": {"field": f"{ENRICHMENT}.{path}"}}}} for path in words]
    return {"bool": {"should": [{"exists": {"field": model}}, *unwritten]}}


def _excludes(layout: IndexLayout) -> list[str]:
    tops = {path.split(".")[0] for path in layout.mapping} - {KEYWORDS}
    return [f"{ENRICHMENT}.{top}" for top in sorted(tops)]


def _facet_name(place: int) -> str:
    return f"facet_{place}"


def response_of(request: SearchRequest, answer: Mapping[str, Any]) -> SearchResponse:
    """The answer of the server as a record."""
    found = answer["hits"]
    aggregations = answer.get("aggregations", {})
    return SearchResponse(
        total=int(found["total"]["value"]),
        took_ms=float(answer["took"]),
        hits=tuple(_hit(hit) for hit in found["hits"]),
        facets={name: _counts(aggregations[_facet_name(place)]) for place, name in enumerate(request.facets)},
    )


def _hit(hit: Mapping[str, Any]) -> Hit:
    source = dict(hit.get("_source", {}))
    enrichment = source.pop(ENRICHMENT, None)
    keywords = enrichment.get(KEYWORDS) if isinstance(enrichment, Mapping) else None
    return Hit(str(hit["_id"]), float(hit["_score"]), source, keywords_of(keywords))


def _counts(facet: Mapping[str, Any]) -> tuple[FacetCount, ...]:
    return tuple(
        FacetCount(str(bucket.get("key_as_string") or as_value(bucket["key"])), int(bucket["doc_count"]))
        for bucket in facet["buckets"]
    )
