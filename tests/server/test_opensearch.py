"""What is different on OpenSearch: how it is recognized, and indexes that cannot have vectors."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from enricher.enrichment import DocumentEnricher
from enricher.errors import EngineError, UsageError
from enricher.records import SearchRequest, parse_filter, parse_sort
from indexer.engines import open_engine
from indexer.pipeline import prepare_index
from tests.conftest import RunCommand
from tests.engines.congruence import LAYOUT, document, query
from tests.engines.congruence_vectors import with_vectors
from tests.server.engines import ServerEngine, engine_at
from tests.server.ranking import QUERIES, write_plainly

OVERRIDE = "compatibility.override_main_response_version"
"""A setting: say that this is Elasticsearch 7.10.2."""


@pytest.fixture(scope="module")
def server_url(opensearch_url: str) -> str:
    """Everything in this module runs on OpenSearch."""
    return opensearch_url


@contextmanager
def claiming(engine: ServerEngine) -> Iterator[None]:
    """The server claims to be Elasticsearch 7.10.2 in this block."""
    engine.client.cluster.put_settings(persistent={OVERRIDE: True})
    try:
        yield
    finally:
        engine.client.cluster.put_settings(persistent={OVERRIDE: None})


def test_the_server_says_which_family_it_is_of(engine: ServerEngine, server_url: str) -> None:
    """Also where it claims to be Elasticsearch, for clients of that time."""
    with closing(open_engine(server_url)) as opened:
        assert opened.name == "cluster"
        assert all(check.passed for check in opened.check())
        assert opened.name == "opensearch"
    with claiming(engine), closing(open_engine(f"{server_url}/")) as opened:
        opened.indexes()
        assert opened.name == "opensearch"


def test_a_family_that_a_url_names_is_not_asked_for(server_url: str, newer_url: str) -> None:
    """The client of the other family refuses the server, in a sentence."""
    with closing(open_engine(f"opensearch+{newer_url}")) as opened:
        for call in (opened.indexes, lambda: opened.count("nothing"), opened.missing_kinds):
            with pytest.raises(EngineError, match="is not OpenSearch"):
                call()
    with closing(open_engine(f"opensearch+{server_url}")) as opened:
        assert opened.name == "opensearch" and opened.exists("nothing") is False
    with (
        closing(open_engine(f"elasticsearch+{server_url}")) as opened,
        pytest.raises(EngineError, match="is not Elasticsearch"),
    ):
        opened.indexes()


@pytest.fixture
def stranger() -> Iterator[str]:
    """The URL of a server of neither family, which answers everything with an empty object."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ("", "is not Elasticsearch or OpenSearch"),
        ("elasticsearch+", "is not Elasticsearch"),
        ("opensearch+", "is not OpenSearch"),
    ],
)
def test_a_server_of_neither_family_is_said(stranger: str, family: str, said: str) -> None:
    """In one sentence, whichever family the URL names."""
    with closing(open_engine(family + stranger)) as opened, pytest.raises(EngineError, match=said):
        opened.count("anything")


def test_vectors_of_any_length_are_found(engine: ServerEngine, index: str) -> None:
    """The server returns bytes in base64 without the padding of lengths that three does not divide."""
    for length in (3, 4, 5):
        name = f"{index}-{length}"
        engine.create(name, with_vectors(length))
        one = document("a", "x")
        vector = [127, -1, *[0] * (length - 2)]
        assert engine.write(name, [replace(one, enrichment={**one.enrichment, "vector": vector})]) == []
        engine.refresh(name)
        (sampled,) = engine.sample_enriched(name, 1)
        assert list(sampled.enrichment["vector"]) == vector  # type: ignore[call-overload]


def test_keys_of_flat_objects_are_filtered_but_not_counted(engine: ServerEngine, index: str) -> None:
    """The server counts nothing in them, without saying so."""
    engine.create(index, LAYOUT)
    engine.client.indices.put_mapping(index=index, properties={"labels": {"type": "flat_object"}})
    documents = [document("a", "x", labels={"env": "prod"}), document("b", "x", labels={"env": "dev"})]
    assert engine.write(index, documents) == []
    engine.refresh(index)
    asked = SearchRequest(query("x"), filters=(parse_filter("labels.env=prod"),))
    assert [hit.id for hit in engine.search(index, asked).hits] == ["a"]
    with pytest.raises(UsageError, match="flat_object"):
        engine.search(index, SearchRequest(query("x"), facets=("labels.env",)))
    with pytest.raises(UsageError, match="flat_object"):
        engine.search(index, SearchRequest(query("x"), sort=parse_sort("labels.env")))


def test_an_index_made_without_vectors_is_enriched_without_them(
    server_url: str, engine: ServerEngine, index: str, models: Path, run: RunCommand
) -> None:
    """In place, where the setting cannot be added."""
    engine.client.indices.create(index=index)
    write_plainly(engine.client, index)
    command = ("--models", models, "--engine", server_url)
    done = run(*command, "reindex", "start", index, "--in-place")
    assert done.returncode == 0, done.stderr
    assert "Without vectors" in done.stderr and "index.knn" in done.stderr
    assert engine.count_unenriched(index) == 0 and not engine.layout(index).has_vectors
    found = run(*command, "search", "--in", index, QUERIES[0], "--json")
    assert found.returncode == 0 and '"hits"' in found.stdout
    checked = run(*command, "doctor")
    assert f"index {index}" in checked.stdout and "settings differ" not in checked.stdout


def test_without_the_plugin_there_are_no_vectors(
    opensearch_without_knn_url: str,
    models: Path,
    run: RunCommand,
    default_chain: DocumentEnricher,
    tmp_path: Path,
) -> None:
    """Words and sub-words are indexed and searched, and that is said."""
    url, index = opensearch_without_knn_url, "enricher-test-without-knn"
    with closing(engine_at(url)) as engine:
        lines = tmp_path / "lines.jsonl"
        lines.write_text('{"id": "1", "title": "ocean reef", "text": "coral"}\n')
        command = ("--models", models, "--engine", url)
        try:
            done = run(*command, "index", lines, "--to", index)
            assert done.returncode == 0 and "Without vectors" in done.stderr, done.stderr
            assert "opensearch-knn" in done.stderr
            assert run(*command, "index", lines, "--to", index).returncode == 0
            found = run(*command, "search", "--in", index, "coral", "--json")
            assert '"id": "1"' in found.stdout, found.stdout + found.stderr
            with pytest.raises(EngineError):
                prepare_index(engine, f"{index}-vectors", default_chain.layout())
        finally:
            engine.drop(index)
