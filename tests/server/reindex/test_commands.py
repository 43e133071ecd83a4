"""`enricher reindex` as a user calls it."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from elasticsearch import ApiError

from indexer.reindex.job import Job
from indexer.reindex.ledger import Ledger
from tests.conftest import RunCommand
from tests.server.engines import ServerEngine
from tests.server.reindex.judged import write_collection
from tests.server.reindex.truth import assert_copied, fill, nested


def test_a_cancelled_job_leaves_the_old_index(
    engine: ServerEngine, server_url: str, models: Path, index: str, run: RunCommand
) -> None:
    """The old index accepts writes, and a job that has ended cannot be cancelled."""
    truth = fill(engine, f"{index}-old", 20)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    command = ["--engine", server_url, "--models", models, "reindex"]
    killed = run(*command, "start", index, "--to", index, "--write-block", "--fail-at", "block-set")
    assert killed.returncode == -9
    with pytest.raises(ApiError, match="blocked by"):
        engine.client.index(index=index, id="x", document={"text": "reef"})
    again = run(*command, "start", index, "--to", index)
    assert again.returncode == 1 and "resume or cancel" in again.stderr
    done = run(*command, "cancel")
    assert done.returncode == 0 and "is cancelled" in done.stdout
    engine.client.index(index=index, id="x", document={"text": "reef"})
    truth["x", None] = {"text": "reef"}
    assert_copied(engine, index, truth, "")
    assert len(engine.client.indices.get(index=f"{index}*").body) == 1
    refused = run(*command, "cancel")
    assert refused.returncode == 2 and "no job under way" in refused.stderr
    listed = run(*command, "status")
    assert "cancelled" in listed.stdout and index in listed.stdout
    for source, alias, said in (
        ("enricher-jobs", index, "holds the jobs themselves"),
        (f"{index}-old", "enricher-jobs", "is an index"),
    ):
        refused = run(*command, "start", source, "--to", alias)
        assert refused.returncode == 2 and said in refused.stderr, refused.stderr


def test_a_job_that_does_not_exist_is_reported(
    server_url: str, models: Path, index: str, run: RunCommand
) -> None:
    """An unknown job, a missing source and a rollback without a job each give one sentence."""
    command = ["--engine", server_url, "--models", models, "reindex"]
    done = run(*command, "resume", "nothing")
    assert done.returncode == 2 and "no job 'nothing'" in done.stderr
    done = run(*command, "start", f"{index}-nothing", "--to", index)
    assert done.returncode == 1 and "There is no index" in done.stderr
    done = run(*command, "rollback")
    assert done.returncode == 2 and "that can be rolled back" in done.stderr


def test_a_reindex_is_rolled_back_by_command(
    engine: ServerEngine, server_url: str, models: Path, index: str, run: RunCommand
) -> None:
    """The alias points to the old index again, which has what was written since."""
    truth = fill(engine, f"{index}-old", 30)
    command = ["--engine", server_url, "--models", models, "reindex"]
    started = run(*command, "start", f"{index}-old", "--to", index, "--write-block")
    assert started.returncode == 0 and "30 documents of" in started.stdout, started.stderr
    engine.client.index(index=index, id="x", document={"text": "reef"})
    truth["x", None] = {"text": "reef"}
    name = json.loads(run(*command, "status", "--json").stdout.splitlines()[0])["job"]
    done = run(*command, "rollback", name)
    assert done.returncode == 0 and f"{index} now points to {index}-old" in done.stdout, done.stderr
    assert_copied(engine, index, truth, None)
    found = run(*command[:-1], "doctor").stdout
    assert f"index {name}: 31 documents, kept for a rollback from {index}-old" in found
    nothing = run(*command, "rollback", name)
    assert nothing.returncode == 2 and "that can be rolled back" in nothing.stderr
    listed = run(*command, "status")
    assert "rollback" in listed.stdout and "done" in listed.stdout
    refused = run(*command, "remove", name, "--old-index")
    assert refused.returncode == 2 and f"by the alias {index}" in refused.stderr
    back = json.loads(run(*command, "status", "--json").stdout.splitlines()[0])
    kept = run(*command, "remove", back["job"], "--old-index")
    assert kept.returncode == 2 and f"The index {name!r} with 31 documents would" in kept.stderr
    removed = run(*command, "remove", back["job"], "--old-index", "--yes")
    assert removed.returncode == 0, removed.stderr
    assert list(engine.client.indices.get(index=f"{index}*").body) == [f"{index}-old"]
    assert_copied(engine, index, truth, None)
    assert run(*command, "remove", name).returncode == 0
    assert name not in run(*command, "status").stdout


def test_what_was_refused_is_replayed_by_command(
    engine: ServerEngine, server_url: str, models: Path, index: str, run: RunCommand
) -> None:
    """Corrected documents are written, and what clients have written to the new index since stays."""
    truth = fill(engine, f"{index}-old", 10, **{"mapping.depth.limit": 40})
    for name in ("mended", "deep", "taken"):
        engine.client.index(index=f"{index}-old", id=name, document={"text": "ocean", "deep": nested(22)})
    command = ["--engine", server_url, "--models", models, "reindex"]
    started = run(*command, "start", f"{index}-old", "--to", index)
    assert started.returncode == 1 and "3 documents could not be written" in started.stderr
    doctor = [*command[:-1], "doctor"]
    found = run(*doctor)
    assert found.returncode == 1 and "3 of its documents could not be written" in found.stdout
    engine.client.index(index=f"{index}-old", id="mended", document={"text": "reef"})
    engine.client.index(index=index, id="taken", document={"text": "whale"})
    truth["mended", None], truth["taken", None] = {"text": "reef"}, {"text": "whale"}
    done = run(*command, "replay")
    assert done.returncode == 1 and "1 document written" in done.stdout and "1 refused" in done.stdout
    assert_copied(engine, index, truth, str(engine.layout(index).model_version))
    engine.client.delete(index=f"{index}-old", id="deep")
    last = run(*command, "replay", "--json")
    assert last.returncode == 0 and json.loads(last.stdout)["settled"] == 1
    assert run(*command, "replay").returncode == 2
    assert "could not be written" not in run(*doctor).stdout


def test_a_new_index_that_finds_less_is_not_swapped(
    engine: ServerEngine, server_url: str, models: Path, index: str, run: RunCommand, tmp_path: Path
) -> None:
    """A job whose gate is closed can be cancelled, or measured again."""
    truth = fill(engine, f"{index}-old", 60)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    collection = write_collection(tmp_path, truth)
    config = tmp_path / "enricher.toml"
    config.write_text(f'[index."{index}"]\nfields = ["title"]\nenrichments = ["tokens"]\nrewriters = []\n')
    command = ["--engine", server_url, "--models", models, "--config", config, "reindex"]
    closed = run(*command, "start", index, "--to", index, "--gate", collection)
    assert closed.returncode == 1 and "The gate is closed" in closed.stderr, closed.stderr
    assert list(engine.client.indices.get_alias(name=index).body) == [f"{index}-old"]
    report = json.loads(run(*command, "status", "--json").stdout.splitlines()[0])
    old, new = report["ndcg@10"]
    assert report["phase"] == "gating" and new < old
    again = run(*command, "resume")
    assert again.returncode == 1 and "The gate is closed" in again.stderr
    assert run(*command, "cancel").returncode == 0
    command[5] = tmp_path / "none.toml"
    config.rename(command[5])
    command[5].write_text("")
    opened = run(*command, "start", index, "--to", index, "--gate", collection, "--json")
    assert opened.returncode == 0, opened.stderr
    old, new = json.loads(opened.stdout)["ndcg@10"]
    assert new >= 0.99 * old > 0
    assert_copied(engine, index, truth, str(engine.layout(index).model_version))
    missing = run(*command, "start", index, "--to", index, "--gate", tmp_path / "nothing")
    assert missing.returncode == 1 and "a collection is a folder" in missing.stderr


def test_an_interrupted_job_can_be_resumed_at_once(
    engine: ServerEngine, server_url: str, models: Path, index: str, jobs: Ledger, run: RunCommand
) -> None:
    """Ctrl-C gives back the leases of the worker, so another one continues without waiting."""
    truth = fill(engine, f"{index}-old", 300)
    command = ["--engine", server_url, "--models", str(models), "reindex"]
    slow = [*command, "start", f"{index}-old", "--to", index, "--rate", "20"]
    worker = subprocess.Popen([sys.executable, "-m", "indexer", *slow], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not any(job.counters.read for job in jobs.under_way()):
        assert worker.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    worker.send_signal(signal.SIGINT)
    _, said = worker.communicate(timeout=60)
    assert worker.returncode == 130 and "waits: resume or cancel it" in said, said
    (left,) = (job for job in jobs.under_way() if job.alias == index)
    assert left.workers == []
    jobs.update(left.id, unhurried)
    done = run(*command, "resume", left.id)
    assert done.returncode == 0 and "hold leases" not in done.stderr, done.stderr
    assert_copied(engine, index, truth, left.model_version)


def unhurried(job: Job) -> None:
    """Remove the rate limit."""
    job.options = replace(job.options, rate=None)
