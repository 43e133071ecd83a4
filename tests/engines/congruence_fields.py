"""The user's fields, filtered and counted the same on every engine; congruence.py describes the form."""

import pytest

from enricher.errors import UsageError
from enricher.records import SearchEngine, SearchRequest
from tests.engines.congruence import LAYOUT, document, equal, fill, ids, query


def facet(engine: SearchEngine, index: str, name: str) -> dict[str, int]:
    """The values of a field and in how many documents they are."""
    response = engine.search(index, SearchRequest(query("x"), facets=(name,)))
    return {one.value: one.count for one in response.facets[name]}


def filtered(engine: SearchEngine, index: str, name: str, value: str) -> list[str]:
    return ids(engine, index, "x", filters=(equal(name, value),))


STRINGS = [
    "2024-01-02T02:00:00Z",
    "2024-01-02T10:00:00+08:00",
    "2024-01-02t02:00:00z",
    "2024-05-01T08:30:00.250Z",
    "2024-05-01T08:30:00.25Z",
    "2024-01-02",
    "2024-01-02T02:00:00",
    "2024-01-02 02:00:00",
    "20240102",
    "12:30",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999999Z",
    "007",
    "7",
    "7.0",
    "1e5",
    "100000",
    "1.0",
    "1",
    "-0",
    "0",
    "99999999999999999999",
    "NaN",
    "Infinity",
    "0x10",
    "true",
    "True",
    "false",
    "null",
    "None",
    "",
    " ",
    " 7",
    "a b",
    "a=b",
    "café",
    "cafe\u0301",
    "İstanbul",
    "ａ",
    "数据库",
    "😀",
    "a\0b",
    "a\nb",
    "s",
    "/a/b",
    'quote " and \\ backslash',
    "2001:db8::1",
    "192.168.0.1",
    "l" * 256,
    "长" * 256,
]


def test_a_string_is_kept_as_it_was_written(engine: SearchEngine, index: str) -> None:
    """Each finds its own document alone, and facets show them all, as filters take them."""
    made = [document(f"{place:02}", "x", value=value, place=place) for place, value in enumerate(STRINGS)]
    fill(engine, index, *made)
    for place, value in enumerate(STRINGS):
        assert filtered(engine, index, "value", value) == [f"{place:02}"], value
    shown: set[str] = set()
    for one in STRINGS:
        request = SearchRequest(query("x"), filters=(equal("value", one),), facets=("value",))
        shown |= {count.value for count in engine.search(index, request).facets["value"]}
    assert shown == set(STRINGS)
    whole = engine.search(index, SearchRequest(query("x"), facets=("value",))).facets["value"]
    assert [one.value for one in whole] == sorted(STRINGS)[:20]


def test_strings_in_lists_and_below_other_fields_are_kept_too(engine: SearchEngine, index: str) -> None:
    """Times in lists, in objects, and under names with dots, spaces and other scripts."""
    time, same = "2024-01-02T10:00:00+08:00", "2024-01-02T02:00:00Z"
    fill(
        engine,
        index,
        document("a", "x", at=[time, same, time], meta={"made": time}, **{"d.e": time, "时间 x": time}),
        document("b", "x", at=same, meta={"made": same}, d={"e": same}),
    )
    assert facet(engine, index, "at") == {same: 2, time: 1}
    assert filtered(engine, index, "at", same) == ["a", "b"]
    for name in ("at", "meta.made", "d.e", "时间 x"):
        assert filtered(engine, index, name, time) == ["a"], name


def test_names_of_fields_have_no_meaning_of_their_own(engine: SearchEngine, index: str) -> None:
    """Immense ones, and those that differ in case or by one letter."""
    names = ["n" * 300, "n" * 301, "N" * 300, "a*", "a", "a\\b", "\u00e9", "e\u0301", 'q"', "t61", "61"]
    fill(engine, index, *[document(f"{place:02}", "x", **{name: "v"}) for place, name in enumerate(names)])
    for place, name in enumerate(names):
        assert filtered(engine, index, name, "v") == [f"{place:02}"], name
        assert facet(engine, index, name) == {"v": 1}


def test_numbers_are_floats_however_they_are_written(engine: SearchEngine, index: str) -> None:
    """Whole ones equal fractions, large ones are rounded, and facets show what filters take."""
    values = [5, 5.0, "5", "5.0e0", -0.0, 0, 2**53, 2**53 + 1, 1e300, 10**30, 0.1, -2.5, 5e-324]
    fill(engine, index, *[document(f"{place:02}", "x", n=value) for place, value in enumerate(values)])
    for spelled in ("5", "5.0", "+5", "0.5e1"):
        assert filtered(engine, index, "n", spelled) == ["00", "01", "02", "03"], spelled
    for spelled in ("0", "-0", "0.0"):
        assert filtered(engine, index, "n", spelled) == ["04", "05"], spelled
    assert filtered(engine, index, "n", str(2**53)) == ["06", "07"]
    assert filtered(engine, index, "n", "6") == filtered(engine, index, "n", "9" * 50) == []
    counted = facet(engine, index, "n")
    assert counted == {
        "5": 4,
        "0": 2,
        str(2**53): 2,
        "1e+300": 1,
        "1e+30": 1,
        "0.1": 1,
        "-2.5": 1,
        "5e-324": 1,
    }
    for value, count in counted.items():
        assert len(filtered(engine, index, "n", value)) == count, value


def test_booleans_are_true_and_false(engine: SearchEngine, index: str) -> None:
    """A filter may write them as Python does."""
    fill(
        engine,
        index,
        *[
            document(str(n), "x", on=value)
            for n, value in enumerate([True, False, "true", "", [True, False]])
        ],
    )
    for spelled in ("true", "True", "TRUE"):
        assert filtered(engine, index, "on", spelled) == ["0", "2", "4"], spelled
    assert filtered(engine, index, "on", "False") == ["1", "3", "4"]
    assert facet(engine, index, "on") == {"false": 3, "true": 3}


def test_a_filter_of_another_type_than_its_field_is_said(engine: SearchEngine, index: str) -> None:
    """It could find nothing; a string that looks like something else is a string."""
    fill(engine, index, document("a", "x", views=5, price=2.5, on=True, code="5", said="true"))
    for value in ("abc", "", "5 ", "1_000", "nan", "true", "5,0", "٥"):
        for name in ("views", "price"):
            with pytest.raises(
                UsageError, match=rf"The field '{name}' .* holds numbers, but .* is not a number"
            ):
                filtered(engine, index, name, value)
    for value in ("yes", "1", "", "t", "wahr"):
        with pytest.raises(UsageError, match=r"The field 'on' .* holds true or false, but .* is neither"):
            filtered(engine, index, "on", value)
    assert filtered(engine, index, "code", "5") == filtered(engine, index, "said", "true") == ["a"]
    assert filtered(engine, index, "code", "5.0") == filtered(engine, index, "said", "True") == []


def test_the_exact_values_of_a_string_have_a_second_name(engine: SearchEngine, index: str) -> None:
    """The one that a server gives them; other fields have none."""
    fill(engine, index, document("a", "x", tag="a b", n=5))
    assert filtered(engine, index, "tag.keyword", "a b") == ["a"]
    assert facet(engine, index, "tag.keyword") == {"a b": 1}
    with pytest.raises(UsageError, match="no field"):
        filtered(engine, index, "n.keyword", "5")


@pytest.mark.parametrize(
    ("first", "refused", "taken", "sentence"),
    [
        (1998, "unknown", "1999", "The field 'f' holds numbers, but 'unknown' is not a number."),
        (2.5, True, 3, "The field 'f' holds numbers, but 'true' is not a number."),
        ([1], [2, "x"], [2, "3"], "The field 'f' holds numbers, but 'x' is not a number."),
        (True, 1, "false", "The field 'f' holds true or false, but '1' is neither."),
        (True, "yes", "true", "The field 'f' holds true or false, but 'yes' is neither."),
        (5, {"a": 1}, None, "The field 'f' is a value in other documents, but an object in this one."),
        ("s", {"a": 1}, 5, "The field 'f' is a value in other documents, but an object in this one."),
        (
            {"a": 1},
            5,
            {"b": "x"},
            "The field 'f' is an object in other documents, but a value in this one.",
        ),
        (
            [{"a": 1}],
            ["s"],
            [],
            "The field 'f' is an object in other documents, but a value in this one.",
        ),
    ],
)
def test_the_first_value_decides_the_type_of_a_field(
    engine: SearchEngine, index: str, first: object, refused: object, taken: object, sentence: str
) -> None:
    """A document with another is a rejection, in one batch and in a later one, and the others are written."""
    engine.create(index, LAYOUT)
    batch = [document("a", "x", f=first), document("b", "x", f=refused), document("c", "x", f=taken)]
    (rejection,) = engine.write(index, batch)
    assert (rejection.where, rejection.reason) == ("b", sentence)
    assert '"text"' in rejection.content and "enrichment" not in rejection.content
    engine.refresh(index)
    (again,) = engine.write(index, [document("d", "x", f=refused), document("e", "x", f=first)])
    assert again.reason == sentence
    engine.refresh(index)
    assert ids(engine, index, "x") == ["a", "c", "e"]


def test_a_refused_document_decides_no_type(engine: SearchEngine, index: str) -> None:
    """Nor does a field without a value."""
    fill(engine, index, document("a", "x", n=1, later=None, other=[]))
    assert len(engine.write(index, [document("b", "x", new="s", n="no number")])) == 1
    assert engine.write(index, [document("c", "x", new=5, later=True, other="s")]) == []
    engine.refresh(index)
    assert facet(engine, index, "new") == {"5": 1}
    assert filtered(engine, index, "later", "true") == filtered(engine, index, "other", "s") == ["c"]


def test_in_a_field_of_strings_all_values_are_strings(engine: SearchEngine, index: str) -> None:
    """Numbers and booleans as JSON writes them."""
    values = ["s", 5, 5.0, True, 1e300, 10**30, [1, "a", False, None]]
    fill(engine, index, *[document(str(place), "x", f=value) for place, value in enumerate(values)])
    strings = ["s", "5", "5.0", "true", "1e+300", str(10**30), "1", "a", "false"]
    assert facet(engine, index, "f") == dict.fromkeys(strings, 1)
    assert filtered(engine, index, "f", "5") == ["1"]
    assert filtered(engine, index, "f", "5.0") == ["2"]


def test_a_field_stays_known_when_its_documents_are_gone(engine: SearchEngine, index: str) -> None:
    """With its type, as a mapping keeps it."""
    fill(engine, index, document("a", "x", n=1), document("b", "x"))
    assert engine.delete(index, ["a"]) == 1
    engine.refresh(index)
    assert filtered(engine, index, "n", "1") == []
    assert facet(engine, index, "n") == {}
    assert len(engine.write(index, [document("c", "x", n="s")])) == 1
