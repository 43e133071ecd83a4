"""Opening engines by URL, and the parts that both share."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.errors import ConfigurationError
from enricher.records import (
    EMPTY_MARK,
    MAX_TERM_CHARACTERS,
    EnrichedDocument,
    QueryTerm,
    SearchRequest,
    clean,
)
from enricher.search.plans import lighten, plan
from indexer.engines import open_engine
from indexer.engines.addresses import parse_addresses
from indexer.engines.fields import as_value, encode, number, prepare, utf16_length, words_of
from tests.engines.congruence import LAYOUT, document, query


def test_a_tantivy_url_opens_a_folder(tmp_path: Path) -> None:
    """What follows `tantivy:` is the folder."""
    opened = open_engine(f"tantivy:{tmp_path}/index")
    assert opened.name == "tantivy"
    assert str(tmp_path) in repr(opened)
    opened.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "index",
        "tantivy:",
        "solr://user:secret-word@host:1",
        "http://",
        "http://user:secret-word@",
        "http://user:secret-word@host:port",
        "http://user:secret-word@host:99999",
        "http://host:1/?q",
        "http://a:secret-word@host:1,b:secret-word@other:1",
    ],
)
def test_other_urls_are_refused_without_repeating_them(url: str) -> None:
    """A URL of no known form is a configuration error that says the forms, and no password."""
    with pytest.raises(ConfigurationError) as raised:
        open_engine(url)
    assert "secret-word" not in str(raised.value)
    assert str(raised.value).endswith(".")


def test_addresses_are_parsed() -> None:
    """Hosts, user and password are taken apart, and percent signs decoded."""
    one = parse_addresses("http://user:p%40s%2Cs@one:9201,two,http://three:1/path/")
    assert one.hosts == ("http://one:9201", "http://two:9200", "http://three:1/path")
    assert (one.user, one.password) == ("user", "p@s,s")
    assert "p@s,s" not in f"{one} {one!r}"
    assert parse_addresses("https://[::1]:9200").hosts == ("https://[::1]:9200",)
    assert parse_addresses("http://host:1").user is None


@pytest.mark.parametrize(
    ("url", "absent"),
    [("tantivy:./nothing", ["elasticsearch", "elastic_transport"]), ("http://127.0.0.1:1", ["tantivy"])],
)
def test_only_the_library_of_the_engine_is_imported(url: str, absent: list[str], tmp_path: Path) -> None:
    """Opening one engine does not import the library of the other."""
    program = (
        "import sys\n"
        "from indexer.engines import open_engine\n"
        f"open_engine({url!r}).close()\n"
        f"print([name for name in {absent!r} if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


@given(st.text(st.characters()), st.text(st.characters(categories=["Cs"]), max_size=3))
def test_clean_text_can_be_encoded(text: str, broken: str) -> None:
    """Whatever the text, what is cleaned is UTF-8 of the same length, and stays when cleaned again."""
    whole = clean(text + broken)
    assert len(whole) == len(text + broken)
    assert clean(whole) == whole
    assert whole.encode().decode() == whole
    assert utf16_length(whole) == len(whole.encode("utf-16-le")) // 2
    assert encode({"a": text + broken}).decode()


@given(st.text())
def test_words_are_separated_by_one_space(text: str) -> None:
    """A field of words is never empty, has no other space, and no word that is too long."""
    words = words_of(text)
    assert words
    assert words.split(" ") == words.split()
    assert max(len(word) for word in words.split()) <= MAX_TERM_CHARACTERS
    assert words_of(words) == words


def test_words_that_are_no_text_are_none() -> None:
    """Texts of a list stay apart, and anything else is an empty field."""
    assert words_of(["a", "b  c", 1, "", "d" * 40_000]) == ["a", "b c", "d" * MAX_TERM_CHARACTERS]
    assert words_of(["", " a "]) == "a"
    assert [words_of(value) for value in (None, 3, {}, "", " \n", [])] == [EMPTY_MARK] * 6


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5.0", -5),
        ("+1e3", 1000),
        ("2.5", 2.5),
        (".5", 0.5),
        ("1e999", None),
        ("nan", None),
        ("1_000", None),
        (" 1", None),
        ("", None),
        ("9" * 50, 1e50),
        ("9" * 400, None),
        ("\u0661", None),
    ],
)
def test_numbers_are_spelled_plainly(text: str, value: float | None) -> None:
    """A filter's value is a number only where it is written as JSON would, or nearly."""
    assert number(text) == value


def test_values_are_shown_as_filters_take_them() -> None:
    """Whole fractions lose their point, booleans are small."""
    assert [as_value(value) for value in (True, 5.0, 3.14, 7, "x")] == ["true", "5", "3.14", "7", "x"]
    for value in (1e300, -1e19, 5e-324, 2.0**62, 10**30):
        assert number(as_value(value)) == value


def test_preparing_leaves_the_document_as_it_was() -> None:
    """Neither the enrichment nor the source of a document is changed."""
    enrichment: dict[str, object] = {"tokens": {"title": ""}}
    (made,), rejections = prepare([EnrichedDocument("a", {"b": 1}, enrichment)], LAYOUT)
    assert rejections == []
    assert enrichment == {"tokens": {"title": ""}}
    assert made.enrichment["tokens"] == {"title": EMPTY_MARK, "text": EMPTY_MARK}


def test_what_is_nested_too_deeply_is_rejected() -> None:
    """A document that recurses without end is refused in a sentence."""
    deep: dict[str, object] = {}
    inner = deep
    for _ in range(100_000):
        inner["a"] = inner = {}
    prepared, (rejection,) = prepare([EnrichedDocument("a", deep, {})], LAYOUT)
    assert prepared == []
    assert "deep" in rejection.reason


def test_the_heaviest_terms_of_too_many_stay() -> None:
    """A query is made lighter by its lightest terms, original words first to stay."""
    terms = [QueryTerm(f"w{number}") for number in range(10)]
    near = [QueryTerm(f"n{number}", 0.1 + number / 100, "near", for_=f"w{number}") for number in range(10)]
    groups = plan(SearchRequest(query(*terms, *near)), LAYOUT, "things")
    heavy = QueryTerm("k", 9.0, "boost", field="keywords")
    assert lighten(plan(SearchRequest(query(heavy, *terms)), LAYOUT, "things"), 20) == [
        (group[0],) for group in groups
    ]
    kept = lighten(groups, 26)
    assert sum(clause.size for group in kept for clause in group) == 26
    assert [group[0].term for group in kept] == [f"w{number}" for number in range(10)]
    assert [group[1].term for group in kept if len(group) > 1] == ["n7", "n8", "n9"]


def test_repeated_alternatives_are_one() -> None:
    """The same term twice in a group is asked for once, with the larger weight."""
    twice = [QueryTerm("a"), QueryTerm("b", 0.1, "one", for_="a"), QueryTerm("b", 0.4, "two", for_="a")]
    (group,) = plan(SearchRequest(query(*twice)), LAYOUT, "things")
    assert [(clause.term, clause.weight) for clause in group] == [("a", 1.0), ("b", 0.4)]


def test_a_document_made_by_hand_has_the_layouts_fields() -> None:
    """The documents of these tests fill every field that is searched."""
    (made,), _ = prepare([document("a", "x", "t")], LAYOUT)
    assert made.enrichment["subwords"] == {"text": "x"}
