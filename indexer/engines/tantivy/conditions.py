"""The queries that every hit must match: filters on fields, phrases, and excluded words."""

from collections.abc import Sequence
from decimal import Decimal
from operator import ge, gt, le, lt

from tantivy import Occur, Query

from enricher.errors import EngineError, UsageError
from enricher.records import Filter, Operator, SearchRequest, clean
from enricher.search.phrases import Phrase, phrases_of
from indexer.engines.field_types import FieldType
from indexer.engines.fields import number
from indexer.engines.filters import filter_value, no_order
from indexer.engines.tantivy.columns import TIME, Column, Columns
from indexer.engines.tantivy.index import value_term

MAX_BUCKETS = 60_000
"""Maximum different values that an aggregation returns."""

_NOT_IN_BOUNDS = frozenset('{}[]()"')
"""Characters that the library does not accept in the bound of a range, like white space."""
_NOT_AT_BEGIN = frozenset("`*-")
_MAX_STRING = "\U0010ffff"
_COMPARE = {
    Operator.LESS: lt,
    Operator.AT_MOST: le,
    Operator.GREATER: gt,
    Operator.AT_LEAST: ge,
}


def any_of(queries: Sequence[Query]) -> Query:
    """The documents that match at least one query. Scores are added."""
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Occur.Should, query) for query in queries])


def all_of(queries: Sequence[Query]) -> Query:
    """The documents that match all queries."""
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def none_of(queries: Sequence[Query]) -> Query:
    """The documents that match no query."""
    return Query.boolean_query(
        [(Occur.Must, Query.all_query()), *((Occur.MustNot, query) for query in queries)]
    )


def conditions_of(request: SearchRequest, columns: Columns) -> list[Query]:
    """The queries that every hit must match. Raises UsageError for a filter that cannot be."""
    if request.native is not None:
        raise UsageError("The embedded engine has no query language for --query; use --filter.")
    query, index = request.query, columns.index.name
    excluded = [_phrase(columns, one) for one in phrases_of(query.excluded, columns.layout, index)]
    return [
        *(field_filter(columns, wanted) for wanted in request.filters),
        *(_phrase(columns, one) for one in phrases_of(query.required, columns.layout, index)),
        *([none_of(excluded)] if excluded else []),
    ]


def _phrase(columns: Columns, phrase: Phrase) -> Query:
    schema, words = columns.index.schema, list(phrase.words)
    names = [columns.names[path] for path in phrase.fields]
    if len(words) == 1:
        return any_of([Query.term_query(schema, name, words[0]) for name in names])
    return any_of([Query.phrase_query(schema, name, [*words]) for name in names])


def field_filter(columns: Columns, wanted: Filter) -> Query:
    """The query for a filter on a field.

    Raises UsageError if the field cannot have this value, or its values have no order; EngineError if an
    index of an earlier version lacks what the filter needs.
    """
    column, value = columns.find(wanted.field), clean(wanted.value)
    if wanted.operator.is_range:
        return _range(columns, column, wanted.operator, value)
    query = _equal(columns, column, value)
    return none_of([query]) if wanted.operator is Operator.NOT_EQUAL else query


def _equal(columns: Columns, column: str | Column, value: str) -> Query:
    schema = columns.index.schema
    if isinstance(column, str):
        return Query.term_query(schema, column, value)
    if column.type is None:
        return _equal_untyped(columns, column, value)
    found = filter_value(columns.index.name, column.name, column.type, value)
    term = float(found) if column.type is FieldType.NUMBER else found
    return Query.term_query(schema, column.key, value_term(term))


def _equal_untyped(columns: Columns, column: Column, value: str) -> Query:
    """The query for a value in an index without types: every possible type, in both encodings."""
    if TIME.fullmatch(value) and columns.has_values(column.old_key):
        raise columns.old_times(column)
    wanted: list[object] = [value]
    if value in {"true", "false"}:
        wanted.append(value == "true")
    spelled = number(value)
    if spelled is not None:
        in_range = isinstance(spelled, int) and -(2**63) <= spelled < 2**63
        wanted.append(spelled if in_range else float(spelled))
    new: list[object] = [value_term(value), *wanted[1:], *([] if spelled is None else [float(spelled)])]
    terms = [(column.old_key, one) for one in wanted] + [(column.key, one) for one in new]
    return any_of([Query.term_query(columns.index.schema, key, one) for key, one in terms])


# ------------------------------------------------------------------ ranges


def _range(columns: Columns, column: str | Column, operator: Operator, value: str) -> Query:
    if isinstance(column, str):
        return _string_range(columns, column, operator, value)
    match column.type:
        case None:
            raise columns.untyped(column)
        case FieldType.BOOLEAN:
            raise no_order(columns.index.name, column.name, operator)
        case FieldType.NUMBER:
            found = filter_value(columns.index.name, column.name, column.type, value)
            return number_range(columns, column, operator, float(found))
        case _:
            return _string_range(columns, column.key, operator, str(value_term(value)))


def number_range(columns: Columns, column: Column, operator: Operator, bound: float) -> Query:
    """The documents with a number in a range of a column."""
    digits = format(Decimal(repr(bound + 0.0)), "f")
    return _parsed(columns, column.key, operator, digits if "." in digits else f"{digits}.0")


def _string_range(columns: Columns, key: str, operator: Operator, bound: str) -> Query:
    """The documents with a term in a range of a column. Terms are ordered by their code points.

    The library does not accept some characters in a bound. Then the range ends at an acceptable bound near
    it, and the terms between the two are enumerated.
    """
    place = next((place for place, one in enumerate(bound) if not _acceptable(place, one)), None)
    if place is None:
        return _parsed(columns, key, operator, bound)
    low = f"{bound[:place]}{_neighbor(place, bound[place], -1)}{_MAX_STRING}"
    high = f"{bound[:place]}{_neighbor(place, bound[place], 1)}"
    above, below = Operator.GREATER, Operator.LESS
    between = all_of([_parsed(columns, key, above, low), _parsed(columns, key, below, high)])
    compare = _COMPARE[operator]
    terms = [term for term in _terms(columns, key, between) if low < term < high and compare(term, bound)]
    outside = (Operator.AT_MOST, low) if operator.is_upper else (Operator.AT_LEAST, high)
    return any_of([_parsed(columns, key, *outside), Query.term_set_query(columns.index.schema, key, terms)])


def _acceptable(place: int, character: str) -> bool:
    if place == 0 and character in _NOT_AT_BEGIN:
        return False
    return not character.isspace() and character not in _NOT_IN_BOUNDS


def _neighbor(place: int, character: str, step: int) -> str:
    """The nearest acceptable character before (step −1) or after (step 1) another."""
    while not _acceptable(place, character):
        character = chr(ord(character) + step)
    return character


def _terms(columns: Columns, key: str, query: Query) -> list[str]:
    """The terms of a column in the documents that match a query. Raises EngineError if there are too many."""
    counting = {"facet": {"terms": {"field": key, "size": MAX_BUCKETS}}}
    with columns.index.failures():
        found = columns.searcher.aggregate(query, counting)["facet"]
    if found["sum_other_doc_count"]:
        raise EngineError(
            f"The index {columns.index.name!r} has more than {MAX_BUCKETS:,} different values near the bound "
            "of the filter. Use a bound without spaces, brackets and quotes."
        )
    return [str(bucket["key"]) for bucket in found["buckets"]]


def _parsed(columns: Columns, key: str, operator: Operator, bound: str) -> Query:
    """The query for a range. The library offers it for columns of `VALUES` only in its query language."""
    opening, closing = "[]" if operator.includes_bound else "{}"
    text = f"[* TO {bound}{closing}" if operator.is_upper else f"{opening}{bound} TO *]"
    return columns.index.parsed(f"{key}:{text}")
