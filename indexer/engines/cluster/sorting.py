"""Sort the hits of a search by a field."""

from collections.abc import Mapping
from typing import Any

from enricher.errors import UsageError
from enricher.records import Sort
from indexer.engines.cluster.columns import RANGES, Columns
from indexer.engines.filters import no_order_of_hits


def order_of(sort: Sort, columns: Columns) -> list[Any]:
    """The `sort` of a search: a field, then the score.

    The server takes the smallest of several values in a rising order, and the largest in a falling one.
    Raises UsageError if the values of the field have no order.
    """
    column = columns.find(sort.field)
    if column.type in RANGES:
        raise no_order_of_hits(columns.index, column.shown, f"it holds ranges (type {column.type})")
    if column.type == "flat_object":
        raise no_order_of_hits(
            columns.index, column.shown, "it is a key of an object of the type flat_object"
        )
    if not column.is_countable:
        raise no_order_of_hits(columns.index, column.shown, "it has no doc values (doc_values: false)")
    order: dict[str, Any] = {"order": "desc" if sort.descending else "asc", "missing": "_last"}
    if column.nested is not None:
        order["nested"] = {"path": column.nested}
    return [{column.name: order}, "_score"]


def refused_order(columns: Columns, sort: Sort, reason: str) -> UsageError:
    """The error for a sort order that the server refuses, with its reason."""
    return no_order_of_hits(columns.index, columns.find(sort.field).shown, reason)


def also_near(query: Mapping[str, Any], near: Mapping[str, Any]) -> dict[str, Any]:
    """The query for documents that match by words, and for those of another query, which score 0."""
    others = {"constant_score": {"filter": dict(near), "boost": 0.0}}
    return {"bool": {"should": [dict(query), others], "minimum_should_match": 1}}
