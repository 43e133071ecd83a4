"""Jobs from one cluster into another, of the other family or of another release: nothing is lost."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import enricher
from enricher.records import SearchRequest
from enricher.search.opened import open_index
from enricher.settings import IndexConfiguration
from indexer.engines.tantivy.engine import TantivyEngine
from tests.server.conftest import QUICK
from tests.server.distribution import NEWER, OPENSEARCH_2
from tests.server.engines import ServerEngine, engine_at
from tests.server.fixtures import UrlOf
from tests.server.ranking import QUERIES, STREAM, assert_right, assert_same, write_plainly
from tests.server.reindex.commands import Command, Followed
from tests.server.reindex.truth import SOON, Truth, Writer, assert_copied, fill

DOCUMENTS = 3_000


@pytest.fixture(scope="module", params=(OPENSEARCH_2, NEWER), ids=lambda release: release.name)
def target_url(request: pytest.FixtureRequest, server_url: str, url_of: UrlOf) -> str:
    """The URL of another server than that of `engine`."""
    url = url_of(request.param)
    if url == server_url:
        pytest.skip("the source runs on this server")
    return url


@pytest.fixture
def target(target_url: str, index: str) -> Iterator[ServerEngine]:
    """The engine of the other server; what a test makes there is removed."""
    opened = engine_at(target_url, retry=QUICK)
    yield opened
    for made in opened.client.indices.get(index=f"{index}*", expand_wildcards="all"):
        opened.client.indices.delete(index=made)
    opened.close()


def test_a_migrated_index_is_ranked_like_the_embedded_one(
    engine: ServerEngine,
    target: ServerEngine,
    target_url: str,
    index: str,
    embedded: TantivyEngine,
    command: Command,
    models: Path,
) -> None:
    """After a job that was killed and resumed; the source is as it was."""
    write_plainly(engine.client, index)
    job = ("--target-engine", target_url, "--lease-seconds", SOON)
    killed = command("start", index, "--to", f"{index}-alias", *job, "--fail-at", "page-noted")
    assert killed.returncode == -9, killed.stderr
    assert not target.exists(f"{index}-alias")
    done = command("resume", "--lease-seconds", SOON, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["kind"], report["phase"], report["destination"]) == ("migration", "done", target_url)
    assert report["documents"] == report["copied"] == len(STREAM) == target.count(f"{index}-alias")
    assert_right(target, f"{index}-alias", embedded, index, models)
    assert engine.aliases().get(f"{index}-alias") is None and engine.count(index) == len(STREAM)


def test_a_migration_is_followed_until_the_user_ends_it(
    engine: ServerEngine,
    target: ServerEngine,
    target_url: str,
    server_url: str,
    index: str,
    command: Command,
    model: enricher.Model,
    tmp_path: Path,
) -> None:
    """Beside a writer who inserts, changes and deletes, and after a kill: equal in the end."""
    truth = fill(engine, f"{index}-old", DOCUMENTS)
    words = ["start", f"{index}-old", "--to", index, "--target-engine", target_url, "--follow"]
    lease = ("--lease-seconds", str(SOON))
    writer = Writer(server_url, f"{index}-old", truth, seed=5, most_per_second=100)
    writer.start()
    try:
        assert command(*words, *lease, "--fail-at", "pass-done").returncode == -9
        resumed = Followed(command, tmp_path, lease)
        resumed.wait_until_followed()
        time.sleep(2)
    finally:
        writer.stop()
    report = resumed.end()
    assert report["phase"] == "done" and report["documents"] == report["copied"] == len(truth)
    assert_copied(target, index, truth, model.version)
    assert writer.operations > 100


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_fifty_thousand_documents_are_migrated_beside_a_writer(
    engine: ServerEngine,
    target: ServerEngine,
    target_url: str,
    server_url: str,
    index: str,
    command: Command,
    models: Path,
    model: enricher.Model,
    tmp_path: Path,
) -> None:
    """With one kill: exact counts, and the ranking of a copy within the source."""
    truth = fill(engine, f"{index}-old", 50_000)
    lease = ("--lease-seconds", str(SOON))
    writer = Writer(server_url, f"{index}-old", truth, seed=6, most_per_second=50)
    writer.start()
    started = time.monotonic()
    try:
        words = ("start", f"{index}-old", "--to", index, "--target-engine", target_url, "--follow", *lease)
        assert command(*words, "--fail-at", "page-noted").returncode == -9
        resumed = Followed(command, tmp_path, lease)
        resumed.wait_until_followed()
    finally:
        writer.stop()
    caught_up = time.monotonic() - started
    report = resumed.end()
    assert report["documents"] == report["copied"] == len(truth)
    assert_copied(target, index, truth, model.version)
    assert command("start", f"{index}-old", "--to", f"{index}-here").returncode == 0
    here, there = (
        open_index(one, name, lambda _: model) for one, name in ((engine, f"{index}-here"), (target, index))
    )
    for text in QUERIES:
        request = SearchRequest(here.rewrite(here.query(text), IndexConfiguration()), top=30)
        assert_same(here.search(request), there.search(request), text)
    print(
        f"{len(truth):,} documents followed after {caught_up:.0f} s, {writer.operations:,} operations beside"
    )


def test_with_a_write_block_the_source_is_left_read_only(
    engine: ServerEngine, target: ServerEngine, target_url: str, index: str, command: Command
) -> None:
    """Both counts are of one moment."""
    truth = fill(engine, f"{index}-old", 200)
    job = ("--target-engine", target_url, "--write-block", "--json")
    done = command("start", f"{index}-old", "--to", index, *job)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["documents"] == report["copied"] == len(truth)
    found: Mapping[str, Any] = engine.client.indices.get_settings(index=f"{index}-old").body
    assert found[f"{index}-old"]["settings"]["index"]["blocks"]["write"] == "true"
    target.client.index(index=index, id="new", document={"text": "reef"}, refresh=True)
    assert target.count(index) == len(truth) + 1


@pytest.mark.elasticsearch_only("the test is about types of Elasticsearch")
def test_fields_that_the_other_family_lacks_are_stored(
    engine: ServerEngine, target: ServerEngine, target_url: str, index: str, command: Command
) -> None:
    """Not one document is lost for a type; the user is told."""
    properties = {
        "labels": {"type": "flattened"},
        "near": {"type": "dense_vector", "dims": 2},
        "text": {"type": "text"},
    }
    engine.client.indices.create(index=index, mappings={"properties": properties})
    source = {"text": "ocean reef", "labels": {"a": "b"}, "near": [0.5, 0.25]}
    engine.client.index(index=index, id="1", document=source, refresh=True)
    done = command("start", index, "--to", f"{index}-alias", "--target-engine", target_url)
    assert done.returncode == 0, done.stderr
    (read,) = target.read(f"{index}-alias")
    assert read.source == source
    stored = "'near' has the type dense_vector, which OpenSearch lacks" in done.stderr
    assert stored == (target.name == "opensearch")


def test_refused_documents_are_kept_and_tried_again(
    engine: ServerEngine, target: ServerEngine, target_url: str, index: str, command: Command
) -> None:
    """They are counted; after the mapping is mended, they are copied."""
    limit = {"index.mapping.depth.limit": 40}
    fill(engine, f"{index}-old", 20, **limit)
    deep: dict[str, Any] = {"a": 1}
    for _ in range(22):
        deep = {"a": deep}
    engine.client.index(index=f"{index}-old", id="deep", document={"text": "x", "deep": deep}, refresh=True)
    done = command("start", f"{index}-old", "--to", index, "--target-engine", target_url, "--json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert (report["rejected"], report["documents"], report["copied"]) == (1, 21, 20)
    replayed = command("replay", report["job"], "--json")
    assert replayed.returncode == 1 and json.loads(replayed.stdout)["refused"] == 1


def test_a_cancelled_migration_leaves_nothing_in_the_other_cluster(
    engine: ServerEngine, target: ServerEngine, target_url: str, index: str, command: Command
) -> None:
    fill(engine, f"{index}-old", 50)
    job = ("--target-engine", target_url, "--lease-seconds", SOON, "--fail-at", "page-noted")
    assert command("start", f"{index}-old", "--to", index, *job).returncode == -9
    assert target.client.indices.get(index=f"{index}*", expand_wildcards="all").body
    done = command("cancel")
    assert done.returncode == 0 and target_url in done.stdout, done.stderr
    assert not target.client.indices.get(index=f"{index}*", expand_wildcards="all").body


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "{0}", "--follow"), "name it with --target-engine"),
        (("--in-place", "--target-engine", "{1}"), "omit --in-place"),
        (("--to", "{0}", "--target-engine", "{2}"), "cluster of the source itself"),
        (("--to", "{0}", "--target-engine", "http://127.0.0.1:1"), "cannot be reached"),
    ],
)
def test_what_cannot_be_migrated_is_said_before_anything_is_written(
    engine: ServerEngine,
    target: ServerEngine,
    target_url: str,
    server_url: str,
    index: str,
    command: Command,
    words: tuple[str, ...],
    said: str,
) -> None:
    fill(engine, f"{index}-old", 5)
    done = command("start", f"{index}-old", *(word.format(index, target_url, server_url) for word in words))
    assert done.returncode in (1, 2) and said in done.stderr, done.stderr
    assert not target.client.indices.get(index=f"{index}*", expand_wildcards="all").body


def test_a_name_that_is_taken_in_the_other_cluster_is_said(
    engine: ServerEngine, target: ServerEngine, target_url: str, index: str, command: Command
) -> None:
    fill(engine, f"{index}-old", 5)
    target.client.indices.create(index=index)
    done = command("start", f"{index}-old", "--to", index, "--target-engine", target_url)
    assert done.returncode == 2 and "in the target already" in done.stderr


def test_a_target_that_goes_away_is_said_and_the_job_goes_on_later(
    engine: ServerEngine, target: ServerEngine, target_url: str, index: str, command: Command
) -> None:
    """The URL of the target may be given again, for example with another address."""
    truth: Truth = fill(engine, f"{index}-old", 50)
    job = ("--target-engine", target_url, "--lease-seconds", SOON, "--fail-at", "page-noted")
    assert command("start", f"{index}-old", "--to", index, *job).returncode == -9
    away = command("cancel", "--target-engine", "http://127.0.0.1:1")
    assert away.returncode == 1 and "cannot be reached" in away.stderr
    other = target_url.replace("127.0.0.1", "localhost")
    done = command("resume", "--lease-seconds", SOON, ENRICHER_TARGET_ENGINE=other)
    assert done.returncode == 0, done.stderr
    assert target.count(index) == len(truth)
