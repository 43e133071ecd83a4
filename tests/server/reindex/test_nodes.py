"""Three nodes with one replica, of which one is killed and comes back."""

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.enrichment import DocumentEnricher
from indexer.engines.addresses import parse_addresses
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.engines.elasticsearch.jobs.states import ClusterStates
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.planning import plan_rollback, start
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import Job, JobOptions, Phase
from indexer.reindex.ledger import Ledger
from tests.server.node import Node, three_nodes
from tests.server.reindex.truth import SOON, Writer, assert_copied, fill

SOON_AGAIN = {"unassigned.node_left.delayed_timeout": "1s"}
"""A node that leaves is replaced at once, not after a minute."""


@pytest.fixture(scope="module")
def nodes(server_home: Path, server_folder: Path) -> Iterator[list[Node]]:
    """A cluster of three, killed at the end."""
    made = three_nodes(server_home, server_folder)
    yield made
    for node in made:
        node.kill()


@pytest.fixture
def three(nodes: list[Node]) -> Iterator[ElasticsearchEngine]:
    """The engine on all three nodes."""
    made = ElasticsearchEngine(parse_addresses(",".join(node.url for node in nodes)), timeout=10.0)
    yield made
    made.close()


@pytest.mark.parametrize("strict", [True, pytest.param(False, marks=pytest.mark.soak)])
def test_a_node_is_killed_and_comes_back(
    three: ElasticsearchEngine, nodes: list[Node], chain: DocumentEnricher, strict: bool
) -> None:
    """A node is killed during the copy, and another during the rollback, while a writer writes."""
    index = f"nodes-{strict}".lower()
    truth = fill(three, f"{index}-old", 2000, number_of_shards=3, number_of_replicas=1, **SOON_AGAIN)
    three.client.cluster.health(index=f"{index}-old", wait_for_status="green", timeout="60s")
    three.client.indices.put_alias(index=f"{index}-old", name=index)
    cluster, ledger = Cluster(three), Ledger(ClusterStates(three), SOON)
    chance = random.Random(seed := random.randrange(2**32))
    print("seed", seed)
    writer = Writer([node.url for node in nodes], index, truth, seed, most_per_second=100)
    writer.start()
    restarts: list[threading.Thread] = []
    killed: set[str] = set()

    def strike(job: Job) -> None:
        if job.id not in killed and job.phase is Phase.COPYING and job.counters.read > 200:
            killed.add(job.id)
            node = nodes[chance.randrange(3)]
            node.kill()
            restarts.append(threading.Timer(5.0, node.start))
            restarts[-1].start()

    options = JobOptions(write_block=strict, rate=1000)
    job = start(ledger, cluster, f"{index}-old", index, chain, options)
    ended = Worker(ledger, cluster, chain, job.id, strike).run()
    for thread in restarts:
        thread.join()
    assert ended.phase is Phase.DONE and killed == {job.id}
    settings, _, _ = cluster.targets.described(ended.target)
    assert settings["index.number_of_replicas"] == "1"
    writer.pause()
    three.client.cluster.health(wait_for_status="green", timeout="120s")
    assert_copied(three, index, truth, chain.model_version)
    writer.go_on()
    time.sleep(1)
    back = plan_rollback(ledger, cluster, ledger.load(job.id))
    nodes[chance.randrange(3)].stop()
    ended = Worker(ledger, cluster, None, back.id).run()
    writer.stop()
    for node in nodes:
        if node.process is None:
            node.start()
    three.client.cluster.health(wait_for_status="green", timeout="120s")
    assert ended.phase is Phase.DONE and cluster.aliases.behind(index) == [f"{index}-old"]
    assert_copied(three, index, truth, None)
