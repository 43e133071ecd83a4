"""Filters by comparison that every engine answers the same; congruence.py describes the form."""

import operator

import pytest

from enricher.errors import UsageError
from enricher.records import Filter, Operator, SearchEngine, parse_filter
from tests.engines.congruence import document, fill, ids
from tests.engines.congruence_fields import STRINGS

COMPARE = {
    Operator.EQUAL: operator.eq,
    Operator.NOT_EQUAL: operator.ne,
    Operator.LESS: operator.lt,
    Operator.AT_MOST: operator.le,
    Operator.GREATER: operator.gt,
    Operator.AT_LEAST: operator.ge,
}
NUMBERS = [5, -1.5, 0, -0.0, 1e300, -1e300, 5e-324, -5e-324, 2**53, 0.1, 2**63, 10**30, -(2**64)]


def matching(engine: SearchEngine, index: str, *filters: str) -> list[str]:
    """The ids of the documents that match all filters, as they are typed."""
    return ids(engine, index, "x", top=100, filters=tuple(map(parse_filter, filters)))


def test_numbers_are_compared_by_their_size(engine: SearchEngine, index: str) -> None:
    """By all operators, with bounds that documents have and others, however they are written."""
    fill(engine, index, *[document(f"{place:02}", "x", n=value) for place, value in enumerate(NUMBERS)])
    for bound in [*map(str, NUMBERS), "7.25", "1e-9", "-3", "1e19", "-1e19", "+5.0", "9" * 38]:
        for one, compare in COMPARE.items():
            found = [f"{n:02}" for n, value in enumerate(NUMBERS) if compare(float(value), float(bound))]
            assert matching(engine, index, f"n{one}{bound}") == found, (one, bound)


def test_strings_are_compared_by_their_characters(engine: SearchEngine, index: str) -> None:
    """Dates of one form by their time; spaces, brackets, quotes and other scripts in their places."""
    odd = ["a(b", "a)b", "a]", "[", "{x", "*", "-1", "`", "2024-01-02 10:00", "2024-01-02 02:00"]
    strings = [*STRINGS, *odd]
    fill(engine, index, *[document(f"{place:02}", "x", s=value) for place, value in enumerate(strings)])
    for bound in filter(None, strings):
        for one, compare in COMPARE.items():
            found = [f"{n:02}" for n, value in enumerate(strings) if compare(value, bound)]
            assert matching(engine, index, f"s{one}{bound}") == found, (one, bound)
    assert matching(engine, index, "s>=2024-01-02 03:00", "s<2024-01-02T") == ["58"]


def test_keywords_are_compared_too(engine: SearchEngine, index: str) -> None:
    """And other exact values of the enrichment, with bounds of any characters."""
    words = ["tide", "ocean heat", "[draft]", "*", "-", "海洋", "事务 处理"]
    fill(engine, index, *[document(str(place), "x", keywords=[word]) for place, word in enumerate(words)])
    for bound in [*words, " ", "海"]:
        for one, compare in COMPARE.items():
            found = [str(place) for place, word in enumerate(words) if compare(word, bound)]
            assert matching(engine, index, f"keywords{one}{bound}") == found, (one, bound)
    assert matching(engine, index, "enrichment.model>v0", "enrichment.model!=v2") == list("0123456")


def test_ranges_are_joined_by_and(engine: SearchEngine, index: str) -> None:
    """Each holds for one of the values of a document, not all for the same one."""
    fill(
        engine,
        index,
        document("a", "x", price=5, tags=["p", "q"], day="2024-01-31"),
        document("b", "x", price=[1, 20], tags=["q"], day="2024-02-01"),
        document("c", "x", tags="p", day=["2023-12-01", "2024-03-01"]),
        document("d", "x"),
    )
    assert matching(engine, index, "price>=5", "price<10") == ["a", "b"]
    assert matching(engine, index, "price>5", "price<10") == ["b"]
    assert matching(engine, index, "day>=2024-01", "day<2024-02") == ["a", "c"]
    assert matching(engine, index, "tags=p", "tags=q") == ["a"]
    assert matching(engine, index, "tags!=p") == ["b", "d"]
    assert matching(engine, index, "tags!=p", "tags!=q") == ["d"]
    assert matching(engine, index, "price!=5") == ["b", "c", "d"]
    assert matching(engine, index, "price!=1", "price>0") == ["a"]


def test_a_value_may_hold_operators(engine: SearchEngine, index: str) -> None:
    """The first operator after the name of the field counts."""
    for place, value in enumerate(values := ["a=b<c", "=b", ">=5", "!=", "a!b"]):
        assert parse_filter(f"s={value}").value == value
        assert parse_filter(f"s!={value}").operator is Operator.NOT_EQUAL, place
    fill(engine, index, *[document(str(place), "x", s=value) for place, value in enumerate(values)])
    for place, value in enumerate(values):
        assert matching(engine, index, f"s={value}") == [str(place)]
    assert parse_filter("s = a b ") == Filter("s", Operator.EQUAL, "a b ")
    assert parse_filter("s= a") == Filter("s", Operator.EQUAL, " a")
    assert matching(engine, index, "s<!=", "s >= !") == []
    assert matching(engine, index, "s>=a!b") == ["0", "4"]


def test_true_and_false_have_no_order(engine: SearchEngine, index: str) -> None:
    """Equal and not equal are all that can be asked."""
    fill(engine, index, document("a", "x", on=True), document("b", "x", on=False), document("c", "x"))
    assert matching(engine, index, "on!=true") == ["b", "c"]
    with pytest.raises(UsageError, match=r"'on' .* true or false, which have no order.* not with <=\."):
        matching(engine, index, "on<=true")


def test_a_range_that_cannot_be_is_one_sentence(engine: SearchEngine, index: str) -> None:
    """Of a field that is not there, of an object, and with a value of another type."""
    fill(engine, index, document("a", "x", n=5, meta={"author": "b"}))
    for wrong, sentence in [
        ("nothing>5", "no field 'nothing'"),
        ("meta>5", "no field 'meta'"),
        ("n>five", "'n' .* holds numbers, but 'five' is not a number"),
        ("n!=five", "'n' .* holds numbers, but 'five' is not a number"),
        ("n<=2024-01-01", "'n' .* holds numbers"),
    ]:
        with pytest.raises(UsageError, match=sentence):
            matching(engine, index, wrong)
    for wrong in ("n", "", "=5", "<5", "!=x", " =5"):
        with pytest.raises(UsageError, match="A filter is written FIELD=VALUE"):
            parse_filter(wrong)
    for wrong in ("n>", "n<=", "n > "):
        with pytest.raises(UsageError, match="has no value after"):
            parse_filter(wrong)
