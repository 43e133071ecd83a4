"""A job whose documents are enriched in several processes."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from enricher.enrichment import DocumentEnricher, in_processes
from enricher.errors import WorkerLost
from enricher.records import Document
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.planning import plan_rollback, start, start_in_place
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import Job, JobOptions, Phase
from indexer.reindex.ledger import Ledger
from tests.conftest import RunCommand
from tests.server.engines import ServerEngine
from tests.server.reindex.followers import filled_by_job, follower, outdated
from tests.server.reindex.truth import assert_copied, fill

DOCUMENTS = 1_500
MANY = 12_000
"""Documents that take longer than one process works alone."""


def sources_of(engine: ServerEngine, index: str) -> dict[str, object]:
    """The documents of an index with their enrichment."""
    engine.client.indices.refresh(index=index)
    hits = engine.client.search(index=index, size=DOCUMENTS)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


@pytest.mark.usefixtures("eager_workers")
def test_every_kind_of_job_enriches_in_processes(
    engine: ServerEngine, cluster: Cluster, jobs: Ledger, default_chain: DocumentEnricher, index: str
) -> None:
    """Copy, rollback and in place write the same enrichment as one process."""
    truth = fill(engine, f"{index}-old", DOCUMENTS)
    used = set()

    def watch(job: Job) -> None:
        used.update(process.pid for process in multiprocessing.active_children())

    with in_processes(default_chain, 2) as pooled:
        in_place = start_in_place(jobs, cluster, f"{index}-old", f"{index}-first", pooled, JobOptions())
        assert Worker(jobs, cluster, pooled, in_place.id).run().phase is Phase.DONE
        job = start(jobs, cluster, f"{index}-old", index, pooled, JobOptions(write_block=True))
        done = Worker(jobs, cluster, pooled, job.id, watch).run()
        assert (done.phase, len(used)) == (Phase.DONE, 2)
        assert_copied(engine, index, truth, default_chain.model_version)
        copied = sources_of(engine, index)
        some = list(truth.items())[:200]
        expected = default_chain.enrich([Document(id_, source) for (id_, _), source in some])
        for ((id_, _), source), added in zip(some, expected, strict=True):
            written = dict(copied[id_])
            enrichment = written.pop("enrichment")
            assert written == source and enrichment["keyword_weights"] == added["keyword_weights"]
            assert enrichment["fingerprint"] == added["fingerprint"]

        engine.client.index(index=index, id="late", document={"text": "reef"}, refresh=True)
        back = plan_rollback(jobs, cluster, done)
        assert Worker(jobs, cluster, pooled, back.id).run().phase is Phase.DONE
        truth["late", None] = {"text": "reef"}

        assert_copied(engine, index, truth, default_chain.model_version)
        assert len(used) == 2
    assert multiprocessing.active_children() == []


@pytest.mark.usefixtures("eager_workers")
def test_a_job_whose_process_was_killed_is_resumed(
    engine: ServerEngine, cluster: Cluster, jobs: Ledger, default_chain: DocumentEnricher, index: str
) -> None:
    """The job ends with an error and without a lease; with new processes it loses nothing."""
    truth = fill(engine, f"{index}-old", DOCUMENTS)
    job = start(jobs, cluster, f"{index}-old", index, default_chain, JobOptions())

    def kill(job: Job) -> None:
        for process in multiprocessing.active_children()[:1]:
            os.kill(process.pid or 0, signal.SIGKILL)

    with in_processes(default_chain, 2) as pooled, pytest.raises(WorkerLost, match="killed by signal 9"):
        Worker(jobs, cluster, pooled, job.id, kill).run()
    assert multiprocessing.active_children() == []
    assert jobs.load(job.id).workers == []
    with in_processes(default_chain, 2) as pooled:
        assert Worker(jobs, cluster, pooled, job.id).run().phase is Phase.DONE
    assert_copied(engine, index, truth, default_chain.model_version)


@pytest.mark.usefixtures("eager_workers")
def test_an_instance_that_follows_goes_on_after_a_process_was_killed(
    engine: ServerEngine, cluster: Cluster, jobs: Ledger, default_chain: DocumentEnricher, index: str
) -> None:
    """It reports the failure, starts new processes, and none is left at its end."""
    truth = filled_by_job(engine, cluster, jobs, default_chain, index, 10)
    for number in range(DOCUMENTS):
        truth[f"late-{number}", None] = {"text": f"ocean reef {number}"}
    lines = [line for name, _ in list(truth)[10:] for line in ({"index": {"_id": name}}, truth[name, None])]
    engine.client.bulk(index=index, operations=lines, refresh=True)
    assert default_chain.recipe is not None
    follower_ = follower(engine, index, default_chain.recipe.models, workers=2)
    killed: list[int] = []

    def killing(original: Callable[..., Any]) -> Callable[..., Any]:
        def write(*arguments: Any) -> Any:
            for process in multiprocessing.active_children()[: 0 if killed else 1]:
                killed.append(process.pid or 0)
                os.kill(killed[-1], signal.SIGKILL)
            return original(*arguments)

        return write

    copies = follower_._cluster.copies
    copies.write_if_unchanged = killing(copies.write_if_unchanged)  # type: ignore[method-assign]
    said: list[str] = []
    status = follower_.run(once=True, on_status=lambda status: None, say=said.append)
    assert killed and status.errors == 1 and any("killed by signal 9" in one for one in said)
    assert status.behind == 0 and status.error is None
    assert outdated(engine, index, default_chain.model_version) == []
    assert_copied(engine, index, truth, default_chain.model_version)
    assert multiprocessing.active_children() == []


def processes_of(session: int) -> list[int]:
    """The processes of a session that still run."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                state, _, _, owner = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
            except OSError:
                continue
            if int(owner) == session and state != "Z":
                found.append(int(folder.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="The processes are read from /proc.")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_when_the_command_is_killed(
    engine: ServerEngine,
    server_url: str,
    models: Path,
    index: str,
    run: RunCommand,
    how: signal.Signals,
) -> None:
    """By Ctrl-C or by kill -9; the job is resumed with processes of its own."""
    truth = fill(engine, f"{index}-old", MANY)
    options = ["--engine", server_url, "--models", str(models), "reindex"]
    words = [*options, "start", f"{index}-old", "--to", index, "--workers", "2", "--lease-seconds", "1"]
    command = [sys.executable, "-m", "indexer", *words]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE) as running:
        deadline = time.monotonic() + 60
        while len(processes_of(running.pid)) < 3:  # itself and two workers
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        if how is signal.SIGINT:
            os.killpg(running.pid, how)
        else:
            running.kill()
        assert running.wait(60) == (130 if how is signal.SIGINT else -9)
        deadline = time.monotonic() + 30
        while processes_of(running.pid):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    done = run(*options, "resume", "--workers", "2", "--lease-seconds", "1")
    assert done.returncode == 0, done.stderr
    assert_copied(engine, index, truth, engine.layout(index).model_version)
