"""Checks and conversions of document fields before indexing, shared by all engines."""

import json
import re
import reprlib
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from enricher.model.text_vectors.vectors import from_numbers
from enricher.records import (
    EMPTY_MARK,
    ENRICHMENT,
    MAX_TERM_CHARACTERS,
    RESERVED,
    EnrichedDocument,
    FieldKind,
    IndexLayout,
    Rejection,
    clean,
)

MAX_VALUE_UTF16_UNITS = 256
"""Longer strings in the user's fields are not kept for filters and facets. In UTF-16 units."""

MAX_KEYWORD_UTF16_UNITS = 1024
"""Longer values of KEYWORD fields are stored, but not kept for filters and facets. In UTF-16 units."""

MAX_ID_BYTES = 512
"""Maximum length of a document id in UTF-8, as in Elasticsearch."""

MAX_FIELD_DEPTH = 20
"""Maximum number of names in a dotted path. Elasticsearch maps no deeper."""

_MAX_INTEGER_BITS = 1024
"""A larger integer does not fit in a 64-bit float."""

_JSON = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_INTEGER = re.compile(r"[+-]?[0-9]+")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

Scalar = str | int | float | bool
SCALARS = (str, int, float)


class Prepared(NamedTuple):
    """A document ready to be written: without lone surrogates, and with words in every scored field."""

    id: str
    source: Mapping[str, object]
    source_json: bytes
    enrichment: Mapping[str, object]
    enrichment_json: bytes

    def line(self) -> bytes:
        """The document and its enrichment as one line of JSON."""
        comma = b"," if self.source else b""
        return b'%s%s"%s":%s}\n' % (self.source_json[:-1], comma, ENRICHMENT.encode(), self.enrichment_json)


Preparation = tuple[list[Prepared], list[Rejection]]
"""What `prepare` has made of documents: the prepared ones and the rejections."""


def encode(value: object) -> bytes:
    """Encode a value as JSON in UTF-8. Raises ValueError or TypeError if it is not JSON (NaN, a set, …)."""
    text = _JSON.encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return clean(text).encode()


def utf16_length(text: str) -> int:
    """The length of a text in UTF-16 units, as Elasticsearch counts. Characters above U+FFFF have two."""
    return len(text) + sum(letter > "\uffff" for letter in text) if not text.isascii() else len(text)


def prepare(
    documents: Sequence[EnrichedDocument],
    layout: IndexLayout,
    kinds: Collection[FieldKind] = tuple(FieldKind),
) -> Preparation:
    """Prepare documents for writing.

    kinds: kinds of enrichment fields to include in `enrichment_json`. An engine may keep the others only in
    its index. Of documents with the same id, the last valid one is kept, at its position.
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
    if len(name.encode()) > MAX_ID_BYTES:
        raise ValueError(f"The id is longer than {MAX_ID_BYTES} bytes")
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
    """Encode a value as JSON for a rejection, with `repr` for everything that is not JSON."""
    try:
        return clean(json.dumps(value, ensure_ascii=False, default=repr))
    except (ValueError, TypeError, RecursionError):
        return clean(reprlib.repr(value))


# ------------------------------------------------------------------ enrichment


def complete(enrichment: Mapping[str, object], layout: IndexLayout) -> dict[str, object]:
    """Copy an enrichment, and fill every scored field of the layout that has no words."""
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
    """Copy an enrichment without the layout's fields of other kinds."""
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
    """Check that the vectors of a document are valid and have the dimensions of the layout.

    Raises ValueError.
    """
    for path, kind in layout.mapping.items():
        value = at(enrichment, path) if kind is FieldKind.VECTOR else None
        if value is None:
            continue
        try:
            length = len(from_numbers(value))
        except ValueError as error:
            raise ValueError(
                f"The vector {path!r} of the document is not a list of integers from −127 to 127"
            ) from error
        wanted = layout.dimensions.get(path, length)
        if length != wanted:
            raise ValueError(
                f"The vector {path!r} of the document has {length} dimensions, the index needs {wanted}"
            )


def words_of(value: object) -> str | list[str]:
    """The words of a field, separated by one space; `EMPTY_MARK` if there are none.

    Several texts with words remain apart, so that no phrase crosses two of them.
    """
    texts = value if isinstance(value, list | tuple) else [value]
    found = [words for text in texts if (words := _words_in(text))]
    return found if len(found) > 1 else found[0] if found else EMPTY_MARK


def _words_in(value: object) -> str:
    words = value.split() if isinstance(value, str) else []
    if max(map(len, words), default=0) > MAX_TERM_CHARACTERS:
        words = [word[:MAX_TERM_CHARACTERS] for word in words]
    return clean(" ".join(words))


def at(enrichment: Mapping[str, object], path: str) -> object:
    """The value at a dotted path; None if there is none."""
    value: object = enrichment
    for step in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def keywords_of(value: object) -> tuple[str, ...]:
    """The distinct values of a KEYWORD field as strings, in order."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(dict.fromkeys(clean(as_value(part)) for part in values if isinstance(part, SCALARS)))


# ------------------------------------------------------------------ the user's fields


def check_fields(source: Mapping[str, object]) -> None:
    """Check that every engine can index the field names and shapes of a document. Raises ValueError.

    Each part of a dotted name must contain more than white space. A path has at most `MAX_FIELD_DEPTH` names,
    and is either a value or an object.
    """
    for name in source:
        if name.partition(".")[0] in RESERVED:
            way_out = "rename it, or give it with --id-field" if name == "_id" else "rename it"
            raise ValueError(f"The field name {name!r} is reserved by Elasticsearch; {way_out}")
    objects: set[tuple[str, ...]] = set()
    values: set[tuple[str, ...]] = set()
    waiting: list[tuple[tuple[str, ...], object]] = [((), source)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            if len(path) >= MAX_FIELD_DEPTH:
                raise ValueError(
                    f"The field {_name(path)!r} is nested more than {MAX_FIELD_DEPTH} levels deep"
                )
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
        raise ValueError(f"The field {_name(both)!r} is both a value and an object; rename one of them")


def _step(path: tuple[str, ...], key: object) -> tuple[str, ...]:
    parts = str(key).split(".")
    if not all(part.strip() for part in parts):
        raise ValueError(
            f"The field name {key!r} is empty or blank, begins or ends with a dot, or has two dots in a row; "
            "rename the field"
        )
    return (*path, *parts)


def _check_value(path: tuple[str, ...], value: object) -> None:
    if len(path) > MAX_FIELD_DEPTH:
        raise ValueError(f"The field {_name(path)!r} is nested more than {MAX_FIELD_DEPTH} levels deep")
    if isinstance(value, int) and value.bit_length() > _MAX_INTEGER_BITS:
        raise ValueError(f"The number in the field {_name(path)!r} is too large")


def _name(path: tuple[str, ...]) -> str:
    name = ".".join(path)
    return name if len(name) <= 80 else f"{name[:80]}…"


def as_value(value: Scalar) -> str:
    """Format a value for facets and filters: true, false, 5, 3.14, or the string itself."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    return str(value)


def number(text: str) -> int | float | None:
    """Parse the number in the value of a filter; None if it is not a number."""
    if len(text) < 40 and _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if value.is_integer() and abs(value) < 2**63:
            return int(value)
        return value if value == value and abs(value) != float("inf") else None
    return None
