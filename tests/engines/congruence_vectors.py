"""The behaviour of searches by vectors that every engine shares, in the form that congruence.py describes."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from enricher.errors import IndexConflict, UsageError
from enricher.model.text_vectors.vectors import quantize, to_numbers
from enricher.records import (
    EnrichedDocument,
    FieldKind,
    IndexLayout,
    Query,
    QueryVector,
    SearchEngine,
    SearchRequest,
)
from tests.engines.congruence import LAYOUT, document, equal, query

DIMENSIONS = 12


def with_vectors(dimensions: int | None = DIMENSIONS) -> IndexLayout:
    """A layout with vectors of this length."""
    known = {} if dimensions is None else {"vector": dimensions}
    return replace(LAYOUT, mapping={**LAYOUT.mapping, "vector": FieldKind.VECTOR}, dimensions=known)


@pytest.fixture
def vectors(engine: SearchEngine, index: str) -> Iterator[str]:
    """The name of an index that has vectors."""
    name = f"{index}-vectors"
    # Elsewhere the first vector may decide the length.
    engine.create(name, with_vectors(DIMENSIONS if engine.name == "opensearch" else None))
    yield name
    engine.drop(name)


def direction(degrees: float) -> np.ndarray:
    """A vector of length 1."""
    angle = np.radians(degrees)
    return np.array([np.cos(angle), np.sin(angle), *[0.0] * (DIMENSIONS - 2)])


def pointing(degrees: float | None, made: EnrichedDocument) -> EnrichedDocument:
    """The document with a vector of that direction, or with none."""
    if degrees is None:
        return made
    return replace(made, enrichment={**made.enrichment, "vector": to_numbers(quantize(direction(degrees)))})


def asking(*terms: str, degrees: float = 0, head: float = 0.5, rest: float = 0.5) -> Query:
    """A query of words and a direction."""
    codes = quantize(direction(degrees)).tobytes()
    return replace(query(*terms), vector=QueryVector(codes, head, rest))


def found(engine: SearchEngine, index: str, asked: Query, **rest: object) -> list[str]:
    """The ids of the hits, best first."""
    hits = engine.search(index, SearchRequest(asked, **rest)).hits  # type: ignore[arg-type]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    return [hit.id for hit in hits]


def put(engine: SearchEngine, index: str, *documents: EnrichedDocument) -> None:
    assert engine.write(index, documents) == []
    engine.refresh(index)


def test_documents_are_found_by_words_and_by_vector(engine: SearchEngine, vectors: str) -> None:
    """Those near in meaning follow those that hold the words; what points elsewhere is not found."""
    put(
        engine,
        vectors,
        pointing(10, document("both", "x y")),
        pointing(None, document("words", "x z z z", category="c")),
        pointing(20, document("near", "other")),
        pointing(60, document("far", "words")),
        pointing(170, document("away", "here")),
        pointing(None, document("none", "here")),
    )
    response = engine.search(vectors, SearchRequest(asking("x", head=0.1), facets=("category",)))
    assert [hit.id for hit in response.hits] == ["both", "words", "near", "far"]
    assert response.total == 4 and response.hits[2].source["text"] == "other"
    assert [(facet.value, facet.count) for facet in response.facets["category"]] == [("c", 1)]
    bare = engine.search(vectors, SearchRequest(asking("x", head=0.1), source=False))
    assert [(hit.id, hit.score, hit.source) for hit in bare.hits] == [
        (hit.id, hit.score, {}) for hit in response.hits
    ]
    assert found(engine, vectors, asking("nowhere")) == ["both", "near", "far"]
    assert found(engine, vectors, asking()) == ["both", "near", "far"]
    assert found(engine, vectors, asking("x", head=0.1), top=2) == ["both", "words"]
    assert found(engine, vectors, query("x")) == ["both", "words"]


def test_scores_are_the_same_on_every_engine(engine: SearchEngine, vectors: str) -> None:
    """Exactly: half of the way to the best document, and products of whole numbers."""
    put(engine, vectors, pointing(40, document("a", "x")), pointing(80, document("b", "y")))
    hits = engine.search(vectors, SearchRequest(asking("x", head=0.25))).hits
    cosines = np.cos(np.radians([20, 60]))
    assert [hit.score for hit in hits] == pytest.approx([0.75 + cosines[0] / 4, cosines[1] / 4], abs=0.004)


def test_documents_that_tie_all_move_the_query(engine: SearchEngine, vectors: str) -> None:
    """Seven are equally good where five are taken: which five would be the engine's choice."""
    angles = [10.0 * number for number in range(7)]
    put(engine, vectors, *(pointing(angle, document(f"{angle}", "x")) for angle in angles))
    hits = engine.search(vectors, SearchRequest(asking("x", head=1))).hits
    cosines = np.cos(np.radians([abs(angle - 15) for angle in angles]))  # half of the way to 30
    assert sorted((hit.score for hit in hits), reverse=True) == pytest.approx(
        sorted(cosines, reverse=True), abs=0.01
    )


def test_filters_hold_for_what_is_near(engine: SearchEngine, vectors: str) -> None:
    """Also where they let few documents through."""
    made = [
        pointing(number % 80, document(str(number), "x" if number % 7 == 0 else "y", year=number % 50))
        for number in range(400)
    ]
    put(engine, vectors, *made)
    hits = found(engine, vectors, asking("x", degrees=5), filters=(equal("year", "3"),))
    assert set(hits) == {str(number) for number in range(3, 400, 50)}
    assert found(engine, vectors, asking("x"), filters=(equal("year", "999"),)) == []


def test_changed_and_deleted_documents_have_no_old_vectors(engine: SearchEngine, vectors: str) -> None:
    """A document that is written again has its new vector, or none."""
    put(engine, vectors, *[pointing(5, document(id_, "y")) for id_ in "abcd"])
    assert sorted(found(engine, vectors, asking("x"))) == ["a", "b", "c", "d"]
    assert engine.delete(vectors, ["a"]) == 1
    put(engine, vectors, pointing(175, document("b", "y")), document("c", "y"))
    assert found(engine, vectors, asking("x")) == ["d"]


def test_an_index_without_a_vector_is_searched_by_words(engine: SearchEngine, vectors: str) -> None:
    """Whether it is empty, or its documents have no vector, or it was made for none."""
    assert found(engine, vectors, asking("x")) == []
    put(engine, vectors, document("a", "x"), document("b", "x y y y"))
    hits = engine.search(vectors, SearchRequest(asking("x"))).hits
    assert [hit.id for hit in hits] == ["a", "b"] and hits[0].score == pytest.approx(0.5, abs=1e-5)
    engine.create(f"{vectors}-none", LAYOUT)
    put(engine, f"{vectors}-none", document("a", "x"))
    assert found(engine, f"{vectors}-none", asking("x")) == ["a"]
    engine.drop(f"{vectors}-none")


@pytest.mark.parametrize(("asked", "misread"), [(5, False), (DIMENSIONS * 2 // 3, True)])
def test_a_vector_of_another_length_refuses_the_search(
    engine: SearchEngine, vectors: str, asked: int, misread: bool
) -> None:
    """In a sentence that says what to do; a query without a vector is answered."""
    put(engine, vectors, document("a", "x"), pointing(5, document("b", "y")))
    other = replace(query("x"), vector=QueryVector(bytes([1] * asked), 0.5, 0.5))
    refusal = (
        f"{vectors}.* have {DIMENSIONS} dimensions, .* have {asked}.*`enricher reindex start {vectors} --to"
    )
    with pytest.raises(IndexConflict, match=refusal) as raised:
        engine.search(vectors, SearchRequest(other))
    assert ("older version" in str(raised.value)) == misread
    with pytest.raises(IndexConflict, match=refusal):
        engine.product(vectors, "b", bytes([1] * asked))
    assert found(engine, vectors, query("x")) == ["a"]


def test_the_length_that_a_layout_names_is_kept(engine: SearchEngine, index: str) -> None:
    """A document with another is refused, also when it is the first, and the others are written."""
    layout = with_vectors()
    engine.create(index, layout)
    assert engine.layout(index) == layout
    engine.stamp(index, "v2")
    assert engine.layout(index).dimensions == {"vector": DIMENSIONS}
    short = EnrichedDocument("short", {}, {**document("short", "x").enrichment, "vector": [1, 2, 3]})
    refused = engine.write(index, [short, pointing(5, document("good", "x")), document("none", "x")])
    assert [(one.where, "has 3 dimensions" in one.reason) for one in refused] == [("short", True)]
    engine.refresh(index)
    assert sorted(found(engine, index, asking("x"))) == ["good", "none"]


BAD = ["0a0b", "zz", 5, [], {}, [1, "2"], [1.0, 2.0], [True, False], [127, 128], [-128, 1], [[1], [2]]]


def test_a_vector_that_cannot_be_read_is_refused(engine: SearchEngine, vectors: str) -> None:
    """In a sentence, and the other documents are written."""
    bad = [{**document("x", "x").enrichment, "vector": value} for value in BAD]
    documents = [EnrichedDocument(str(place), {"text": "x"}, made) for place, made in enumerate(bad)]
    refused = engine.write(vectors, [*documents, pointing(1, document("good", "x"))])
    assert [one.where for one in refused] == [str(place) for place in range(len(BAD))]
    assert all("list of integers from −127 to 127" in one.reason for one in refused)
    engine.refresh(vectors)
    assert engine.count(vectors) == 1


def test_vectors_come_back_as_they_were_written(engine: SearchEngine, vectors: str) -> None:
    """A sample of the documents of the index's model carries them, and they are what the engine compares."""
    other = document("other", "x")
    put(
        engine,
        vectors,
        document("none", "x", year=1998),
        pointing(20, document("a", "x", year=1999)),
        pointing(20, replace(other, enrichment={**other.enrichment, "model": "v0"})),
    )
    sample = {one.id: one for one in engine.sample_enriched(vectors, 5)}
    assert sorted(sample) == ["a", "none"] and len(engine.sample_enriched(vectors, 1)) == 1
    codes = quantize(direction(20))
    assert sample["a"].enrichment["vector"] == to_numbers(codes) and "vector" not in sample["none"].enrichment
    assert sample["a"].source == {"title": "", "text": "x", "year": 1999}
    assert sample["a"].enrichment["model"] == "v1"
    assert engine.product(vectors, "a", codes.tobytes()) == int((codes.astype(int) ** 2).sum())
    assert engine.product(vectors, "a", (-codes).tobytes()) == -int((codes.astype(int) ** 2).sum())
    assert engine.product(vectors, "none", codes.tobytes()) is None
    assert engine.product(vectors, "nobody", codes.tobytes()) is None


def test_a_ranking_does_not_depend_on_how_many_hits_are_asked_for(engine: SearchEngine, vectors: str) -> None:
    """Documents near in meaning that hold the words far down have the same place in every list."""
    texts = ["x " * (1 + number % 7) + "y " * number for number in range(450)]
    put(
        engine,
        vectors,
        *(pointing(80 - 5 * (place // 30), document(str(place), text)) for place, text in enumerate(texts)),
    )
    asked = asking("x", head=0.3)
    whole = engine.search(vectors, SearchRequest(asked, top=450, source=False)).hits
    assert len({hit.id for hit in whole}) == 450
    assert [hit.score for hit in whole] == sorted((hit.score for hit in whole), reverse=True)
    for top in (5, 50, 300):
        hits = engine.search(vectors, SearchRequest(asked, top=top, source=False)).hits
        assert [(hit.id, hit.score) for hit in hits] == [(hit.id, hit.score) for hit in whole[:top]]


@pytest.mark.parametrize("top", [-5, -1, 10_001])
def test_the_number_of_hits_is_bounded_for_vectors_too(engine: SearchEngine, vectors: str, top: int) -> None:
    """It is looked at before more documents are compared than are asked for."""
    put(engine, vectors, pointing(5, document("a", "x")))
    with pytest.raises(UsageError, match=f"The number of hits is {top};"):
        found(engine, vectors, asking("x"), top=top)
    assert found(engine, vectors, asking("x"), top=0) == []
