"""Three nodes with one replica, of which one is killed and comes back."""

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from enricher.enrichment import DocumentEnricher
from indexer.engines.cluster.jobs.states import ClusterStates
from indexer.engines.cluster.mapping import mapping_of
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.planning import plan_rollback, start
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import Job, JobOptions, Phase
from indexer.reindex.ledger import Ledger
from tests.server.engines import ServerEngine, engine_at
from tests.server.node import Node, three_nodes
from tests.server.reindex.followers import Instance, wait_until_fresh
from tests.server.reindex.truth import SOON, Truth, Writer, assert_copied, fill

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
def three(nodes: list[Node]) -> Iterator[ServerEngine]:
    """The engine on all three nodes."""
    made = engine_at(",".join(node.url for node in nodes), timeout=10.0)
    yield made
    made.close()


@pytest.mark.parametrize("strict", [True, pytest.param(False, marks=pytest.mark.soak)])
def test_a_node_is_killed_and_comes_back(
    three: ServerEngine, nodes: list[Node], chain: DocumentEnricher, strict: bool
) -> None:
    """A node is killed during the copy, and another during the rollback, while a writer writes."""
    index = f"nodes-{strict}".lower()
    truth = fill(three, f"{index}-old", 2000, number_of_shards=3, number_of_replicas=1, **SOON_AGAIN)
    healthy(three, index=f"{index}-old", wait_for_status="green")
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
    healthy(three, wait_for_status="green")
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
    healthy(three, wait_for_status="green")
    assert ended.phase is Phase.DONE and cluster.aliases.behind(index) == [f"{index}-old"]
    assert_copied(three, index, truth, None)


def test_a_followed_index_survives_a_killed_node_and_moved_shards(
    three: ServerEngine, nodes: list[Node], models: Path, default_chain: DocumentEnricher
) -> None:
    """Shards get new primaries and move to other nodes, while a writer writes."""
    mapping = mapping_of(default_chain.layout(), three.server.dialect)
    settings = {"number_of_shards": 3, "number_of_replicas": 1, **SOON_AGAIN}
    three.client.indices.create(index="followed", settings=settings, mappings=mapping)
    healthy(three, index="followed", wait_for_status="green")
    truth: Truth = {(f"d{n}", None): {"text": f"ocean {n}"} for n in range(300)}
    for (name, _), source in truth.items():
        three.client.index(index="followed", id=name, document=source)
    urls = ",".join(node.url for node in nodes)
    seed = random.randrange(2**32)
    print("seed", seed)
    writer = Writer([node.url for node in nodes], "followed", truth, seed, most_per_second=50)
    with Instance(urls, models, "followed", "--json") as instance:
        writer.start()
        writer.wait_for(100)
        holder = node_of_a_primary(three, nodes, "followed")
        holder.kill()
        writer.wait_for(writer.operations + 200)
        holder.start()
        healthy(three, wait_for_status="green")
        move_a_primary(three, "followed")
        writer.wait_for(writer.operations + 100)
        healthy(three, wait_for_no_relocating_shards=True)
        writer.stop()
        wait_until_fresh(three, "followed", truth, default_chain.model_version)
        status = instance.stop()
    assert status["refused"] == 0
    assert any(one["primary_terms"] != {"0": 1, "1": 1, "2": 1} for one in terms_of(three, "followed"))


def healthy(engine: ServerEngine, **wanted: object) -> None:
    """Wait for a state of the cluster; the client waits as long as the server does."""
    patient = engine.client.options(request_timeout=150)
    answer = patient.cluster.health(timeout="120s", **wanted)  # type: ignore[arg-type]
    assert not answer["timed_out"], answer


def node_of_a_primary(engine: ServerEngine, nodes: list[Node], index: str) -> Node:
    """Return a node that holds a primary shard of `index`: the three need not stand on three nodes."""
    rows = engine.client.cat.shards(index=index, format="json", h="prirep,id").body
    holder = next(row["id"] for row in rows if row["prirep"] == "p")
    address = engine.client.nodes.info(node_id=holder)["nodes"][holder]["http"]["publish_address"]
    return next(node for node in nodes if node.url.endswith(address))


def move_a_primary(engine: ServerEngine, index: str) -> None:
    """Move the primary of shard 0 to the node that holds no copy of it."""
    rows = engine.client.cat.shards(index=index, format="json", h="shard,prirep,node").body
    holders = {row["node"]: row["prirep"] for row in rows if row["shard"] == "0"}
    source = next(node for node, kind in holders.items() if kind == "p")
    names = {node["name"] for node in engine.client.nodes.info()["nodes"].values()}
    (target,) = names - holders.keys()
    move = {"index": index, "shard": 0, "from_node": source, "to_node": target}
    engine.client.cluster.reroute(commands=[{"move": move}], metric="none")


def terms_of(engine: ServerEngine, index: str) -> list[dict[str, Any]]:
    """The primary terms of the shards of an index."""
    state = engine.client.cluster.state(metric="metadata", index=index)
    return list(state["metadata"]["indices"].values())
