"""Documents on their way into an index, and the texts in their fields."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

RESERVED = frozenset(
    {"_data_stream_timestamp", "_doc_count", "_field_names", "_id", "_ignored", "_ignored_source", "_index"}
    | {"_nested_path", "_primary_term", "_routing", "_seq_no", "_source", "_tier", "_version"}
)
"""Outermost names that one engine keeps for itself: it refuses them, or counts by them."""


PARAGRAPH_BREAK = "\n\n"
"""Stands between the texts of an array where they are read as one text."""


def values_at(source: Mapping[str, object], path: str) -> Iterator[object]:
    """The values at a dotted path, through objects and arrays of objects, as Elasticsearch resolves it.

    A name may hold dots itself: `a.b` finds both `{"a": {"b": …}}` and `{"a.b": …}`.
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
    """The texts that a value holds: a string, a number as it is written, or those of an array."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def text_at(source: Mapping[str, object], path: str) -> str:
    """The text of a field by its dotted path, empty where there is none.

    Several texts, of an array or of objects in one, are joined by a paragraph break.
    """
    value = source.get(path)
    if isinstance(value, str):
        return value
    return PARAGRAPH_BREAK.join(text for found in values_at(source, path) for text in texts_of(found))


def nested(fields: Mapping[str, object]) -> dict[str, object]:
    """Values by dotted path as nested objects: `{"a.b": 1}` becomes `{"a": {"b": 1}}`."""
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
    """A document as its owner wrote it: an id and the original fields, never changed."""

    id: str
    source: Mapping[str, object]

    def text(self, field: str) -> str:
        """The text of a field by its dotted path, empty where there is none (`text_at`)."""
        return text_at(self.source, field)


class Token(NamedTuple):
    """A normalised word and where it stands: [start, end) in characters of the original text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AnalyzedDocument:
    """A document with the tokens of every enriched field, so that the text is segmented once."""

    id: str
    source: Mapping[str, object]
    tokens: Mapping[str, Sequence[Token]]

    def text(self, field: str) -> str:
        """The text of a field by its dotted path: the places of its tokens are places in it."""
        return text_at(self.source, field)


@dataclass(frozen=True, slots=True)
class EnrichedDocument:
    """A document and what is written under its `enrichment` object."""

    id: str
    source: Mapping[str, object]
    enrichment: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A document or line that could not be used, and why; `content` is what the input held."""

    where: str
    reason: str
    content: str
