"""The behaviour of searches that every engine shares, in the form that congruence.py describes."""

from dataclasses import replace

import pytest

from enricher.errors import UsageError
from enricher.records import (
    EMPTY_MARK,
    FacetCount,
    FieldKind,
    Frequencies,
    QueryTerm,
    SearchEngine,
    SearchRequest,
)
from tests.engines.congruence import LAYOUT, document, equal, fill, ids, query


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


def test_the_fields_of_a_family_together_stand_for_it(engine: SearchEngine, index: str) -> None:
    """Where the index has them as one field, a word counts the same wherever it stands."""
    layout = replace(LAYOUT, mapping={**LAYOUT.mapping, "all.tokens": FieldKind.TERMS})
    name = f"{index}-all"
    engine.create(name, layout)
    try:
        for id_, title, text in (("a", "x", "y"), ("b", "y", "x"), ("c", "z", "z")):
            made = document(id_, text, title)
            made = replace(made, enrichment={**made.enrichment, "all": {"tokens": f"{title} {text}"}})
            assert engine.write(name, [made]) == []
        engine.refresh(name)
        scores = {h.id: h.score for h in engine.search(name, SearchRequest(query("x"))).hits}
        assert set(scores) == {"a", "b"} and scores["a"] == pytest.approx(scores["b"], abs=1e-4)
        assert ids(engine, name, QueryTerm("x", field="tokens.title")) == ["a"]
    finally:
        engine.drop(name)


def test_frequencies_say_how_common_terms_are(engine: SearchEngine, index: str) -> None:
    """In one scored field; none for a word that no document holds."""
    fill(engine, index, document("a", "x y"), document("b", "x"), document("c", "x"), document("d", ""))
    asked = {
        "tokens.text": ["x", "y", "nowhere", "事务", "\ud800"],
        "subwords.text": ["x"],
        "tokens.title": [],
    }
    assert engine.frequencies(index, asked) == {
        "tokens.text": Frequencies(4, (3, 1, 0, 0, 0)),
        "subwords.text": Frequencies(4, (3,)),
        "tokens.title": Frequencies(4, ()),
    }
    assert engine.frequencies(index, {}) == {}
    with pytest.raises(UsageError, match="nothing"):
        engine.frequencies(index, {"nothing": ["x"]})


def test_a_weight_below_zero_is_refused(engine: SearchEngine, index: str) -> None:
    """Weights are numbers from 0 up."""
    fill(engine, index, document("a", "x"))
    for weight in [-1.0, float("nan"), float("inf"), 1e300]:
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
    for top in (10_001, -1, -5, 10**12):
        with pytest.raises(UsageError, match=f"The number of hits is {top}; choose one from 0 to 10000."):
            engine.search(index, SearchRequest(query("x"), top=top))


def test_hits_without_source_are_ids_and_scores(engine: SearchEngine, index: str) -> None:
    """The same in the same order, also after other documents were written; filters and facets hold."""
    made = [document(str(number), "x " * (number + 1), keywords=["k"], year=1998) for number in range(20)]
    fill(engine, index, *made)
    wanted = SearchRequest(query("x"), 15, (equal("year", "1998"),), ("keywords",))
    for change in [[], [document("new", "x"), document("3", "y")], [document("newer", "x x", year=1998)]]:
        assert engine.write(index, change) == []
        engine.refresh(index)
        for _ in range(2):
            full, bare = (engine.search(index, replace(wanted, source=kept)) for kept in (True, False))
            assert [replace(hit, source={}, keywords=()) for hit in full.hits] == list(bare.hits)
            assert (full.total, full.facets) == (bare.total, bare.facets)
            assert len(bare.hits) == 15


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
        ("year", "99999999999999999999"): [],
        ("price", "3.14"): ["a"],
        ("price", "5"): ["b"],
        ("live", "true"): ["a"],
        ("tags", "q"): ["a"],
        ("meta.author", "李"): ["b"],
        ("code", "007"): ["c"],
        ("code", "7"): [],
        ("title", ""): ["a", "b", "c"],
    }
    for one, expected in found.items():
        assert ids(engine, index, "x", filters=(equal(*one),)) == expected, one
    assert ids(engine, index, "x", filters=(equal("category", "news"), equal("year", "1998"))) == ["a"]
    free = {hit.id: hit.score for hit in engine.search(index, SearchRequest(query("x"))).hits}
    request = SearchRequest(query("x"), filters=(equal("category", "news"),))
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
    request = SearchRequest(
        query("x"), filters=(equal("keywords", "q"),), facets=("keywords", "enrichment.model")
    )
    assert engine.search(index, request).facets == {
        "keywords": (FacetCount("q", 2), FacetCount("p", 1)),
        "enrichment.model": (FacetCount("v1", 2),),
    }


def test_keywords_are_ranked_by_what_sets_the_found_apart(engine: SearchEngine, index: str) -> None:
    """Not what all documents have, nor what one has alone; where all are found, by their number."""
    common = [document(f"y{n}", "y", keywords=["common", "other"]) for n in range(30)]
    special = [document(f"x{n}", "x y", keywords=["common", "special"]) for n in range(6)]
    few = [document(f"z{n}", "x y", keywords=["common", f"rare{n}"]) for n in range(4)]
    fill(engine, index, *common, *special, *few)

    def keywords(*words: str, **filters: str) -> list[tuple[str, int]]:
        request = SearchRequest(
            query(*words), filters=tuple(equal(*one) for one in filters.items()), facets=("keywords",)
        )
        return [(one.value, one.count) for one in engine.search(index, request).facets["keywords"]]

    rare = [(f"rare{n}", 1) for n in range(4)]
    assert keywords("x") == [("special", 6), *rare, ("common", 10)]
    assert keywords("y") == [("common", 40), ("other", 30), ("special", 6), *rare]
    assert keywords("y", keywords="special") == [("special", 6), ("common", 6)]


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
    for rest in [{"filters": (equal("nope", "1"),)}, {"facets": ("meta",)}]:
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
