"""Required phrases and excluded words, the same on every engine; congruence.py describes the form."""

from dataclasses import replace

import pytest

from enricher.errors import UsageError
from enricher.records import FieldKind, Query, SearchEngine, SearchRequest
from tests.engines.congruence import LAYOUT, document, equal, fill, query
from tests.engines.congruence_vectors import asking, pointing, put


def found(
    engine: SearchEngine, index: str, asked: Query, required: str = "", excluded: str = "", **rest: object
) -> list[str]:
    """The ids of the hits. Phrases stand between commas, their words between spaces."""
    phrases = [tuple(tuple(one.split()) for one in text.split(",") if one) for text in (required, excluded)]
    asked = replace(asked, required=phrases[0], excluded=phrases[1])
    response = engine.search(index, SearchRequest(asked, **rest))  # type: ignore[arg-type]
    assert response.total == len(response.hits)
    return sorted(hit.id for hit in response.hits)


def test_words_of_a_phrase_are_adjacent_in_one_field(engine: SearchEngine, index: str) -> None:
    """In this order, in any enriched field; a single word is one too."""
    fill(
        engine,
        index,
        document("a", "x heat transfer y"),
        document("b", "x transfer heat y"),
        document("c", "x heat y", "transfer x"),
        document("d", "x", "heat transfer"),
        document("e", "x heat the transfer"),
        document("f", "x 数据库 事务 heat"),
    )
    x = query("x")
    assert found(engine, index, x, "heat transfer") == ["a", "d"]
    assert found(engine, index, x, "transfer heat") == ["b"]
    assert found(engine, index, x, "heat the transfer") == ["e"]
    assert found(engine, index, x, "数据库 事务") == ["f"]
    assert found(engine, index, x, "heat,x 数据库") == ["f"]
    assert found(engine, index, x, "transfer") == ["a", "b", "c", "d", "e"]
    assert found(engine, index, x, "nowhere") == found(engine, index, x, "heat nowhere") == []
    assert found(engine, index, x, "x") == list("abcdef")
    assert found(engine, index, x, "heat heat") == []


def test_excluded_words_remove_documents(engine: SearchEngine, index: str) -> None:
    """Single words wherever they stand, several only where they are adjacent."""
    fill(
        engine,
        index,
        document("a", "x heat transfer", tag="t"),
        document("b", "x heat", "transfer", tag="u"),
        document("c", "x 数据库 事务"),
        document("d", "x 事务 数据库", tag="t"),
    )
    x = query("x")
    assert found(engine, index, x, excluded="heat") == ["c", "d"]
    assert found(engine, index, x, excluded="heat transfer") == ["b", "c", "d"]
    assert found(engine, index, x, excluded="数据库 事务") == ["a", "b", "d"]
    assert found(engine, index, x, excluded="heat,数据库 事务") == ["d"]
    assert found(engine, index, x, excluded="nowhere") == list("abcd")
    assert found(engine, index, x, excluded="x") == []
    assert found(engine, index, x, "heat", "heat transfer") == ["b"]
    assert found(engine, index, x, excluded="heat", filters=(equal("tag", "t"),)) == ["d"]


def test_phrases_do_not_score(engine: SearchEngine, index: str) -> None:
    """Their words score as terms of the query; facets count what is left."""
    fill(engine, index, document("a", "x y", tag="t"), document("b", "y x y", tag="u"), document("c", "z"))
    free = engine.search(index, SearchRequest(query("x", "y"), facets=("tag",)))
    asked = replace(query("x", "y"), required=(("x", "y"),), excluded=(("z",),))
    bound = engine.search(index, SearchRequest(asked, facets=("tag",)))
    assert [(hit.id, hit.score) for hit in bound.hits] == [
        (hit.id, pytest.approx(hit.score, abs=1e-4)) for hit in free.hits
    ]
    asked = replace(asked, excluded=(("y", "x"),))
    (only,) = engine.search(index, SearchRequest(asked, facets=("tag",))).facets["tag"]
    assert (only.value, only.count) == ("t", 1)


def test_phrases_hold_for_what_is_near(engine: SearchEngine, vectors: str) -> None:
    """A document that only its vector finds contains the phrase, and no excluded word."""
    made = [
        pointing(number, document(str(number), "x" if number % 7 == 0 else f"z {'y' * (number % 2)}"))
        for number in range(40)
    ]
    put(engine, vectors, *made)
    everything = found(engine, vectors, asking("x"), top=100)
    near = set(everything) - set(found(engine, vectors, query("x"), top=100))
    assert len(everything) == 40
    with_y = set(found(engine, vectors, query("y"), top=100))
    assert near & with_y
    assert set(found(engine, vectors, asking("x"), "y", top=100)) == set(everything) & with_y
    assert set(found(engine, vectors, asking("x"), excluded="y", top=100)) == set(everything) - with_y


def test_a_phrase_in_an_index_without_positions_is_refused(engine: SearchEngine, index: str) -> None:
    """A single word needs none; the field of all fields together has none."""
    layout = replace(LAYOUT, mapping={"tokens.text": FieldKind.TERMS, "model": FieldKind.KEYWORD})
    engine.create(index, layout)
    assert engine.write(index, [document("a", "x y")]) == []
    engine.refresh(index)
    assert found(engine, index, query("x"), "y") == ["a"]
    assert found(engine, index, query("x"), excluded="y") == []
    for phrases in ({"required": "x y"}, {"excluded": "x y"}):
        with pytest.raises(UsageError, match="does not record the positions of words, so the phrase 'x y'"):
            found(engine, index, query("x"), **phrases)
