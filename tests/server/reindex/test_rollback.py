"""Rollback: the old index takes its place again, with everything that was written since."""

import random
import time

import pytest
from elasticsearch import NotFoundError

from enricher.enrichment import DocumentEnricher
from enricher.errors import IndexConflict
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.planning import cancel, plan_rollback, start, to_roll_back
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import JobOptions, Phase
from indexer.reindex.ledger import Ledger
from tests.server.engines import ServerEngine
from tests.server.reindex.truth import Writer, assert_copied, fill, nested


@pytest.mark.parametrize("strict", [True, False])
def test_nothing_written_since_the_swap_is_lost(
    engine: ServerEngine,
    cluster: Cluster,
    server_url: str,
    index: str,
    jobs: Ledger,
    chain: DocumentEnricher,
    strict: bool,
) -> None:
    """A writer writes from before the swap until after the rollback, and during a rollback of that."""
    truth = fill(engine, f"{index}-old", 600)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    writer = Writer(server_url, index, truth, seed := random.randrange(2**32))
    print("seed", seed)
    writer.start()
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=strict))
    Worker(jobs, cluster, chain, job.id).run()
    time.sleep(0.5)
    [undone] = [one for one in to_roll_back(jobs.jobs(), cluster) if one.alias == index]
    assert undone.id == job.id
    back = plan_rollback(jobs, cluster, undone)
    ended = Worker(jobs, cluster, None, back.id).run()
    time.sleep(0.5)
    assert ended.phase is Phase.DONE and cluster.aliases.behind(index) == [f"{index}-old"]
    writer.pause()
    assert_copied(engine, index, truth, None)
    writer.go_on()
    [undone] = [one for one in to_roll_back(jobs.jobs(), cluster) if one.alias == index]
    forth = plan_rollback(jobs, cluster, undone)
    assert (forth.source, forth.target, forth.model_version) == (
        f"{index}-old",
        job.target,
        chain.model_version,
    )
    Worker(jobs, cluster, chain, forth.id).run()
    time.sleep(0.5)
    writer.stop()
    assert_copied(engine, index, truth, chain.model_version)


def test_what_the_new_index_never_had_stays_in_the_old_one(
    engine: ServerEngine, cluster: Cluster, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """Documents that it refused, and those that a client has written past the alias, stay."""
    truth = fill(engine, f"{index}-old", 40, **{"mapping.depth.limit": 40})
    deep = {"text": "ocean", "deep": nested(22)}
    engine.client.index(index=f"{index}-old", id="deep", document=deep)
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions())
    assert Worker(jobs, cluster, chain, job.id).run().rejected == 1
    past = {"text": "past the alias"}
    engine.client.index(index=f"{index}-old", id="past", document=past)
    gone = list(truth)[3]
    engine.client.delete(index=index, id=gone[0])
    engine.client.index(index=index, id="since", document={"text": "reef"})
    back = plan_rollback(jobs, cluster, jobs.load(job.id))
    Worker(jobs, cluster, None, back.id).run()
    del truth[gone]
    assert_copied(
        engine,
        index,
        truth | {("deep", None): deep, ("past", None): past, ("since", None): {"text": "reef"}},
        None,
    )


def test_a_document_made_anew_after_its_delete_was_forgotten_comes_back(
    engine: ServerEngine, cluster: Cluster, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """A recreated document has a lower version than the one in the old index, and still wins."""
    truth = fill(engine, f"{index}-old", 5)
    [key, other, *_] = list(truth)
    for _ in range(5):
        engine.client.index(index=f"{index}-old", id=key[0], document=truth[key])
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=True))
    Worker(jobs, cluster, chain, job.id).run()
    engine.client.indices.put_settings(index=index, settings={"index.gc_deletes": "0ms"})
    for one in (key, other):
        engine.client.delete(index=index, id=one[0])
    time.sleep(0.5)  # the server tells the age of a delete to a fifth of a second
    engine.refresh(index)
    anew = {"text": "anew", "year": 5}
    assert engine.client.index(index=index, id=key[0], document=anew)["_version"] == 1
    truth[key] = anew
    del truth[other]
    back = plan_rollback(jobs, cluster, jobs.load(job.id))
    Worker(jobs, cluster, None, back.id).run()
    assert_copied(engine, index, truth, None)


def test_a_rollback_can_be_cancelled(
    engine: ServerEngine, cluster: Cluster, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """Cancelling removes no index, and the rollback can be started again later."""
    truth = fill(engine, f"{index}-old", 20)
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=True))
    ended = Worker(jobs, cluster, chain, job.id).run()
    back = plan_rollback(jobs, cluster, ended)
    with pytest.raises(IndexConflict, match="resume or cancel"):
        start(jobs, cluster, index, index, chain, JobOptions())
    assert cancel(jobs, cluster.alone, back.id).phase is Phase.CANCELLED
    assert cluster.aliases.behind(index) == [job.target]
    assert cluster.shards.count(f"{index}-old") == 20
    Worker(jobs, cluster, None, plan_rollback(jobs, cluster, ended).id).run()
    assert_copied(engine, index, truth, None)


def test_a_job_whose_old_index_is_gone_cannot_be_rolled_back(
    engine: ServerEngine, cluster: Cluster, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """A job whose alias somebody has moved cannot be rolled back either."""
    fill(engine, f"{index}-old", 3)
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=True))
    Worker(jobs, cluster, chain, job.id).run()
    assert [one.id for one in to_roll_back(jobs.jobs(), cluster) if one.alias == index] == [job.id]
    engine.client.indices.delete(index=f"{index}-old")
    assert [one for one in to_roll_back(jobs.jobs(), cluster) if one.alias == index] == []
    with pytest.raises(NotFoundError):
        engine.client.indices.get(index=f"{index}-old")
