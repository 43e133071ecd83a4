"""The behaviour that every engine shares: a list of functions, each run on each engine.

A test module provides the fixtures `engine` (an open engine) and `index` (a free name; what is
made under names that begin with it is removed afterwards) and imports everything from here.
"""

import pytest

from enricher.errors import IndexConflict, IndexNotFound, UsageError
from enricher.records import (
    EnrichedDocument,
    FacetCount,
    FieldKind,
    IndexLayout,
    Query,
    QueryTerm,
    SearchEngine,
    SearchRequest,
)
from indexer.engines.fields import EMPTY_MARK

LAYOUT = IndexLayout(
    fields=("title", "text"),
    mapping={
        "tokens.title": FieldKind.WORDS,
        "tokens.text": FieldKind.WORDS,
        "subwords.text": FieldKind.WORDS,
        "keywords": FieldKind.KEYWORD,
        "keyword_weights": FieldKind.STORED,
        "model": FieldKind.KEYWORD,
        "fingerprint": FieldKind.KEYWORD,
    },
    model="v1",
    compatible=("v0",),
    segmenter={"name": "jieba", "version": "0.42.1", "dictionary": "abc"},
)


def document(
    id_: str, text: str, title: str = "", keywords: object = (), **source: object
) -> EnrichedDocument:
    """A document whose tokens are the words of its title and text."""
    enrichment = {
        "tokens": {"title": title, "text": text},
        "subwords": {"text": text},
        "keywords": keywords,
        "keyword_weights": [{"text": "k", "weight": 0.5}],
        "model": "v1",
    }
    return EnrichedDocument(id_, {"title": title, "text": text, **source}, enrichment)


def query(*terms: QueryTerm | str) -> Query:
    """A query of these terms."""
    made = tuple(QueryTerm(term) if isinstance(term, str) else term for term in terms)
    return Query(" ".join(term.term for term in made), made)


def ids(engine: SearchEngine, index: str, *terms: QueryTerm | str, **rest: object) -> list[str]:
    """The ids of the hits, sorted."""
    response = engine.search(index, SearchRequest(query(*terms), **rest))  # type: ignore[arg-type]
    assert response.total >= len(response.hits)
    return sorted(hit.id for hit in response.hits)


def fill(engine: SearchEngine, index: str, *documents: EnrichedDocument) -> None:
    """Make an index that holds the documents."""
    engine.create(index, LAYOUT)
    assert engine.write(index, documents) == []
    engine.refresh(index)


# ------------------------------------------------------------------ indexes


def test_create_makes_an_empty_index_once(engine: SearchEngine, index: str) -> None:
    """A new index is empty, listed, and its name is taken."""
    assert not engine.exists(index)
    engine.create(index, LAYOUT)
    assert engine.exists(index)
    assert index in engine.indexes()
    assert engine.count(index) == 0
    assert list(engine.read(index)) == []
    with pytest.raises(IndexConflict, match=index):
        engine.create(index, LAYOUT)


def test_layout_comes_back_as_it_was_given(engine: SearchEngine, index: str) -> None:
    """An index answers the layout that it was made with."""
    engine.create(index, LAYOUT)
    assert engine.layout(index) == LAYOUT


def test_stamp_changes_the_versions_and_nothing_else(engine: SearchEngine, index: str) -> None:
    """Stamping an index replaces its model version and the compatible ones."""
    fill(engine, index, document("a", "x", year=1998))
    engine.stamp(index, "v2", ["v1", "v0"])
    stamped = engine.layout(index)
    assert (stamped.model, stamped.compatible) == ("v2", ("v1", "v0"))
    assert (stamped.fields, stamped.mapping, stamped.segmenter) == (
        LAYOUT.fields,
        LAYOUT.mapping,
        LAYOUT.segmenter,
    )
    assert ids(engine, index, "x", filters=(("year", "1998"),)) == ["a"]


def test_a_dropped_index_is_gone_with_its_aliases(engine: SearchEngine, index: str) -> None:
    """Dropping removes the documents and the aliases."""
    fill(engine, index, document("a", "x"))
    engine.set_alias(f"{index}-alias", index)
    engine.drop(index)
    assert not engine.exists(index)
    assert not engine.exists(f"{index}-alias")
    assert f"{index}-alias" not in engine.aliases()
    engine.create(index, LAYOUT)
    assert engine.count(index) == 0


def test_an_unknown_index_is_said_by_every_method(engine: SearchEngine, index: str) -> None:
    """Every method that names an index raises IndexNotFound with its name."""
    request = SearchRequest(query("x"))
    calls = [
        lambda: engine.drop(index),
        lambda: engine.layout(index),
        lambda: engine.stamp(index, "v2"),
        lambda: engine.write(index, [document("a", "x")]),
        lambda: engine.refresh(index),
        lambda: engine.search(index, request),
        lambda: list(engine.read(index)),
        lambda: engine.delete(index, ["a"]),
        lambda: engine.count(index),
        lambda: engine.set_alias(f"{index}-alias", index),
    ]
    for call in calls:
        with pytest.raises(IndexNotFound, match=index):
            call()
    assert not engine.exists(index)


@pytest.mark.parametrize(
    "name", ["Upper", "with space", "a/b", "..", ".", "", "-a", "_all", "a,b", "*", "a\0b", "x" * 256, ".dot"]
)
def test_names_that_no_index_can_have_are_refused(engine: SearchEngine, name: str) -> None:
    """A name that the server could not take is wrong usage on every engine."""
    with pytest.raises(UsageError, match="index name"):
        engine.create(name, LAYOUT)


def test_an_alias_moves_in_one_action(engine: SearchEngine, index: str) -> None:
    """An alias stands for one index, and for another after it is set again."""
    one, two, alias = f"{index}-1", f"{index}-2", f"{index}-alias"
    fill(engine, one, document("a", "x"))
    fill(engine, two, document("b", "x"))
    engine.set_alias(alias, one)
    assert ids(engine, alias, "x") == ["a"]
    engine.set_alias(alias, two)
    assert ids(engine, alias, "x") == ["b"]
    assert engine.aliases()[alias] == two
    assert engine.exists(alias)
    assert engine.layout(alias) == LAYOUT
    engine.write(alias, [document("c", "x")])
    engine.refresh(alias)
    assert engine.count(two) == 2
    with pytest.raises(IndexConflict):
        engine.set_alias(one, two)
    with pytest.raises(IndexConflict):
        engine.create(alias, LAYOUT)


# ------------------------------------------------------------------ documents

STRANGE: dict[str, object] = {
    "title": "emoji 😀👩‍👩‍👧 and combining e\u0301",
    "text": "שלום עולם مرحبا 你好\u3000\u00a0世界",
    "nul": "a\0b",
    "nested": {"list": [{"a": 1, "b": [True, None]}, {"a": 2.5}], "empty": {}},
    "big": 9007199254740993,
    "small": 1e-300,
    "negative": -0.5,
    "none": None,
    "no_values": [],
    "long": "长" * 40_000,
    "名称": "值",
    "with space": "and-dash",
}


def test_the_source_comes_back_identical(engine: SearchEngine, index: str) -> None:
    """Nested objects, numbers and any text are read and found as they were written."""
    strange = EnrichedDocument(
        "ids may be 长 😀/x?", STRANGE, {"tokens": {"text": "needle"}, "keywords": ["k"]}
    )
    fill(engine, index, strange)
    (read,) = engine.read(index)
    assert (read.id, read.source) == (strange.id, STRANGE)
    assert [list(read.source)] == [list(STRANGE)]
    (hit,) = engine.search(index, SearchRequest(query("needle"))).hits
    assert (hit.id, hit.source, hit.keywords) == (strange.id, STRANGE, ("k",))


def test_lone_surrogates_become_replacement_characters(engine: SearchEngine, index: str) -> None:
    """Half of a character pair in ids, keys, values, words or keywords loses no document."""
    broken = document("a\ud800", "x\udfff y", "t", ["k\ud800"], **{"f\ud800": "v\ud800"})
    fill(engine, index, broken)
    (read,) = engine.read(index)
    assert read.id == "a\ufffd"
    assert read.source["f\ufffd"] == "v\ufffd"
    assert ids(engine, index, "x\ud800") == ["a\ufffd"]
    assert ids(engine, index, "y", filters=(("keywords", "k\ud800"),)) == ["a\ufffd"]
    assert ids(engine, index, "y", filters=(("f\ud800", "v\ud800"),)) == ["a\ufffd"]
    assert engine.delete(index, ["a\ud800"]) == 1


def test_the_last_of_equal_ids_wins(engine: SearchEngine, index: str) -> None:
    """Within a batch and between batches, the document written last stays."""
    fill(engine, index, document("a", "one"), document("b", "one"), document("a", "two"))
    assert ids(engine, index, "two") == ["a"]
    assert ids(engine, index, "one") == ["b"]
    engine.write(index, [document("a", "three")])
    engine.write(index, [document("a", "four")])
    engine.refresh(index)
    assert engine.count(index) == 2
    assert ids(engine, index, "three") == []
    assert ids(engine, index, "four") == ["a"]


def test_writing_the_same_again_changes_nothing(engine: SearchEngine, index: str) -> None:
    """Documents written twice are there once."""
    documents = [document(str(number), f"w{number} x") for number in range(50)]
    fill(engine, index, *documents)
    engine.write(index, documents)
    engine.refresh(index)
    assert engine.count(index) == 50
    assert sorted(read.id for read in engine.read(index)) == sorted(item.id for item in documents)


def test_deleted_documents_are_counted_and_gone(engine: SearchEngine, index: str) -> None:
    """Deleting answers how many documents there were, unknown and repeated ids aside."""
    fill(engine, index, document("a", "x"), document("b", "x"), document("c", "x"))
    assert engine.delete(index, ["a", "nobody", "b", "a"]) == 2
    engine.refresh(index)
    assert engine.count(index) == 1
    assert ids(engine, index, "x") == ["c"]
    assert engine.delete(index, ["a"]) == 0
    assert engine.delete(index, []) == 0


def test_documents_that_no_engine_holds_are_rejected_alone(engine: SearchEngine, index: str) -> None:
    """An empty id, an immense id, a reserved field and NaN are refused, and the others written."""
    engine.create(index, LAYOUT)
    refused = [
        EnrichedDocument("", {"text": "x"}, {}),
        EnrichedDocument("i" * 600, {"text": "x"}, {}),
        EnrichedDocument("reserved", {"enrichment": {"a": 1}}, {}),
        EnrichedDocument("nan", {"value": float("nan")}, {}),
    ]
    rejections = engine.write(index, [document("a", "x"), *refused, document("b", "x")])
    assert [rejection.where for rejection in rejections] == [item.id for item in refused]
    assert all(rejection.reason.endswith(".") for rejection in rejections)
    assert '"text"' in rejections[0].content
    engine.refresh(index)
    assert ids(engine, index, "x") == ["a", "b"]


def test_a_write_of_nothing_is_nothing(engine: SearchEngine, index: str) -> None:
    """An empty batch is no error."""
    engine.create(index, LAYOUT)
    assert engine.write(index, []) == []


# ------------------------------------------------------------------ search


def test_alternatives_count_once_and_groups_add_up(engine: SearchEngine, index: str) -> None:
    """A score is the sum over groups of the best alternative."""
    fill(engine, index, document("a", "x y z"), document("b", "x y q"), document("c", "z q r"))

    def score(*terms: QueryTerm | str) -> float:
        hits = engine.search(index, SearchRequest(query(*terms))).hits
        return next(hit.score for hit in hits if hit.id == "a")

    alternative = QueryTerm("y", 0.5, "neighbors", for_="x")
    assert score("x", alternative) == pytest.approx(score("x"), abs=1e-4)
    free = QueryTerm("y", 0.5, "related")
    assert score("x", free) == pytest.approx(score("x") + 0.5 * score("y"), abs=1e-4)
    better = QueryTerm("z", 3.0, "neighbors", for_="x")
    assert score("x", better) == pytest.approx(3 * score("z"), abs=1e-4)
    assert ids(engine, index, "x", QueryTerm("r", 0.1, "neighbors", for_="x")) == ["a", "b", "c"]


def test_families_choose_the_fields(engine: SearchEngine, index: str) -> None:
    """A term is searched in the fields of its family, and an exact field scores its weight."""
    fill(engine, index, document("a", "x", "t", ["k", "two words"]), document("b", "t", "x"))
    assert ids(engine, index, "t") == ["a", "b"]
    assert ids(engine, index, QueryTerm("t", field="tokens.title")) == ["a"]
    assert ids(engine, index, QueryTerm("x", field="subwords")) == ["a"]
    response = engine.search(index, SearchRequest(query(QueryTerm("two words", 0.7, field="keywords"))))
    assert [(hit.id, hit.score) for hit in response.hits] == [("a", pytest.approx(0.7))]
    for name in ["nothing", "keyword_weights"]:
        with pytest.raises(UsageError, match="tokens"):
            ids(engine, index, QueryTerm("x", field=name))


def test_a_weight_below_zero_is_refused(engine: SearchEngine, index: str) -> None:
    """Weights are numbers from 0 up."""
    fill(engine, index, document("a", "x"))
    for weight in [-1.0, float("nan"), float("inf")]:
        with pytest.raises(UsageError, match="weight"):
            ids(engine, index, QueryTerm("x", weight))
    assert ids(engine, index, QueryTerm("x", 0.0)) == ["a"]


def test_a_query_without_terms_has_no_hits(engine: SearchEngine, index: str) -> None:
    """No terms, no hits; and the mark of empty fields is no word that finds anything."""
    fill(engine, index, document("a", "x", category="c"))
    response = engine.search(index, SearchRequest(query(), facets=("category",)))
    assert (response.total, response.hits, response.facets) == (0, (), {"category": ()})
    assert ids(engine, index, EMPTY_MARK) == []


def test_top_bounds_the_hits_and_not_the_total(engine: SearchEngine, index: str) -> None:
    """The total counts all matches; top may be none, and is bounded."""
    fill(engine, index, *[document(str(number), "x") for number in range(30)])
    response = engine.search(index, SearchRequest(query("x"), top=7))
    assert (response.total, len(response.hits)) == (30, 7)
    response = engine.search(index, SearchRequest(query("x"), top=0))
    assert (response.total, len(response.hits)) == (30, 0)
    with pytest.raises(UsageError, match="10001"):
        engine.search(index, SearchRequest(query("x"), top=10_001))


def test_a_query_of_many_words_is_answered(engine: SearchEngine, index: str) -> None:
    """Thousands of terms, more than a server's limit of clauses, still find the document."""
    fill(engine, index, document("a", "w3 w700", "w1"), document("b", "other"))
    words = [f"w{number}" for number in range(800)]
    near = [QueryTerm(f"n{word}{i}", 0.1, "neighbors", for_=word) for word in words for i in range(5)]
    assert ids(engine, index, *words, *near) == ["a"]


def test_filters_hold_all_and_do_not_score(engine: SearchEngine, index: str) -> None:
    """Filters on strings, numbers, booleans, lists and inner fields leave the scores alone."""
    fill(
        engine,
        index,
        document("a", "x x y", category="news", year=1998, price=3.14, live=True, tags=["p", "q"]),
        document("b", "x", category="news", year=1999, price=5.0, live=False, meta={"author": "李"}),
        document("c", "x", category="other news", year=1998, price=7, code="007"),
    )
    found = {
        ("category", "news"): ["a", "b"],
        ("category", "other news"): ["c"],
        ("category", "other"): [],
        ("year", "1998"): ["a", "c"],
        ("year", "1998.0"): ["a", "c"],
        ("year", "1998.5"): [],
        ("year", "text"): [],
        ("year", "99999999999999999999"): [],
        ("price", "3.14"): ["a"],
        ("price", "5"): ["b"],
        ("price", "nan"): [],
        ("live", "true"): ["a"],
        ("live", "yes"): [],
        ("tags", "q"): ["a"],
        ("meta.author", "李"): ["b"],
        ("code", "007"): ["c"],
        ("code", "7"): [],
        ("title", ""): ["a", "b", "c"],
    }
    for one, expected in found.items():
        assert ids(engine, index, "x", filters=(one,)) == expected, one
    assert ids(engine, index, "x", filters=(("category", "news"), ("year", "1998"))) == ["a"]
    free = {hit.id: hit.score for hit in engine.search(index, SearchRequest(query("x"))).hits}
    request = SearchRequest(query("x"), filters=(("category", "news"),))
    for hit in engine.search(index, request).hits:
        assert hit.score == pytest.approx(free[hit.id], abs=1e-6)


def test_facets_count_the_documents_that_match(engine: SearchEngine, index: str) -> None:
    """Facets count each document once a value, most first, then in order of the values."""
    fill(
        engine,
        index,
        document(
            "a", "x", keywords=["p", "q", "p"], year=5, live=True, tags=["s", "s"], parts=[{"n": 1}] * 2
        ),
        document("b", "x", keywords=["q"], year=5, price=2.5, live=False, tags="t"),
        document("c", "x", keywords=["p"], year=10, price=5.0, live=True, tags="c"),
        document("d", "y", keywords=["r"], year=5),
    )
    names = ("keywords", "year", "price", "live", "tags", "parts.n")
    facets = engine.search(index, SearchRequest(query("x"), top=1, facets=names)).facets
    counted = {name: [(one.value, one.count) for one in facets[name]] for name in names}
    assert counted == {
        "keywords": [("p", 2), ("q", 2)],
        "year": [("5", 2), ("10", 1)],
        "price": [("2.5", 1), ("5", 1)],
        "live": [("true", 2), ("false", 1)],
        "tags": [("c", 1), ("s", 1), ("t", 1)],
        "parts.n": [("1", 1)],
    }
    request = SearchRequest(query("x"), filters=(("keywords", "q"),), facets=("keywords", "enrichment.model"))
    assert engine.search(index, request).facets == {
        "keywords": (FacetCount("q", 2), FacetCount("p", 1)),
        "enrichment.model": (FacetCount("v1", 2),),
    }


def test_long_values_are_kept_but_not_counted(engine: SearchEngine, index: str) -> None:
    """Strings over the engines' limits stay in the document and out of facets, at the same length."""
    keywords = ["k" * 1024, "k" * 1025, "k" * 10_000, "😀" * 512, "😀" * 513, "字" * 1024]
    tags = ["t" * 256, "t" * 257, "😀" * 128, "😀" * 129]
    fill(engine, index, document("a", "x", keywords=keywords, tags=tags))
    response = engine.search(index, SearchRequest(query("x"), facets=("keywords", "tags")))
    assert {one.value for one in response.facets["keywords"]} == {"k" * 1024, "😀" * 512, "字" * 1024}
    assert {one.value for one in response.facets["tags"]} == {"t" * 256, "😀" * 128}
    assert response.hits[0].keywords == tuple(keywords)


def test_an_unknown_field_is_said_with_those_there_are(engine: SearchEngine, index: str) -> None:
    """Filters and facets on a field that no document has are wrong usage."""
    fill(engine, index, document("a", "x", category="news", meta={"author": "b"}))
    for rest in [{"filters": (("nope", "1"),)}, {"facets": ("meta",)}]:
        with pytest.raises(UsageError, match=r"category.*meta\.author"):
            ids(engine, index, "x", **rest)


def test_words_longer_than_any_engine_takes_are_found(engine: SearchEngine, index: str) -> None:
    """Immense words, odd spaces and marks in the tokens lose no word."""
    text = "a" * 300 + "\u3000b\u00a0c\td\n" + "字" * 40_000 + " 😀 e"
    fill(engine, index, document("a", text))
    for word in ["a" * 300, "b", "c", "d", "字" * 40_000, "😀", "e"]:
        assert ids(engine, index, word) == ["a"], word
    assert ids(engine, index, "a" * 45) == []


def test_what_was_written_is_seen_after_refresh(engine: SearchEngine, index: str) -> None:
    """A refresh makes what was written visible to search, count and read."""
    engine.create(index, LAYOUT)
    for round_ in range(3):
        engine.write(index, [document(str(round_), "x")])
        engine.refresh(index)
        assert engine.count(index) == round_ + 1
        assert len(ids(engine, index, "x")) == round_ + 1
        assert len(list(engine.read(index))) == round_ + 1


def test_check_says_that_all_is_well(engine: SearchEngine, index: str) -> None:
    """The checks of a healthy engine pass, and every detail is a sentence."""
    fill(engine, index, document("a", "x"))
    checks = engine.check()
    assert checks
    assert [check for check in checks if not check.passed and check.name != "disk"] == []
    assert all(check.detail.endswith(".") for check in checks)
