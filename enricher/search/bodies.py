"""What a plan is in Elasticsearch's query language. No client is needed, so that any door may send it."""

from collections.abc import Mapping, Sequence
from typing import Any

from enricher.records import ENRICHMENT
from enricher.search.plans import Clause, Group


def query_body(groups: Sequence[Group], filters: Sequence[Mapping[str, object]] = ()) -> dict[str, Any]:
    """The query for the documents of at least one group that match all filters.

    Each group counts with the best of its clauses, and the scores of the groups are added.
    """
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
