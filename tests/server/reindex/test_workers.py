"""Several workers in processes of their own, of which one is killed and one paused, beside a busy writer."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from enricher.enrichment import DocumentEnricher
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.planning import plan_rollback, start
from indexer.reindex.job import Job, JobOptions, Phase
from indexer.reindex.ledger import Ledger
from tests.conftest import ROOT
from tests.server.engines import ServerEngine
from tests.server.reindex.truth import SOON, Truth, Writer, assert_copied, fill

OPERATIONS = 10_000
"""Writes of a round, at least."""


class Crew:
    """Processes that work on one job, of which one is killed and one paused for longer than its lease."""

    def __init__(self, url: str, models: Path, ledger: Ledger, chance: random.Random) -> None:
        self._command = [sys.executable, "-m", "indexer", "--engine", url, "--models", str(models), "reindex"]
        self._ledger, self._chance = ledger, chance

    def work(self, job: Job, workers: int) -> Job:
        """Work on a job to its end, and return it."""
        command = [*self._command, "resume", job.id, "--lease-seconds", str(SOON)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        crew = [
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
            for _ in range(workers)
        ]
        try:
            self._wait_for_copies(job)
            time.sleep(self._chance.uniform(0, 1))
            crew[0].kill()
            crew[1].send_signal(signal.SIGSTOP)
            if workers == 2:
                crew.append(subprocess.Popen(command, stderr=subprocess.PIPE, env=environment))
            time.sleep(3 * SOON + self._chance.uniform(0, 1))
            crew[1].send_signal(signal.SIGCONT)
            for process in crew:
                process.wait(300)
            said = [process.stderr.read().decode() for process in crew if process.stderr is not None]
            assert [process.returncode for process in crew[1:]] == [0] * (len(crew) - 1), "\n".join(said)
        finally:
            for process in crew:
                process.kill()
                process.communicate()
        return self._ledger.load(job.id)

    def _wait_for_copies(self, job: Job) -> None:
        deadline = time.monotonic() + 60
        while self._ledger.load(job.id).counters.read <= job.counters.read:
            assert time.monotonic() < deadline, "no worker began"
            time.sleep(0.05)


def one_round(
    cluster: Cluster,
    url: str,
    models: Path,
    ledger: Ledger,
    chain: DocumentEnricher,
    index: str,
    seed: int,
    strict: bool,
    workers: int,
) -> Truth:
    """Run a copy and its rollback beside a writer, and compare the indexes after each."""
    print(f"seed {seed}, {'strict' if strict else 'without a block'}, {workers} workers")
    truth = fill(cluster.engine, f"{index}-old", 2000)
    cluster.engine.client.indices.put_alias(index=f"{index}-old", name=index)
    crew = Crew(url, models, ledger, random.Random(seed))
    writer = Writer(url, index, truth, seed)
    writer.start()
    options = JobOptions(write_block=strict, rate=400)
    job = crew.work(start(ledger, cluster, f"{index}-old", index, chain, options), workers)
    assert job.phase is Phase.DONE and cluster.aliases.behind(index) == [job.target]
    writer.wait_for(OPERATIONS // 2)
    writer.pause()
    assert_copied(cluster.engine, index, truth, chain.model_version)
    writer.go_on()
    back = crew.work(plan_rollback(ledger, cluster, job), workers)
    assert back.phase is Phase.DONE and cluster.aliases.behind(index) == [f"{index}-old"]
    writer.wait_for(OPERATIONS)
    writer.stop()
    assert_copied(cluster.engine, index, truth, None)
    return truth


@pytest.mark.parametrize(("strict", "workers"), [(True, 4), (False, 2)])
def test_nothing_is_lost_among_many(
    engine: ServerEngine,
    cluster: Cluster,
    server_url: str,
    models: Path,
    index: str,
    jobs: Ledger,
    default_chain: DocumentEnricher,
    strict: bool,
    workers: int,
) -> None:
    """A job and its rollback are complete beside at least 10,000 writes."""
    seed = random.randrange(2**32)
    one_round(cluster, server_url, models, jobs, default_chain, index, seed, strict, workers)


@pytest.mark.timeout(0)
@pytest.mark.soak
def test_nothing_is_lost_in_a_long_time(
    engine: ServerEngine,
    cluster: Cluster,
    server_url: str,
    models: Path,
    index: str,
    jobs: Ledger,
    default_chain: DocumentEnricher,
) -> None:
    """Rounds with new seeds are complete for as long as ENRICHER_SOAK says."""
    deadline = time.monotonic() + float(os.environ.get("ENRICHER_SOAK", "60"))
    rounds = 0
    while time.monotonic() < deadline or not rounds:
        seed, rounds = random.randrange(2**32), rounds + 1
        name, strict, workers = f"{index}-{rounds}", rounds % 2 == 1, 2 + rounds % 3
        one_round(cluster, server_url, models, jobs, default_chain, name, seed, strict, workers)
        engine.client.indices.delete(index=f"{name}-old")
    print(f"{rounds} rounds")
