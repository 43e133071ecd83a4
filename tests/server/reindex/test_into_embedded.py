"""Jobs from a cluster into a folder of the embedded engine: nothing is lost."""

import json
import time
from contextlib import closing
from pathlib import Path

import pytest

import enricher
from enricher.records import SearchRequest
from enricher.search.opened import open_index
from enricher.settings import IndexConfiguration
from indexer.engines.tantivy.engine import TantivyEngine
from tests.server.engines import ServerEngine
from tests.server.ranking import QUERIES, assert_same, write_plainly
from tests.server.reindex.commands import Command, Followed
from tests.server.reindex.truth import SOON, Truth, Writer, fill, nested


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the target."""
    return tmp_path / "target"


def assert_copied(folder: Path, alias: str, truth: Truth) -> None:
    """Document by document: all there, none stale."""
    with closing(TantivyEngine(folder)) as target:
        found = {document.id: document.source for document in target.read(alias)}
        assert found == {id_: source for (id_, _), source in truth.items()}
        assert target.count_unenriched(alias) == 0


@pytest.fixture
def migrated(engine: ServerEngine, index: str, command: Command, folder: Path) -> Path:
    """The folder after the documents of `ranking` were migrated."""
    write_plainly(engine.client, index)
    done = command("start", index, "--to", f"{index}-here", "--target-engine", f"tantivy:{folder}", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["kind"], report["destination"]) == ("migration", f"tantivy:{folder}")
    assert report["documents"] == report["copied"] == engine.count(index)
    return folder


def test_a_migrated_index_is_ranked_like_one_that_was_indexed(
    migrated: Path, embedded: TantivyEngine, index: str, model: enricher.Model
) -> None:
    """The embedded engine holds what `enricher index` would have written."""
    with closing(TantivyEngine(migrated)) as target:
        mine, theirs = (
            open_index(one, name, lambda _: model)
            for one, name in ((target, f"{index}-here"), (embedded, index))
        )
        for text in QUERIES:
            request = SearchRequest(mine.rewrite(mine.query(text), IndexConfiguration()), top=30)
            assert_same(mine.search(request), theirs.search(request), text)


@pytest.mark.parametrize("point", ["page-written", "deletes-sent", "swap-sent"])
def test_a_killed_job_goes_on_beside_a_writer(
    engine: ServerEngine, server_url: str, index: str, command: Command, folder: Path, point: str
) -> None:
    """Wherever it was killed; the last copy is made under a write block."""
    truth = fill(engine, index, 1_200)
    job = ("--target-engine", f"tantivy:{folder}", "--write-block")
    writer = Writer(server_url, index, truth, seed=11, most_per_second=50)
    writer.start()
    try:
        assert command("start", index, "--to", f"{index}-here", *job, "--fail-at", point).returncode == -9
        done = command("resume", "--json")
    finally:
        writer.stop()
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["documents"] == report["copied"] == len(truth)
    assert_copied(folder, f"{index}-here", truth)
    again = command("resume", report["job"])
    assert again.returncode == 0, again.stderr


def test_a_source_is_followed_until_the_user_ends_the_job(
    engine: ServerEngine, server_url: str, index: str, command: Command, folder: Path, tmp_path: Path
) -> None:
    """Inserts, changes and deletes reach the target."""
    truth = fill(engine, index, 500)
    job = ("--target-engine", f"tantivy:{folder}", "--follow", "--fail-at", "pass-done")
    assert command("start", index, "--to", f"{index}-here", *job).returncode == -9
    writer = Writer(server_url, index, truth, seed=12, most_per_second=100)
    writer.start()
    try:
        resumed = Followed(command, tmp_path, ())
        resumed.wait_until_followed()
        time.sleep(2)
    finally:
        writer.stop()
    report = resumed.end()
    assert report["phase"] == "done" and report["documents"] == report["copied"] == len(truth)
    assert writer.operations > 100
    assert_copied(folder, f"{index}-here", truth)


def test_what_the_embedded_engine_refuses_is_kept_and_counted(
    engine: ServerEngine, index: str, command: Command, folder: Path
) -> None:
    """The other documents are there; a state from before is not."""
    truth = fill(engine, index, 20)
    deep = {"text": "reef", "deep": nested(25)}
    engine.client.indices.put_mapping(index=index, properties={"deep": {"type": "object", "enabled": False}})
    engine.client.index(index=index, id="deep", document=deep, refresh=True)
    done = command("start", index, "--to", f"{index}-here", "--target-engine", f"tantivy:{folder}", "--json")
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert (report["documents"], report["copied"], report["rejected"]) == (21, 20, 1)
    assert_copied(folder, f"{index}-here", truth)
    replayed = command("replay", report["job"])
    assert replayed.returncode == 2 and "start a new job" in replayed.stderr


def test_documents_of_one_id_under_two_routings_end_the_job(
    engine: ServerEngine, index: str, command: Command, folder: Path
) -> None:
    """One of them would be lost: no alias is given."""
    truth = fill(engine, index, 5)
    name = next(iter(truth))[0]
    for routing in ("a", "b", "c", "d"):  # of two shards
        engine.client.index(index=index, id=name, routing=routing, document={"text": "reef"}, refresh=True)
    done = command("start", index, "--to", f"{index}-here", "--target-engine", f"tantivy:{folder}")
    assert done.returncode == 1 and "several routings" in done.stderr, done.stderr
    cancelled = command("cancel")
    assert cancelled.returncode == 0 and f"tantivy:{folder}" in cancelled.stdout, cancelled.stderr
    with closing(TantivyEngine(folder)) as target:
        assert not target.indexes() and not target.aliases()


def test_what_cannot_be_migrated_is_said_before_anything_is_written(
    engine: ServerEngine, migrated: Path, index: str, command: Command, server_url: str
) -> None:
    """A name that is taken; a target of another kind than that of the job."""
    taken = command("start", index, "--to", f"{index}-here", "--target-engine", f"tantivy:{migrated}")
    assert taken.returncode == 2 and "in the target already" in taken.stderr
    job = ("--target-engine", f"tantivy:{migrated}", "--fail-at", "page-noted")
    assert command("start", index, "--to", f"{index}-others", *job).returncode == -9
    other = command("cancel", "--target-engine", server_url)
    assert other.returncode == 2 and "tantivy:FOLDER" in other.stderr, other.stderr
    assert command("cancel").returncode == 0


@pytest.mark.parametrize("embedded_target", [True, False])
def test_a_source_that_is_removed_is_said(
    engine: ServerEngine, index: str, command: Command, folder: Path, embedded_target: bool
) -> None:
    """The job cannot go on, and can be cancelled."""
    fill(engine, f"{index}-old", 50)
    job = ("--target-engine", f"tantivy:{folder}") if embedded_target else ()
    killed = ("--lease-seconds", SOON, "--fail-at", "page-noted")
    assert command("start", f"{index}-old", "--to", index, *job, *killed).returncode == -9
    engine.client.indices.delete(index=f"{index}-old")
    done = command("resume", "--lease-seconds", SOON)
    assert done.returncode == 1 and "was removed while the job" in done.stderr, done.stderr
    assert command("cancel").returncode == 0
