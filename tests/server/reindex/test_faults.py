"""Jobs over a faulty connection, and jobs with large or many documents."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import helpers

from enricher.enrichment import DocumentEnricher
from indexer.engines.cluster.bulk import RetryPolicy
from indexer.engines.cluster.jobs.states import ClusterStates
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.planning import plan_rollback, start
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import JobOptions, Phase
from indexer.reindex.ledger import Ledger
from tests.conftest import ROOT
from tests.server.engines import ServerEngine, engine_at
from tests.server.proxy import Faults, Proxy, proxy
from tests.server.reindex.truth import SOON, Writer, assert_copied, fill

PATIENT = RetryPolicy(tries=40, first=0.01, longest=0.1, total=60.0)
REFUSALS = Faults(refused_items=0.3)
RESETS = Faults(reset=0.06, cut=0.06)
SILENCE = Faults(silent=0.015)
EVERYTHING = Faults(refused_items=0.2, reset=0.03, cut=0.03, silent=0.005)
HERE = [(REFUSALS, True), (RESETS, False), (SILENCE, True), (EVERYTHING, False)]
LONGER = [(faults, not strict) for faults, strict in HERE]


@pytest.fixture
def faulty(server_url: str, request: pytest.FixtureRequest) -> Iterator[tuple[Cluster, Ledger, Proxy]]:
    """A cluster behind a proxy, and its jobs."""
    seed = random.randrange(2**32)
    print("seed", seed)
    faults = request.param
    with proxy(server_url, Faults(*faults_of(faults), seed)) as between:
        engine = engine_at(between.url, retry=PATIENT, timeout=2.0)
        yield Cluster(engine), Ledger(ClusterStates(engine), SOON), between
        engine.close()


def faults_of(faults: Faults) -> tuple[float, ...]:
    """The shares of faults without their seed."""
    return faults.refused_items, faults.reset, faults.cut, faults.silent


@pytest.mark.parametrize(
    ("faulty", "strict"),
    HERE + [pytest.param(*pair, marks=pytest.mark.soak) for pair in LONGER],
    indirect=["faulty"],
    ids=str,
)
def test_nothing_is_lost_over_a_faulty_connection(
    engine: ServerEngine,
    server_url: str,
    index: str,
    jobs: Ledger,
    cluster: Cluster,
    chain: DocumentEnricher,
    faulty: tuple[Cluster, Ledger, Proxy],
    strict: bool,
) -> None:
    """A copy and its rollback are complete, while clients write over a good connection."""
    bad, ledger, between = faulty
    truth = fill(engine, f"{index}-old", 600)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    writer = Writer(server_url, index, truth, seed := random.randrange(2**32), most_per_second=200)
    print("seed", seed)
    writer.start()
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=strict))
    ended = Worker(ledger, bad, chain, job.id).run()
    assert ended.phase is Phase.DONE
    writer.pause()
    assert_copied(engine, index, truth, chain.model_version)
    writer.go_on()
    back = plan_rollback(jobs, cluster, jobs.load(job.id))
    Worker(ledger, bad, None, back.id).run()
    writer.stop()
    assert_copied(engine, index, truth, None)
    assert sum(between.counts.values()) > 0


def test_large_documents_are_copied(
    engine: ServerEngine, index: str, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher
) -> None:
    """Documents of 10 MB are sent with as few in a request as the server accepts."""
    truth = fill(engine, f"{index}-old", 20)
    patient, filler = engine.client.options(request_timeout=120), "x" * 10_000_000
    blob = {"blob": {"type": "keyword", "index": False, "doc_values": False}}
    engine.client.indices.put_mapping(index=f"{index}-old", properties=blob)
    for n in range(4):
        source = {"text": f"ocean reef {n}", "blob": filler}
        patient.index(index=f"{index}-old", id=f"large-{n}", document=source)
        truth[f"large-{n}", None] = source
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=True))
    ended = Worker(jobs, cluster, chain, job.id).run()
    assert (ended.documents, ended.rejected) == (24, 0)
    assert_copied(engine, index, truth, chain.model_version)


def test_memory_does_not_grow_with_the_documents(
    engine: ServerEngine, server_url: str, models: Path, index: str, tmp_path: Path
) -> None:
    """100,000 documents need hardly more memory than 10,000."""
    config = tmp_path / "enricher.toml"
    config.write_text('[index."*"]\nenrichments = ["tokens"]\nrewriters = []\n')
    peaks = []
    for number in (10_000, 100_000):
        name = f"{index}-{number}"
        engine.client.indices.create(index=name, settings={"number_of_replicas": 0})
        lines = ({"_index": name, "_id": str(n), "text": "reef " * 5, "n": n} for n in range(number))
        helpers.bulk(engine.client, lines, chunk_size=5000, refresh=True)
        command = ["--engine", server_url, "--models", models, "--config", config, "reindex", "start", name]
        process = subprocess.Popen(
            [sys.executable, "-m", "indexer", *map(str, command), "--to", f"{name}-alias", "--write-block"],
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        peaks.append(peak_bytes(process))
        assert process.returncode == 0 and engine.count(f"{name}-alias") == number
    assert peaks[1] < peaks[0] + 60_000_000, peaks


def peak_bytes(process: subprocess.Popen[bytes]) -> int:
    """The peak memory of a process, in bytes, watched until it has ended."""
    peak = 0
    while process.poll() is None:
        with suppress(OSError, StopIteration):
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
            peak = max(peak, int(next(line for line in lines if line.startswith("VmHWM")).split()[1]))
        time.sleep(0.1)
    return peak * 1024


def test_the_cluster_may_be_away_for_a_minute(
    engine: ServerEngine,
    server_url: str,
    index: str,
    jobs: Ledger,
    cluster: Cluster,
    chain: DocumentEnricher,
) -> None:
    """The worker waits for the cluster and continues by itself."""
    truth = fill(engine, f"{index}-old", 300)
    with proxy(server_url, Faults()) as between:
        away = engine_at(between.url, retry=PATIENT, timeout=2.0)
        job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=True))
        seen: list[Any] = []

        def cut(now: Any) -> None:
            if now.intervals and not seen:
                seen.append(now.phase)
                between.faults = Faults(reset=1.0)
                threading.Timer(20.0, mend).start()

        def mend() -> None:
            between.faults = Faults()

        ended = Worker(Ledger(ClusterStates(away), SOON), Cluster(away), chain, job.id, cut).run()
        away.close()
    assert ended.phase is Phase.DONE and seen
    assert_copied(engine, index, truth, chain.model_version)
