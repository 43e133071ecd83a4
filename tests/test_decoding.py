"""The decoder: what is right becomes typed, what is wrong becomes one sentence."""

import json
import math
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from enricher.decoding import JSON, TOML, DecodingError, Wording, check, decode, decode_json, dotted
from enricher.errors import UsageError


class Color(StrEnum):
    """Three values."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of every kind."""

    top: Annotated[int, Meta(ge=1)] = 10
    share: Annotated[float, Meta(ge=0, le=1)] = 0.5
    above: Annotated[float, Meta(gt=0)] = 1.0
    below: Annotated[int, Meta(lt=5, description="Fewer than five.")] = 1
    at_most: Annotated[float, Meta(le=0.5)] = 0.5
    method: Literal["phrases", "published"] = "phrases"
    color: Color = Color.RED
    name: Annotated[str, Meta(min_length=1)] = "x"
    digits: Annotated[str, Meta(pattern="^[0-9]+$", title="a string of digits")] = "1"
    is_on: bool = False
    limit: Annotated[int, Meta(ge=0)] | None = None
    pair: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if self.name == "bad":
            raise DecodingError(("name",), "must not be bad")
        if self.name == "worse":
            raise ValueError("The name is worse.")


class Outer(msgspec.Struct, frozen=True, kw_only=True):
    """Containers; unknown keys are passed over."""

    id: str
    version: str | None = msgspec.field(name="model", default=None)
    inner: Inner = Inner()
    tables: Mapping[str, Inner] = {}
    names: tuple[Annotated[str, Meta(min_length=1)], ...] = ()
    files: Annotated[
        dict[Annotated[str, Meta(pattern="^[^/]+$", title="a file's name")], int], Meta(min_length=1)
    ] = msgspec.field(default_factory=lambda: {"a": 1})
    shards: dict[int, int] = {}
    anything: Mapping[str, Any] = {}


@dataclass
class Part:
    """A dataclass that holds another."""

    number: int
    inner: "Part | None" = None


@dataclass
class Whole:
    """A dataclass, as a plug-in of somebody else may use it."""

    id: str
    parts: list[Part] = field(default_factory=list)
    top: Annotated[int, Meta(ge=1)] = 1


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"top": 0}, "top must be 1 or more, not 0."),
        ({"top": "3"}, "top must be a whole number, not the string '3'."),
        ({"top": True}, "top must be a whole number, not true."),
        ({"top": 1.0}, "top must be a whole number, not 1.0."),
        ({"top": None}, "top must be a whole number, not null."),
        ({"top": [1]}, "top must be a whole number, not a list."),
        ({"top": {"a": 1}}, "top must be a whole number, not an object."),
        ({"share": 2}, "share must be from 0 to 1, not 2."),
        ({"share": -0.5}, "share must be from 0 to 1, not -0.5."),
        ({"share": False}, "share must be a number, not false."),
        ({"share": math.nan}, "share must be a finite number, not nan."),
        ({"share": -math.inf}, "share must be a finite number, not -inf."),
        ({"above": 0}, "above must be more than 0, not 0."),
        ({"below": 5}, "below must be less than 5, not 5."),
        ({"at_most": 0.6}, "at_most must be 0.5 or less, not 0.6."),
        ({"method": "rake"}, "method must be phrases or published, not 'rake'."),
        ({"method": 3}, "method must be phrases or published, not 3."),
        ({"color": "pink"}, "color must be red, green or blue, not 'pink'."),
        ({"name": ""}, "name must be a string of 1 character or more, not ''."),
        ({"name": 3}, "name must be a string, not 3."),
        ({"name": "bad"}, "name must not be bad."),
        ({"name": "worse"}, "The name is worse."),
        ({"digits": "x1"}, "digits must be a string of digits, not 'x1'."),
        ({"digits": "x" * 99}, f"digits must be a string of digits, not '{'x' * 59}…'."),
        ({"digits": "a\nb"}, r"digits must be a string of digits, not 'a\nb'."),
        ({"is_on": 1}, "is_on must be true or false, not 1."),
        ({"is_on": "yes"}, "is_on must be true or false, not the string 'yes'."),
        ({"limit": -1}, "limit must be 0 or more or null, not -1."),
        ({"limit": "x"}, "limit must be a whole number or null, not the string 'x'."),
        ({"pair": [1, "x"]}, "pair[1] must be a number, not the string 'x'."),
        ({"pair": [1]}, "pair must be a list of 2 or null, not a list."),
        (
            {"tpo": 1},
            "it has no key 'tpo'; there are top, share, above, below, at_most, method, color, name, digits, "
            "is_on, limit, pair.",
        ),
        ([], "it must be an object, not an empty list."),
        ("text", "it must be an object, not the string 'text'."),
        (None, "it must be an object, not null."),
    ],
)
def test_a_wrong_value_is_one_sentence(table: object, sentence: str) -> None:
    """The key, what is allowed, and the wrong value."""
    with pytest.raises(ValueError, match=r".") as failure:
        decode(Inner, table)
    assert str(failure.value) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"id": 3}, "id must be a string, not 3."),
        ({"model": 3}, "model must be a string, not 3."),
        ({"inner": {"top": 0}}, "inner.top must be 1 or more, not 0."),
        ({"inner": []}, "inner must be a table, not an empty list."),
        ({"inner": {"name": "bad"}}, "inner.name must not be bad."),
        ({"inner": {"name": "worse"}}, "inner is wrong: The name is worse."),
        ({"tables": {"news": {"top": 0}}}, "tables.news.top must be 1 or more, not 0."),
        (
            {"tables": {"news-*": {"top": "0"}}},
            """tables."news-*".top must be a whole number, not the string '0'.""",
        ),
        ({"tables": {"新闻": {"is_on": 0}}}, "tables.新闻.is_on must be true or false, not 0."),
        ({"tables": {"a": {"b": 1}}}, "tables.a has no setting 'b'; there are top,"),
        ({"names": ["a", ""]}, "names[1] must be a string of 1 character or more, not ''."),
        ({"names": "ab"}, "names must be a list, not the string 'ab'."),
        ({"files": {}}, "files must be a table of 1 or more, not an empty table."),
        ({"files": {"../x": 1}}, 'files."../x" is a wrong setting: it must be a file\'s name.'),
        ({"files": {"a": "1"}}, "files.a must be a whole number, not the string '1'."),
        ({"shards": {"x": 1}}, "shards.x is a wrong setting: it must be a whole number."),
        ({"anything": {"deep": [{"x": math.inf}]}}, "anything.deep[0].x must be a finite number, not inf."),
        ({"id": None, "inner": {"top": 0}}, "id must be a string, not null."),
    ],
)
def test_a_wrong_value_inside_is_named_by_its_dotted_key(changes: dict[str, object], sentence: str) -> None:
    """As it is written in TOML; the parts are called as they are there."""
    with pytest.raises(DecodingError) as failure:
        decode(Outer, {"id": "a", **changes}, TOML)
    assert str(failure.value).startswith(sentence)


def test_a_missing_key_is_named() -> None:
    """Also inside of a dataclass."""
    with pytest.raises(DecodingError, match=r"^id is missing\.$"):
        decode(Outer, {})
    with pytest.raises(DecodingError, match=r"^parts\[1\]\.number is missing\.$") as failure:
        decode(Whole, {"id": "a", "parts": [{"number": 1}, {}]})
    assert failure.value.path == ("parts", 1, "number") and failure.value.key == "parts[1].number"


def test_what_is_right_becomes_typed() -> None:
    """Numbers of JSON are numbers, keys of shards are numbers too; unknown keys only where they may be."""
    value = {"id": "a", "model": "m", "inner": {"share": 1, "color": "blue"}, "shards": {"1": 2}, "more": 1}
    found = decode(Outer, value)
    assert found == Outer(id="a", version="m", inner=Inner(share=1.0, color=Color.BLUE), shards={1: 2})
    assert type(found.inner.share) is float and found.names == ()
    assert decode_json(Outer, json.dumps(value).encode()) == found
    assert decode(dict[str, str], {"a": "b"}) == {"a": "b"}


class Tree(msgspec.Struct, forbid_unknown_fields=True):
    """A type that holds itself."""

    branches: "list[Tree]" = []


def test_a_type_may_hold_itself() -> None:
    """As deep as the value is."""
    assert decode(Tree, {"branches": [{"branches": []}]}) == Tree([Tree()])
    with pytest.raises(DecodingError, match=r"^branches\[0\] has no key 'x'; there is branches\.$"):
        decode(Tree, {"branches": [{"x": 1}]})


@pytest.mark.parametrize("data", [b"", b"{", b'{"id": NaN}', b'{"id": "\xff"}', b"[" * 5000])
def test_what_is_no_json_is_a_sentence(data: bytes) -> None:
    """NaN is no JSON either."""
    with pytest.raises(DecodingError, match=r"^it is not JSON: .+\.$"):
        decode_json(Outer, data)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"id": "a", "tops": 1}, "it has no key 'tops'; there are id, parts, top."),
        (
            {"id": "a", "parts": [{"number": 1, "more": 2}]},
            "parts[0] has no key 'more'; there are number, inner.",
        ),
        (
            {"id": "a", "parts": [{"number": 1, "inner": {"number": 1, "x": 2}}]},
            "parts[0].inner has no key 'x'; ",
        ),
        (
            {"id": "a", "parts": [{"number": "1"}]},
            "parts[0].number must be a whole number, not the string '1'.",
        ),
        ({"id": "a", "top": 0}, "top must be 1 or more, not 0."),
    ],
)
def test_a_dataclass_knows_limits_and_refuses_unknown_keys(value: object, sentence: str) -> None:
    """At every depth."""
    with pytest.raises(DecodingError) as failure:
        decode(Whole, value)
    assert str(failure.value).startswith(sentence)


def test_what_is_nested_too_deeply_is_a_sentence() -> None:
    """Whatever parsed it."""
    value: dict[str, Any] = {}
    for _ in range(50_000):
        value = {"branches": [value]}
    with pytest.raises(DecodingError, match="nested too deeply"):
        decode(Tree, value)


class Checked(msgspec.Struct, frozen=True):
    """Checks itself."""

    top: Annotated[int, Meta(ge=1)] = 1
    share: float = msgspec.field(name="portion", default=0.5)

    def __post_init__(self) -> None:
        check(self, UsageError)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"top": 0}, "top must be 1 or more, not 0."),
        ({"share": math.nan}, "portion must be a finite number, not nan."),
    ],
)
def test_a_struct_that_is_made_in_python_can_be_checked(values: dict[str, Any], sentence: str) -> None:
    """With an error of the caller's choice."""
    with pytest.raises(UsageError) as failure:
        Checked(**values)
    assert str(failure.value) == sentence
    assert decode(Checked, {"top": 2, "portion": 1}) == Checked(2, 1.0)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = [
    "id",
    "model",
    "inner",
    "tables",
    "names",
    "files",
    "shards",
    "anything",
    "top",
    "method",
    "color",
    "pair",
]


@given(
    st.dictionaries(st.sampled_from(KEYS), JSON_VALUES)
    | st.fixed_dictionaries(
        {"id": st.text()}, optional={"inner": st.dictionaries(st.sampled_from(KEYS), JSON_VALUES)}
    )
    | JSON_VALUES,
    st.sampled_from([Outer, Inner, Whole, dict[str, Inner], list[Part]]),
    st.sampled_from([TOML, JSON]),
)
def test_any_value_is_decoded_or_one_sentence(value: object, kind: type[Any], wording: Wording) -> None:
    """Nothing else is ever raised; the path leads to a value, and what was decoded can be decoded."""
    try:
        found = decode(kind, value, wording)
    except DecodingError as error:
        text = str(error)
        assert text.endswith(".") and "\n" not in text
        assert str(pickle.loads(pickle.dumps(error))) == text
        place: Any = value
        for part in error.path[: -1 if error.reason == "is missing" else None]:
            place = place[part]
    else:
        assert decode(kind, msgspec.to_builtins(found, str_keys=True)) == found


@given(st.lists(st.text(max_size=5), min_size=1, max_size=3))
def test_a_dotted_key_is_one_line(path: list[str]) -> None:
    """Also of keys that hold dots, quotes and line breaks."""
    assert "\n" not in dotted(tuple(path)) and dotted((*path, 3)).endswith("[3]")
