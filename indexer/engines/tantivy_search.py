"""Searching an index of the embedded engine: queries, filters, facets."""

import json
import time
from collections.abc import Sequence

import tantivy
from tantivy import Occur, Query

from enricher.records import FacetCount, Frequencies, Hit, IndexLayout, SearchRequest, SearchResponse
from indexer.engines.fields import KEYWORDS, as_value, clean, keywords_of, number
from indexer.engines.plans import (
    FACET_SIZE,
    MODEL,
    Clause,
    Group,
    enrichment_field,
    no_such_field,
    plan,
    valid_models,
)
from indexer.engines.tantivy_index import (
    ENRICHMENT_JSON,
    ID,
    PATHS,
    VALUES,
    TantivyIndex,
    field_names,
    source_of,
    value_key,
)

_MOST_BUCKETS = 60_000


def search(index: TantivyIndex, layout: IndexLayout, request: SearchRequest) -> SearchResponse:
    """Answer a request from the last commit."""
    started = time.perf_counter()
    return _Search(index, layout, request).answer(started)


def foreign(index: TantivyIndex, layout: IndexLayout) -> int:
    """Count the documents of the last commit that are not valid by the layout's model."""
    searcher, field = index.searcher(), field_names(layout).get(MODEL)
    if field is None:
        return int(searcher.num_docs)
    with index.failures():
        if layout.model is None:
            return _count(searcher, Query.exists_query(field))
        valid = _count(searcher, Query.term_set_query(index.schema, field, list(valid_models(layout))))
        return int(searcher.num_docs) - valid


def frequencies(index: TantivyIndex, layout: IndexLayout, path: str, terms: Sequence[str]) -> Frequencies:
    """In how many documents of the last commit each term stands in a field."""
    searcher, name = index.searcher(), field_names(layout)[path]
    with index.failures():
        counts = tuple(int(searcher.doc_freq(name, clean(term))) for term in terms)
    return Frequencies(int(searcher.num_docs), counts)


def _count(searcher: tantivy.Searcher, query: Query) -> int:
    return int(searcher.search(query, 1).count)  # type: ignore[attr-defined]  # the stub lacks it


class _Search:
    def __init__(self, index: TantivyIndex, layout: IndexLayout, request: SearchRequest) -> None:
        self.index = index
        self.layout = layout
        self.request = request
        self.names = field_names(layout)
        self.searcher = index.searcher()

    def answer(self, started: float) -> SearchResponse:
        groups = plan(self.request, self.layout, self.index.name)
        filters = [self._filter(name, value) for name, value in self.request.filters]
        columns = {name: self._column(name) for name in self.request.facets}
        with self.index.failures():
            query = self._query(groups, filters)
            found = self.searcher.search(query, max(self.request.top, 1))
            hits = [self._hit(score, address) for score, address in found.hits[: self.request.top]]
            facets = {name: self._facet(query, column) for name, column in columns.items()}
            total = int(found.count)  # type: ignore[attr-defined]  # the stub lacks it
        return SearchResponse(total, (time.perf_counter() - started) * 1000, tuple(hits), facets)

    # -------------------------------------------------------------- queries

    def _query(self, groups: Sequence[Group], filters: Sequence[Query]) -> Query:
        if not groups:
            return Query.empty_query()
        scored = _any([self._group(group) for group in groups])
        if not filters:
            return scored
        silent = [Query.const_score_query(query, 0.0) for query in filters]
        return Query.boolean_query([(Occur.Must, query) for query in [scored, *silent]])

    def _group(self, group: Group) -> Query:
        alternatives = [self._clause(clause) for clause in group]
        return alternatives[0] if len(alternatives) == 1 else Query.disjunction_max_query(alternatives)

    def _clause(self, clause: Clause) -> Query:
        query = _any([self._term(self.names[path], clause.term) for path in clause.fields])
        if clause.exact:
            return Query.const_score_query(query, clause.weight)
        return Query.boost_query(query, clause.weight)

    def _term(self, field: str, value: object) -> Query:
        return Query.term_query(self.index.schema, field, value)

    def _filter(self, name: str, value: str) -> Query:
        column, value = self._column(name), clean(value)
        if not column.startswith(VALUES + "."):
            return self._term(column, value)
        wanted: list[object] = [value]
        if value in {"true", "false"}:
            wanted.append(value == "true")
        spelled = number(value)
        if spelled is not None:
            in_range = isinstance(spelled, int) and -(2**63) <= spelled < 2**63
            wanted.append(spelled if in_range else float(spelled))
        return _any([self._term(column, one) for one in wanted])

    def _column(self, name: str) -> str:
        name = clean(name)
        path = enrichment_field(name, self.layout)
        if path is not None:
            return self.names[path]
        with self.index.failures():
            if self.searcher.doc_freq(PATHS, name):
                return f"{VALUES}.{value_key(name)}"
            known = [path for path, _ in self.searcher.terms_with_prefix(PATHS, "", limit=50)]
        raise no_such_field(self.index.name, name, known)

    # -------------------------------------------------------------- answers

    def _facet(self, query: Query, column: str) -> tuple[FacetCount, ...]:
        terms = {"field": column, "size": _MOST_BUCKETS}
        buckets = self.searcher.aggregate(query, {"facet": {"terms": terms}})["facet"]["buckets"]
        ranked = sorted(buckets, key=lambda b: (-b["doc_count"], isinstance(b["key"], str), b["key"]))
        return tuple(
            FacetCount(b.get("key_as_string") or as_value(b["key"]), int(b["doc_count"]))
            for b in ranked[:FACET_SIZE]
        )

    def _hit(self, score: float, address: tantivy.DocAddress) -> Hit:
        stored = self.searcher.doc(address)
        enrichment = json.loads(bytes(stored.get_first(ENRICHMENT_JSON) or b"{}"))
        return Hit(
            id=str(stored.get_first(ID)),
            score=float(score),
            source=source_of(stored),
            keywords=keywords_of(enrichment.get(KEYWORDS)),
        )


def _any(queries: Sequence[Query]) -> Query:
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])
