"""Translate a query plan to the query DSL of Elasticsearch. This needs no client library."""

from collections.abc import Mapping, Sequence
from typing import Any

from enricher.records import ENRICHMENT
from enricher.search.phrases import Phrase
from enricher.search.plans import Clause, Group


def query_body(
    groups: Sequence[Group], filters: Sequence[Mapping[str, object]] = (), bm25_factor: float = 1.0
) -> dict[str, Any]:
    """Build the query for documents that match at least one group and all filters.

    The score of a document is the sum over the groups; a group scores as its best clause. bm25_factor: that
    of the engine.
    """
    if not groups:
        return {"match_none": {}}
    scored = [_group(group, bm25_factor) for group in groups]
    return {"bool": {"should": scored, "minimum_should_match": 1, "filter": list(filters)}}


def phrase_body(phrase: Phrase) -> dict[str, Any]:
    """Build the query for documents that contain a phrase."""
    paths = [f"{ENRICHMENT}.{path}" for path in phrase.fields]
    if len(phrase.words) == 1:
        fields: list[dict[str, Any]] = [{"term": {path: {"value": phrase.words[0]}}} for path in paths]
    else:
        fields = [{"match_phrase": {path: " ".join(phrase.words)}} for path in paths]
    return fields[0] if len(fields) == 1 else {"bool": {"should": fields, "minimum_should_match": 1}}


def without(phrase: Phrase) -> dict[str, Any]:
    """Build the query for documents that do not contain a phrase."""
    return {"bool": {"must_not": [phrase_body(phrase)]}}


def _group(group: Group, bm25_factor: float) -> dict[str, Any]:
    alternatives = [_clause(clause, bm25_factor) for clause in group]
    return alternatives[0] if len(alternatives) == 1 else {"dis_max": {"queries": alternatives}}


def _clause(clause: Clause, bm25_factor: float) -> dict[str, Any]:
    paths = [f"{ENRICHMENT}.{path}" for path in clause.fields]
    if clause.exact:
        term = {"term": {paths[0]: {"value": clause.term}}}
        return {"constant_score": {"filter": term, "boost": clause.weight}}
    boost = clause.weight * bm25_factor
    terms = [{"term": {path: {"value": clause.term, "boost": boost}}} for path in paths]
    return terms[0] if len(terms) == 1 else {"bool": {"should": terms}}
