"""The queries that every hit must match: filters on fields, phrases, excluded words, and a native filter."""

import ipaddress
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from enricher.errors import UsageError
from enricher.records import Filter, Operator, SearchRequest, clean
from enricher.search.bodies import phrase_body, without
from enricher.search.phrases import Phrase, phrases_of
from indexer.engines.cluster.columns import (
    DATES,
    FLAT,
    FRACTIONS,
    NUMBERS,
    RANGES_OF_NUMBERS,
    WHOLE,
    Column,
    Columns,
)
from indexer.engines.field_types import FieldType
from indexer.engines.filters import filter_value, no_order

Body = dict[str, Any]
Trial = tuple[Body, Callable[[str], UsageError]]
"""A query, and the error for the reason with which the server refuses it."""

_BOUNDS = {Operator.LESS: "lt", Operator.AT_MOST: "lte", Operator.GREATER: "gt", Operator.AT_LEAST: "gte"}
_MAX_FRACTIONS = {
    "half_float": float(np.finfo(np.float16).max),
    "float": float(np.finfo(np.float32).max),
}
"""The largest value of a type. OpenSearch refuses larger ones in queries."""
_MAX_STRING = "\U0010ffff"
"""Greater than every string that does not begin with this character, which is assigned to nothing."""
_MILLISECOND = re.compile(r"(.*T\d\d:\d\d:\d\d\.\d{3})(Z|[+-]\d\d:?\d\d)?")
"""A time in the form of facets, with milliseconds. Facets of `date_nanos` fields also show milliseconds."""


def conditions_of(request: SearchRequest, columns: Columns) -> list[Body]:
    """The queries that every hit must match. Raises UsageError for a filter that cannot be."""
    return [body for body, _ in trials_of(request, columns)]


def trials_of(request: SearchRequest, columns: Columns) -> Iterator[Trial]:
    """Yield the conditions of a request one by one, each with its error."""
    for wanted in request.filters:
        yield field_filter(columns, wanted), partial(refused_filter, columns, wanted)
    query = request.query
    for phrase in phrases_of(query.required, columns.layout, columns.index):
        yield phrase_body(phrase), partial(_refused_phrase, columns.index, phrase)
    for phrase in phrases_of(query.excluded, columns.layout, columns.index):
        yield without(phrase), partial(_refused_phrase, columns.index, phrase)
    if request.native is not None:
        yield dict(request.native), _refused_native


def clause_count(request: SearchRequest, columns: Columns) -> int:
    """The number of clauses that the conditions of a request need."""
    phrases = (*request.query.required, *request.query.excluded)
    fields = (phrase.fields for phrase in phrases_of(phrases, columns.layout, columns.index))
    return len(request.filters) + sum(map(len, fields)) + (request.native is not None)


def _refused_phrase(index: str, phrase: Phrase, reason: str) -> UsageError:
    words = " ".join(phrase.words)
    return UsageError(f"The index {index!r} does not accept the phrase {words!r}: {reason}.")


def _refused_native(reason: str) -> UsageError:
    return UsageError(f"The server does not accept the native query: {reason}.")


def field_filter(columns: Columns, wanted: Filter) -> Body:
    """The query for a filter on a field.

    A field of ranges matches if one of its ranges contains the value, or overlaps the range of the filter.
    Raises UsageError if the field cannot have this value, or its values have no order.
    """
    column = columns.find(wanted.field)
    if not column.is_searchable:
        raise columns.unfit(column.shown, "is not indexed (index: false)")
    compare = _range if wanted.operator.is_range else _equal
    query = compare(columns.index, column, wanted.operator, clean(wanted.value))
    if column.nested is not None:
        query = {"nested": {"path": column.nested, "query": query}}
    return {"bool": {"must_not": [query]}} if wanted.operator is Operator.NOT_EQUAL else query


def _equal(index: str, column: Column, _: Operator, value: str) -> Body:
    wanted = _value(index, column, value)
    if column.type in FRACTIONS and wanted == 0:
        return {"terms": {column.name: [0.0, -0.0]}}  # the server treats them as two values
    if _is_beyond(column, wanted):
        return {"match_none": {}}
    if column.type in WHOLE:
        low, high = _limits(column.type)
        if not (isinstance(wanted, int) and low <= wanted <= high):
            return {"match_none": {}}
    if column.type == "date_nanos" and (time := _MILLISECOND.fullmatch(value)):
        return {"range": {column.name: {"gte": value, "lte": _end_of(time)}}}
    return {"term": {column.name: {"value": wanted}}}


def _range(index: str, column: Column, operator: Operator, value: str) -> Body:
    if column.type == "boolean":
        raise no_order(index, column.shown, operator)
    wanted = _value(index, column, value)
    if _is_beyond(column, wanted):
        every = operator.is_upper == (float(wanted) > 0)
        return {"exists": {"field": column.name}} if every else {"match_none": {}}
    if column.type == "half_float":
        wanted = float(np.float16(wanted))  # as the server rounded the values, but not the bound
    bounds = {_BOUNDS[operator]: wanted}
    if column.type in FRACTIONS and wanted == 0:
        below = operator in (Operator.LESS, Operator.AT_LEAST)
        bounds = {_BOUNDS[operator]: -0.0 if below else 0.0}  # the server orders -0.0 before 0.0
    elif column.type in WHOLE and isinstance(wanted, int | float):
        low, high = _limits(column.type)
        if not low <= wanted <= high:  # the server refuses such a bound
            every = operator.is_upper == (wanted > high)
            return {"exists": {"field": column.name}} if every else {"match_none": {}}
    elif column.type == "date_nanos" and (time := _MILLISECOND.fullmatch(value)):
        after = operator in (Operator.AT_MOST, Operator.GREATER)
        bounds = {_BOUNDS[operator]: _end_of(time) if after else value}
    elif column.type in FLAT:  # the server takes a range of a key only with both bounds
        bounds |= {"gte": ""} if operator.is_upper else {"lt": _MAX_STRING}
    return {"range": {column.name: bounds}}


def _value(index: str, column: Column, value: str) -> str | int | float | bool:
    """Convert the value of a filter to what the type of a field needs. Raises UsageError."""
    if column.type in NUMBERS | RANGES_OF_NUMBERS:
        return filter_value(index, column.shown, FieldType.NUMBER, value)
    if column.type == "boolean":
        return filter_value(index, column.shown, FieldType.BOOLEAN, value)
    if column.type in {"ip", "ip_range"}:
        _check_address(index, column, value)
    return value


def _check_address(index: str, column: Column, value: str) -> None:
    try:
        ipaddress.ip_network(value, strict=False) if column.type == "ip" else ipaddress.ip_address(value)
    except ValueError:
        raise UsageError(
            f"The field {column.shown!r} of the index {index!r} holds IP addresses, but {value!r} "
            "is not an IP address."
        ) from None


def _is_beyond(column: Column, wanted: str | float | bool) -> bool:
    """Whether a number is larger than every value of the type of a field, or less."""
    return abs(float(wanted)) > _MAX_FRACTIONS[column.type] if column.type in _MAX_FRACTIONS else False


def _limits(kind: str) -> tuple[int, int]:
    """The smallest and the largest value of a type of whole numbers."""
    return (0, 2**64 - 1) if kind == "unsigned_long" else (-(2**63), 2**63 - 1)


def _end_of(time: re.Match[str]) -> str:
    """The last nanosecond of a time with milliseconds."""
    return f"{time[1]}999999{time[2] or ''}"


def refused_filter(columns: Columns, wanted: Filter, reason: str) -> UsageError:
    """The error for a filter that the server refuses, with its reason."""
    column = columns.find(wanted.field)
    the_field = f"The field {column.shown!r} of the index {columns.index!r}"
    if column.type in DATES:
        return UsageError(
            f"{the_field} holds dates of the format {column.format}, but {wanted.value!r} is not such a date."
        )
    return UsageError(
        f"{the_field} has the type {column.type} and does not accept the filter {str(wanted)!r}: {reason}."
    )
