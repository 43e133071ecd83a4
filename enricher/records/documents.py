"""Documents before and after enrichment, and access to the text in their fields."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

RESERVED = frozenset(
    {"_data_stream_timestamp", "_doc_count", "_field_names", "_id", "_ignored", "_ignored_source", "_index"}
    | {"_nested_path", "_primary_term", "_routing", "_seq_no", "_source", "_tier", "_version"}
)
"""Top-level field names that Elasticsearch reserves for its metadata. A document cannot use them."""


PARAGRAPH_BREAK = "\n\n"
"""Separator between the values of an array when they are joined to one text."""


def values_at(source: Mapping[str, object], path: str) -> Iterator[object]:
    """Yield the values at a dotted path, through objects and arrays of objects, as Elasticsearch does.

    A key may contain dots: `a.b` finds both `{"a": {"b": …}}` and `{"a.b": …}`.
    """
    if path in source:
        yield source[path]
    end = path.find(".")
    while end >= 0:
        inner = source.get(path[:end])
        for value in inner if isinstance(inner, list | tuple) else (inner,):
            if isinstance(value, Mapping):
                yield from values_at(value, path[end + 1 :])
        end = path.find(".", end + 1)


def texts_of(value: object) -> Iterator[str]:
    """Yield the texts in a JSON value: a string, a number as a string, or those of an array's items."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def text_at(source: Mapping[str, object], path: str) -> str:
    """The text of the field at a dotted path; empty if the field is missing.

    Several texts (an array, or an array of objects) are joined by `PARAGRAPH_BREAK`.
    """
    value = source.get(path)
    if isinstance(value, str):
        return value
    return PARAGRAPH_BREAK.join(text for found in values_at(source, path) for text in texts_of(found))


def nested(fields: Mapping[str, object]) -> dict[str, object]:
    """Convert dotted paths to nested objects: `{"a.b": 1}` becomes `{"a": {"b": 1}}`."""
    result: dict[str, Any] = {}
    for path, value in fields.items():
        *outer, last = path.split(".")
        place = result
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = value
    return result


@dataclass(frozen=True, slots=True)
class Document:
    """A document as the user wrote it: its id and its original fields. They are never changed."""

    id: str
    source: Mapping[str, object]

    def text(self, field: str) -> str:
        """The text of the field at a dotted path; empty if the field is missing."""
        return text_at(self.source, field)


class Token(NamedTuple):
    """A normalized word and its offsets [start, end), in characters of the original text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AnalyzedDocument:
    """A document with the tokens of every enriched field, so that each text is segmented only once."""

    id: str
    source: Mapping[str, object]
    tokens: Mapping[str, Sequence[Token]]

    def text(self, field: str) -> str:
        """The text of the field at a dotted path. The offsets of its tokens point into this text."""
        return text_at(self.source, field)


@dataclass(frozen=True, slots=True)
class EnrichedDocument:
    """A document and the content of its `enrichment` object."""

    id: str
    source: Mapping[str, object]
    enrichment: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A document or line that was rejected: its place in the input, the reason, and its raw content."""

    where: str
    reason: str
    content: str
