"""Words reach the documents of a server that have them, and no others."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import helpers

import enricher
from enricher.bundle.store import BundleStore
from enricher.enrichment import DocumentEnricher
from tests.conftest import RunCommand
from tests.server.engines import ServerEngine
from tests.server.reindex.truth import SOON, Writer, fill
from tests.vocabulary.terms import TERMS, documents_with_terms, write_review

DOCUMENTS = list(documents_with_terms(600))
TERM = TERMS[0]
HAS_TERM = {one.id for one in DOCUMENTS if TERM in one.text("text")}


@pytest.fixture
def own_models(models: Path, tmp_path: Path) -> Path:
    """A folder with the small model, which the test may change."""
    store = BundleStore(tmp_path / "own")
    store.folder.mkdir()
    version = BundleStore(models).active_version()
    assert version is not None
    (store.folder / version).symlink_to(models / version)
    store.activate(version)
    return store.folder


@pytest.fixture
def documents(engine: ServerEngine, index: str, default_chain: DocumentEnricher) -> str:
    """An index of the documents, enriched with that model."""
    from indexer.pipeline import index_documents, prepare_index

    prepare_index(engine, index, default_chain.layout())
    report = index_documents(engine, index, DOCUMENTS, default_chain, lambda one: pytest.fail(one.reason))
    assert report.written == len(DOCUMENTS)
    return index


def versions(engine: ServerEngine, index: str) -> dict[str, int]:
    """The version of every document: it grows when the document is written."""
    engine.refresh(index)
    return {hit["_id"]: hit["_version"] for hit in helpers.scan(engine.client, index=index, version=True)}


def enrichments(engine: ServerEngine, index: str, folder: Path) -> dict[str, Any]:
    """What the documents store of their enrichment, without the model's version."""
    engine.refresh(index)
    found = {}
    for hit in helpers.scan(engine.client, index=index):
        found[hit["_id"]] = {**hit["_source"]["enrichment"], "model": None}
    return found


def test_only_affected_documents_are_written(
    engine: ServerEngine, server_url: str, documents: str, own_models: Path, run: RunCommand, tmp_path: Path
) -> None:
    """By versions; after a kill too. A full job of all documents then finds nothing to change."""
    before = versions(engine, documents)
    review = write_review(tmp_path / "words.tsv", [TERM])
    command = ("--models", own_models, "--engine", server_url, "vocabulary")
    killed = run(*command, "apply", review, "--in", documents, "--fail-at", "page-written")
    assert killed.returncode == -9
    time.sleep(SOON)
    done = run(*command, "apply", review, "--in", documents, "--json")
    assert done.returncode == 0, done.stderr
    (report,) = json.loads(done.stdout)["indexes"]
    assert (report["index"], report["documents"]) == (documents, len(DOCUMENTS))
    after = versions(engine, documents)
    assert {name for name in after if after[name] != before[name]} == HAS_TERM
    layout = engine.layout(documents)
    assert layout.model_version == json.loads(done.stdout)["version"] and len(layout.compatible) == 1
    assert engine.count_unenriched(documents) == 0
    found = enrichments(engine, documents, own_models)
    search = ("--models", own_models, "--engine", server_url, "search", TERM, "--in", documents, "--json")
    hits = json.loads(run(*search, "--top", "100", "--no-expansion").stdout)["hits"]
    assert {hit["id"] for hit in hits[: len(HAS_TERM)]} == HAS_TERM
    whole = run("--models", own_models, "--engine", server_url, "reindex", "start", documents, "--in-place")
    assert whole.returncode == 0, whole.stderr
    assert enrichments(engine, documents, own_models) == found
    withdrawn = run(*command, "withdraw", TERM, "--in", documents, "--json")
    assert withdrawn.returncode == 0, withdrawn.stderr
    assert json.loads(withdrawn.stdout)["indexes"][0]["enriched"] == len(HAS_TERM)


def test_documents_that_applications_write_meanwhile_are_not_lost(
    engine: ServerEngine,
    server_url: str,
    index: str,
    models: Path,
    own_models: Path,
    run: RunCommand,
    tmp_path: Path,
) -> None:
    """Words are applied beside a writer."""
    truth = fill(engine, f"{index}-old", 400)
    place = ("--models", own_models, "--engine", server_url)
    assert run(*place, "reindex", "start", f"{index}-old", "--to", index).returncode == 0
    truth = {(hit["_id"], None): _own(hit) for hit in helpers.scan(engine.client, index=index)}
    writer = Writer(server_url, index, truth, seed=8, most_per_second=100)
    writer.start()
    try:
        writer.wait_for(30)
        review = write_review(tmp_path / "words.tsv", ["ocean reef"])
        done = run(*place, "vocabulary", "apply", review, "--in", index, "--json")
        writer.wait_for(writer.operations + 30)
    finally:
        writer.stop()
    assert done.returncode == 0, done.stderr
    engine.refresh(index)
    assert {(hit["_id"], None): _own(hit) for hit in helpers.scan(engine.client, index=index)} == truth
    model = enricher.load(own_models)
    assert [word.text for word in model.analyzer.overlay.words] == ["ocean reef"]


def _own(hit: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in hit["_source"].items() if name != "enrichment"}
