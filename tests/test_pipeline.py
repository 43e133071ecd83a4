"""From documents to an index, on the embedded engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import enricher
from enricher.errors import IndexConflict
from enricher.plugins import PluginContext, load_enrichments
from enricher.records import Document, FieldKind, Rejection, SearchEngine
from enricher.settings import IndexConfiguration
from enricher.text import Analyzer, open_analyzer
from indexer import pipeline
from indexer.engines import open_engine
from indexer.pipeline import DocumentEnricher, fingerprint, index_documents, prepare_index
from tests.corpora import documents

FIELDS = ("title", "text")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[SearchEngine]:
    """An embedded engine in a folder of its own."""
    opened = open_engine(f"tantivy:{tmp_path / 'index'}")
    yield opened
    opened.close()


@pytest.fixture
def chain(model: enricher.Enricher) -> DocumentEnricher:
    """The default enrichments on the small model."""
    context = PluginContext(FIELDS, model.analyzer, model, "title")
    enrichments = load_enrichments(IndexConfiguration(), context)
    return DocumentEnricher(model.analyzer, FIELDS, enrichments, model.version)


def test_every_document_is_read_or_rejected(engine: SearchEngine, chain: DocumentEnricher) -> None:
    """Read = written + rejected, and what was rejected is handed over."""
    prepare_index(engine, "docs", chain.layout())
    seen: list[Rejection] = []
    stream = [*documents(20), Rejection("x.jsonl:4", "bad", "{"), *documents(25)]
    report = index_documents(engine, "docs", stream, chain, seen.append)
    assert (report.written, report.rejected, report.duplicates) == (45, 1, 20)
    assert [item.where for item in seen] == ["x.jsonl:4"]
    assert engine.count("docs") == 25


def test_of_equal_ids_the_last_wins_also_across_batches(
    engine: SearchEngine, chain: DocumentEnricher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the size of a batch."""
    monkeypatch.setattr(pipeline, "BATCH_DOCUMENTS", 2)
    prepare_index(engine, "docs", chain.layout())
    stream = [Document("a", {"text": f"version {n}"}) for n in range(5)] + [Document("b", {"text": "other"})]
    report = index_documents(engine, "docs", stream, chain, lambda _: None)
    assert report.duplicates == 4
    assert {d.id: d.source["text"] for d in engine.read("docs")} == {"a": "version 4", "b": "other"}


def test_the_enrichment_names_its_model_and_the_text_it_was_made_from(chain: DocumentEnricher) -> None:
    """So that staleness can be seen."""
    document = Document("1", {"title": "事务", "text": "索引", "other": 1})
    (enriched,) = chain.enrich([document])
    assert enriched.source == document.source
    assert enriched.enrichment["model"] == chain.model
    assert enriched.enrichment["fingerprint"] == fingerprint(document, FIELDS)
    moved = Document("1", {"title": "事务索引", "text": ""})
    assert fingerprint(moved, FIELDS) != fingerprint(document, FIELDS)
    assert fingerprint(Document("2", dict(document.source) | {"other": 2}), FIELDS) == fingerprint(
        document, FIELDS
    )


def test_an_index_of_another_model_or_other_fields_is_refused(
    engine: SearchEngine, chain: DocumentEnricher
) -> None:
    """Versions are never mixed in silence."""
    prepare_index(engine, "docs", chain.layout())
    prepare_index(engine, "docs", chain.layout())
    other = DocumentEnricher(chain.analyzer, FIELDS, chain.enrichments, "another-version")
    with pytest.raises(IndexConflict, match="another-version"):
        prepare_index(engine, "docs", other.layout())
    fewer = DocumentEnricher(chain.analyzer, FIELDS, chain.enrichments[:1], chain.model)
    with pytest.raises(IndexConflict, match="other fields or plug-ins"):
        prepare_index(engine, "docs", fewer.layout())


def test_two_plugins_may_not_add_one_field(chain: DocumentEnricher) -> None:
    """The sentence names the second."""
    twice = DocumentEnricher(chain.analyzer, FIELDS, [*chain.enrichments, chain.enrichments[0]], None)
    with pytest.raises(IndexConflict, match=r"'tokens'.*'tokens\.title'"):
        twice.layout()


def test_what_is_too_long_is_counted(engine: SearchEngine) -> None:
    """A field beyond the analyser's limit is indexed up to it, and said."""
    analyzer = open_analyzer(limit=1000)
    short = DocumentEnricher(analyzer, ("text",), _words(analyzer), None)
    prepare_index(engine, "docs", short.layout())
    report = index_documents(
        engine,
        "docs",
        [Document("1", {"text": "word " * 5000}), Document("2", {"text": "word"})],
        short,
        lambda _: None,
    )
    assert (report.written, report.truncated) == (2, 1)
    assert engine.layout("docs").mapping["tokens.text"] is FieldKind.WORDS


def _words(analyzer: Analyzer) -> list[object]:
    context = PluginContext(("text",), analyzer)
    return load_enrichments(IndexConfiguration(enrichments=("tokens",)), context)  # type: ignore[return-value]
