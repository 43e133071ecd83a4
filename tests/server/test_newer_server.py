"""A newer release of the server reads what is sent as the older one does, vectors first of all."""

from dataclasses import replace
from pathlib import Path

import pytest

import enricher
from enricher.enrichment import DocumentEnricher
from enricher.errors import IndexConflict
from enricher.records import SearchRequest
from enricher.search.opened import open_index
from enricher.settings import IndexConfiguration
from indexer.engines.cluster.mapping import mapping_of
from indexer.engines.elasticsearch.dialect import EARLY_TERMINATION, EXCLUDE_SOURCE_VECTORS
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.pipeline import index_documents
from indexer.stored_vectors import check_vectors
from tests.conftest import RunCommand
from tests.server.engines import ServerEngine
from tests.server.ranking import QUERIES, STREAM, assert_right, fill, write_plainly


@pytest.fixture(scope="module")
def server_url(newer_url: str) -> str:
    """Of the newer server: everything in this module runs on it."""
    return newer_url


def write_as_older_versions(engine: ServerEngine, index: str, default_chain: DocumentEnricher) -> None:
    """Vectors as hexadecimal digits, and no length in the mapping."""
    made = mapping_of(replace(default_chain.layout(), dimensions={}), engine.server.dialect)
    engine.client.indices.create(index=index, mappings=made, settings={EXCLUDE_SOURCE_VECTORS: False})
    lines: list[dict[str, object]] = []
    for document, added in zip(STREAM, default_chain.enrich(STREAM), strict=True):
        vector = bytes(number % 256 for number in added["vector"]).hex()  # type: ignore[attr-defined]
        enrichment = {**added, "vector": vector}
        lines += [{"index": {"_id": document.id}}, {**document.source, "enrichment": enrichment}]
    assert not engine.client.bulk(index=index, operations=lines, refresh=True)["errors"]


def test_the_same_documents_have_the_same_ranking(
    engine: ServerEngine,
    index: str,
    embedded: TantivyEngine,
    default_chain: DocumentEnricher,
    models: Path,
) -> None:
    """Ids, and scores to three decimals, of queries with vectors."""
    fill(engine, index, default_chain)
    made = engine.client.indices.get_settings(index=index, flat_settings=True)[index]["settings"]
    assert made[EXCLUDE_SOURCE_VECTORS] == made[EARLY_TERMINATION] == "false"
    assert_right(engine, index, embedded, index, models)


def test_misread_vectors_are_refused_reported_and_mended(
    engine: ServerEngine,
    index: str,
    embedded: TantivyEngine,
    default_chain: DocumentEnricher,
    model: enricher.Model,
    models: Path,
    server_url: str,
    run: RunCommand,
) -> None:
    """The way that the sentence names makes an index that is right."""
    write_as_older_versions(engine, index, default_chain)
    held, given = engine.dimensions(index), default_chain.layout().dimensions["vector"]
    assert held == given * 3 // 2, "This server reads hexadecimal digits as they were meant."
    opened = open_index(engine, index, lambda _: model)
    query = opened.rewrite(opened.query(QUERIES[0]), IndexConfiguration())
    refusal = f"have {held} dimensions.* have {given}.*misread.*`enricher reindex start {index} --to ALIAS`"
    with pytest.raises(IndexConflict, match=refusal):
        opened.search(SearchRequest(query))
    with pytest.raises(IndexConflict, match=refusal):
        index_documents(
            engine, index, STREAM[:1], default_chain, lambda rejection: pytest.fail(rejection.reason)
        )
    assert opened.search(SearchRequest(replace(query, vector=None))).total
    [check] = check_vectors(engine, models, [index])
    assert not check.passed and "misread" in check.detail

    def command(*arguments: str) -> tuple[int, str]:
        done = run("--models", models, "--engine", server_url, *arguments)
        return done.returncode, done.stdout + done.stderr

    code, said = command("reindex", "start", index, "--in-place")
    assert code == 2 and f"have {held} dimensions" in said
    code, said = command("reindex", "start", index, "--to", f"{index}-alias")
    assert code == 0, said
    assert_right(engine, f"{index}-alias", embedded, index, models)


def test_an_index_of_others_gets_the_same_vectors(
    engine: ServerEngine,
    index: str,
    embedded: TantivyEngine,
    models: Path,
    server_url: str,
    run: RunCommand,
) -> None:
    """In place, where the server leaves vectors out of `_source` by itself."""
    engine.client.indices.create(index=index, settings={"number_of_replicas": 0})
    write_plainly(engine.client, index)
    done = run("--models", models, "--engine", server_url, "reindex", "start", index, "--in-place")
    assert done.returncode == 0, done.stderr
    assert_right(engine, index, embedded, index, models)
