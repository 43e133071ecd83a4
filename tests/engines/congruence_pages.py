"""Pages and sort orders that every engine answers the same; congruence.py describes the form."""

from dataclasses import replace

import pytest

from enricher.errors import UsageError
from enricher.records import Query, SearchEngine, SearchRequest, Sort, parse_sort
from tests.engines.congruence import LAYOUT, document, equal, fill, query
from tests.engines.congruence_vectors import asking, pointing, put


def listed(engine: SearchEngine, index: str, asked: Query, sort: str, **rest: object) -> list[str]:
    """The ids of the hits, in order."""
    request = SearchRequest(asked, sort=parse_sort(sort), **rest)  # type: ignore[arg-type]
    hits = engine.search(index, request).hits
    assert all(hit.score == 0 for hit in hits)
    return [hit.id for hit in hits]


def test_a_page_is_a_part_of_the_ranking(engine: SearchEngine, index: str) -> None:
    """By words: ranks 11 to 20 of the first 20, the last ones, and none after them."""
    fill(engine, index, *[document(f"{n:02}", f"x {'y ' * n}", tag="t") for n in range(25)])
    whole = engine.search(index, SearchRequest(query("x"), top=25))
    for start, top in [(0, 10), (10, 10), (20, 10), (24, 1), (25, 10), (9_990, 10), (0, 0), (10_000, 0)]:
        page = engine.search(index, SearchRequest(query("x"), top=top, from_=start, facets=("tag",)))
        assert [(hit.id, hit.source) for hit in page.hits] == [
            (hit.id, hit.source) for hit in whole.hits[start : start + top]
        ]
        assert page.total == 25 and page.facets["tag"][0].count == 25
    bare = engine.search(index, SearchRequest(query("x"), top=5, from_=5, source=False))
    assert [hit.id for hit in bare.hits] == [hit.id for hit in whole.hits[5:10]]


def test_a_page_of_the_hybrid_ranking_too(engine: SearchEngine, vectors: str) -> None:
    """Also beyond the candidates, with the scores of the whole ranking."""
    made = [pointing(n % 170, document(f"{n:03}", f"x {'y ' * (n % 90)}")) for n in range(340)]
    made += [pointing(n, document(f"near{n}", "z")) for n in range(30)]
    put(engine, vectors, *made)
    whole = engine.search(vectors, SearchRequest(asking("x"), top=400, source=False))
    assert len(whole.hits) == 370
    for start, top in [(0, 10), (10, 10), (200, 30), (365, 10), (370, 10)]:
        page = engine.search(vectors, SearchRequest(asking("x"), top=top, from_=start))
        assert [hit.score for hit in page.hits] == [hit.score for hit in whole.hits[start : start + top]]
        assert [hit.id for hit in page.hits] == [hit.id for hit in whole.hits[start : start + top]]
        assert page.total == whole.total and all(hit.source for hit in page.hits)


def test_a_page_out_of_range_is_refused(engine: SearchEngine, index: str) -> None:
    """Ten thousand hits can be reached."""
    fill(engine, index, document("a", "x"))
    for start, top in [(-1, 10), (9_991, 10), (10_001, 0), (1, 10_000)]:
        with pytest.raises(UsageError, match=r"are out of range: a search shows the first 10,000"):
            engine.search(index, SearchRequest(query("x"), top=top, from_=start))


NUMBERS = [5, 2.5, -1, 1e300, 0, 5, 2**53, 0.1, None, -1e300, [7, -2], 1e-300, 5]


def test_hits_are_sorted_by_numbers(engine: SearchEngine, index: str) -> None:
    """Of several the smallest or the largest counts; documents without one come last; ties by score."""
    made = [
        document(f"{n:02}", f"x {'y ' * n}", **({} if value is None else {"n": value}))
        for n, value in enumerate(NUMBERS)
    ]
    fill(engine, index, *made)
    rising = ["09", "10", "02", "04", "11", "07", "01", "00", "05", "12", "06", "03", "08"]
    falling = ["03", "06", "10", "00", "05", "12", "01", "07", "11", "04", "02", "09", "08"]
    for top in (1, 2, 5, 8, 9, 12, 13, 100):
        assert listed(engine, index, query("x"), "n", top=top) == rising[:top]
        assert listed(engine, index, query("x"), "n:desc", top=top) == falling[:top]
        assert listed(engine, index, query("x"), "n:asc", top=top, from_=3) == rising[3 : 3 + top]
    assert listed(engine, index, query("x"), "n", filters=(equal("n", "5"),)) == ["00", "05", "12"]
    assert listed(engine, index, query("x"), "n", top=0) == listed(engine, index, query("none"), "n") == []


STRINGS = [
    "2024-01-02",
    "b",
    "B",
    "",
    "数据库",
    "a b",
    None,
    "10",
    "9",
    "😀",
    "ａ",
    ["c", "a"],
    "b",
    "\ufffd",
]


def test_hits_are_sorted_by_strings(engine: SearchEngine, index: str) -> None:
    """By their characters, also under the second name of a field of strings."""
    made = [
        document(f"{n:02}", f"x {'y ' * n}", **({} if value is None else {"s": value}))
        for n, value in enumerate(STRINGS)
    ]
    fill(engine, index, *made)
    rising = ["03", "07", "00", "08", "02", "11", "05", "01", "12", "04", "10", "13", "09", "06"]
    falling = ["09", "13", "10", "04", "11", "01", "12", "05", "02", "08", "00", "07", "03", "06"]
    for top in (1, 3, 7, 8, 13, 100):
        assert listed(engine, index, query("x"), "s", top=top) == rising[:top]
        assert listed(engine, index, query("x"), "s.keyword", top=top) == rising[:top]
        assert listed(engine, index, query("x"), "s:desc", top=top) == falling[:top]


def test_hits_are_sorted_by_other_values(engine: SearchEngine, index: str) -> None:
    """True and false, fields of objects, keywords, and fields with colons in their names."""
    fill(
        engine,
        index,
        document("a", "x", keywords=["q", "c"], on=True, meta={"n": 3}, **{"a:desc": 1, "b:c": 2}),
        document("b", "x y", keywords=["b"], on=False, meta={"n": 1}, **{"a:desc": 2, "b:c": 1}),
        document("c", "x y y", on=[True, False], meta={"n": 2}),
    )
    x = query("x")
    assert listed(engine, index, x, "on") == ["b", "c", "a"]
    assert listed(engine, index, x, "on:desc") == ["a", "c", "b"]
    assert listed(engine, index, x, "meta.n") == ["b", "c", "a"]
    assert listed(engine, index, x, "keywords") == ["b", "a", "c"]
    assert listed(engine, index, x, "enrichment.keywords:desc") == ["a", "b", "c"]
    assert listed(engine, index, x, "a:desc:asc") == ["a", "b", "c"]
    assert listed(engine, index, x, "b:c") == ["b", "a", "c"]
    assert parse_sort("b:c") == Sort("b:c") and parse_sort("b:desc") == Sort("b", descending=True)


def test_many_values_are_sorted(engine: SearchEngine, index: str) -> None:
    """Numbers and strings in several segments, some of them in many documents."""
    engine.create(index, LAYOUT)
    made = [
        document(
            f"{n:04}", f"x {'y ' * (n % 13)}", n=(n * 7919) % 1009 / 8, s=f"{(n * 104729) % 997}", m=n % 3
        )
        for n in range(1200)
    ]
    for start in range(0, 1200, 300):
        assert engine.write(index, made[start : start + 300]) == []
        engine.refresh(index)
    for field in ("n", "s", "m"):
        for sign in (1, -1):
            request = SearchRequest(query("x"), 1200, sort=Sort(field, sign < 0), source=True)
            hits = engine.search(index, request).hits
            values = [hit.source[field] for hit in hits]
            assert len(values) == 1200 and values == sorted(values, reverse=sign < 0), field  # type: ignore[type-var]
            page = engine.search(index, replace(request, top=50, from_=400)).hits
            assert [hit.source[field] for hit in page] == values[400:450]
            lengths = [len(str(hit.source["text"])) for hit in page]
            pairs = list(zip(values[400:450], lengths, strict=True))
            assert pairs == sorted(pairs, key=lambda one: one[1]) or field != "m"


def test_what_is_near_is_sorted_too(engine: SearchEngine, vectors: str) -> None:
    """The same documents as without an order, and the same total."""
    made = [
        pointing(n % 60, document(f"{n:02}", "x" if n % 2 else "z", n=(n * 7) % 40, tag=str(n % 3)))
        for n in range(40)
    ]
    put(engine, vectors, *made)
    free = engine.search(vectors, SearchRequest(asking("x"), top=50, facets=("tag",)))
    request = SearchRequest(asking("x"), top=50, facets=("tag",), sort=Sort("n"))
    ordered = engine.search(vectors, request)
    assert ordered.total == free.total == 40 and ordered.facets == free.facets
    assert ordered.by_words == free.by_words == 20
    assert [hit.source["n"] for hit in ordered.hits] == list(range(40))
    page = engine.search(vectors, replace(request, top=5, from_=10))
    assert page.hits == ordered.hits[10:15]
    only = replace(request, filters=(equal("tag", "1"),))
    assert [hit.source["n"] for hit in engine.search(vectors, only).hits] == sorted(
        (n * 7) % 40 for n in range(40) if n % 3 == 1
    )


def test_a_sort_order_that_cannot_be_is_one_sentence(engine: SearchEngine, index: str) -> None:
    """A field that is not there, an object, a field of words, and no field."""
    fill(engine, index, document("a", "x", meta={"author": "b"}))
    for name in ("nothing", "meta", "enrichment.tokens.text", "-n"):
        with pytest.raises(UsageError, match=f"no field '{name}'.*filter, count or sort by"):
            listed(engine, index, query("x"), name)
    for wrong in ("", ":desc"):
        with pytest.raises(UsageError, match="A sort order is written FIELD or FIELD:desc"):
            parse_sort(wrong)
