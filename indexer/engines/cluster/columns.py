"""Resolve the fields of filters, facets and sort orders in the mapping of any index."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from enricher.errors import EngineError, UsageError
from enricher.records import ENRICHMENT, FacetCount, IndexLayout, clean
from indexer.engines.fields import as_value
from indexer.engines.filters import enrichment_field, no_such_field

WHOLE = frozenset({"long", "integer", "short", "byte", "unsigned_long", "token_count"})
FRACTIONS = frozenset({"double", "float", "half_float", "scaled_float"})
NUMBERS = WHOLE | FRACTIONS
RANGES_OF_NUMBERS = frozenset({"integer_range", "long_range", "float_range", "double_range"})
RANGES = RANGES_OF_NUMBERS | {"date_range", "ip_range"}
_NARROW: Mapping[str, type[np.floating[Any]]] = {"float": np.float32, "half_float": np.float16}
"""Types whose values the server returns with more digits than they have."""
FLAT = frozenset({"flattened", "flat_object"})
"""Types of objects whose keys the mapping does not list."""
DATES = frozenset({"date", "date_nanos", "date_range"})
_TEXT = frozenset(
    {"text", "match_only_text", "annotated_text", "pattern_text", "search_as_you_type", "semantic_text"}
)
_EXACT = ("keyword", "wildcard", "constant_keyword", "version")
"""Types of multi-fields with the exact values of a text field, best first."""
_OBJECTS = frozenset({"object", "nested", "passthrough"})
_NO_VALUES: Mapping[str, str] = {
    **dict.fromkeys(("geo_point", "geo_shape", "point", "shape"), "holds geographic or planar shapes"),
    **dict.fromkeys(("dense_vector", "sparse_vector", "rank_vectors", "knn_vector"), "holds vectors"),
    **dict.fromkeys(("rank_feature", "rank_features"), "holds weights for ranking"),
    **dict.fromkeys(
        ("histogram", "exponential_histogram", "aggregate_metric_double"), "holds summaries of numbers"
    ),
    "binary": "holds bytes",
    "completion": "holds suggestions",
    "percolator": "holds queries",
}
_DATE_FORMATS = {"date_nanos": "strict_date_optional_time_nanos||epoch_millis"}
_DATE_FORMAT = "strict_date_optional_time||epoch_millis"


class Column(NamedTuple):
    """A field for filters, facets and sort orders.

    name: the name in requests. shown: the name that the user has written. nested: the path of the nested
    object that contains it, or None.
    """

    name: str
    shown: str
    type: str
    nested: str | None = None
    is_searchable: bool = True
    is_countable: bool = True
    format: str = _DATE_FORMAT


class _Field(NamedTuple):
    """A field of a mapping, its definition, and the path of the nested object that contains it."""

    definition: Mapping[str, Any]
    nested: str | None
    is_part: bool
    """Whether it is a multi-field: an additional index of the same value."""


class Columns:
    """Finds the fields of filters, facets and sort orders in the mapping of one index."""

    def __init__(self, index: str, layout: IndexLayout, mapping: Mapping[str, Any]) -> None:
        self.index = index
        self.layout = layout
        self._fields = dict(_walk(mapping, "", None)) | dict(_runtime(mapping))

    def find(self, name: str) -> Column:
        """Find a field by name. Raises UsageError if there is no such field or it has no exact values."""
        ours = enrichment_field(name, self.layout)
        if ours is not None:
            return Column(f"{ENRICHMENT}.{ours}", name, "keyword")
        name = clean(name)
        path, field = name, None if name.startswith(ENRICHMENT + ".") else self._fields.get(name)
        if field is not None and field.definition.get("type") == "alias":
            path = str(field.definition.get("path"))
            field = self._fields.get(path)
        if field is None:
            return self._below(name)
        kind = _type_of(field.definition)
        if kind in _OBJECTS:
            raise self._unknown(name)
        if kind in _TEXT:
            path, field = self._exact(path) or (path, field)
            kind = _type_of(field.definition)
        return self._column(path, name, kind, field)

    def _column(self, path: str, shown: str, kind: str, field: _Field) -> Column:
        if kind in _TEXT:
            raise self.unfit(shown, "is full text")
        if kind in _NO_VALUES:
            raise self.unfit(shown, _NO_VALUES[kind])
        kept = field.definition.get("doc_values") is not False
        indexed = field.definition.get("index") is not False
        written = str(field.definition.get("format") or _DATE_FORMATS.get(kind, _DATE_FORMAT))
        return Column(path, shown, kind, field.nested, kept or indexed, kept, written)

    def _exact(self, path: str) -> tuple[str, _Field] | None:
        """The multi-field with the exact values of a text field; None if there is none."""
        below = field.definition.get("fields") if (field := self._fields[path]) else None
        for kind in _EXACT:
            for name in below if isinstance(below, Mapping) else ():
                part = self._fields[f"{path}.{name}"]
                if _type_of(part.definition) == kind and part.definition.get("doc_values") is not False:
                    return f"{path}.{name}", part
        return None

    def _below(self, name: str) -> Column:
        """Find a key of a flattened field, which the mapping does not list. Raises UsageError."""
        outer = name
        while "." in outer and not name.startswith(ENRICHMENT + "."):
            outer = outer.rpartition(".")[0]
            field = self._fields.get(outer)
            if field is None:
                continue
            if (kind := _type_of(field.definition)) in FLAT:
                return self._column(name, name, kind, field)
            if field.definition.get("enabled") is False:
                raise self.unfit(name, f"is not indexed (the object {outer!r} has enabled: false)")
        raise self._unknown(name)

    def _unknown(self, name: str) -> UsageError:
        if (field := self._fields.get(name)) and field.definition.get("enabled") is False:
            return self.unfit(name, "is not indexed (enabled: false)")
        known = [
            one
            for one, field in sorted(self._fields.items())
            if not field.is_part
            and _type_of(field.definition) not in _OBJECTS
            and not one.startswith(ENRICHMENT + ".")
        ]
        return no_such_field(self.index, name, known, self.layout)

    def unfit(self, name: str, why: str) -> UsageError:
        """The error for a field without values that could be compared."""
        return UsageError(
            f"The field {name!r} of the index {self.index!r} {why}; filter, count or sort by a "
            "field of exact values."
        )

    # -------------------------------------------------------------- facets

    def counting(self, name: str, size: Mapping[str, object]) -> tuple[Column, dict[str, Any]]:
        """The column of a field, and the aggregation that counts the documents of each value.

        Raises UsageError if the values of the field cannot be counted.
        """
        column = self.find(name)
        if column.type in RANGES:
            raise self._uncountable(column, f"it holds ranges (type {column.type})")
        if column.type == "flat_object":
            raise self._uncountable(column, "it is a key of an object of the type flat_object")
        if not column.is_countable:
            raise self._uncountable(column, "it has no doc values (doc_values: false)")
        terms: dict[str, Any] = {"field": column.name, **size}
        if column.nested is None:
            return column, {"terms": terms}
        # Count documents, not nested objects.
        order = [{"documents": "desc"}, {"_key": "asc"}]
        values = {"terms": {**terms, "order": order}, "aggs": {"documents": {"reverse_nested": {}}}}
        return column, {"nested": {"path": column.nested}, "aggs": {"values": values}}

    def _uncountable(self, column: Column, why: str) -> UsageError:
        return UsageError(
            f"The values of the field {column.shown!r} of the index {self.index!r} cannot be counted: {why}."
        )

    def refused_facet(self, name: str, reason: str) -> UsageError:
        """The error for a facet that the server refuses, with its reason."""
        return self._uncountable(self.find(name), reason)

    def counts(self, name: str, answer: Mapping[str, Any]) -> tuple[FacetCount, ...]:
        """Read the counts in the answer to an aggregation of `counting`. Values have the form of filters."""
        kind = self.find(name).type
        counted: dict[str, int] = {}
        for bucket in answer.get("values", answer)["buckets"]:
            value, number = _shown(bucket, kind), int(bucket.get("documents", bucket)["doc_count"])
            counted[value] = counted.get(value, 0) + number
        return tuple(FacetCount(value, number) for value, number in counted.items())


def _shown(bucket: Mapping[str, Any], kind: str) -> str:
    """The value of a bucket in the form of filters."""
    told = bucket.get("key_as_string")
    if told is not None and kind not in NUMBERS:
        return str(told)
    key = bucket["key"]
    narrow = _NARROW.get(kind)
    return as_value(float(str(narrow(key))) if narrow is not None and isinstance(key, float) else key)


def _type_of(definition: Mapping[str, Any]) -> str:
    return str(definition.get("type") or "object")


def text_fields_of(mapping: Mapping[str, Any]) -> tuple[str, ...]:
    """The dotted paths of the user's text fields in a mapping, in its order."""
    return tuple(
        path
        for path, field in _walk(mapping, "", None)
        if _type_of(field.definition) in _TEXT and not field.is_part and not path.startswith(f"{ENRICHMENT}.")
    )


def _walk(mapping: Mapping[str, Any], prefix: str, nested: str | None) -> Iterator[tuple[str, _Field]]:
    """Yield every field of a mapping with its full name, including objects and multi-fields."""
    properties = mapping.get("properties")
    if not isinstance(properties, Mapping):
        return
    for name, definition in properties.items():
        path = f"{prefix}{name}"
        if not isinstance(definition, Mapping):
            raise EngineError(f"The mapping of {path!r} cannot be read.")
        yield path, _Field(definition, nested, False)
        parts = definition.get("fields")
        for part, its in (parts if isinstance(parts, Mapping) else {}).items():
            yield f"{path}.{part}", _Field(its, nested, True)
        yield from _walk(definition, f"{path}.", path if _type_of(definition) == "nested" else nested)


def _runtime(mapping: Mapping[str, Any]) -> Iterator[tuple[str, _Field]]:
    """Yield the runtime fields of a mapping, which override other fields of the same names."""
    fields = mapping.get("runtime")
    for name, definition in (fields if isinstance(fields, Mapping) else {}).items():
        parts = definition.get("fields") if definition.get("type") == "composite" else None
        if isinstance(parts, Mapping):
            yield from ((f"{name}.{part}", _Field(its, None, False)) for part, its in parts.items())
        else:
            yield name, _Field(definition, None, False)
