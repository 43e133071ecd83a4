"""The one way to decode what is read from disk, from the cluster and from users.

`decode` turns plain JSON or TOML data into a typed struct. Where a value is wrong, it raises a DecodingError:
one sentence that names the key, what is allowed, and the wrong value. Types and limits are those of msgspec,
beside the fields of a msgspec Struct or a dataclass:

    class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
        top: Annotated[int, Meta(ge=1, description="Keywords of a document at most.")] = 10

Decoding is strict. A whole number is a number too; but true is no number, 1.0 is no whole number, and "1" is
neither. NaN and infinity are refused everywhere. A Struct refuses unknown keys where it says so, a dataclass
always.
"""

import dataclasses
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec
import orjson

from enricher.sentences import counted

T = TypeVar("T")
Path = tuple[str | int, ...]
"""The way to a value: keys of objects, and positions in lists."""

MAX_SHOWN = 60
"""Characters of a wrong value that are shown."""
_WITHOUT_FLOATS = frozenset({str, int, bool, NoneType})
_BARE_KEY = re.compile(r"[\w-]+")


class Wording(NamedTuple):
    """What the format that a user has written calls its parts."""

    key: str
    table: str
    null: str | None


TOML = Wording(key="setting", table="a table", null=None)
JSON = Wording(key="key", table="an object", null="null")


class DecodingError(ValueError):
    """A value that is not what it must be.

    path: the way to it. reason: the sentence without subject and full stop: "must be 1 or more, not 0".
    The text of the error is the sentence; its subject is the dotted key, or "it" where the whole is wrong.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    @property
    def key(self) -> str:
        """The dotted key, empty for the whole: index."news-*".fields[0]."""
        return dotted(self.path)

    def __str__(self) -> str:
        return f"{self.key or 'it'} {self.reason}."


def dotted(path: Path) -> str:
    """A path as one writes it in TOML, with quotes around keys that need them."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if _BARE_KEY.fullmatch(part) else _quoted(part, '"')
            text += f".{shown}" if text else shown
    return text


def decode(kind: type[T], value: object, wording: Wording = JSON) -> T:
    """Convert plain data to a type. Raises DecodingError, or what `__post_init__` of the type raises."""
    try:
        _refuse_non_finite(value)
        found = msgspec.convert(value, kind, str_keys=True)
        unknown = _unknown_key(kind, value, ())
    except msgspec.ValidationError as error:
        raise _fault(kind, value, (), wording) from error
    except RecursionError as error:
        raise DecodingError((), "is nested too deeply") from error
    if unknown is not None:
        raise _no_such_key(*unknown, wording)
    return found


def decode_json(kind: type[T], data: bytes) -> T:
    """Convert JSON text to a type. Raises DecodingError, also where it is not JSON."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise DecodingError((), f"is not JSON: {error}") from error
    return decode(kind, value)


def allowed(kind: Any) -> str:
    """What a value of a type may be, in words, for documentation: "a whole number, 1 or more"."""
    words, plain = _allowed(msgspec.inspect.type_info(kind), 0, TOML), _plain(kind)
    return f"a whole number, {words}" if plain is int and words[:1] != "a" else words


def check(made: object, raising: Callable[[str], Exception]) -> None:
    """Check the fields of a struct that was made in Python, where msgspec checks nothing.

    For `__post_init__`. raising: makes the error from its sentence.
    """
    kind: Any = type(made)
    for field in _fields(kind).values():
        try:
            decode(field.kind, getattr(made, field.name))
        except DecodingError as error:
            raise raising(str(DecodingError((field.key, *error.path), error.reason))) from error


class _Field(NamedTuple):
    name: str
    key: str
    kind: Any
    is_required: bool


@cache
def _fields(kind: Any) -> Mapping[str, _Field]:
    """The fields of a Struct or dataclass by their keys; none for other types."""
    if _is_struct(kind):
        parts = msgspec.structs.fields(kind)
        found = [_Field(part.name, part.encode_name, part.type, part.required) for part in parts]
    elif dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        missing = dataclasses.MISSING
        found = [
            _Field(f.name, f.name, hints[f.name], f.default is missing and f.default_factory is missing)
            for f in dataclasses.fields(kind)
            if f.init
        ]
    else:
        found = []
    return {field.key: field for field in found}


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _is_dataclass(kind: object) -> bool:
    return dataclasses.is_dataclass(kind)


@cache
def _plain(kind: Any) -> Any:
    """A type without its limits, and without None where only one other type is allowed."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        others = [one for one in get_args(kind) if one is not NoneType]
        return _plain(others[0]) if len(others) == 1 else kind
    return kind


@cache
def _inner_kinds(kind: Any, container: type) -> tuple[Any, ...]:
    """The types of what a type of container holds: of keys and values, or of items; none for other types."""
    origin = get_origin(kind)
    return get_args(kind) if isinstance(origin, type) and issubclass(origin, container) else ()


def _parts(kind: Any, value: object) -> Iterator[tuple[str | int, Any, object]]:
    """What a value of a type is made of: the key or position, the type and the value of every part."""
    kind = _plain(kind)
    if isinstance(value, Mapping):
        fields, kinds = _fields(kind), _inner_kinds(kind, Mapping)
        for key, inner in value.items():
            if key in fields:
                yield key, fields[key].kind, inner
            elif kinds:
                yield key, kinds[1], inner
    elif isinstance(value, list | tuple):
        kinds = _inner_kinds(kind, Sequence)
        if len(kinds) == 1 or kinds[-1:] == (Ellipsis,):
            kinds = kinds[:1] * len(value)
        for place, (inner_kind, inner) in enumerate(zip(kinds, value, strict=False)):
            yield place, inner_kind, inner


def _error(kind: Any, value: object) -> msgspec.ValidationError | None:
    """Why a value is not of a type, None where it is."""
    try:
        msgspec.convert(value, kind, str_keys=True)
    except msgspec.ValidationError as error:
        return error
    return None


def _fault(kind: Any, value: object, path: Path, wording: Wording) -> ValueError:
    """What is wrong with a value that is not of a type, at the innermost place."""
    for key, inner_kind, inner in _parts(kind, value):
        if _error(inner_kind, inner) is not None:
            return _fault(inner_kind, inner, (*path, key), wording)
    plain = _plain(kind)
    if isinstance(value, Mapping) and (_is_struct(plain) or _is_dataclass(plain)):
        return _fault_of_struct(plain, value, path, wording)
    if isinstance(value, Mapping) and (kinds := _inner_kinds(plain, Mapping)):
        for key in value:
            if _error(cast(Any, dict)[kinds[0], Any], {key: None}) is not None:
                allowed = _allowed(msgspec.inspect.type_info(kinds[0]), key, wording)
                return DecodingError((*path, key), f"is a wrong {wording.key}: it must be {allowed}")
    info = msgspec.inspect.type_info(kind)
    return DecodingError(
        path, f"must be {_allowed(info, value, wording)}, not {_shown(info, value, wording)}"
    )


def _fault_of_struct(kind: Any, value: Mapping[str, object], path: Path, wording: Wording) -> ValueError:
    """What is wrong with a table whose values are right one by one."""
    fields = _fields(kind)
    for key, field in fields.items():
        if field.is_required and key not in value:
            return DecodingError((*path, key), "is missing")
    error = _error(kind, value)
    cause = error.__cause__ if error is not None else None
    if isinstance(cause, DecodingError):  # of __post_init__
        return DecodingError((*path, *cause.path), cause.reason)
    if cause is not None:
        return (
            ValueError(str(cause)) if not path else DecodingError(path, f"is wrong: {str(cause).rstrip('.')}")
        )
    return _no_such_key(kind, next((key for key in value if key not in fields), ""), path, wording)


def _unknown_key(kind: Any, value: object, path: Path) -> tuple[Any, str, Path] | None:
    """A key that a dataclass does not know: the class, the key, and the way to its table."""
    if not _holds_dataclass(kind):
        return None
    plain = _plain(kind)
    if _is_dataclass(plain) and isinstance(value, Mapping):
        for key in value:
            if key not in _fields(plain):
                return plain, key, path
    for key, inner_kind, inner in _parts(plain, value):
        if (found := _unknown_key(inner_kind, inner, (*path, key))) is not None:
            return found
    return None


@cache
def _holds_dataclass(kind: Any, around: frozenset[Any] = frozenset()) -> bool:
    """Whether a type is a dataclass, or one is inside it; around: the types that it is inside of."""
    plain = _plain(kind)
    if _is_dataclass(plain):
        return True
    inner = [field.kind for field in _fields(plain).values()] or _inner_kinds(plain, Collection)
    return plain not in around and any(_holds_dataclass(one, around | {plain}) for one in inner)


def _no_such_key(kind: Any, key: str, path: Path, wording: Wording) -> DecodingError:
    known = ", ".join(_fields(kind)) or "none"
    known = f"there {'is' if len(_fields(kind)) == 1 else 'are'} {known}"
    return DecodingError(path, f"has no {wording.key} {_quoted(key)}; {known}")


def _refuse_non_finite(value: object) -> None:
    """Raise DecodingError for NaN and infinity, wherever they are."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if type(one) in _WITHOUT_FLOATS:  # most are: it takes a tenth of the time of the questions below
            continue
        if isinstance(one, float):
            if not math.isfinite(one):
                path = next(path for path, found in _floats(value, ()) if not math.isfinite(found))
                raise DecodingError(path, f"must be a finite number, not {one}")
        elif isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, list | tuple):
            waiting.extend(one)


def _floats(value: object, path: Path) -> Iterator[tuple[Path, float]]:
    """All floating-point numbers with their paths."""
    if isinstance(value, float):
        yield path, value
    elif isinstance(value, dict | list | tuple):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _floats(inner, (*path, key))


def _allowed(info: msgspec.inspect.Type, value: object, wording: Wording) -> str:
    """What a value of a type may be, in words; its limits only where the kind of the value is right."""
    match info:
        case msgspec.inspect.Metadata(type=inner, extra_json_schema=extra):
            return str((extra or {}).get("title") or _allowed(inner, value, wording))
        case msgspec.inspect.UnionType(types=types):
            return " or ".join(filter(None, (_allowed(one, value, wording) for one in types)))
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            numbers = int if isinstance(info, msgspec.inspect.IntType) else (int, float)
            is_number = isinstance(value, numbers) and not isinstance(value, bool)
            noun = "a whole number" if numbers is int else "a number"
            return (_range(info) if is_number else None) or noun
        case msgspec.inspect.BoolType():
            return "true or false"
        case msgspec.inspect.StrType(min_length=least):
            limit = f" of {counted(least, 'character')} or more" if least and isinstance(value, str) else ""
            return f"a string{limit}"
        case msgspec.inspect.LiteralType(values=values):
            return _alternatives([str(one) for one in values])
        case msgspec.inspect.EnumType(cls=cls):
            return _alternatives([str(one.value) for one in cls])
        case msgspec.inspect.TupleType(item_types=items):
            return f"a list of {len(items)}"
        case msgspec.inspect.CollectionType(min_length=least):
            return f"a list of {least} or more" if least and isinstance(value, list | tuple) else "a list"
        case msgspec.inspect.DictType(min_length=least):
            limit = f" of {least} or more" if least and isinstance(value, Mapping) else ""
            return f"{wording.table}{limit}"
        case msgspec.inspect.StructType() | msgspec.inspect.DataclassType():
            return wording.table
        case msgspec.inspect.NoneType():
            return wording.null or ""
    return f"of type {type(info).__name__.removesuffix('Type').lower()}"


def _range(limits: msgspec.inspect.IntType | msgspec.inspect.FloatType) -> str | None:
    """The limits of a number in words, None where it has none."""
    if limits.ge is not None and limits.le is not None:
        return f"from {_number(limits.ge)} to {_number(limits.le)}"
    words = {"ge": "{} or more", "gt": "more than {}", "le": "{} or less", "lt": "less than {}"}
    values = {name: getattr(limits, name) for name in words}
    found = [words[name].format(_number(value)) for name, value in values.items() if value is not None]
    return " and ".join(found) or None


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _alternatives(values: list[str]) -> str:
    *most, last = values
    return f"{', '.join(most)} or {last}" if most else last


def _shown(info: msgspec.inspect.Type, value: object, wording: Wording) -> str:
    """A wrong value in words."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            return _quoted(value) if _is_text(info) else f"the string {_quoted(value)}"
        case Mapping():
            return wording.table if value else f"an empty {wording.table.split()[-1]}"
        case list() | tuple():
            return "a list" if value else "an empty list"
    return f"a {type(value).__name__}"


def _is_text(info: msgspec.inspect.Type) -> bool:
    """Whether the values of a type are strings."""
    if isinstance(info, msgspec.inspect.Metadata):
        return _is_text(info.type)
    if isinstance(info, msgspec.inspect.UnionType):
        return any(map(_is_text, info.types))
    kinds = (msgspec.inspect.StrType, msgspec.inspect.LiteralType, msgspec.inspect.EnumType)
    return isinstance(info, kinds)


def _quoted(text: str, quote: str = "'") -> str:
    """A string in quotes, on one line and shortened."""
    shown = text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 1]}…"
    if not shown.isprintable():
        shown = shown.encode("unicode_escape").decode()
    return f"{quote}{shown}{quote}"
