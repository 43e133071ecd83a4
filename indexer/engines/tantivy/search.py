"""Search an index of the embedded engine: queries, filters and facets."""

import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import orjson
import tantivy
from numpy.typing import NDArray
from tantivy import Query

from enricher.model.text_vectors.vectors import Codes, to_numbers
from enricher.records import (
    EMPTY_MARK,
    KEYWORDS,
    MODEL,
    SUBWORDS,
    TOKENS,
    VECTOR,
    Document,
    EnrichedDocument,
    FacetCount,
    Frequencies,
    Hit,
    IndexLayout,
    SearchRequest,
    SearchResponse,
    clean,
)
from enricher.search.facets import FACET_SIZE, by_distinction
from enricher.search.fusion import (
    MAX_SCORED_DOCUMENTS,
    least_product,
)
from enricher.search.hybrid import rank_by_words_and_vector
from enricher.search.plans import Clause, Group, plan
from enricher.search.profile import step
from indexer.engines.fields import Scalar, as_value, keywords_of
from indexer.engines.filters import dimensions_conflict, no_scored_field
from indexer.engines.tantivy.columns import TIME, Column, Columns
from indexer.engines.tantivy.conditions import MAX_BUCKETS, all_of, any_of, conditions_of
from indexer.engines.tantivy.index import (
    ENRICHMENT_JSON,
    ID,
    KEY,
    TantivyIndex,
    field_names,
    source_of,
    value_of,
)
from indexer.engines.tantivy.sorting import sorted_documents
from indexer.engines.tantivy.vector_log import key_of
from indexer.engines.tantivy.vectors import Vectors

MAX_COMPARED_DOCUMENTS = 10_000
"""If at most this many documents match the filters, the query is compared with all their vectors."""
MAX_LOOKED_UP_DOCUMENTS = 2000
"""If more documents match the filters: maximum nearest documents that are tested with the filters."""

Address = tantivy.DocAddress
Scored = tuple[float, Address]


def search(index: TantivyIndex, layout: IndexLayout, request: SearchRequest) -> SearchResponse:
    """Search the last commit."""
    asked = _Search(index, layout, request)
    if request.query.vector is not None:
        asked.snapshot.vectors.current().load()
    return asked.answer(time.perf_counter())


def count_enriched_with(index: TantivyIndex, layout: IndexLayout, models: Sequence[str]) -> int:
    """Count the committed documents that one of the models has enriched."""
    field = field_names(layout).get(MODEL)
    if field is None:
        return 0
    with index.failures():
        return _count(index.searcher(), Query.term_set_query(index.schema, field, list(models)))


def count_unenriched(index: TantivyIndex, layout: IndexLayout) -> int:
    """Count the committed documents without a valid enrichment by the model of the layout."""
    snapshot, field = index.snapshot(), field_names(layout).get(MODEL)
    searcher = snapshot.searcher
    if field is None:
        return int(searcher.num_docs)
    with index.failures():
        if layout.model_version is None:
            return _count(searcher, Query.exists_query(field))
        valid = count_enriched_with(index, layout, layout.valid_versions)
        if layout.has_vectors:  # the vector file may be lost or truncated
            valid = min(valid, snapshot.vectors.current().documents)
        return int(searcher.num_docs) - valid


def count_without_words(index: TantivyIndex, layout: IndexLayout) -> int:
    """Count the committed documents without words in all enriched fields."""
    names = field_names(layout)
    with index.failures():
        empty = [Query.term_query(index.schema, names[path], EMPTY_MARK) for path in layout.family(TOKENS)]
        return _count(index.searcher(), all_of(empty))


def frequencies(index: TantivyIndex, layout: IndexLayout, field: str, terms: Sequence[str]) -> Frequencies:
    """The number of committed documents that contain each term in a scored field of the layout."""
    if field not in layout.mapping or not layout.mapping[field].scored:
        raise no_scored_field(index.name, field)
    searcher, name = index.searcher(), field_names(layout)[field]
    with index.failures():
        counts = tuple(int(searcher.doc_freq(name, clean(term))) for term in terms)
    return Frequencies(int(searcher.num_docs), counts)


def read_containing(
    index: TantivyIndex, layout: IndexLayout, groups: Sequence[Sequence[str]]
) -> Iterator[Document]:
    """Yield the committed documents whose sub-words include all of at least one group, or all documents."""
    names = [field_names(layout)[path] for path in layout.family(SUBWORDS)]
    if not names or not all(groups):
        return index.documents()
    with index.failures():
        query = any_of(
            [
                all_of(
                    [
                        any_of([Query.term_query(index.schema, name, clean(part)) for name in names])
                        for part in group
                    ]
                )
                for group in groups
            ]
        )
    return index.documents(query)


def sample(index: TantivyIndex, layout: IndexLayout, number: int) -> list[EnrichedDocument]:
    """Some committed documents that the model of the layout has enriched, with their stored enrichment."""
    field = field_names(layout).get(MODEL)
    if field is None or layout.model_version is None:
        return []
    snapshot = index.snapshot()
    searcher, vectors = snapshot.searcher, snapshot.vectors.current()
    sampled = []
    with index.failures():
        query = Query.term_query(index.schema, field, layout.model_version)
        for _, address in searcher.search(query, number, count=False).hits:
            stored = searcher.doc(address)
            enrichment = orjson.loads(bytes(stored.get_first(ENRICHMENT_JSON) or b"{}"))
            id_ = str(stored.get_first(ID))
            for codes in vectors.codes([key_of(id_)]) if layout.has_vectors else []:
                enrichment[VECTOR] = to_numbers(codes)
            sampled.append(EnrichedDocument(id_, source_of(stored), enrichment))
    return sampled


def product(index: TantivyIndex, id_: str, codes: bytes) -> int | None:
    """The inner product of a vector with that of a document; None if the document has no vector.

    Raises IndexConflict if the vectors of the index have other dimensions.
    """
    vectors = index.snapshot().vectors.current()
    check_length(index.name, vectors, len(codes))
    keys = [key_of(id_)]
    if not vectors.codes(keys):
        return None
    return round(float(vectors.products(np.frombuffer(codes, np.int8), keys)[0]))


def check_length(index: str, vectors: Vectors, length: int) -> None:
    """Raise IndexConflict if the vectors of an index, if there are any, have other dimensions."""
    if vectors.dimensions not in (0, length):
        raise dimensions_conflict(index, vectors.dimensions, length)


def _count(searcher: tantivy.Searcher, query: Query) -> int:
    return int(searcher.search(query, 1).count)  # type: ignore[attr-defined]  # the stub lacks it


class _Search:
    def __init__(self, index: TantivyIndex, layout: IndexLayout, request: SearchRequest) -> None:
        self.index = index
        self.layout = layout
        self.request = request
        self.names = field_names(layout)
        self.snapshot = index.snapshot()
        self.searcher = self.snapshot.searcher
        self.columns = Columns(index, layout, self.searcher)

    def answer(self, started: float) -> SearchResponse:
        groups = plan(self.request, self.layout, self.index.name)
        filters = conditions_of(self.request, self.columns)
        columns = {name: self.columns.find(name) for name in self.request.facets}
        with self.index.failures():
            query = self._query(groups, filters)
            by_words, total, ranking = self._ranking(query, filters)
            shown = ranking[self.request.from_ : self.request.from_ + self.request.top]
            with step("documents"):
                hits = [self._hit(score, address) for score, address in shown]
            with step("facets"):
                facets = {name: self._facet(query, column, by_words) for name, column in columns.items()}
        return SearchResponse(total, (time.perf_counter() - started) * 1000, tuple(hits), facets, by_words)

    def _ranking(self, query: Query, filters: Sequence[Query]) -> tuple[int, int, Sequence[Scored]]:
        """The number of documents found by words, the total number, and the best documents."""
        vector = self.request.query.vector if self.layout.has_vectors else None
        depth = self.request.from_ + self.request.top
        top = max(depth, 1 if vector is None else MAX_SCORED_DOCUMENTS)
        with step("search by words"):
            found = self.searcher.search(query, top)
        total = int(found.count)  # type: ignore[attr-defined]  # the stub lacks it
        if vector is None:
            return total, total, found.hits if self.request.sort is None else self._sorted(query)
        vectors = self.snapshot.vectors.current()
        check_length(self.index.name, vectors, len(vector.codes))
        with step("search by vector"):
            calls = _FolderVectors(self, vectors, found.hits, filters)
            depth = depth if self.request.sort is None else top
            compared, ranked = rank_by_words_and_vector(calls.scores, vector, depth, calls)
        if self.request.sort is not None:
            near = [key for key, _ in ranked if key not in calls.scores]
            return total, max(total, compared), self._sorted(query, near)
        return total, max(total, compared), [(score, calls.addresses[key]) for key, score in ranked]

    def _sorted(self, query: Query, near: Sequence[int] = ()) -> list[Scored]:
        """The best documents in the order of the request. near: keys of hits in which no word matches."""
        assert self.request.sort is not None
        if near:
            keys = any_of([self.term(KEY, key) for key in near])
            query = any_of([query, Query.const_score_query(keys, 0.0)])
        depth = self.request.from_ + self.request.top
        found = sorted_documents(self.columns, query, self.request.sort, depth)
        return [(0.0, address) for address in found]

    # -------------------------------------------------------------- queries

    def _query(self, groups: Sequence[Group], filters: Sequence[Query]) -> Query:
        if not groups:
            return Query.empty_query()
        scored = any_of([self._group(group) for group in groups])
        if not filters:
            return scored
        return all_of([scored, *(Query.const_score_query(query, 0.0) for query in filters)])

    def _group(self, group: Group) -> Query:
        alternatives = [self._clause(clause) for clause in group]
        return alternatives[0] if len(alternatives) == 1 else Query.disjunction_max_query(alternatives)

    def _clause(self, clause: Clause) -> Query:
        query = any_of([self.term(self.names[path], clause.term) for path in clause.fields])
        if clause.exact:
            return Query.const_score_query(query, clause.weight)
        return Query.boost_query(query, clause.weight)

    def term(self, field: str, value: object) -> Query:
        return Query.term_query(self.index.schema, field, value)

    # -------------------------------------------------------------- answers

    def _facet(self, query: Query, column: str | Column, found: int) -> tuple[FacetCount, ...]:
        counts = sorted(
            self._counts(query, column).items(), key=lambda one: (-one[1], isinstance(one[0], str), one[0])
        )
        shown = (FacetCount(as_value(value), count) for value, count in counts)
        if not isinstance(column, str) or column != self.names.get(KEYWORDS):
            return tuple(islice(shown, FACET_SIZE))
        everywhere = partial(self.searcher.doc_freq, column)
        return by_distinction(shown, everywhere, found, int(self.searcher.num_docs))

    def _counts(self, query: Query, column: str | Column) -> dict[Scalar, int]:
        """Count the matching documents of each value of a column."""
        if isinstance(column, str):
            return dict(self._buckets(query, column))
        counts = {value_of(term): count for term, count in self._buckets(query, column.key)}
        if column.type is None:
            for value, count in self._buckets(query, column.old_key):
                if isinstance(value, str) and TIME.fullmatch(value):
                    raise self.columns.old_times(column)
                counts[value] = counts.get(value, 0) + count
        return counts

    def _buckets(self, query: Query, key: str) -> Iterator[tuple[Scalar, int]]:
        terms = {"field": key, "size": MAX_BUCKETS}
        for bucket in self.searcher.aggregate(query, {"facet": {"terms": terms}})["facet"]["buckets"]:
            told = bucket.get("key_as_string")
            value = bucket["key"] if told is None else told == "true"
            yield value, int(bucket["doc_count"])

    def _hit(self, score: float, address: tantivy.DocAddress) -> Hit:
        if not self.request.source:
            return Hit(self.snapshot.id_of(address), float(score))
        stored = self.searcher.doc(address)
        enrichment = orjson.loads(bytes(stored.get_first(ENRICHMENT_JSON) or b"{}"))
        return Hit(
            id=str(stored.get_first(ID)),
            score=float(score),
            source=source_of(stored),
            keywords=keywords_of(enrichment.get(KEYWORDS)),
        )


class _FolderVectors:
    """Vector operations of `enricher.search.hybrid` for one search. Documents are identified by their keys.

    scores: scores of the documents found by words. addresses: addresses of the documents found so far.
    """

    def __init__(
        self, search: _Search, vectors: Vectors, hits: Sequence[Scored], filters: Sequence[Query]
    ) -> None:
        self._search, self._vectors, self._filters = search, vectors, filters
        keys = self._keys(hits)
        self.scores = {key: score for key, (score, _) in zip(keys, hits, strict=True)}
        self.addresses = {key: address for key, (_, address) in zip(keys, hits, strict=True)}

    def vectors(self, documents: Sequence[int]) -> Sequence[Codes]:
        return self._vectors.codes(documents)

    def nearest(self, asked: Codes, number: int) -> list[int]:
        if not self._filters:
            return self._vectors.nearest(asked, number)
        searcher = self._search.searcher
        allowed = searcher.search(all_of(self._filters), MAX_COMPARED_DOCUMENTS)
        passing = int(allowed.count)  # type: ignore[attr-defined]  # the stub lacks it
        if passing > MAX_COMPARED_DOCUMENTS:
            depth = min(MAX_LOOKED_UP_DOCUMENTS, number * -(-int(searcher.num_docs) // passing))
            keys = self._vectors.nearest(asked, depth)
            passed = self._looked_up(keys, self._filters)
            return [key for key in keys if key in passed]
        keys = self._keys(allowed.hits)
        products = self._vectors.products(asked, keys)
        best = np.argsort(-products, kind="stable")[:number].tolist()
        return [keys[place] for place in best if products[place] > least_product(len(asked))]

    def products(self, asked: Codes, documents: Sequence[int]) -> NDArray[Any]:
        return self._vectors.products(asked, documents)

    def missing(self, documents: Sequence[int]) -> list[int]:
        unknown = [key for key in documents if key not in self.addresses]
        self.addresses |= self._looked_up(unknown)
        return [key for key in unknown if key not in self.addresses]

    def _keys(self, hits: Sequence[Scored]) -> list[int]:
        keys: list[Any] = self._search.searcher.fast_field_values(KEY, [address for _, address in hits])
        return keys

    def _looked_up(self, keys: Sequence[int], filters: Sequence[Query] = ()) -> dict[int, Address]:
        """Find the documents of keys that match all filters: key → address. Takes about 10 µs a key.

        With a constant score, the library does not prepare BM25 for each key, which would double the time.
        """
        if not keys:
            return {}
        held = Query.const_score_query(any_of([self._search.term(KEY, key) for key in keys]), 0.0)
        hits = self._search.searcher.search(all_of([held, *filters]), len(keys), count=False).hits
        return dict(zip(self._keys(hits), (address for _, address in hits), strict=True))
