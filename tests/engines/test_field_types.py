"""The types of the user's fields, without an engine."""

import pytest

from enricher.decoding import decode
from indexer.engines.field_types import FieldType, FieldTypes, plain_values


def test_values_are_found_at_dotted_paths() -> None:
    """Inner objects and lists are flattened, nothing is found in nothing, a value is there once."""
    source = {"a": {"b": [1, 1.0, [2]], "c.d": "x"}, "e": None, "f": [], "g": True, "h": "long" * 100}
    expected = {"a.b": [1.0, 2.0], "a.c.d": ["x"], "g": [True], "h": []}
    types = FieldTypes({})
    assert types.admit(source) == plain_values(source) == expected
    assert types.names() == ["a.b", "a.c.d", "g", "h"]
    assert types.get("a") is types.get("a.c") is FieldType.OBJECT
    assert (types.get("e"), types.get("f")) == (None, None)
    assert FieldTypes(decode(dict[str, FieldType], types.as_json())).as_json() == types.as_json()


@pytest.mark.parametrize(
    ("first", "later", "kept"),
    [
        ("x", 5, ["5"]),
        ("x", 5.0, ["5.0"]),
        ("x", True, ["true"]),
        ("2024-01-02", "2024-01-02T00:00:00Z", ["2024-01-02T00:00:00Z"]),
        (1, "5", [5.0]),
        (1, " 5e1 ", [50.0]),
        (1, "", []),
        (1, -0.0, [0.0]),
        (1, 2**53 + 1, [2.0**53]),
        (True, "false", [False]),
        (True, "", [False]),
        (True, [False, "true"], [False, True]),
        ({"b": 1}, None, None),
        ({"b": 1}, [], None),
    ],
)
def test_a_value_that_fits_is_kept_as_its_field_has_it(first: object, later: object, kept: object) -> None:
    """As Elasticsearch converts it."""
    types = FieldTypes({})
    types.admit({"a": first})
    assert types.admit({"a": later}).get("a") == kept


@pytest.mark.parametrize(
    ("first", "later", "sentence"),
    [
        (1, "x", "The field 'a' holds numbers, but 'x' is not a number"),
        (1, True, "The field 'a' holds numbers, but 'true' is not a number"),
        (1, [2, "x"], "The field 'a' holds numbers, but 'x' is not a number"),
        (1, "nan", "The field 'a' holds numbers, but 'nan' is not a number"),
        (1, "1_000", "The field 'a' holds numbers, but '1_000' is not a number"),
        (1, "1e999", "The number in the field 'a' is too large"),
        (1, 2**1024 - 1, "The number in the field 'a' is too large"),
        (True, 1, "The field 'a' holds true or false, but '1' is neither"),
        (True, "True", "The field 'a' holds true or false, but 'True' is neither"),
        (1, {"b": 1}, "The field 'a' is a value in other documents, but an object in this one"),
        ("x", {}, "The field 'a' is a value in other documents, but an object in this one"),
        ({"b": 1}, 5, "The field 'a' is an object in other documents, but a value in this one"),
        ({}, "", "The field 'a' is an object in other documents, but a value in this one"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(first: object, later: object, sentence: str) -> None:
    """In a sentence, and of a refused document no field is kept."""
    types = FieldTypes({})
    types.admit({"a": first})
    with pytest.raises(ValueError) as raised:
        types.admit({"new": "x", "a": later})
    assert str(raised.value) == sentence
    assert types.get("new") is None
