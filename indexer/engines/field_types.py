"""The types of the user's fields. The first value of a field decides its type, as in Elasticsearch.

A later value of another type is converted if Elasticsearch converts it (a number in a field of strings,
"5" in a field of numbers). Otherwise the document is refused.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from indexer.engines.fields import MAX_VALUE_UTF16_UNITS, SCALARS, Scalar, utf16_length


class FieldType(StrEnum):
    """The type of a field."""

    STRING = "string"
    NUMBER = "number"
    """64-bit floats, also for integers."""
    BOOLEAN = "boolean"
    OBJECT = "object"
    """An object: has inner fields, and no values."""


Values = dict[str, list[Scalar]]
"""Dotted path → the distinct values of a document. The list is empty if all values are too long."""

_NUMBER = re.compile(r"[\0-\x20]*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[fFdD]?[\0-\x20]*")
"""Strings that Java parses as a number, except hexadecimal ones."""

_BOOLEANS = {"true": True, "false": False, "": False}


class FieldTypes:
    """The types of the fields of one index, by dotted path. Types are added and never change."""

    def __init__(self, known: Mapping[str, FieldType]) -> None:
        self._known = dict(known)

    def as_json(self) -> dict[str, str]:
        """The types as plain JSON."""
        return {path: kind.value for path, kind in self._known.items()}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, path: str) -> FieldType | None:
        """The type of a field; None if no document has the field."""
        return self._known.get(path)

    def names(self) -> list[str]:
        """The names of all fields with values, sorted."""
        return sorted(path for path, kind in self._known.items() if kind is not FieldType.OBJECT)

    def admit(self, source: Mapping[str, object]) -> Values:
        """Convert the values of a document to the types of their fields, and record the types of new fields.

        Raises ValueError, and records nothing, if a value does not fit the type of its field.
        """
        new: dict[str, FieldType] = {}

        def type_of(path: str, value: object) -> FieldType:
            kind = _type_of(value)
            known = self._known.get(path) or new.setdefault(path, kind)
            if (known is FieldType.OBJECT) != (kind is FieldType.OBJECT):
                raise ValueError(shape_mismatch(path, known is FieldType.OBJECT))
            return known

        values = _values(source, type_of)
        self._known |= new
        return values


def plain_values(source: Mapping[str, object]) -> Values:
    """The values of a document without conversion, for an index that records no types."""
    return _values(source, lambda path, value: _type_of(value))


def _values(source: Mapping[str, object], type_of: Callable[[str, object], FieldType]) -> Values:
    found: dict[str, dict[tuple[type, Scalar], Scalar]] = {}
    for path, value in _parts(source):
        kind = type_of(path, value)
        if isinstance(value, SCALARS):
            held, converted = found.setdefault(path, {}), _converted(path, kind, value)
            if converted is not None:
                held[type(converted), converted] = converted
    return {path: list(held.values()) for path, held in found.items()}


def _parts(source: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield every object and value of a document with its dotted path, in document order."""
    waiting: list[tuple[str, object]] = [("", source)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, Mapping):
            if path:
                yield path, value
            below: list[tuple[str, object]] = []
            for key, inner in value.items():
                steps = str(key).split(".")
                prefix = f"{path}." if path else ""
                if inner is not None:
                    below.extend((prefix + ".".join(steps[:end]), {}) for end in range(1, len(steps)))
                below.append((f"{prefix}{key}", inner))
            waiting.extend(reversed(below))
        elif isinstance(value, list | tuple):
            waiting.extend((path, inner) for inner in reversed(value))
        elif value is not None:
            yield path, value


def _type_of(value: object) -> FieldType:
    if isinstance(value, bool):
        return FieldType.BOOLEAN
    if isinstance(value, str):
        return FieldType.STRING
    return FieldType.OBJECT if isinstance(value, Mapping) else FieldType.NUMBER


def _converted(path: str, kind: FieldType, value: Scalar) -> Scalar | None:
    """Convert a value to the type of its field; None if it is not kept for filters and facets."""
    match kind:
        case FieldType.STRING:
            text = value if isinstance(value, str) else json.dumps(value)
            return (
                text
                if len(text) <= MAX_VALUE_UTF16_UNITS and utf16_length(text) <= MAX_VALUE_UTF16_UNITS
                else None
            )
        case FieldType.BOOLEAN:
            found = (
                value if isinstance(value, bool) else _BOOLEANS.get(value) if isinstance(value, str) else None
            )
            if found is None:
                raise ValueError(type_mismatch(path, FieldType.BOOLEAN, value))
            return found
        case _:
            return _number(path, value)


def _number(path: str, value: Scalar) -> float | None:
    if value == "":
        return None
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if isinstance(value, bool) or (isinstance(value, str) and found is None):
        raise ValueError(type_mismatch(path, FieldType.NUMBER, value))
    try:
        number = float(found[1] if found else value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"The number in the field {_short(path)!r} is too large")
    return number + 0.0  # no negative zero


def type_mismatch(path: str, kind: FieldType, value: object) -> str:
    """Why a document is refused (no full stop): its value does not fit the type of the field."""
    shown = _short(value if isinstance(value, str) else json.dumps(value))
    if kind is FieldType.BOOLEAN:
        return f"The field {_short(path)!r} holds true or false, but {shown!r} is neither"
    return f"The field {_short(path)!r} holds numbers, but {shown!r} is not a number"


def shape_mismatch(path: str, has_fields: bool) -> str:
    """Why a document is refused (no full stop): it has a value for an object field, or the reverse.

    has_fields: whether the field is an object in other documents.
    """
    if has_fields:
        return f"The field {_short(path)!r} is an object in other documents, but a value in this one"
    return f"The field {_short(path)!r} is a value in other documents, but an object in this one"


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}…"
