"""Whether an index holds the vectors that its model gives, on the embedded engine."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import enricher
from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.records import Check, Document, EnrichedDocument
from enricher.settings import IndexConfiguration
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.stored_vectors import check_vectors
from tests.corpora import documents

FIELDS = ("title", "text")
Change = Callable[[EnrichedDocument], EnrichedDocument]


@pytest.fixture
def chain(models: Path, model: enricher.Model) -> DocumentEnricher:
    """Words and vectors by the small model."""
    return EnricherRecipe(models, model.version, FIELDS, IndexConfiguration()).open()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    with closing(TantivyEngine(tmp_path / "index")) as opened:
        yield opened


def fill(
    engine: TantivyEngine, chain: DocumentEnricher, change: Change = lambda one: one, number: int = 5
) -> None:
    """Make the index `things`, each document changed after it was enriched."""
    engine.create("things", chain.layout())
    made = list(documents(number))
    enriched = [
        change(EnrichedDocument(one.id, one.source, added))
        for one, added in zip(made, chain.enrich(made), strict=True)
    ]
    assert engine.write("things", enriched) == []
    engine.refresh("things")


def with_vector(document: EnrichedDocument, vector: object) -> EnrichedDocument:
    """The document with another vector, None for none."""
    rest = {name: value for name, value in document.enrichment.items() if name != "vector"}
    return replace(document, enrichment=rest if vector is None else {**rest, "vector": vector})


def checked(engine: TantivyEngine, models: Path) -> list[Check]:
    return check_vectors(engine, models, engine.indexes())


def test_the_vectors_of_the_model_are_right(
    engine: TantivyEngine, chain: DocumentEnricher, models: Path
) -> None:
    """The line says how long they are, and of how many documents they were compared."""
    fill(engine, chain)
    length = chain.layout().dimensions["vector"]
    detail = f"{length} dimensions, those of 3 documents are correct"
    assert checked(engine, models) == [Check("vectors of things", True, detail)]


def test_a_vector_that_the_model_does_not_give_is_reported(
    engine: TantivyEngine, chain: DocumentEnricher, models: Path
) -> None:
    """With the document, and what to do."""
    fill(engine, chain, lambda one: with_vector(one, one.enrichment["vector"][::-1]))  # type: ignore[index]
    [check] = checked(engine, models)
    assert not check.passed and "'d" in check.detail and "is not the vector" in check.detail
    assert "`enricher reindex start things --to ALIAS`" in check.detail


def test_a_vector_that_is_missing_is_reported(
    engine: TantivyEngine, chain: DocumentEnricher, models: Path
) -> None:
    """Where the model gives one."""
    fill(engine, chain, lambda one: with_vector(one, None))
    [check] = checked(engine, models)
    assert not check.passed and "is missing" in check.detail


def test_vectors_of_another_length_are_reported(
    engine: TantivyEngine, chain: DocumentEnricher, models: Path
) -> None:
    """An older version kept no length with the index."""
    engine.create("things", replace(chain.layout(), dimensions={}))
    [made] = documents(1)
    engine.write("things", [EnrichedDocument("a", made.source, chain.enrich([made])[0] | {"vector": [1, 2]})])
    engine.refresh("things")
    [check] = checked(engine, models)
    assert not check.passed and "have 2 dimensions, those of its model have 24" in check.detail


def test_documents_that_changed_since_are_left_to_the_other_checks(
    engine: TantivyEngine, chain: DocumentEnricher, models: Path
) -> None:
    """Their vector is that of the text they had."""
    fill(engine, chain, lambda one: replace(one, source={**one.source, "text": "another text"}))
    assert [(one.passed, one.detail) for one in checked(engine, models)] == [
        (True, "24 dimensions, no document of this version yet")
    ]


def test_what_has_no_vectors_has_no_line(
    engine: TantivyEngine, chain: DocumentEnricher, models: Path, tmp_path: Path
) -> None:
    """An index without a model, one whose model gives no vectors to compare with, one whose model is gone."""
    words = EnricherRecipe(models, None, FIELDS, IndexConfiguration(enrichments=("tokens",))).open()
    engine.create("words", words.layout())
    engine.create("unlike", replace(chain.layout(), mapping=words.layout().mapping, dimensions={}))
    assert checked(engine, models) == []
    engine.create("gone", replace(chain.layout(), model_version="20200101T000000-abcdef"))
    assert checked(engine, models) == []


def test_an_empty_index_is_in_order(engine: TantivyEngine, chain: DocumentEnricher, models: Path) -> None:
    """So is one whose documents have nothing that the model knows."""
    fill(engine, chain, number=0)
    assert [one.passed for one in checked(engine, models)] == [True]
    strange = Document("strange", {"text": "☃"})
    engine.write("things", [EnrichedDocument(strange.id, strange.source, chain.enrich([strange])[0])])
    engine.refresh("things")
    [check] = checked(engine, models)
    assert check.passed and "1 document" in check.detail
