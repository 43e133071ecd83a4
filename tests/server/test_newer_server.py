"""A newer release of the server reads what is sent as the older one does, vectors first of all."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import enricher
from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.errors import IndexConflict
from enricher.records import SearchRequest
from enricher.search.opened import open_index
from enricher.settings import IndexConfiguration
from indexer.engines.cluster.engine import EARLY_TERMINATION, EXCLUDE_SOURCE_VECTORS
from indexer.engines.cluster.mapping import mapping_of
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.pipeline import index_documents, prepare_index
from indexer.stored_vectors import check_vectors
from tests.conftest import RunCommand
from tests.corpora import TOPICS, documents
from tests.server.test_parity import assert_same

FIELDS = ("title", "text")
WORDS = [word for topic in TOPICS.values() for word in topic]
QUERIES = [" ".join(WORDS[n::11][: 1 + n % 3]) for n in range(8)]
STREAM = list(documents(200))


@pytest.fixture(scope="module")
def server_url(newer_url: str) -> str:
    """Of the newer server: everything in this module runs on it."""
    return newer_url


@pytest.fixture
def chain(models: Path, model: enricher.Model) -> DocumentEnricher:
    """The default recipe by the small model."""
    return EnricherRecipe(models, model.version, FIELDS, IndexConfiguration()).open()


@pytest.fixture
def embedded(tmp_path: Path, index: str, chain: DocumentEnricher) -> Iterator[TantivyEngine]:
    """The same documents on the embedded engine."""
    with closing(TantivyEngine(tmp_path / "index")) as opened:
        fill(opened, index, chain)
        yield opened


def fill(engine: TantivyEngine | ElasticsearchEngine, index: str, chain: DocumentEnricher) -> None:
    """Index the documents as the command line does."""
    prepare_index(engine, index, chain.layout())
    report = index_documents(engine, index, STREAM, chain, lambda rejection: pytest.fail(rejection.reason))
    assert report.written == len(STREAM)


def write_as_older_versions(engine: ElasticsearchEngine, index: str, chain: DocumentEnricher) -> None:
    """Vectors as hexadecimal digits, and no length in the mapping."""
    made = mapping_of(replace(chain.layout(), dimensions={}))
    engine.client.indices.create(index=index, mappings=made, settings={EXCLUDE_SOURCE_VECTORS: False})
    lines: list[dict[str, object]] = []
    for document, added in zip(STREAM, chain.enrich(STREAM), strict=True):
        vector = bytes(number % 256 for number in added["vector"]).hex()  # type: ignore[attr-defined]
        enrichment = {**added, "vector": vector}
        lines += [{"index": {"_id": document.id}}, {**document.source, "enrichment": enrichment}]
    assert not engine.client.bulk(index=index, operations=lines, refresh=True)["errors"]


def assert_right(
    engine: ElasticsearchEngine, index: str, embedded: TantivyEngine, name: str, models: Path
) -> None:
    """Both engines rank by words and vectors alike, and `doctor` finds the right vectors."""
    model = enricher.load(models)
    theirs, mine = open_index(engine, index, lambda _: model), open_index(embedded, name, lambda _: model)
    length = theirs.layout.dimensions["vector"]
    assert engine.dimensions(index) == length
    for text in QUERIES:
        query = theirs.rewrite(theirs.query(text), IndexConfiguration())
        assert query.vector is not None and len(query.vector.codes) == length
        request = SearchRequest(query, top=30)
        assert_same(mine.search(request), theirs.search(request), text)
    [check] = check_vectors(engine, models, [engine.name_of(index)])
    assert check.passed and "3 documents" in check.detail, check


def test_the_same_documents_have_the_same_ranking(
    engine: ElasticsearchEngine,
    index: str,
    embedded: TantivyEngine,
    chain: DocumentEnricher,
    models: Path,
) -> None:
    """Ids, and scores to three decimals, of queries with vectors."""
    fill(engine, index, chain)
    made = engine.client.indices.get_settings(index=index, flat_settings=True)[index]["settings"]
    assert made[EXCLUDE_SOURCE_VECTORS] == made[EARLY_TERMINATION] == "false"
    assert_right(engine, index, embedded, index, models)


def test_misread_vectors_are_refused_reported_and_mended(
    engine: ElasticsearchEngine,
    index: str,
    embedded: TantivyEngine,
    chain: DocumentEnricher,
    model: enricher.Model,
    models: Path,
    server_url: str,
    run: RunCommand,
) -> None:
    """The way that the sentence names makes an index that is right."""
    write_as_older_versions(engine, index, chain)
    held, given = engine.dimensions(index), chain.layout().dimensions["vector"]
    assert held == given * 3 // 2, "This server reads hexadecimal digits as they were meant."
    opened = open_index(engine, index, lambda _: model)
    query = opened.rewrite(opened.query(QUERIES[0]), IndexConfiguration())
    refusal = f"have {held} dimensions.* have {given}.*misread.*`enricher reindex start {index} --to ALIAS`"
    with pytest.raises(IndexConflict, match=refusal):
        opened.search(SearchRequest(query))
    with pytest.raises(IndexConflict, match=refusal):
        index_documents(engine, index, STREAM[:1], chain, lambda rejection: pytest.fail(rejection.reason))
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
    engine: ElasticsearchEngine,
    index: str,
    embedded: TantivyEngine,
    models: Path,
    server_url: str,
    run: RunCommand,
) -> None:
    """In place, where the server leaves vectors out of `_source` by itself."""
    lines: list[dict[str, object]] = []
    for document in STREAM:
        lines += [{"index": {"_id": document.id}}, dict(document.source)]
    engine.client.indices.create(index=index, settings={"number_of_replicas": 0})
    assert not engine.client.bulk(index=index, operations=lines, refresh=True)["errors"]
    done = run("--models", models, "--engine", server_url, "reindex", "start", index, "--in-place")
    assert done.returncode == 0, done.stderr
    assert_right(engine, index, embedded, index, models)
