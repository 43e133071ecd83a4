"""Instances of `enricher follow`, and the comparison of an index with what clients have written."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from enricher.enrichment import DocumentEnricher
from enricher.errors import EngineUnavailable
from enricher.records import Document, fingerprint
from indexer.engines.cluster.jobs.states import FOLLOWED, ClusterStates
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.follow.follower import Follower
from indexer.reindex.cluster.follow.state import FollowState
from indexer.reindex.cluster.planning import start
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.following import FollowStatus
from indexer.reindex.job import Job, JobOptions
from indexer.reindex.jobs import EnrichmentSettings
from indexer.reindex.ledger import Ledger, StateLedger
from tests.conftest import ROOT
from tests.server.engines import ServerEngine
from tests.server.reindex.truth import FIELDS, SOON, Truth, assert_copied, fill

PATIENCE = 90.0
"""Seconds after which a test gives up; far more than anything takes."""


def states_of(engine: ServerEngine) -> StateLedger[FollowState]:
    """The states of what is followed."""
    return StateLedger(ClusterStates(engine, FOLLOWED), FollowState.from_json, "Nobody follows {}.", SOON)


def follower(engine: ServerEngine, alias: str, models: Path, lag: float = 0.2, workers: int = 1) -> Follower:
    """An instance in this process."""
    jobs, settings = Ledger(ClusterStates(engine), SOON), EnrichmentSettings(models, None)
    return Follower(Cluster(engine), states_of(engine), jobs, alias, settings, lag, workers)


def follow_once(engine: ServerEngine, alias: str, models: Path) -> FollowStatus:
    """Enrich everything written so far."""
    return follower(engine, alias, models).run(once=True, on_status=lambda status: None, say=print)


def filled_by_job(
    engine: ServerEngine,
    cluster: Cluster,
    jobs: Ledger,
    chain: DocumentEnricher,
    alias: str,
    number: int,
) -> Truth:
    """What an alias of an index of two shards holds, which a job has filled from ALIAS-old."""
    truth = fill(engine, f"{alias}-old", number)
    engine.client.indices.put_alias(index=f"{alias}-old", name=alias)
    copied(cluster, jobs, chain, alias)
    return truth


def copied(cluster: Cluster, jobs: Ledger, chain: DocumentEnricher, alias: str, block: bool = True) -> Job:
    """Copy the index behind an alias to a new one."""
    job = start(jobs, cluster, alias, alias, chain, JobOptions(write_block=block))
    return Worker(jobs, cluster, chain, job.id).run()


class Instance:
    """`enricher follow` in a process of its own."""

    def __init__(self, url: str, models: Path, alias: str, *options: object) -> None:
        words = ["--engine", url, "--models", models, "follow", alias]
        words += ["--lag", 0.4, "--lease-seconds", SOON, *options]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "indexer", *map(str, words)],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""
        self.printed = ""

    def kill(self) -> None:
        """End it as a power failure would."""
        self._process.kill()
        self.end()

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> dict[str, Any]:
        """End it in order, and return its last status if it prints JSON."""
        self._process.terminate()
        assert self.end() == 0, self.said
        return json.loads(self.printed.splitlines()[-1]) if self.printed else {}

    def end(self) -> int:
        """Wait for its end, and return its exit code."""
        self.printed, self.said = self._process.communicate(timeout=PATIENCE)
        print(self.said)
        assert "Traceback" not in self.said
        return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self.kill()


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + PATIENCE

    def holds() -> bool:
        with suppress(EngineUnavailable):  # an index that is just being created answers 503
            return condition()
        return False

    while not holds():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.1)


def wait_until_fresh(engine: ServerEngine, alias: str, truth: Truth, model: str | None) -> None:
    """Wait until every document is enriched from what it says now, and compare all of them with the truth."""
    wait_for("enrichment of all documents", lambda: not outdated(engine, alias, model))
    assert_copied(engine, alias, truth, model)


def outdated(engine: ServerEngine, alias: str, model: str | None) -> list[str]:
    """The ids of documents that are not enriched, or from another text, or with another model."""
    engine.client.indices.refresh(index=alias)
    found = []
    for hit in engine.client.search(index=alias, size=10_000)["hits"]["hits"]:
        source = dict(hit["_source"])
        added = source.pop("enrichment", {})
        stamp = fingerprint(Document(hit["_id"], source), FIELDS)
        if (added.get("model"), added.get("fingerprint")) != (model, stamp):
            found.append(hit["_id"])
    return found
