"""Decode requests: JSON bodies and query strings, strictly, with one sentence for what is wrong."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NoReturn, TypeVar

import msgspec

from enricher.decoding import DecodingError, decode
from enricher.errors import UsageError

T = TypeVar("T", bound=msgspec.Struct)

MAX_DEPTH = 64
"""Objects and lists within each other."""


def decode_body(kind: type[T], body: bytes, more: Mapping[str, object]) -> T:
    """Decode a JSON object. more: values of the query string, which it must not repeat.

    Raises UsageError.
    """
    value = parse_json(body) if body.strip() else {}
    if not isinstance(value, dict):
        raise UsageError("The body must be a JSON object.")
    for key in more:
        if key in value:
            raise UsageError(f"{key!r} is given twice: in the address and in the body.")
    return _decoded(kind, value | dict(more))


def decode_parameters(kind: type[T], parameters: Sequence[tuple[str, str]]) -> T:
    """Decode the parameters of a query string. Those of a list may be repeated. Raises UsageError."""
    return _decoded(kind, values_of(kind, parameters))


def values_of(kind: type[msgspec.Struct], parameters: Sequence[tuple[str, str]]) -> dict[str, object]:
    """The parameters of a query string as JSON values of the types that a struct has for them."""
    found: dict[str, object] = {}
    for name, text in parameters:
        _refuse_bad_text(text)
        info = _types(kind).get(name)
        if info is not None and _is_list(info):
            listed = found.setdefault(name, [])
            assert isinstance(listed, list)
            listed.append(text)
        elif name in found:
            raise UsageError(f"The parameter {name!r} is given twice.")
        else:
            found[name] = text if info is None else _converted(info, text)
    return found


@cache
def _types(kind: type[msgspec.Struct]) -> Mapping[str, msgspec.inspect.Type]:
    """Parameter → the type that a struct has for it."""
    return {
        field.encode_name: msgspec.inspect.type_info(field.type) for field in msgspec.structs.fields(kind)
    }


def parse_json(body: bytes) -> Any:
    """Parse JSON in UTF-8. Refuses repeated keys, NaN, NUL, lone surrogates, and deep nesting.

    Raises UsageError.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"The body is not UTF-8 (byte {error.start + 1}).") from error
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"The body is not JSON: {error.msg} ({where}).") from error
    except RecursionError as error:
        raise UsageError(_TOO_DEEP) from error
    _check_values(value)
    return value


_TOO_DEEP = f"The body is nested more than {MAX_DEPTH} levels deep."


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        name = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise UsageError(f"The body has the key {name[:100]!r} twice.")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise UsageError(f"The body is not JSON: {name} is no JSON number.")


def _check_values(value: Any) -> None:
    """Refuse strings that no document can hold, and deep nesting."""
    waiting = [(value, 0)]
    while waiting:
        one, depth = waiting.pop()
        if isinstance(one, str):
            _refuse_bad_text(one)
        elif isinstance(one, dict | list):
            if depth == MAX_DEPTH:
                raise UsageError(_TOO_DEEP)
            inner = [*one.keys(), *one.values()] if isinstance(one, dict) else one
            waiting += [(part, depth + 1) for part in inner]


def _refuse_bad_text(text: str) -> None:
    if "\0" in text:
        raise UsageError("The request contains a NUL character, which is not text.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError("The request contains a lone surrogate, which is not text.") from error


def _decoded(kind: type[T], value: Mapping[str, object]) -> T:
    try:
        return decode(kind, value)
    except DecodingError as error:
        said = (
            f"The request {error.reason}."
            if not error.path
            else f"The value of {error.key!r} {error.reason}."
        )
        raise UsageError(said) from error


def _is_list(info: msgspec.inspect.Type) -> bool:
    return any(
        isinstance(one, msgspec.inspect.VarTupleType | msgspec.inspect.TupleType) for one in _plain(info)
    )


def _plain(info: msgspec.inspect.Type) -> Sequence[msgspec.inspect.Type]:
    """The types that a value may have, without None."""
    if isinstance(info, msgspec.inspect.Metadata):
        return _plain(info.type)
    if isinstance(info, msgspec.inspect.UnionType):
        return [one for part in info.types for one in _plain(part)]
    return () if isinstance(info, msgspec.inspect.NoneType) else (info,)


def _converted(info: msgspec.inspect.Type, text: str) -> object:
    """A parameter as a number, truth value or object, where the struct has such a type; else the text."""
    for one in _plain(info):
        if isinstance(one, msgspec.inspect.BoolType) and text in ("true", "false"):
            return text == "true"
        if isinstance(one, msgspec.inspect.IntType | msgspec.inspect.FloatType):
            try:
                number = float(text) if isinstance(one, msgspec.inspect.FloatType) else int(text)
            except ValueError:
                continue
            return number
        if isinstance(one, msgspec.inspect.DictType):
            return parse_json(text.encode("utf-8", "replace"))
    return text
