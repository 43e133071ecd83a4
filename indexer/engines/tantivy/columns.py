"""Find the fields of filters, facets and sort orders in an index of the embedded engine."""

import re
from dataclasses import dataclass

import tantivy
from tantivy import Query

from enricher.errors import EngineError
from enricher.records import IndexLayout, clean
from indexer.engines.field_types import FieldType, FieldTypes
from indexer.engines.filters import MAX_SHOWN_FIELDS, enrichment_field, no_such_field
from indexer.engines.tantivy.index import (
    PATHS,
    VALUES,
    TantivyIndex,
    field_names,
    old_value_key,
    value_key,
)

_EXACT = ".keyword"
TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
"""Strings that an earlier version stored as dates, without their original form."""


@dataclass(frozen=True, slots=True)
class Column:
    """A user's field. Its type is None in an index of an earlier version."""

    name: str
    type: FieldType | None

    @property
    def key(self) -> str:
        return f"{VALUES}.{value_key(self.name)}"

    @property
    def old_key(self) -> str:
        return f"{VALUES}.{old_value_key(self.name)}"


class Columns:
    """The fields of one commit of an index. `names`: the result of `field_names`."""

    def __init__(self, index: TantivyIndex, layout: IndexLayout, searcher: tantivy.Searcher) -> None:
        self.index = index
        self.layout = layout
        self.names = field_names(layout)
        self.searcher = searcher
        self._types = index.types()

    def find(self, name: str) -> str | Column:
        """The schema field of an enrichment field, or the column of a user's field. Raises UsageError."""
        name = clean(name)
        path = enrichment_field(name, self.layout)
        if path is not None:
            return self.names[path]
        if self._types is not None:
            return self._typed(name, self._types)
        with self.index.failures():
            if self.searcher.doc_freq(PATHS, name):
                return Column(name, None)
            known = [
                path for path, _ in self.searcher.terms_with_prefix(PATHS, "", limit=MAX_SHOWN_FIELDS + 1)
            ]
        raise no_such_field(self.index.name, name, known, self.layout)

    def _typed(self, name: str, types: FieldTypes) -> Column:
        """The column of a field. A string field also has the name NAME.keyword, as in Elasticsearch."""
        found = types.get(name)
        if found is None and types.get(name.removesuffix(_EXACT)) is FieldType.STRING:
            name, found = name.removesuffix(_EXACT), FieldType.STRING
        if found in (None, FieldType.OBJECT):
            raise no_such_field(self.index.name, name, types.names(), self.layout)
        return Column(name, found)

    def has_values(self, key: str) -> bool:
        """Whether a document has a value in a column, given by its key."""
        with self.index.failures():
            found = self.searcher.search(Query.exists_query(key), 1)
        return int(found.count) > 0  # type: ignore[attr-defined]  # the stub lacks it

    def old_times(self, column: Column) -> EngineError:
        """The error for times that an earlier version stored in another form."""
        return EngineError(
            f"The index {self.index.name!r} was made by an earlier version, which stored the times of the "
            f"field {column.name!r} in another form. To filter and count by it, index the documents again."
        )

    def untyped(self, column: Column) -> EngineError:
        """The error for the order of values in an index of an earlier version, which mixes types."""
        return EngineError(
            f"The index {self.index.name!r} was made by an earlier version, which recorded no type of the "
            f"field {column.name!r}. To sort by it or to filter its ranges, index the documents again."
        )
