"""Jobs in place: all documents of an index, or those that need enrichment."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

import enricher
from enricher.bundle.store import BundleStore
from enricher.enrichment import DocumentEnricher
from enricher.errors import UsageError
from enricher.plugins import PluginContext, load_enrichments
from enricher.settings import IndexConfiguration
from enricher.text import open_analyzer
from enricher.training.train import train_bundle
from indexer.reindex.cluster import planning
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.planning import start_in_place
from indexer.reindex.cluster.preflight import check_in_place
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import Job, JobOptions, Phase
from indexer.reindex.ledger import Ledger
from tests.conftest import SMALL, RunCommand
from tests.corpora import documents
from tests.server.engines import ServerEngine
from tests.server.reindex.truth import FIELDS, Truth, Writer, assert_copied, fill, nested

STALE = JobOptions(only=("stale",))
MISSING = JobOptions(only=("missing",))


class Enrichment:
    """Runs jobs in place on one index."""

    def __init__(self, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher, index: str) -> None:
        self._jobs, self._cluster, self._chain, self._index = jobs, cluster, chain, index

    def run(self, options: JobOptions, chain: DocumentEnricher | None = None) -> Job:
        """Run one job to its end."""
        chain = chain or self._chain
        job = start_in_place(self._jobs, self._cluster, self._index, self._index, chain, options)
        return Worker(self._jobs, self._cluster, chain, job.id).run()


@pytest.fixture
def enrichment(jobs: Ledger, cluster: Cluster, chain: DocumentEnricher, index: str) -> Enrichment:
    return Enrichment(jobs, cluster, chain, index)


@pytest.fixture
def next_chain(model: enricher.Model) -> DocumentEnricher:
    """The enrichments of a later model, trained on equal text."""
    context = PluginContext(FIELDS, model.analyzer, model)
    enrichments = load_enrichments(IndexConfiguration(enrichments=("tokens", "keywords")), context)
    return DocumentEnricher(model.analyzer, FIELDS, enrichments, f"{model.version}-next")


def stamps(engine: ServerEngine, index: str) -> dict[str, str | None]:
    """The model of every document."""
    engine.client.indices.refresh(index=index)
    answer = engine.client.search(index=index, size=1000)
    return {hit["_id"]: hit["_source"].get("enrichment", {}).get("model") for hit in answer["hits"]["hits"]}


def test_an_index_is_enriched_while_others_write(
    engine: ServerEngine,
    server_url: str,
    index: str,
    enrichment: Enrichment,
    chain: DocumentEnricher,
) -> None:
    """No write is undone, and documents written after the job has read them are found by the next job."""
    truth = fill(engine, index, 800)
    writer = Writer(server_url, index, truth, seed := random.randrange(2**32))
    print("seed", seed)
    writer.start()
    ended = enrichment.run(JobOptions())
    writer.stop()
    assert ended.phase is Phase.DONE and ended.counters.written >= 500 and writer.operations > 20
    assert_copied(engine, index, truth, chain.model_version)
    enrichment.run(MISSING)
    assert engine.count_unenriched(index) == 0
    assert_copied(engine, index, truth, chain.model_version)


def test_another_model_takes_over_in_place(
    engine: ServerEngine,
    index: str,
    enrichment: Enrichment,
    chain: DocumentEnricher,
    next_chain: DocumentEnricher,
) -> None:
    """The index names both models while the job runs, and only the new one afterwards."""
    truth = fill(engine, index, 60)
    enrichment.run(JobOptions())
    assert engine.layout(index).model_version == chain.model_version
    enrichment.run(JobOptions(), next_chain)
    layout = engine.layout(index)
    assert (layout.model_version, layout.compatible) == (next_chain.model_version, ())
    assert set(stamps(engine, index).values()) == {next_chain.model_version}
    assert_copied(engine, index, truth, next_chain.model_version)


def test_documents_that_applications_wrote_are_found(
    engine: ServerEngine, index: str, enrichment: Enrichment, chain: DocumentEnricher
) -> None:
    """Written and overwritten documents are missing, partially updated ones stale; others stay untouched."""
    truth = fill(engine, index, 30)
    enrichment.run(JobOptions())
    [over, part, *rest] = list(truth)
    engine.client.index(index=index, id="new", document={"text": "reef"})
    engine.client.index(index=index, id=over[0], document={"text": "whale"})
    engine.client.update(index=index, id=part[0], doc={"text": "a new text"}, refresh=True)
    truth["new", None], truth[over] = {"text": "reef"}, {"text": "whale"}
    truth[part] = {**truth[part], "text": "a new text"}
    before = {one["_id"]: one["_version"] for one in versions(engine, index)}
    missing = enrichment.run(MISSING)
    assert (missing.counters.read, missing.counters.written) == (2, 2)
    stale = enrichment.run(STALE)
    assert stale.counters.written == 1
    assert_copied(engine, index, truth, chain.model_version)
    assert set(stamps(engine, index).values()) == {chain.model_version}
    after = {one["_id"]: one["_version"] for one in versions(engine, index)}
    assert all(after[key[0]] == before[key[0]] for key in rest)


def versions(engine: ServerEngine, index: str) -> list[dict[str, int]]:
    """The hits of all documents with their versions."""
    engine.client.indices.refresh(index=index)
    found: list[dict[str, int]] = engine.client.search(index=index, size=1000, version=True)["hits"]["hits"]
    return found


def test_stale_documents_are_looked_for_where_something_was_written(
    engine: ServerEngine, index: str, enrichment: Enrichment, next_chain: DocumentEnricher
) -> None:
    """A job begins where the last one ended, but for another index or model at the first document."""
    truth = fill(engine, index, 50)
    enrichment.run(JobOptions())
    assert enrichment.run(STALE).counters.read == 50
    assert enrichment.run(STALE).counters.read == 0
    engine.client.update(index=index, id=next(iter(truth))[0], doc={"text": "reef"}, refresh=True)
    one = enrichment.run(STALE)
    assert (one.counters.read, one.counters.written) == (1, 1)
    assert enrichment.run(STALE, next_chain).counters.written == 50
    assert engine.layout(index).model_version == next_chain.model_version
    engine.client.indices.delete(index=index)
    fill(engine, index, 20)
    enrichment.run(JobOptions(), next_chain)
    assert enrichment.run(STALE, next_chain).counters.read == 20


def test_old_jobs_are_forgotten_with_their_rejects(
    engine: ServerEngine,
    cluster: Cluster,
    index: str,
    jobs: Ledger,
    enrichment: Enrichment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An old job stays only if no other knows of documents that are still refused."""
    monkeypatch.setattr(planning, "MAX_ENDED_IN_PLACE", 1)
    fill(engine, index, 5, **{"mapping.depth.limit": 40})
    for name in ("a", "b"):
        engine.client.index(index=index, id=name, document={"deep": nested(22)}, refresh=True)
    every = [enrichment.run(options) for options in (JobOptions(), MISSING, JobOptions(ids=("b",)))]
    assert [job.rejected for job in every] == [2, 2, 1]
    enrichment.run(MISSING)
    left = {job.id for job in jobs.jobs() if job.source == index}
    assert {job.id for job in every} <= left, "no newer job has tried the same documents again"
    enrichment.run(MISSING)
    left = {job.id for job in jobs.jobs() if job.source == index}
    assert {every[0].id, every[2].id} <= left and every[1].id not in left
    engine.delete(index, ["a", "b"])
    engine.refresh(index)
    last = [enrichment.run(MISSING) for _ in range(2)][-1]
    kept = {job.id for job in jobs.jobs() if job.source == index}
    assert last.id in kept and len(kept) == 2
    names = engine.client.indices.get(index=f"{index}*", expand_wildcards="all").body
    assert {name for name in names if name.endswith("-rejects")} <= {f"{name}-rejects" for name in kept}


def test_a_job_touches_what_a_query_or_ids_name(
    engine: ServerEngine, index: str, enrichment: Enrichment, chain: DocumentEnricher
) -> None:
    """A job with a query or ids writes only those documents."""
    truth = fill(engine, index, 40)
    year = enrichment.run(JobOptions(query={"range": {"year": {"lt": 1910}}}))
    assert year.counters.written == sum(source["year"] < 1910 for source in truth.values()) > 0
    names = [key[0] for key in list(truth)[20:23]]
    named = enrichment.run(JobOptions(ids=(*names, "not there")))
    assert named.counters.written == 3
    model = stamps(engine, index)
    assert {name for name, made in model.items() if made} == {
        key[0] for key, source in truth.items() if source["year"] < 1910 or key[0] in names
    }
    assert_copied(engine, index, truth, chain.model_version)


def test_enriching_some_documents_with_another_model_is_refused(
    engine: ServerEngine,
    cluster: Cluster,
    index: str,
    enrichment: Enrichment,
    next_chain: DocumentEnricher,
) -> None:
    """So are other fields, and an index that refuses writes."""
    fill(engine, index, 5)
    enrichment.run(JobOptions())
    with pytest.raises(UsageError, match="would mix models"):
        check_in_place(cluster, index, index, next_chain, JobOptions(query={"match_all": {}}))
    with pytest.raises(UsageError, match="make a new index"):
        check_in_place(cluster, index, index, replace(next_chain, fields=("text",)), JobOptions())
    assert check_in_place(cluster, index, index, next_chain, JobOptions()) == []


def test_the_command_enriches_in_place(
    engine: ServerEngine, server_url: str, models: Path, index: str, run: RunCommand, tmp_path: Path
) -> None:
    """The command works with the default recipe, and explains options that do not fit."""
    truth: Truth = fill(engine, f"{index}-1", 30)
    command = ["--engine", server_url, "--models", models, "reindex", "start", f"{index}-1"]
    done = run(*command, "--to", index, "--in-place", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["written"], report["target"]) == (30, f"{index}-1")
    assert cluster_names(engine, index) == [f"{index}-1"]
    assert_copied(engine, index, truth, str(report["model"]))
    assert engine.count_unenriched(index) == 0
    again = run(*command, "--only", "missing", "--only", "stale")
    assert again.returncode == 0 and "0 documents of" in again.stdout, again.stderr
    ids = tmp_path / "ids.txt"
    ids.write_text(f"{next(iter(truth))[0]}\nnot-there\n")
    named = run(*command, "--ids", ids)
    assert named.returncode == 0 and "1 document of" in named.stdout, named.stderr
    assert f"1 of the ids is not in '{index}-1': not-there." in named.stderr
    for wrong, said in (
        (["--in-place", "--write-block"], "no swap"),
        (["--only", "old"], "missing or stale"),
        (["--query", "{"], "not valid JSON"),
        (["--query", "5"], "as an object"),
        (["--ids", tmp_path / "nothing"], "There is no file"),
        ([], "--to"),
    ):
        refused = run(*command, *wrong)
        assert refused.returncode == 2 and said in refused.stderr, refused.stderr
    broken = run(*command, "--query", '{"nonsense": {}}')
    assert broken.returncode == 1 and "nonsense" in broken.stderr and "Traceback" not in broken.stderr


def cluster_names(engine: ServerEngine, alias: str) -> list[str]:
    """The indexes that an alias points to."""
    return sorted(engine.client.indices.get_alias(name=alias).body)


def test_activating_a_model_enriches_its_indexes_on_request(
    engine: ServerEngine,
    server_url: str,
    index: str,
    enrichment: Enrichment,
    run: RunCommand,
    jobs: Ledger,
    cluster: Cluster,
    tmp_path: Path,
) -> None:
    """`--reindex` enriches them, and doctor reports the mixture that a killed job leaves."""
    folder = tmp_path / "models"
    store = BundleStore(folder)
    settings = replace(SMALL, dimensions=16)
    versions = [train_bundle(store, documents(120 + n), FIELDS, open_analyzer(), settings) for n in range(2)]
    store.activate(versions[0])
    fill(engine, index, 600)
    command = ["--engine", server_url, "--models", folder]
    assert run(*command, "reindex", "start", index, "--in-place").returncode == 0
    said = run(*command, "models", "activate", versions[1])
    assert f"{index} (600 documents) is enriched with the model {versions[0]}" in said.stderr
    killed = run(*command, "reindex", "start", index, "--in-place", "--fail-at", "page-written")
    assert killed.returncode == -9
    found = run(*command, "doctor")
    assert found.returncode == 1 and f"documents were enriched with the model {versions[0]}" in found.stdout
    assert f"job {index}" in found.stdout
    assert run(*command, "reindex", "cancel").returncode == 0
    done = run(*command, "models", "activate", versions[1], "--reindex")
    assert done.returncode == 0, done.stderr
    assert set(stamps(engine, index).values()) == {versions[1]}
    assert f"documents were enriched with the model {versions[0]}" not in run(*command, "doctor").stdout
