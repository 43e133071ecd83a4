"""What becomes of the values of a document on its way into an engine: the same on every engine."""

import json
import re
import reprlib
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from enricher.model.text_vectors.vectors import from_numbers
from enricher.records import (
    EMPTY_MARK,
    ENRICHMENT,
    LONGEST_WORD,
    RESERVED,
    EnrichedDocument,
    FieldKind,
    IndexLayout,
    Rejection,
    clean,
)

LONGEST_VALUE = 256
"""Strings of the user's fields of more UTF-16 units are not kept for filters and facets."""

LONGEST_KEYWORD = 1024
"""Values of KEYWORD fields of more UTF-16 units are stored but not kept for filters and facets."""

LONGEST_ID = 512
"""Bytes of the longest document id."""

DEEPEST_FIELD = 20
"""Names in the path of a field: one engine maps no deeper."""

_LARGEST_BITS = 1024
"""A whole number of more bits is no 64-bit float."""

_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

Scalar = str | int | float | bool
SCALARS = (str, int, float)


class Prepared(NamedTuple):
    """A document as an engine writes it: clean of lone surrogates, every field of words filled."""

    id: str
    source: Mapping[str, object]
    source_json: bytes
    enrichment: Mapping[str, object]
    enrichment_json: bytes

    def line(self) -> bytes:
        """The whole document as a line of JSON."""
        comma = b"," if self.source else b""
        return b'%s%s"%s":%s}\n' % (self.source_json[:-1], comma, ENRICHMENT.encode(), self.enrichment_json)


def encode(value: object) -> bytes:
    """The value as JSON in UTF-8; ValueError or TypeError where it is no JSON (NaN, a set, …)."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return clean(text).encode()


def utf16_length(text: str) -> int:
    """The length as the servers' limits count it: characters beyond U+FFFF are two."""
    return len(text) + sum(letter > "\uffff" for letter in text) if not text.isascii() else len(text)


def prepare(
    documents: Sequence[EnrichedDocument],
    layout: IndexLayout,
    kinds: Collection[FieldKind] = tuple(FieldKind),
) -> tuple[list[Prepared], list[Rejection]]:
    """The documents as they are written, and those that no engine could hold.

    kinds: which fields of the enrichment are among its JSON; an engine may keep others in its index alone.
    Of equal ids the last that can be held stays, in the place of its last appearance.
    """
    latest: dict[str, Prepared] = {}
    rejections = []
    for document in documents:
        try:
            prepared = _prepare(clean(document.id), document, layout, kinds)
        except (ValueError, TypeError, RecursionError) as error:
            rejections.append(Rejection(document.id, _sentence(error), as_text(document.source)))
            continue
        latest.pop(prepared.id, None)
        latest[prepared.id] = prepared
    return list(latest.values()), rejections


def _prepare(
    name: str, document: EnrichedDocument, layout: IndexLayout, kinds: Collection[FieldKind]
) -> Prepared:
    if not name:
        raise ValueError("The document has an empty id")
    if len(name.encode()) > LONGEST_ID:
        raise ValueError(f"The id is longer than {LONGEST_ID} bytes")
    if ENRICHMENT in document.source:
        raise ValueError(f"The field {ENRICHMENT!r} of the document is reserved; rename it")
    enrichment = complete(document.enrichment, layout)
    check_vectors(enrichment, layout)
    source_json, enrichment_json = encode(document.source), encode(of_kinds(enrichment, layout, kinds))
    source = document.source
    check_fields(source)
    if "\ufffd".encode() in source_json:
        source = json.loads(source_json)
    return Prepared(name, source, source_json, enrichment, enrichment_json)


def _sentence(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "The document is nested too deeply."
    return f"{error}."


def as_text(value: object) -> str:
    """The value as JSON, or as near to it as it goes: the content of a rejection."""
    try:
        return clean(json.dumps(value, ensure_ascii=False, default=repr))
    except (ValueError, TypeError, RecursionError):
        return clean(reprlib.repr(value))


# ------------------------------------------------------------------ enrichment


def complete(enrichment: Mapping[str, object], layout: IndexLayout) -> dict[str, object]:
    """A copy of the enrichment in which every scored field of the layout has words."""
    result = dict(enrichment)
    for path, kind in layout.mapping.items():
        if not kind.scored:
            continue
        *outer, last = path.split(".")
        place = result
        for step in outer:
            inner = place.get(step)
            place[step] = place = dict(inner) if isinstance(inner, Mapping) else {}
        place[last] = words_of(place.get(last))
    return result


def of_kinds(
    enrichment: Mapping[str, object], layout: IndexLayout, kinds: Collection[FieldKind]
) -> dict[str, object]:
    """A copy of the enrichment without the fields of the layout that are of other kinds."""
    left_out = {path for path, kind in layout.mapping.items() if kind not in kinds}
    return _without(enrichment, left_out, "") if left_out else dict(enrichment)


def _without(value: Mapping[str, object], left_out: set[str], prefix: str) -> dict[str, object]:
    kept: dict[str, object] = {}
    for name, inner in value.items():
        path = prefix + name
        if path in left_out:
            continue
        if isinstance(inner, Mapping) and any(other.startswith(path + ".") for other in left_out):
            inner = _without(inner, left_out, path + ".")
            if not inner:
                continue
        kept[name] = inner
    return kept


def check_vectors(enrichment: Mapping[str, object], layout: IndexLayout) -> None:
    """See that the vectors of a document can be read and are as long as the layout says; ValueError where
    they cannot, or are not.
    """
    for path, kind in layout.mapping.items():
        value = at(enrichment, path) if kind is FieldKind.VECTOR else None
        if value is None:
            continue
        try:
            length = len(from_numbers(value))
        except ValueError as error:
            raise ValueError(
                f"The vector {path!r} of the document is no list of whole numbers from −127 to 127"
            ) from error
        wanted = layout.dimensions.get(path, length)
        if length != wanted:
            raise ValueError(
                f"The vector {path!r} of the document has {length} numbers, those of the index have {wanted}"
            )


def words_of(value: object) -> str:
    """The words of a field, one space between them, `EMPTY_MARK` where there are none."""
    if isinstance(value, list | tuple):
        value = " ".join(part for part in value if isinstance(part, str))
    text = " ".join(clean(value).split()) if isinstance(value, str) else ""
    return _LONG_WORD.sub(_cut, text) or EMPTY_MARK


def _cut(match: re.Match[str]) -> str:
    return match.group()[:LONGEST_WORD]


def at(enrichment: Mapping[str, object], path: str) -> object:
    """The value at a dotted path, None where there is none."""
    value: object = enrichment
    for step in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def keywords_of(value: object) -> tuple[str, ...]:
    """The exact values of a KEYWORD field, each once, in their order."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(dict.fromkeys(clean(as_value(part)) for part in values if isinstance(part, SCALARS)))


# ------------------------------------------------------------------ the user's fields


def check_fields(source: Mapping[str, object]) -> None:
    """See that every engine can hold fields of these names and shapes; ValueError where one cannot.

    Every part of a name between its dots must hold more than white space; a path is at most
    `DEEPEST_FIELD` names long, and has values or fields below it, not both.
    """
    for name in source:
        if name.partition(".")[0] in RESERVED:
            way_out = "rename it, or let --id-field name it" if name == "_id" else "rename it"
            raise ValueError(f"The field {name!r} is one that a server keeps for itself; {way_out}")
    objects: set[tuple[str, ...]] = set()
    values: set[tuple[str, ...]] = set()
    waiting: list[tuple[tuple[str, ...], object]] = [((), source)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            if len(path) >= DEEPEST_FIELD:
                raise ValueError(f"The field {_name(path)!r} is nested more than {DEEPEST_FIELD} deep")
            objects.update(path[:length] for length in range(1, len(path) + 1))
            waiting.extend((_step(path, key), inner) for key, inner in value.items())
        elif isinstance(value, list | tuple):
            waiting.extend((path, inner) for inner in value)
        elif value is not None:
            _check_value(path, value)
            objects.update(path[:length] for length in range(1, len(path)))
            values.add(path)
    both = min(objects & values, default=None)
    if both is not None:
        raise ValueError(f"The field {_name(both)!r} has a value and fields below it; rename one of them")


def _step(path: tuple[str, ...], key: object) -> tuple[str, ...]:
    parts = str(key).split(".")
    if not all(part.strip() for part in parts):
        raise ValueError(
            f"The field name {key!r} is empty, blank, or has a dot at its beginning, at its end or after "
            "another dot; rename the field"
        )
    return (*path, *parts)


def _check_value(path: tuple[str, ...], value: object) -> None:
    if len(path) > DEEPEST_FIELD:
        raise ValueError(f"The field {_name(path)!r} is nested more than {DEEPEST_FIELD} deep")
    if isinstance(value, int) and value.bit_length() > _LARGEST_BITS:
        raise ValueError(f"The number in the field {_name(path)!r} is too large")


def _name(path: tuple[str, ...]) -> str:
    name = ".".join(path)
    return name if len(name) <= 80 else f"{name[:80]}…"


def as_value(value: Scalar) -> str:
    """A value as facets show it and filters take it: true, false, 5, 3.14, or the string."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    return str(value)


def number(text: str) -> int | float | None:
    """The number that a filter's value spells, None where it spells none."""
    if len(text) < 40 and _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if value.is_integer() and abs(value) < 2**63:
            return int(value)
        return value if value == value and abs(value) != float("inf") else None
    return None
