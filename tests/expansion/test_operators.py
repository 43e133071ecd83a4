"""Quoted phrases and excluded words in the text of a query."""

import pytest

from enricher.expansion import parse_operators, parse_query
from enricher.records import Query
from enricher.text import open_analyzer

ANALYZER = open_analyzer()


def parsed(text: str) -> Query:
    return parse_operators(ANALYZER, text)


@pytest.mark.parametrize(
    "text",
    [
        "green tea",
        "  spaces\tand\nlines  ",
        "well-known state-of-the-art",
        "a - b",
        "-",
        "--verbose",
        "at -5 degrees -5",
        'a 5" pipe and a 3" pipe',
        'an "unbalanced quote',
        "“ 没有右引号",
        "「没有",
        '"" “” 「」',
        '"，。" -"!"',
        "-、 -！",
        "数据库-事务",
        "rock'n'roll don't",
        "",
    ],
)
def test_a_text_without_operators_is_what_it_was(text: str) -> None:
    """Lone hyphens, those within words and before digits, unbalanced and empty quotes are text."""
    assert parsed(text) == parse_query(ANALYZER, text)


@pytest.mark.parametrize(
    ("text", "required"),
    [
        ('"heat transfer" pump', [("heat", "transfer")]),
        ("＂heat transfer＂ pump", [("heat", "transfer")]),
        ("“heat transfer” pump", [("heat", "transfer")]),
        ("「heat transfer」 pump", [("heat", "transfer")]),
        ('“heat transfer" and "heat transfer”', [("heat", "transfer")]),
        ('"tide"', [("tide",)]),
        ('"State of the Art"', [("state", "of", "the", "art")]),
        ('"a b" or "c d"', [("a", "b"), ("c", "d")]),
        ("什么是“数据库事务”？", [("数据库", "事务")]),
        ("使用Java“虚拟机 内存”", [("虚拟机", "内存")]),
        ('"数据库 transactions"', [("数据库", "transactions")]),
        ('a - "heat transfer"', [("heat", "transfer")]),
    ],
)
def test_quotes_require_adjacent_words(text: str, required: list[tuple[str, ...]]) -> None:
    """In any of the usual quotes; they are terms of the query as without quotes, and its text stays."""
    found = parsed(text)
    assert (list(found.required), found.excluded, found.text) == (required, (), text)
    assert set(parse_query(ANALYZER, text).terms) <= set(found.terms)
    assert found.operators_as_json() == {"required": [" ".join(words) for words in required]}


@pytest.mark.parametrize(
    ("text", "kept", "excluded"),
    [
        ("tea -green", "tea  ", [("green",)]),
        ("-green tea", "  tea", [("green",)]),
        ("tea －green", "tea  ", [("green",)]),
        ("tea -green, -Black", "tea    ", [("green",), ("black",)]),
        ("tea -well-known", "tea  ", [("well", "known")]),
        ('tea -"green leaves" pot', "tea   pot", [("green", "leaves")]),
        ('tea -"2020"', "tea  ", [("2020",)]),
        ("茶叶 -数据库事务", "茶叶  ", [("数据库", "事务")]),
        ("茶叶\u3000-“数据库 事务”", "茶叶\u3000 ", [("数据库", "事务")]),
        ("-「数据库」 茶叶", "  茶叶", [("数据库",)]),
        ("tea -(green leaves)", "tea   leaves)", [("green",)]),
    ],
)
def test_a_hyphen_excludes_a_word_or_a_phrase(text: str, kept: str, excluded: list[tuple[str, ...]]) -> None:
    """Rewriters and the vector see the text without it."""
    found = parsed(text)
    assert (found.text, list(found.excluded), found.required) == (kept, excluded, ())
    assert found.terms == parse_query(ANALYZER, kept).terms


def test_a_phrase_of_stop_words_is_searched() -> None:
    """Else no document with the phrase would match; in other phrases they only have to be adjacent."""
    assert parsed('"to be or not" hamlet').typed == ["to", "be", "or", "not", "hamlet"]
    assert parsed('"the tide" of the ocean').typed == ["tide", "ocean"]


def test_both_together_and_twice() -> None:
    """An operator that is repeated counts once."""
    found = parsed('"a b" -c "a b" -c tide')
    assert (found.required, found.excluded) == ((("a", "b"),), (("c",),))
    assert parsed("-only").terms == ()


def test_immense_texts_of_quotes_are_parsed_in_no_time() -> None:
    """The pattern looks at no character twice as often as the text is long."""
    for one in ('"', "“", "「", ' -"', "“「", '-"a'):
        parsed(one * 50_000)
