"""Every kind of job on an index without documents."""

from collections.abc import Callable

import pytest

from enricher.enrichment import DocumentEnricher
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.planning import plan_rollback, start, start_in_place
from indexer.reindex.cluster.preflight import check, check_in_place
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import JobOptions
from indexer.reindex.ledger import Ledger
from tests.server.engines import ServerEngine
from tests.server.reindex.truth import Truth, assert_copied

SHARDS = {"number_of_shards": 3, "number_of_replicas": 0}


def _unmapped(engine: ServerEngine, index: str) -> Truth:
    engine.client.indices.create(index=index, settings=SHARDS)
    return {}


def _mapped(engine: ServerEngine, index: str) -> Truth:
    mappings = {"properties": {"text": {"type": "text"}}}
    engine.client.indices.create(index=index, settings=SHARDS, mappings=mappings)
    return {}


def _deleted(engine: ServerEngine, index: str) -> Truth:
    engine.client.indices.create(index=index, settings=SHARDS)
    engine.client.index(index=index, id="a", document={"text": "reef"}, refresh=True)
    engine.client.delete(index=index, id="a", refresh=True)
    return {}


def _one_shard_filled(engine: ServerEngine, index: str) -> Truth:
    engine.client.indices.create(index=index, settings=SHARDS)
    engine.client.index(index=index, id="a", document={"text": "reef"}, refresh=True)
    return {("a", None): {"text": "reef"}}


@pytest.mark.parametrize("make", [_unmapped, _mapped, _deleted, _one_shard_filled])
def test_an_index_without_documents_is_reindexed_and_rolled_back(
    engine: ServerEngine,
    cluster: Cluster,
    index: str,
    jobs: Ledger,
    chain: DocumentEnricher,
    make: Callable[[ServerEngine, str], Truth],
) -> None:
    """Copy, rollback and in place work with and without a block, and the rollback has later writes."""
    old = f"{index}-old"
    truth = make(engine, old)
    for options in (
        JobOptions(),
        JobOptions(only=("missing",)),
        JobOptions(only=("stale",)),
        JobOptions(query={"match_all": {}}),
        JobOptions(ids=("a",)),
    ):
        check_in_place(cluster, old, old, chain, options)
        job = start_in_place(jobs, cluster, old, old, chain, options)
        assert Worker(jobs, cluster, chain, job.id).run().rejected == 0
    for strict in (True, False):
        check(cluster, old, index, chain.layout())
        job = start(jobs, cluster, old, index, chain, JobOptions(write_block=strict))
        ended = Worker(jobs, cluster, chain, job.id).run()
        assert (ended.documents, ended.rejected) == (len(truth), 0)
        assert_copied(engine, index, truth, chain.model_version)
        if not strict:
            engine.client.index(index=index, id="new", document={"text": "whale"})
            truth["new", None] = {"text": "whale"}
        Worker(jobs, cluster, chain, plan_rollback(jobs, cluster, ended).id).run()
        assert cluster.aliases.behind(index) == [old]
        assert_copied(engine, index, truth, chain.model_version)
