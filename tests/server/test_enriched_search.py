"""The whole thread on a real server: the command line, and the same answers as the embedded engine."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import cast

import pytest

import enricher
from enricher.bundle.store import BundleStore
from enricher.enrichment import DocumentEnricher
from enricher.plugins import PluginContext, load_enrichments
from enricher.records import Document, Rejection, SearchEngine, SearchRequest
from enricher.search.opened import SearchableIndex, open_index
from enricher.settings import IndexConfiguration
from enricher.sources import SourceFormat, find_files, read_files
from enricher.text import open_analyzer
from enricher.training.train import train_bundle
from enricher.training.word2vec import TrainingSettings
from indexer.doctor import examine
from indexer.engines import open_engine
from indexer.pipeline import index_documents, prepare_index
from indexer.stored_vectors import check_vectors
from tests.conftest import ROOT, RunCommand
from tests.corpora import TOPICS, documents, write_jsonl
from tests.server.engines import ServerEngine
from tests.server.ranking import assert_same

FIELDS = ("title", "text")
Indexed = tuple[SearchableIndex, SearchableIndex]


def index_on_both(
    engines: tuple[SearchEngine, SearchEngine], index: str, stream: list[Document], model: enricher.Model
) -> Indexed:
    """The documents with the default enrichments on both engines, opened for searching."""
    chain = _chain(model)
    for engine in engines:
        prepare_index(engine, index, chain.layout())
        report = index_documents(
            engine, index, stream, chain, lambda rejection: pytest.fail(rejection.reason)
        )
        assert report.written == len(stream) == engine.count(index)
    first, second = (open_index(engine, index, lambda version: model) for engine in engines)
    return first, second


def _chain(model: enricher.Model) -> DocumentEnricher:
    """The default enrichments by a model."""
    context = PluginContext(FIELDS, model.analyzer, model)
    enrichments = load_enrichments(IndexConfiguration(), context)
    return DocumentEnricher(model.analyzer, FIELDS, enrichments, model.version)


def assert_equal_answers(opened: Indexed, queries: list[str]) -> None:
    """Hits, scores, totals and facets agree for every query, with and without expansion."""
    found = 0
    for text in queries:
        typed = opened[0].query(text)
        for query in (typed, opened[0].rewrite(typed, IndexConfiguration())):
            request = SearchRequest(query, facets=("keywords",))
            mine, theirs = (one.search(request) for one in opened)
            assert_same(mine, theirs, text)
            found += mine.total > 0
    assert found >= len(queries)


@pytest.fixture
def engines(engine: ServerEngine, tmp_path: Path) -> Iterator[tuple[SearchEngine, SearchEngine]]:
    """The embedded engine and the real server."""
    embedded = open_engine(f"tantivy:{tmp_path / 'index'}")
    yield embedded, engine
    embedded.close()


def test_enriched_searches_agree_on_both_engines(
    engines: tuple[SearchEngine, SearchEngine], index: str, model: enricher.Model
) -> None:
    """5,000 enriched documents, 100 queries, with and without expansion."""
    opened = index_on_both(engines, index, list(documents(5000)), model)
    words = [word for topic in TOPICS.values() for word in topic]
    queries = [" ".join(words[n % len(words) :: 17][: 1 + n % 4]) for n in range(100)]
    assert_equal_answers(opened, queries)


def test_a_query_is_rewritten_without_reading_the_layout_again(
    engines: tuple[SearchEngine, SearchEngine],
    engine: ServerEngine,
    index: str,
    model: enricher.Model,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An opened index knows its fields."""
    _, opened = index_on_both(engines, index, list(documents(50)), model)
    monkeypatch.setattr(engine.client.indices, "get_mapping", lambda **_: pytest.fail("It is known."))
    rewritten = opened.rewrite(opened.query("事务 tide"), IndexConfiguration())
    assert {term.origin for term in rewritten.terms} > {"query", "subwords"}


def test_enriched_searches_agree_on_real_text(
    engines: tuple[SearchEngine, SearchEngine], index: str, real_text: Path, tmp_path: Path
) -> None:
    """5,000 real abstracts with a model of the first thousand, 100 of their titles as queries."""
    form = SourceFormat()
    files = find_files([str(real_text / "zh" / "corpus_science")], form)
    items: Iterator[Document | Rejection] = read_files(files, form)
    stream = [item for item in islice(items, 5000) if isinstance(item, Document)]
    store = BundleStore(tmp_path / "models")
    settings = TrainingSettings(dimensions=32, epochs=2, workers=2)
    store.activate(train_bundle(store, stream[:1000], FIELDS, open_analyzer(), settings))
    opened = index_on_both(engines, index, stream, enricher.load(store.folder))
    assert_equal_answers(opened, [document.text("title") for document in stream[::50]])


@pytest.mark.elasticsearch_only("no older version has written vectors there")
def test_vectors_of_older_versions_are_understood(
    engines: tuple[SearchEngine, SearchEngine],
    engine: ServerEngine,
    index: str,
    models: Path,
    model: enricher.Model,
) -> None:
    """Hexadecimal digits in `_source`, of an index without a length, on a server that reads them rightly."""
    mine, _ = index_on_both(engines, index, list(documents(150)), model)
    old = f"{index}-old"
    made = engine.client.indices.get_mapping(index=index)[index]["mappings"]
    del made["_meta"]["enricher"]["dimensions"], made["_source"]
    del made["properties"]["enrichment"]["properties"]["vector_codes"]
    engine.client.indices.create(index=old, mappings=made)
    stream, lines = list(documents(150)), list[dict[str, object]]()
    for document, enrichment in zip(stream, _chain(model).enrich(stream), strict=True):
        numbers = cast("list[int]", enrichment["vector"])
        enrichment["vector"] = bytes(number % 256 for number in numbers).hex()
        lines += [{"index": {"_id": document.id}}, {**document.source, "enrichment": enrichment}]
    assert not engine.client.bulk(index=old, operations=lines, refresh=True)["errors"]
    opened = open_index(engine, old, lambda version: model)
    assert opened.layout.dimensions == {}
    assert_equal_answers((mine, opened), ["事务 tide", "ocean", "数据库"])
    assert [check.passed for check in check_vectors(engine, models, [old])] == [True]
    assert index_documents(engine, old, list(documents(5)), _chain(model), lambda _: None).written == 5
    assert [check.passed for check in check_vectors(engine, models, [old])] == [True]


@pytest.fixture
def on_server(
    run: RunCommand, models: Path, server_url: str
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command line with the small model, pointed at the server."""

    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return run("--models", models, "--engine", server_url, *arguments)

    return call


def test_the_same_commands_work_on_a_cluster(
    on_server: Callable[..., subprocess.CompletedProcess[str]], index: str, tmp_path: Path
) -> None:
    """index, search with filter and facet, keywords of index:NAME, train on it, doctor."""
    write_jsonl(tmp_path / "docs.jsonl", 100)
    assert json.loads(on_server("index", "docs.jsonl", "--to", index, "--json").stdout)["written"] == 100
    found = on_server(
        "search", "事务 tide", "--in", index, "--facet", "topic", "--filter", "year=2003", "--json"
    )
    answer = json.loads(found.stdout)
    assert answer["total"] > 0 and answer["facets"]["topic"] and answer["hits"][0]["highlight"]
    lines = on_server("keywords", f"index:{index}", "--json").stdout.splitlines()
    assert {json.loads(line)["id"] for line in lines} == {f"d{n}" for n in range(100)}
    assert on_server("train", f"index:{index}", "--no-activate", "--epochs", "1").returncode == 0
    lines = on_server("doctor").stdout.splitlines()
    assert [line[:2] for line in lines if f"index {index}:" in line] == ["ok"], lines


def test_a_killed_indexing_is_completed_by_the_same_command(
    on_server: Callable[..., subprocess.CompletedProcess[str]],
    models: Path,
    server_url: str,
    index: str,
    engine: ServerEngine,
    tmp_path: Path,
) -> None:
    """After kill -9 in the middle and once more: every document is there once."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 4000)
    command = [sys.executable, "-m", "indexer", "--models", str(models), "--engine", server_url]
    running = subprocess.Popen(
        [*command, "index", str(docs), "--to", index], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None and running.stderr.readline().startswith("indexing documents")
    running.kill()
    running.communicate(timeout=60)
    assert running.returncode == -signal.SIGKILL
    assert on_server("index", docs, "--to", index).returncode == 0
    assert sorted(document.id for document in engine.read(index)) == sorted(f"d{n}" for n in range(4000))


def test_a_name_that_no_index_can_have_is_wrong_usage(
    on_server: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    """It is said before the server is asked, which would take `_fresh` for a command."""
    write_jsonl(tmp_path / "docs.jsonl", 1)
    done = on_server("index", "docs.jsonl", "--to", "_fresh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "The index name '_fresh' may not begin with" in done.stderr


def test_a_strict_index_takes_documents_without_their_id_field(
    on_server: Callable[..., subprocess.CompletedProcess[str]],
    engine: ServerEngine,
    model: enricher.Model,
    index: str,
    tmp_path: Path,
) -> None:
    """The id is the `_id` anyway; any other field that is refused is named, and the reject is whole."""
    context = PluginContext(FIELDS, model.analyzer, model)
    chain = DocumentEnricher(
        model.analyzer, FIELDS, load_enrichments(IndexConfiguration(), context), model.version
    )
    prepare_index(engine, index, chain.layout())
    properties = {"text": {"type": "text"}, "in": {"properties": {"there": {"type": "keyword"}}}}
    engine.client.indices.put_mapping(index=index, dynamic="strict", properties=properties)
    good = [{"id": "a", "text": "reef"}, {"id": 7, "text": "whale", "in": {"there": "x"}}]
    bad = [{"id": "b", "text": "x", "more": 1}, {"id": "c", "text": "x", "in": {"new": 1}}]
    lines = [json.dumps(one) for one in (*good, *bad)]
    (tmp_path / "docs.jsonl").write_text("\n".join(lines))
    done = on_server("index", "docs.jsonl", "--to", index)
    assert done.returncode == 1 and "no field 'id': the id is stored as _id only" in done.stderr
    assert "b: The mapping is strict and has no field 'more'" in done.stderr
    assert "c: The mapping is strict and has no field 'in.new'" in done.stderr
    kept = {one.id: one.source for one in engine.read(index)}
    assert kept == {"a": {"text": "reef"}, "7": {"text": "whale", "in": {"there": "x"}}}
    rejects = (tmp_path / f"{index}.rejects.jsonl").read_text().splitlines()
    assert [json.loads(json.loads(line)["content"]) for line in rejects] == bad
    engine.client.indices.put_mapping(index=index, properties={"id": {"type": "keyword"}})
    assert on_server("index", "docs.jsonl", "--to", index).returncode == 1
    assert {one.id: one.source for one in engine.read(index)} == {"a": good[0], "7": good[1]}
    for dynamic in ("false", *(() if engine.name == "opensearch" else ("runtime",)), "true"):
        engine.client.indices.put_mapping(index=index, dynamic=dynamic)
        assert not engine.refuses(index, "anything")


def test_doctor_says_what_it_does_not_look_at(
    engine: ServerEngine, server_url: str, models: Path, index: str
) -> None:
    """While the cluster is red, or away."""
    nowhere = {"index.routing.allocation.include._name": "nowhere", "number_of_replicas": 0}
    engine.client.indices.create(index=index, settings=nowhere, wait_for_active_shards="0")
    checks = examine(models, lambda: open_engine(server_url), None)
    engine.client.indices.delete(index=index)
    absent = examine(models, lambda: open_engine("http://127.0.0.1:1"), None)
    for found, failed in ((checks, "cluster"), (absent, "server")):
        assert [check.name for check in found if not check.passed] == [failed, "indexes"]
        assert "Indexes and jobs were not checked" in found[-1].detail


def test_two_commands_may_fill_one_new_index(
    models: Path, server_url: str, index: str, engine: ServerEngine, tmp_path: Path
) -> None:
    """Whoever comes second goes on with the index that the first has made."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 200)
    command = [sys.executable, "-m", "indexer", "--models", str(models), "--engine", server_url]
    running = [
        subprocess.Popen([*command, "index", str(docs), "--to", index], cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=300)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    assert engine.count(index) == 200


def test_an_engine_that_does_not_answer_is_a_sentence(run: RunCommand, models: Path) -> None:
    """Exit code 1, and no secret in it."""
    write_to = ("--models", models, "--engine", "http://user:secret-word@127.0.0.1:1")
    for arguments in (["search", "事务", "--in", "x"], ["doctor"]):
        done = run(*write_to, *arguments)
        assert done.returncode == 1
        assert "secret-word" not in done.stdout + done.stderr
        assert "127.0.0.1:1" in done.stdout + done.stderr
