"""Sort the hits of a search by a field.

The library sorts by no column of `VALUES`. So the first values of the column are taken from an aggregation,
and the documents with these values are searched.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import tantivy
from tantivy import Query

from enricher.errors import EngineError
from enricher.records import Operator, Sort
from indexer.engines.field_types import FieldType
from indexer.engines.fields import Scalar
from indexer.engines.tantivy.columns import Column, Columns
from indexer.engines.tantivy.conditions import MAX_BUCKETS, all_of, none_of, number_range

Address = tantivy.DocAddress


def sorted_documents(columns: Columns, query: Query, sort: Sort, number: int) -> list[Address]:
    """The first documents that match a query, sorted by a field, then by their scores.

    Of several values of a document, the smallest counts, or the largest in a falling order. Documents without
    a value come last. Raises UsageError if there is no such field; EngineError if an index of an earlier
    version records no type of it.
    """
    column = columns.find(sort.field)
    if isinstance(column, Column) and column.type is None:
        raise columns.untyped(column)
    sorter = _Sorter(columns, column, sort.descending)
    with columns.index.failures():
        return sorter.first(query, number)


class _Sorter:
    def __init__(self, columns: Columns, column: str | Column, descending: bool) -> None:
        self._searcher, self._schema = columns.searcher, columns.index.schema
        self._columns, self._column, self._descending = columns, column, descending
        self._key = column if isinstance(column, str) else column.key

    def first(self, query: Query, number: int) -> list[Address]:
        found: list[Address] = []
        seen: list[Query] = []
        while len(found) < number:
            free = number - len(found)
            left = [none_of(seen)] if seen else []
            values = self._first_values(all_of([query, *left]), free)
            if not values:
                missing = none_of([Query.exists_query(self._key)])
                return found + self._best(query, [missing], free)
            totals = accumulate(count for _, count in values)
            whole = [value for (value, _), total in zip(values, totals, strict=True) if total <= free]
            if not whole:  # the documents of the first value alone are more than needed
                return found + self._best(query, [self._having([values[0][0]]), *left], free)
            found += self._by_value(query, left, whole, free)
            seen.append(self._having(whole))
        return found

    def _by_value(
        self, query: Query, left: Sequence[Query], values: Sequence[Scalar], number: int
    ) -> list[Address]:
        """All documents with one of the values, by their first value and then by their scores."""
        best = self._best(query, [self._having(values), *left], number)
        ranks = Query.disjunction_max_query(
            [
                Query.const_score_query(self._having([value]), float(len(values) - rank))
                for rank, value in enumerate(values)
            ]
        )
        scored = all_of([ranks, *(Query.const_score_query(one, 0.0) for one in [query, *left])])
        hits = self._searcher.search(scored, number, count=False).hits
        rank_of = {(address.segment_ord, address.doc): rank for rank, address in hits}
        return sorted(best, key=lambda address: -rank_of[address.segment_ord, address.doc])

    def _best(self, query: Query, conditions: Sequence[Query], number: int) -> list[Address]:
        """The best documents that match a query and all conditions, which do not score."""
        whole = all_of([query, *(Query.const_score_query(one, 0.0) for one in conditions)])
        return [address for _, address in self._searcher.search(whole, number, count=False).hits]

    def _having(self, values: Sequence[Scalar]) -> Query:
        """The documents with one of the values."""
        if len(values) == 1:
            return Query.term_query(self._schema, self._key, values[0])
        return Query.term_set_query(self._schema, self._key, list(values))

    # -------------------------------------------------------------- values in order

    def _first_values(self, query: Query, number: int) -> list[tuple[Scalar, int]]:
        """At least the first `number` values of the matching documents, in order, with their counts."""
        kind = FieldType.STRING if isinstance(self._column, str) else self._column.type
        if kind is FieldType.STRING:
            order = {"_key": "desc" if self._descending else "asc"}
            found = self._aggregate(query, {"terms": {"field": self._key, "size": number, "order": order}})
            return [(str(bucket["key"]), int(bucket["doc_count"])) for bucket in found["buckets"]]
        if kind is FieldType.BOOLEAN:
            found = self._aggregate(query, {"terms": {"field": self._key}})
            counts = [(bool(bucket["key"]), int(bucket["doc_count"])) for bucket in found["buckets"]]
            return sorted(counts, reverse=self._descending)
        assert isinstance(self._column, Column)
        return self._first_numbers(query, self._column, number)

    def _first_numbers(self, query: Query, column: Column, number: int) -> list[tuple[Scalar, int]]:
        """Only numbers up to a limit are counted: the library orders those of an aggregation wrongly."""
        limit = self._limit(query, number)
        if limit is not None:
            operator = Operator.AT_LEAST if self._descending else Operator.AT_MOST
            query = all_of([query, number_range(self._columns, column, operator, limit)])
        found = self._aggregate(query, {"terms": {"field": self._key, "size": MAX_BUCKETS}})
        if found["sum_other_doc_count"]:
            raise EngineError(
                f"The documents have more than {MAX_BUCKETS:,} different values in the field "
                f"{column.name!r}, which are too many to sort by. Add a filter."
            )
        counts = [(float(bucket["key"]), int(bucket["doc_count"])) for bucket in found["buckets"]]
        kept = [one for one in counts if limit is None or self._is_within(one[0], limit)]
        return sorted(kept, reverse=self._descending)

    def _limit(self, query: Query, number: int) -> float | None:
        """A value such that at least `number` documents have one up to it; None if all values are needed."""
        top = {"top_hits": {"sort": [{self._key: "desc" if self._descending else "asc"}], "size": number}}
        top["top_hits"]["docvalue_fields"] = [self._key]
        having = all_of([query, Query.exists_query(self._key)])
        hits = self._aggregate(having, top)["hits"]
        first, last = (max, min) if self._descending else (min, max)
        values = [first(held) for hit in hits if (held := hit["docvalue_fields"][self._key])]
        return float(last(values)) if len(values) == number else None

    def _is_within(self, value: float, limit: float) -> bool:
        return value >= limit if self._descending else value <= limit

    def _aggregate(self, query: Query, body: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._searcher.aggregate(query, {"values": body})["values"]
        return answer
