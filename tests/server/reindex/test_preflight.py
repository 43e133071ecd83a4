"""Checks before anything is written."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from elasticsearch import ConflictError

from enricher.enrichment import DocumentEnricher
from enricher.errors import EngineError, UsageError
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.planning import plan_rollback, start, start_in_place
from indexer.reindex.cluster.preflight import check, check_in_place
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import JobOptions
from indexer.reindex.ledger import Ledger
from tests.conftest import RunCommand
from tests.server.engines import ServerEngine
from tests.server.reindex.truth import Truth, assert_copied, fill, nested

Prepare = Callable[[ServerEngine, str], None]


def _index_of_that_name(engine: ServerEngine, index: str) -> None:
    engine.client.indices.create(index=index)


def _no_source(engine: ServerEngine, index: str) -> None:
    engine.client.indices.delete(index=f"{index}-old")
    engine.client.indices.create(index=f"{index}-old", mappings={"_source": {"enabled": False}})


def _alias_of_another(engine: ServerEngine, index: str) -> None:
    engine.client.indices.create(index=f"{index}-other", aliases={index: {}})


def _field_of_that_name(engine: ServerEngine, index: str) -> None:
    engine.client.indices.put_mapping(index=f"{index}-old", properties={"enrichment": {"type": "keyword"}})


def _closed(engine: ServerEngine, index: str) -> None:
    engine.client.indices.close(index=f"{index}-old")


def _few_fields(engine: ServerEngine, index: str) -> None:
    engine.client.indices.put_settings(index=f"{index}-old", settings={"index.mapping.total_fields.limit": 5})


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (_index_of_that_name, "is an index"),
        (_no_source, "does not store _source"),
        (_alias_of_another, "and not only to"),
        (_field_of_that_name, "field 'enrichment' of their own"),
        (_few_fields, "total_fields.limit"),
        (_closed, "is closed"),
    ],
)
def test_an_impossible_job_is_refused_before_anything_is_written(
    engine: ServerEngine,
    cluster: Cluster,
    index: str,
    chain: DocumentEnricher,
    prepare: Prepare,
    said: str,
) -> None:
    """Every reason gives one sentence."""
    fill(engine, f"{index}-old", 3)
    prepare(engine, index)
    with pytest.raises((UsageError, EngineError), match=said):
        check(cluster, f"{index}-old", index, chain.layout())


def test_a_template_must_not_show_the_new_index_half_filled(
    engine: ServerEngine, cluster: Cluster, index: str, chain: DocumentEnricher
) -> None:
    """A template with an alias is refused, one with settings is reported."""
    fill(engine, f"{index}-old", 3)
    template: dict[str, object] = {"aliases": {f"{index}-all": {}}}
    engine.client.indices.put_index_template(
        name=index, index_patterns=[f"{index}-2*", f"{index}-0*"], template=template
    )
    try:
        with pytest.raises(UsageError, match=f"the alias {index}-all"):
            check(cluster, f"{index}-old", index, chain.layout())
        template = {"settings": {"number_of_shards": 1}}
        engine.client.indices.put_index_template(
            name=index, index_patterns=[f"{index}-2*", f"{index}-0*"], template=template
        )
        assert ["settings" in note for note in check(cluster, f"{index}-old", index, chain.layout())] == [
            True
        ]
    finally:
        engine.client.indices.delete_index_template(name=index)


@pytest.mark.parametrize("ending", ["Live", "商品ÄÖ", "50%25+b&c", "y" * 200])
def test_any_alias_gets_an_index_and_a_rollback(
    engine: ServerEngine,
    cluster: Cluster,
    index: str,
    jobs: Ledger,
    chain: DocumentEnricher,
    ending: str,
) -> None:
    """The index is named after the alias as far as index names allow, and rejects are kept too."""
    alias = f"{index}-{ending}"
    truth = fill(engine, f"{index}-old", 5, **{"mapping.depth.limit": 40})
    engine.client.index(index=f"{index}-old", id="deep", document={"deep": nested(22)}, refresh=True)
    check(cluster, f"{index}-old", alias, chain.layout())
    job = start(jobs, cluster, f"{index}-old", alias, chain, JobOptions())
    ended = Worker(jobs, cluster, chain, job.id).run()
    assert ended.rejected == 1 and len(cluster.rejects.load(ended.rejects)) == 1
    assert_copied(engine, alias, truth, chain.model_version)
    Worker(jobs, cluster, None, plan_rollback(jobs, cluster, ended).id).run()
    assert cluster.aliases.behind(alias) == [f"{index}-old"]


def test_names_that_are_kept_for_data_streams_are_passed_by(
    engine: ServerEngine, cluster: Cluster, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """A template of `logs-*-*` allows no index of such a name, so the name gets a prefix."""
    truth = fill(engine, f"{index}-old", 5)
    streams = f"{index}-logs"
    engine.client.indices.put_index_template(
        name=index, index_patterns=[f"{streams}*"], data_stream={}, priority=300
    )
    try:
        check(cluster, f"{index}-old", streams, chain.layout())
        job = start(jobs, cluster, f"{index}-old", streams, chain, JobOptions())
        try:
            Worker(jobs, cluster, chain, job.id).run()
            assert job.target.startswith("enriched-")
            assert_copied(engine, streams, truth, chain.model_version)
        finally:
            cluster.targets.drop(job.target)
            jobs.remove(job.id)
    finally:
        engine.client.indices.delete_index_template(name=index)


def test_copies_pass_through_no_default_pipeline(
    engine: ServerEngine, cluster: Cluster, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """A missing pipeline would refuse all copies; it is reported, and restored after the copy."""
    truth = fill(engine, f"{index}-old", 5)
    pipeline = {"index.default_pipeline": "not-there"}
    engine.client.indices.put_settings(index=f"{index}-old", settings=pipeline)
    assert "not-there" in check(cluster, f"{index}-old", index, chain.layout())[0]
    ended = Worker(
        jobs, cluster, chain, start(jobs, cluster, f"{index}-old", index, chain, JobOptions()).id
    ).run()
    assert_copied(engine, index, truth, chain.model_version)
    settings, _, _ = cluster.targets.described(ended.target)
    assert settings["index.default_pipeline"] == "not-there"
    Worker(jobs, cluster, None, plan_rollback(jobs, cluster, ended).id).run()
    assert_copied(engine, index, truth, None)
    assert cluster.targets.described(f"{index}-old")[0]["index.default_pipeline"] == "not-there"
    engine.client.indices.put_settings(index=f"{index}-old", settings={"index.final_pipeline": "neither"})
    assert "'neither'" in check_in_place(cluster, f"{index}-old", index, chain, JobOptions())[0]


def test_an_index_of_strict_fields_is_copied(
    engine: ServerEngine, cluster: Cluster, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """Enrichment is mapped before it is written, in a copy and in place."""
    mapping = {"dynamic": "strict", "properties": {"text": {"type": "text"}}}
    engine.client.indices.create(index=f"{index}-old", mappings=mapping)
    engine.client.index(index=f"{index}-old", id="a", document={"text": "reef"}, refresh=True)
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions())
    assert Worker(jobs, cluster, chain, job.id).run().rejected == 0
    truth: Truth = {("a", None): {"text": "reef"}}
    assert_copied(engine, index, truth, chain.model_version)
    job = start_in_place(jobs, cluster, f"{index}-old", f"{index}-old", chain, JobOptions())
    assert Worker(jobs, cluster, chain, job.id).run().counters.written == 1
    assert_copied(engine, f"{index}-old", truth, chain.model_version)


def test_clients_with_versions_of_their_own_go_on(
    engine: ServerEngine, cluster: Cluster, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """Times as external versions are kept, and a write with an old `if_seq_no` is a conflict."""
    engine.client.indices.create(index=f"{index}-old", aliases={index: {}})
    now = 1_700_000_000_000
    put = partial(engine.client.index, index=index, id="a", version_type="external")
    put(document={"text": "first"}, version=now)
    seen = engine.client.get(index=index, id="a")
    for strict in (True, False):
        job = start(jobs, cluster, index, index, chain, JobOptions(write_block=strict))
        Worker(jobs, cluster, chain, job.id).run()
        assert engine.client.get(index=index, id="a")["_version"] == now
        with pytest.raises(ConflictError):
            put(document={"text": "older"}, version=now - 1)
        now += 5
        put(document={"text": f"newer {now}"}, version=now)
    condition = {"if_seq_no": seen["_seq_no"] + 50, "if_primary_term": seen["_primary_term"]}
    with pytest.raises(ConflictError):
        engine.client.index(index=index, id="a", document={}, **condition)
    assert engine.client.get(index=index, id="a")["_source"]["text"] == f"newer {now}"


def test_addresses_of_different_clusters_are_noticed(
    engine: ServerEngine, server_url: str, newer_url: str, index: str, run: RunCommand, models: Path
) -> None:
    """Half of the requests go to the other one. (The URL names the family: the artefact does not say it.)"""
    if newer_url == server_url or engine.name == "opensearch":
        pytest.skip("both servers must be of one family, and two")
    fill(engine, f"{index}-old", 5)
    both = ("--models", models, "--engine", f"elasticsearch+{server_url},{newer_url}")
    found = run(*both, "doctor")
    assert found.returncode == 1 and "belong to different clusters" in found.stdout, found.stdout
    refused = run(*both, "reindex", "start", f"{index}-old", "--to", index)
    assert refused.returncode in (1, 2) and not engine.exists(index), refused.stdout
