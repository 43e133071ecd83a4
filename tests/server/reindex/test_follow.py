"""`enricher follow`: what applications write is enriched, and nothing else is touched."""

import json
import random
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elastic_transport import Urllib3HttpNode
from elastic_transport._node import NodeApiResponse

from enricher.enrichment import DocumentEnricher
from enricher.errors import PluginError, UsageError
from enricher.records import AnalyzedDocument, FieldKind
from indexer.engines.addresses import parse_addresses
from indexer.engines.cluster.mapping import mapping_of
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.follow import reading
from indexer.reindex.cluster.follow.claims import ShardClaim
from indexer.reindex.cluster.follow.followed import index_behind, open_followed
from indexer.reindex.cluster.follow.state import rejects_of
from indexer.reindex.cluster.planning import start_in_place
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import JobOptions, Lease
from indexer.reindex.jobs import EnrichmentSettings
from indexer.reindex.ledger import Ledger
from indexer.reindex.pace import Pace
from tests.conftest import RunCommand
from tests.server.engines import ServerEngine
from tests.server.reindex.followers import (
    Instance,
    filled_by_job,
    follow_once,
    follower,
    outdated,
    states_of,
    wait_for,
    wait_until_fresh,
)
from tests.server.reindex.truth import Truth, Writer, assert_copied, fill, nested


@pytest.fixture
def truth(
    engine: ServerEngine, cluster: Cluster, jobs: Ledger, default_chain: DocumentEnricher, index: str
) -> Truth:
    """What an index of two shards behind an alias holds, which a job has filled."""
    return filled_by_job(engine, cluster, jobs, default_chain, index, 60)


def leases(engine: ServerEngine, alias: str) -> list[Lease | None]:
    """The lease of every shard."""
    return [one.lease for one in states_of(engine).load(engine.name_of(alias)).holders()]


def versions(engine: ServerEngine, index: str) -> dict[str, int]:
    """The version of every document."""
    engine.client.indices.refresh(index=index)
    answer = engine.client.search(index=index, size=1000, version=True, source=False)
    return {hit["_id"]: hit["_version"] for hit in answer["hits"]["hits"]}


def test_what_applications_wrote_is_enriched_once(
    engine: ServerEngine, index: str, models: Path, truth: Truth, default_chain: DocumentEnricher
) -> None:
    """New, overwritten, routed and updated documents, also those whose text is as before; then none."""
    assert follow_once(engine, index, models).unchanged == 0, "a job has read the index already"
    over, text, year, gone, *rest = (key[0] for key in truth)
    engine.client.index(index=index, id="new", document={"text": "ocean reef"})
    engine.client.index(index=index, id="routed", routing="r", document={"text": "tide"})
    engine.client.index(index=index, id=over, document={"text": "whale"})
    engine.client.update(index=index, id=text, doc={"text": "a new text"})
    engine.client.update(index=index, id=year, doc={"year": 2000})
    engine.client.delete(index=index, id=gone)
    truth["new", None], truth["routed", "r"], truth[over, None] = (
        {"text": "ocean reef"},
        {"text": "tide"},
        {"text": "whale"},
    )
    truth[text, None] |= {"text": "a new text"}
    truth[year, None] |= {"year": 2000}
    del truth[gone, None]
    before = versions(engine, index)
    done = follow_once(engine, index, models)
    assert (done.enriched, done.unchanged, done.conflicts, done.refused, done.behind) == (5, 0, 0, 0, 0)
    assert outdated(engine, index, default_chain.model_version) == []
    assert_copied(engine, index, truth, default_chain.model_version)
    after = versions(engine, index)
    assert all(after[name] == before[name] for name in rest)
    again = follow_once(engine, index, models)
    assert (again.enriched, again.unchanged, again.checkpoints) == (0, 0, done.checkpoints)
    assert versions(engine, index) == after


def test_an_index_without_a_job_is_read_once(
    engine: ServerEngine, index: str, models: Path, default_chain: DocumentEnricher
) -> None:
    """Nobody knows which of its documents have changed."""
    engine.create(index, default_chain.layout())
    for n in range(7):
        engine.client.index(index=index, id=str(n), document={"text": "ocean"})
    assert follow_once(engine, index, models).enriched == 7
    states_of(engine).remove(index)
    again, last = (follow_once(engine, index, models) for _ in range(2))
    assert (again.enriched, again.unchanged) == (0, 7)
    assert (last.enriched, last.unchanged) == (0, 0)


def test_a_job_in_place_is_read_once(
    engine: ServerEngine,
    cluster: Cluster,
    jobs: Ledger,
    index: str,
    models: Path,
    truth: Truth,
    default_chain: DocumentEnricher,
) -> None:
    """Its writes look like those of applications, so they are read, but not written again."""
    for _ in range(2):
        name = engine.name_of(index)
        job = start_in_place(jobs, cluster, name, name, default_chain, JobOptions())
        Worker(jobs, cluster, default_chain, job.id).run()
        found = [follow_once(engine, index, models) for _ in range(2)]
        assert [(one.unchanged, one.enriched) for one in found] == [(60, 0), (0, 0)]


def test_a_state_of_a_removed_index_is_not_used(
    engine: ServerEngine, index: str, models: Path, default_chain: DocumentEnricher
) -> None:
    """Another index of the same name is read from its beginning."""
    for _ in range(2):
        engine.create(index, default_chain.layout())
        for n in range(3):
            engine.client.index(index=index, id=str(n), document={"text": "ocean"})
        assert follow_once(engine, index, models).enriched == 3
        engine.drop(index)


def test_documents_are_enriched_beside_a_writer(
    engine: ServerEngine,
    server_url: str,
    index: str,
    models: Path,
    truth: Truth,
    default_chain: DocumentEnricher,
) -> None:
    """No write is undone, and the command ends in order with a last status."""
    writer = Writer(server_url, index, truth, seed := random.randrange(2**32), most_per_second=200)
    print("seed", seed)
    with Instance(server_url, models, index, "--json") as instance:
        writer.start()
        writer.wait_for(800)
        writer.stop()
        wait_until_fresh(engine, index, truth, default_chain.model_version)
        wait_for("the note in the ledger", lambda: not any(leases(engine, index)))
        status = instance.stop()
    assert (status["index"], status["model"]) == (engine.name_of(index), default_chain.model_version)
    assert status["enriched"] > 100 and status["refused"] == 0 and status["error"] is None
    assert sorted(status["checkpoints"]) == ["0", "1"]
    assert f"{index} points to {engine.name_of(index)}" in instance.said
    assert follow_once(engine, index, models).enriched == 0


def test_a_document_that_changes_meanwhile_is_left_alone(
    engine: ServerEngine,
    index: str,
    models: Path,
    truth: Truth,
    default_chain: DocumentEnricher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It was written or deleted between the read and the write: the next round enriches what is there."""
    for name in ("changed", "deleted", "same"):
        engine.client.index(index=index, id=name, document={"text": "ocean reef"})
    real, done = reading.lines_in_batches, []

    def lines_in_batches(enricher: DocumentEnricher, documents: Any, *, with_codes: bool) -> Any:
        if not done:
            done.append(engine.client.index(index=index, id="changed", document={"text": "whale"}))
            done.append(engine.client.delete(index=index, id="deleted"))
        return real(enricher, documents, with_codes=with_codes)

    monkeypatch.setattr(reading, "lines_in_batches", lines_in_batches)
    status = follow_once(engine, index, models)
    follow_once(engine, index, models)
    assert status.conflicts >= 1
    truth["changed", None], truth["same", None] = {"text": "whale"}, {"text": "ocean reef"}
    assert outdated(engine, index, default_chain.model_version) == []
    assert_copied(engine, index, truth, default_chain.model_version)


def test_a_document_that_the_server_refuses_is_kept_with_its_reason(
    engine: ServerEngine, server_url: str, index: str, models: Path, run: RunCommand, truth: Truth
) -> None:
    """It is not tried again before it has changed."""
    engine.client.indices.put_settings(index=index, settings={"index.mapping.depth.limit": 40})
    engine.client.index(index=index, id="deep", document={"text": "ocean", "deep": nested(22)})
    engine.client.index(index=index, id="good", document={"text": "ocean"})
    command = ["--engine", server_url, "--models", models, "follow", index, "--once"]
    name = engine.name_of(index)
    refused = run(*command)
    assert refused.returncode == 1 and "1 document of" in refused.stdout, refused.stderr
    assert "1 refused" in refused.stdout and rejects_of(name) in refused.stderr
    kept = Cluster(engine).rejects.load(rejects_of(name))
    assert [(one.id, "levels" in one.reason) for one in kept] == [("deep", True)]
    again = run(*command, "--json")
    assert again.returncode == 0 and json.loads(again.stdout)["enriched"] == 0, again.stderr
    engine.client.index(index=index, id="deep", document={"text": "reef"})
    mended = run(*command, "--json")
    assert mended.returncode == 0 and json.loads(mended.stdout)["enriched"] == 1, mended.stderr
    assert run(*command).returncode == 0
    assert Cluster(engine).rejects.load(rejects_of(name)) == []


class Choosy:
    """An enrichment that fails at some texts."""

    name = "choosy"
    mapping = {"choosy": FieldKind.KEYWORD}  # noqa: RUF012

    def __init__(self, bad: str) -> None:
        self._bad = bad

    def enrich(self, documents: list[AnalyzedDocument]) -> list[dict[str, object]]:
        if any(self._bad in document.text("text") for document in documents):
            raise ValueError("too odd")
        return [{"choosy": "yes"} for _ in documents]


def test_a_document_at_which_a_plug_in_fails_is_refused_alone(
    engine: ServerEngine, cluster: Cluster, index: str, models: Path, default_chain: DocumentEnricher
) -> None:
    """A plug-in that fails at every document ends the command."""
    engine.create(index, default_chain.layout())
    for name, text in (("a", "ocean"), ("b", "odd"), ("c", "reef")):
        engine.client.index(index=index, id=name, document={"text": text}, refresh=True)
    behind = index_behind(cluster, index)
    followed = open_followed(cluster, behind, index, EnrichmentSettings(models, None))
    claim = ShardClaim(0, -1, behind.shards[0].checkpoint, (), 1)
    broken = replace(followed, enricher=replace(default_chain, enrichments=[Choosy("")], recipe=None))
    with pytest.raises(PluginError, match="too odd"):
        list(reading.enriched_pages(cluster, broken, claim, Pace()))
    choosy = replace(followed, enricher=replace(default_chain, enrichments=[Choosy("odd")], recipe=None))
    (page,) = reading.enriched_pages(cluster, choosy, claim, Pace())
    assert page.enriched.written == 2
    assert [(one.document.id, "too odd" in one.reason) for one in page.enriched.refused] == [("b", True)]
    assert [one.id for one in cluster.rejects.load(rejects_of(index))] == ["b"]


@pytest.mark.elasticsearch_only("requests are counted in the client of Elasticsearch")
def test_an_idle_instance_sends_one_small_request_per_look(
    server_url: str, engine: ServerEngine, index: str, models: Path, truth: Truth
) -> None:
    """It reads nothing, refreshes nothing and writes nothing, and its answers do not grow with the index."""
    sent: Counter[str] = Counter()
    sizes: list[int] = []

    class Counting(Urllib3HttpNode):
        def perform_request(self, method: str, target: str, *args: Any, **options: Any) -> NodeApiResponse:  # type: ignore[override]
            answer = super().perform_request(method, target, *args, **options)
            sent[target.split("?")[0]] += 1
            sizes.append(len(answer.body))
            return answer

    follow_once(engine, index, models)
    counted = ElasticsearchEngine(parse_addresses(server_url), node_class=Counting)
    instance = follower(counted, index, models, lag=0.1)
    options = {"once": False, "on_status": lambda status: None, "say": print}
    thread = threading.Thread(target=instance.run, kwargs=options)
    thread.start()
    wait_for("ten looks", lambda: sent[f"/{index}/_stats/docs"] >= 10)
    sent.clear()
    sizes.clear()
    wait_for("twenty more looks", lambda: sent[f"/{index}/_stats/docs"] >= 20)
    assert set(sent) == {f"/{index}/_stats/docs"} and max(sizes) < 1_000
    instance.end()
    thread.join()
    counted.close()


def test_what_cannot_be_followed_is_reported(
    engine: ServerEngine, server_url: str, index: str, models: Path, run: RunCommand, tmp_path: Path
) -> None:
    """One sentence each, for what is missing, closed, several, or on another engine."""
    command = ["--engine", server_url, "--models", models, "follow"]

    def refused(code: int, said: str, *words: object) -> None:
        done = run(*command, *map(str, words))
        assert done.returncode == code and said in done.stderr, (done.returncode, done.stderr)

    refused(1, "There is no index", f"{index}-nothing")
    fill(engine, f"{index}-1", 3)
    refused(2, "was never enriched", f"{index}-1", "--once")
    for name in (f"{index}-1", f"{index}-2"):
        if name.endswith("2"):
            fill(engine, name, 3)
        engine.client.indices.put_alias(index=name, name=f"{index}-both")
    refused(2, f"points to several indexes ({index}-1, {index}-2)", f"{index}-both")
    engine.client.indices.close(index=f"{index}-1")
    refused(1, "is closed", f"{index}-1")
    refused(2, "--lag", index, "--lag", "0")
    command[1] = f"tantivy:{tmp_path / 'index'}"
    refused(2, "nothing to follow", index)


def test_an_index_with_a_part_of_its_source_is_refused(
    engine: ServerEngine, cluster: Cluster, index: str, models: Path, default_chain: DocumentEnricher
) -> None:
    """Its documents would be written back without the rest."""
    mapping = mapping_of(default_chain.layout(), engine.server.dialect) | {
        "_source": {"excludes": ["secret"]}
    }
    settings = dict(engine.server.dialect.needed_settings)
    engine.client.indices.create(index=index, mappings=mapping, settings=settings)
    with pytest.raises(UsageError, match="stores only a part"):
        open_followed(cluster, index_behind(cluster, index), index, EnrichmentSettings(models, None))
