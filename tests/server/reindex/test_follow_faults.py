"""`enricher follow` while it is killed, paused and moved, and while the cluster fails."""

import random
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from enricher.bundle.store import BundleStore
from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.recipe.reopening import enricher_like
from enricher.settings import IndexConfiguration
from enricher.text import open_analyzer
from enricher.training.train import train_bundle
from enricher.training.word2vec import TrainingSettings
from indexer.engines.cluster.bulk import RetryPolicy
from indexer.engines.cluster.jobs.copies import FencedOut
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.follow.claims import ShardClaim
from indexer.reindex.cluster.follow.followed import index_behind, open_followed
from indexer.reindex.cluster.follow.reading import enriched_pages
from indexer.reindex.cluster.planning import plan_rollback, start_in_place
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import JobOptions
from indexer.reindex.jobs import EnrichmentSettings
from indexer.reindex.ledger import Ledger
from indexer.reindex.pace import Pace
from tests.conftest import SMALL, RunCommand
from tests.corpora import documents
from tests.server.engines import ServerEngine, engine_at
from tests.server.node import Node
from tests.server.proxy import Faults, proxy
from tests.server.reindex.followers import (
    Instance,
    copied,
    filled_by_job,
    follow_once,
    follower,
    outdated,
    states_of,
    wait_for,
    wait_until_fresh,
)
from tests.server.reindex.truth import FIELDS, SOON, Truth, Writer, assert_copied, nested

POINTS = (
    "job-written", "target-ready", "interval-claimed", "page-read", "refused-kept", "page-written",
    "page-noted", "interval-done",
)  # fmt: skip
PATIENT = RetryPolicy(tries=40, first=0.01, longest=0.1, total=60.0)


@pytest.fixture
def enriched(
    engine: ServerEngine, cluster: Cluster, jobs: Ledger, default_chain: DocumentEnricher, index: str
) -> Truth:
    """What an alias of an index of two shards holds, which a job has filled from INDEX-old."""
    return filled_by_job(engine, cluster, jobs, default_chain, index, 120)


def later_model(
    models: Path, tmp_path: Path, settings: TrainingSettings
) -> tuple[Path, str, DocumentEnricher]:
    """A copy of a folder of models with one model more, its version, and its enrichments."""
    folder = tmp_path / "models"
    shutil.copytree(models, folder)
    version = train_bundle(BundleStore(folder), documents(150), FIELDS, open_analyzer(), settings)
    return folder, version, EnricherRecipe(folder, version, FIELDS, IndexConfiguration()).open()


def write(engine: ServerEngine, alias: str, truth: Truth, name: str, text: str) -> None:
    """What an application does."""
    engine.client.index(index=alias, id=name, document={"text": text})
    truth[name, None] = {"text": text}


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_instance_loses_nothing(
    engine: ServerEngine,
    server_url: str,
    index: str,
    models: Path,
    enriched: Truth,
    default_chain: DocumentEnricher,
    run: RunCommand,
    point: str,
) -> None:
    """The next one enriches what is left, and writes nothing twice."""
    for n in range(30):
        write(engine, index, enriched, f"new-{n}", f"ocean reef {n}")
    if point == "refused-kept":
        engine.client.indices.put_settings(index=index, settings={"index.mapping.depth.limit": 40})
        engine.client.index(index=index, id="deep", document={"text": "tide", "deep": nested(22)})
    command = ["--engine", server_url, "--models", models, "follow", index, "--once", "--lease-seconds", SOON]
    killed = run(*command, "--fail-at", point)
    assert killed.returncode == -9, (killed.returncode, killed.stderr)
    engine.client.delete(index=index, id="new-3")
    del enriched["new-3", None]
    write(engine, index, enriched, "new-4", "whale")
    done = run(*command)
    assert done.returncode in (0, point == "refused-kept"), done.stderr
    assert outdated(engine, index, default_chain.model_version) == ["deep"] * (point == "refused-kept")
    if point == "refused-kept":
        engine.client.delete(index=index, id="deep")
    assert_copied(engine, index, enriched, default_chain.model_version)
    engine.client.indices.refresh(index=index)
    hits = engine.client.search(index=index, size=1000, version=True, source=False)["hits"]["hits"]
    found = {hit["_id"]: hit["_version"] for hit in hits if hit["_id"].startswith("new")}
    assert set(found.values()) <= {2, 3, 4} and sum(version == 2 for version in found.values()) >= 28


def test_instances_share_the_work_and_one_takes_over(
    engine: ServerEngine,
    server_url: str,
    index: str,
    models: Path,
    enriched: Truth,
    default_chain: DocumentEnricher,
) -> None:
    """One is killed, another is paused for longer than its lease and woken, beside a writer."""
    writer = Writer(server_url, index, enriched, seed := random.randrange(2**32), most_per_second=200)
    print("seed", seed)
    with (
        Instance(server_url, models, index, "--json") as first,
        Instance(server_url, models, index, "--json") as second,
        Instance(server_url, models, index, "--json") as third,
    ):
        writer.start()
        writer.wait_for(400)
        first.kill()
        second.pause()
        writer.wait_for(1000)
        time.sleep(2 * SOON)
        second.wake()
        writer.wait_for(1200)
        writer.stop()
        wait_until_fresh(engine, index, enriched, default_chain.model_version)
        done = [instance.stop()["enriched"] for instance in (second, third)]
    assert done[1] > 0
    state = states_of(engine).load(engine.name_of(index))
    assert state.enriched >= sum(done) > 0 and not any(one.lease for one in state.holders())


@pytest.mark.parametrize("block", [True, False])
def test_the_alias_moves_under_it_and_back(
    engine: ServerEngine,
    cluster: Cluster,
    jobs: Ledger,
    server_url: str,
    index: str,
    models: Path,
    enriched: Truth,
    default_chain: DocumentEnricher,
    tmp_path: Path,
    block: bool,
) -> None:
    """It goes on with the index and the model behind the alias, and job and rollback lose nothing."""
    folder, version, chain = later_model(models, tmp_path, replace(SMALL, dimensions=16))
    writer = Writer(server_url, index, enriched, seed := random.randrange(2**32), most_per_second=100)
    print("seed", seed)
    with Instance(server_url, folder, index, "--json") as instance:
        writer.start()
        writer.wait_for(100)
        old = engine.name_of(index)
        job = copied(cluster, jobs, chain, index, block)
        writer.wait_for(writer.operations + 100)
        writer.pause()
        wait_until_fresh(engine, index, enriched, version)
        before = engine.client.indices.stats(index=old, metric="indexing")["_all"]["total"]["indexing"]
        writer.go_on()
        writer.wait_for(writer.operations + 100)
        after = engine.client.indices.stats(index=old, metric="indexing")["_all"]["total"]["indexing"]
        assert before["index_total"] == after["index_total"], "nobody writes to the old index"
        back = plan_rollback(jobs, cluster, jobs.load(job.id))
        layout = cluster.layout(old)
        assert layout is not None
        again = enricher_like(engine, old, index, layout, *EnrichmentSettings(folder, None).sources)
        Worker(jobs, cluster, again, back.id).run()
        writer.wait_for(writer.operations + 100)
        writer.stop()
        wait_until_fresh(engine, index, enriched, default_chain.model_version)
        status = instance.stop()
    assert engine.name_of(index) == old == status["index"]
    assert status["model"] == default_chain.model_version and status["refused"] == 0


def test_another_model_takes_over_in_place_under_it(
    engine: ServerEngine,
    cluster: Cluster,
    jobs: Ledger,
    server_url: str,
    index: str,
    models: Path,
    enriched: Truth,
    tmp_path: Path,
) -> None:
    """Every document ends with the new model, those that were written meanwhile too."""
    folder, version, chain = later_model(models, tmp_path, SMALL)
    writer = Writer(server_url, index, enriched, seed := random.randrange(2**32), most_per_second=100)
    print("seed", seed)
    name = engine.name_of(index)
    with Instance(server_url, folder, index, "--json") as instance:
        writer.start()
        writer.wait_for(100)
        job = start_in_place(jobs, cluster, name, name, chain, JobOptions())
        Worker(jobs, cluster, chain, job.id).run()
        writer.wait_for(writer.operations + 100)
        writer.stop()
        wait_until_fresh(engine, index, enriched, version)
        assert instance.stop()["model"] == version


def test_an_instance_that_was_paused_cannot_write_to_an_index_that_was_replaced(
    engine: ServerEngine,
    cluster: Cluster,
    jobs: Ledger,
    index: str,
    models: Path,
    enriched: Truth,
    default_chain: DocumentEnricher,
) -> None:
    """Its late write would come back with a rollback."""
    write(engine, index, enriched, "late", "ocean")
    behind = index_behind(cluster, index)
    stale = open_followed(cluster, behind, index, EnrichmentSettings(models, None))
    copied(cluster, jobs, default_chain, index, block=False)
    claims = [ShardClaim(n, -1, shard.checkpoint, (), 1) for n, shard in behind.shards.items()]
    with pytest.raises(FencedOut):
        for claim in claims:
            list(enriched_pages(cluster, stale, claim, Pace()))
    engine.client.indices.refresh(index=behind.name)
    hit = engine.client.get(index=behind.name, id="late")
    assert "enrichment" not in hit["_source"] and hit["_version"] == 1
    assert outdated(engine, index, default_chain.model_version) == []


def test_a_write_block_is_waited_for(
    engine: ServerEngine,
    server_url: str,
    index: str,
    models: Path,
    enriched: Truth,
    default_chain: DocumentEnricher,
) -> None:
    """So is a closed index, but a removed one ends the command with a sentence."""
    name = engine.name_of(index)
    with Instance(server_url, models, index, "--json") as instance:
        wait_for("the first look", lambda: name in states_of(engine).names())
        write(engine, index, enriched, "blocked", "ocean")
        engine.client.indices.add_block(index=name, block="write")
        time.sleep(1.0)
        engine.client.indices.put_settings(index=name, settings={"index.blocks.write": None})
        wait_until_fresh(engine, index, enriched, default_chain.model_version)
        for number in range(20):  # the block is gone before the follower can ask for it
            write(engine, index, enriched, f"short-{number}", "ocean")
            engine.client.indices.add_block(index=name, block="write")
            engine.client.indices.put_settings(index=name, settings={"index.blocks.write": None})
        wait_until_fresh(engine, index, enriched, default_chain.model_version)
        engine.client.indices.close(index=name)
        time.sleep(1.0)
        engine.client.indices.open(index=name)
        write(engine, index, enriched, "opened", "reef")
        wait_until_fresh(engine, index, enriched, default_chain.model_version)
        engine.client.indices.delete(index=name)
        assert instance.end() == 1
    assert "is closed; open it" in instance.said and "There is no index" in instance.said


def test_a_rollback_to_an_index_without_enrichment_is_waited_for(
    engine: ServerEngine,
    cluster: Cluster,
    jobs: Ledger,
    server_url: str,
    index: str,
    models: Path,
    enriched: Truth,
    default_chain: DocumentEnricher,
) -> None:
    """It reports that there is nothing to do, and goes on when the alias points to the new index again."""
    with Instance(server_url, models, index, "--json") as instance:
        wait_for("the first look", lambda: engine.name_of(index) in states_of(engine).names())
        done = next(job for job in jobs.jobs() if job.alias == index)
        back = plan_rollback(jobs, cluster, done)
        Worker(jobs, cluster, None, back.id).run()
        write(engine, index, enriched, "plain", "ocean")
        time.sleep(1.5)
        assert "enrichment" not in engine.client.get(index=index, id="plain")["_source"]
        again = plan_rollback(jobs, cluster, jobs.load(back.id))
        Worker(jobs, cluster, default_chain, again.id).run()
        write(engine, index, enriched, "again", "ocean")
        wait_until_fresh(engine, index, enriched, default_chain.model_version)
        instance.stop()
    assert instance.said.count("was never enriched") == instance.said.count("is followed again") == 1


@pytest.mark.parametrize("faults", [Faults(refused_items=0.3), Faults(reset=0.05, cut=0.05)], ids=str)
def test_a_faulty_connection_loses_nothing(
    engine: ServerEngine,
    server_url: str,
    index: str,
    models: Path,
    enriched: Truth,
    default_chain: DocumentEnricher,
    faults: Faults,
) -> None:
    """The server refuses items (429), and connections break before and after the server has written."""
    seed = random.randrange(2**32)
    print("seed", seed)
    with proxy(server_url, replace(faults, seed=seed)) as between:
        bad = engine_at(between.url, retry=PATIENT, timeout=5.0)
        between.faults = Faults()
        with running(lambda: follower(bad, index, models)):
            wait_for("the first look", lambda: engine.name_of(index) in states_of(engine).names())
            between.faults = replace(faults, seed=seed)
            writer = Writer(server_url, index, enriched, seed, most_per_second=100)
            writer.start()
            writer.wait_for(500)
            writer.stop()
            wait_until_fresh(engine, index, enriched, default_chain.model_version)
        assert sum(between.counts.values()) > 0
        bad.close()


class running:  # noqa: N801  (reads like a function)
    """An instance in a thread, which is ended in order."""

    def __init__(self, made: Callable[[], object]) -> None:
        self._instance = made()
        options = {"once": False, "on_status": lambda status: None, "say": print}
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, kwargs=options)

    def _run(self, **options: object) -> None:
        try:
            self._instance.run(**options)  # type: ignore[attr-defined]
        except BaseException as error:  # noqa: BLE001  (raised at the end)
            self._fault = error

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._instance.end()  # type: ignore[attr-defined]
        self._thread.join()
        if self._fault is not None:
            raise self._fault


@pytest.fixture
def node(server_home: Path, server_folder: Path) -> Iterator[Node]:
    """A node that a test may stop."""
    made = Node(server_home, server_folder / "node-followed")
    made.start()
    yield made
    made.kill()


def test_the_server_restarts(node: Node, models: Path, default_chain: DocumentEnricher) -> None:
    """After a power cut; the instance waits, and goes on where it was."""
    own = engine_at(node.url, timeout=10.0)
    own.create("articles", default_chain.layout())
    truth: Truth = {}
    write(own, "articles", truth, "first", "ocean")
    with Instance(node.url, models, "articles", "--json") as instance:
        wait_until_fresh(own, "articles", truth, default_chain.model_version)
        write(own, "articles", truth, "before", "reef")
        node.kill()
        time.sleep(1.0)
        node.start()
        patient = own.client.options(request_timeout=90)
        patient.cluster.health(index="articles", wait_for_status="yellow", timeout="60s")
        write(own, "articles", truth, "after", "whale")
        wait_until_fresh(own, "articles", truth, default_chain.model_version)
        status = instance.stop()
    assert status["errors"] > 0 and status["error"] is None and status["unchanged"] <= 1
    assert follow_once(own, "articles", models).enriched == 0
    own.close()
