"""Reindexing on a real server: pauses, removals and concurrent writes lose no document."""

import random
import threading
import time
from dataclasses import replace

import pytest
from elasticsearch import ApiError, helpers

from enricher.enrichment import DocumentEnricher
from enricher.errors import EngineError, IndexConflict, IndexNotFound
from indexer.engines.cluster.jobs.aliases import fencing_alias
from indexer.engines.cluster.jobs.states import ClusterStates
from indexer.engines.cluster.jobs.versioned import Line
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.enriched_lines import lines_of
from indexer.reindex.cluster.planning import cancel, plan_rollback, start
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import Job, JobOptions, Lease, Phase
from indexer.reindex.ledger import Ledger
from indexer.reindex.pace import MAX_PAGE_DOCUMENTS
from tests.server.engines import ServerEngine
from tests.server.reindex.truth import FIELDS, SOON, Writer, assert_copied, fill, nested


@pytest.mark.parametrize("strict", [True, False])
def test_nothing_written_meanwhile_is_lost(
    engine: ServerEngine,
    server_url: str,
    index: str,
    jobs: Ledger,
    cluster: Cluster,
    chain: DocumentEnricher,
    strict: bool,
) -> None:
    """A writer inserts, updates, deletes and recreates before, during and after the swap."""
    truth = fill(engine, f"{index}-old", 1500)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    writer = Writer(server_url, index, truth, seed := random.randrange(2**32))
    print("seed", seed)
    writer.start()
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=strict))
    ended = Worker(jobs, cluster, chain, job.id).run()
    time.sleep(0.5)
    writer.stop()
    assert ended.phase is Phase.DONE and writer.operations > 50
    assert (writer.refused > 0) == strict
    assert cluster.aliases.behind(index) == [ended.target]
    assert_copied(engine, index, truth, str(chain.model_version))


def test_every_page_of_a_pass_is_shown(
    engine: ServerEngine, index: str, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher
) -> None:
    """Progress is reported within an interval too, which may be long."""
    fill(engine, f"{index}-old", 2 * MAX_PAGE_DOCUMENTS, number_of_shards=1)
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions())
    shown: list[Job] = []
    Worker(jobs, cluster, chain, job.id, shown.append).run()
    intervals = [interval for one in shown for interval in one.intervals]
    assert any(one.after < one.at < one.upto for one in intervals)


def test_what_is_refused_is_counted_and_kept(
    engine: ServerEngine, index: str, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher
) -> None:
    """A refused document is kept with its reason, and copied once it has changed."""
    truth = fill(engine, f"{index}-old", 40, **{"mapping.depth.limit": 40})
    deep = nested(22)
    for name in ("deep", "mended"):
        engine.client.index(index=f"{index}-old", id=name, document={"text": "ocean", "deep": deep})
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=True))
    worker = Worker(jobs, cluster, chain, job.id, lambda now: mend(now))

    def mend(now: Job) -> None:
        if now.phase is Phase.RECONCILING:
            engine.client.index(index=f"{index}-old", id="mended", document={"text": "reef"})

    ended = worker.run()
    truth["mended", None] = {"text": "reef"}
    assert (ended.documents, ended.rejected) == (42, 1)
    assert_copied(engine, index, truth, str(chain.model_version))
    engine.refresh(f"{ended.target}-rejects")
    [kept] = engine.read(f"{ended.target}-rejects")
    assert kept.source["id"] == "deep" and "nested" in str(kept.source["reason"])


@pytest.mark.parametrize("strict", [True, False])
def test_a_copy_of_what_is_refused_now_does_not_stay(
    engine: ServerEngine,
    index: str,
    jobs: Ledger,
    cluster: Cluster,
    chain: DocumentEnricher,
    strict: bool,
) -> None:
    """The copy of a document goes when its new text is refused, and a rollback has that text."""
    truth = fill(engine, f"{index}-old", 40, **{"mapping.depth.limit": 40})
    changed = next(iter(truth))
    deep = {"text": "ocean", "deep": nested(22)}
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=strict))
    done: list[Phase] = []

    def change(now: Job) -> None:
        if now.passes == 2 and not done:
            done.append(now.phase)
            engine.client.index(index=f"{index}-old", id=changed[0], document=deep)

    ended = Worker(jobs, cluster, chain, job.id, change).run()
    assert done and (ended.documents, ended.rejected) == (40, 1)
    old = truth.pop(changed)
    assert_copied(engine, index, truth, chain.model_version)
    Worker(jobs, cluster, None, plan_rollback(jobs, cluster, ended).id).run()
    assert_copied(engine, index, truth | {changed: deep}, None)
    assert old != deep


def test_routing_mapping_meta_and_alias_are_kept(
    engine: ServerEngine, index: str, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher
) -> None:
    """One id under two routings is two documents; mapping, `_meta` and alias are those of the old index."""
    truth = fill(engine, f"{index}-old", 60)
    for routing in ("a", "b", "c", "d"):
        source = {"title": "two", "text": f"reef {routing}", "year": 3}
        engine.client.index(index=f"{index}-old", id="same", routing=routing, document=source)
        shard = engine.client.search_shards(index=f"{index}-old", routing=routing)["shards"][0][0]["shard"]
        for key in [key for key in truth if key[0] == "same" and key[1] is not None]:
            other = engine.client.search_shards(index=f"{index}-old", routing=key[1])["shards"][0][0]["shard"]
            if other == shard:  # of one shard it is one document
                del truth[key]
        truth["same", routing] = source
    condition = {"range": {"year": {"gte": 0}}}
    engine.client.indices.put_alias(index=f"{index}-old", name=index, filter=condition, is_write_index=True)
    job = start(jobs, cluster, index, index, chain, JobOptions(write_block=True))
    ended = Worker(jobs, cluster, chain, job.id).run()
    assert_copied(engine, index, truth, str(chain.model_version))
    settings, mapping, aliases = cluster.targets.described(ended.target)
    assert mapping["properties"]["year"] == {"type": "integer"} and mapping["_meta"]["owner"] == "us"
    assert aliases == {index: {"filter": condition, "is_write_index": True}}
    assert settings["index.number_of_shards"] == "2" and "index.gc_deletes" not in settings
    assert engine.layout(index).model_version == chain.model_version


def test_two_workers_share_a_job(
    engine: ServerEngine, index: str, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher
) -> None:
    """Each worker copies a part, and every document is read once."""
    truth = fill(engine, f"{index}-old", 1200)
    for n in range(12_000):  # operations, so that there are several intervals
        if n % 2000 == 0:
            helpers.bulk(
                engine.client,
                (
                    {"_index": f"{index}-old", "_id": key[0], "_source": source}
                    for key, source in truth.items()
                ),
            )
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=True))
    seen: set[str] = set()

    def watch(now: Job) -> None:
        seen.update(lease.worker for lease in now.leases())

    workers = [Worker(Ledger(ClusterStates(engine), 30.0), cluster, chain, job.id, watch) for _ in "ab"]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    ended = jobs.load(job.id)
    assert ended.phase is Phase.DONE and ended.counters.read == 1200
    assert_copied(engine, index, truth, str(chain.model_version))


def test_a_worker_that_was_paused_does_no_harm(
    engine: ServerEngine, index: str, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher
) -> None:
    """When it wakes up, its outdated copies, its deletes and its swap are refused."""
    truth = fill(engine, f"{index}-old", 30)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions())
    settings, mapping = cluster.alone.described(job.source)
    cluster.targets.create_like(settings, mapping, job.target, chain.layout(), job.id)
    [key, gone, *_] = list(truth)
    held = [one for shard in (0, 1) for one in cluster.shards.read(job.source, shard, -1, 10**6, 100)]
    lines, _ = lines_of(chain, held, with_codes=False)
    cluster.aliases.open_fencing_alias(job.target, "old")
    newer = {"title": "newer", "text": "reef", "year": 2}
    engine.client.index(index=index, id=key[0], document=newer)
    engine.client.delete(index=index, id=gone[0], refresh=True)
    truth[key] = newer
    del truth[gone]
    Worker(jobs, cluster, chain, job.id).run()
    old = fencing_alias(job.target, "old")
    with pytest.raises(IndexNotFound):
        cluster.copies.write(old, lines)
    with pytest.raises(IndexNotFound):
        cluster.copies.delete(old, held)
    assert not cluster.aliases.swap(index, job.source, job.target, "old")
    assert_copied(engine, index, truth, str(chain.model_version))


def test_a_worker_that_was_paused_cannot_stop_the_others(
    engine: ServerEngine, index: str, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher
) -> None:
    """When it replaces their fencing alias once, the other workers open theirs again."""
    truth = fill(engine, f"{index}-old", 30)
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=True))
    woken: list[Phase] = []

    def wake(now: Job) -> None:
        if now.intervals and now.phase not in woken:
            woken.append(now.phase)
            cluster.aliases.open_fencing_alias(job.target, "old")

    ended = Worker(jobs, cluster, chain, job.id, wake).run()
    assert ended.phase is Phase.DONE and woken == [Phase.COPYING]
    assert_copied(engine, index, truth, str(chain.model_version))


def test_an_index_that_is_removed_ends_the_work(
    engine: ServerEngine, index: str, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher
) -> None:
    """A removed source or target ends the worker with a sentence, and the job can be cancelled."""
    for which in ("source", "target"):
        fill(engine, f"{index}-{which}", 30)
        job = start(jobs, cluster, f"{index}-{which}", index, chain, JobOptions())

        def remove(now: Job, name: str = which) -> None:
            if now.intervals:
                engine.client.options(ignore_status=404).indices.delete(index=getattr(now, name))

        with pytest.raises(EngineError, match=r"There is no index|was removed"):
            Worker(jobs, cluster, chain, job.id, remove).run()
        assert cancel(jobs, cluster.alone, job.id).phase is Phase.CANCELLED


def test_old_copies_are_refused_while_the_job_runs(
    engine: ServerEngine, index: str, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher
) -> None:
    """An outdated copy is refused even after the document was deleted, and a newer one is accepted."""
    fill(engine, f"{index}-old", 3)
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions())
    settings, mapping = cluster.alone.described(job.source)
    cluster.targets.create_like(settings, mapping, job.target, chain.layout(), job.id)
    cluster.aliases.open_fencing_alias(job.target, "1")
    into = fencing_alias(job.target, "1")
    read = [one for shard in (0, 1) for one in cluster.shards.read(job.source, shard, -1, 10**6, 100)]
    lines, _ = lines_of(chain, read, with_codes=False)
    assert cluster.copies.write(into, lines).written == 3
    assert len(cluster.copies.write(into, lines).passed_over) == 3
    cluster.shards.refresh(job.target)
    written = [one for shard in (0, 1) for one in cluster.shards.identities(job.target, shard, 10**6)]
    assert cluster.copies.delete(into, [replace(written[0], sequence=written[0].sequence + 99)]) == 0
    assert cluster.copies.delete(into, written[:1]) == 1
    [old] = [line for line in lines if line.document.id == written[0].id]
    assert len(cluster.copies.write(into, [old]).passed_over) == 1
    back = replace(old.document, sequence=old.document.sequence + 5)
    assert cluster.copies.write(into, [Line(back, old.json)]).written == 1
    cancel(jobs, cluster.alone, job.id)


def test_a_block_that_lasts_too_long_is_lifted(
    engine: ServerEngine, index: str, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher
) -> None:
    """The job copies again, and swaps once the limit is long enough."""
    truth = fill(engine, f"{index}-old", 50)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    job = start(jobs, cluster, index, index, chain, JobOptions(write_block=True, block_limit=0.0))
    lifted = []

    def watch(now: Job) -> None:
        if now.passes >= 5 and not lifted:
            lifted.append(now.blocked)
            engine.client.index(index=index, id="late", document={"text": "reef"})  # it takes writes
            jobs.update(job.id, more_time)

    def more_time(now: Job) -> None:
        now.options = JobOptions(write_block=True, block_limit=60.0)

    ended = Worker(jobs, cluster, chain, job.id, watch).run()
    truth["late", None] = {"text": "reef"}
    assert lifted == [False] and ended.phase is Phase.DONE and ended.block_seconds is not None
    assert_copied(engine, index, truth, str(chain.model_version))
    with pytest.raises(ApiError, match="blocked by"):
        engine.client.index(index=f"{index}-old", document={})


def test_a_job_is_refused_while_another_works_on_the_alias(
    engine: ServerEngine, index: str, jobs: Ledger, cluster: Cluster, chain: DocumentEnricher
) -> None:
    """A second job on the same alias is refused until the first has ended."""
    fill(engine, f"{index}-old", 3)
    first = start(jobs, cluster, f"{index}-old", index, chain, JobOptions())
    with pytest.raises(IndexConflict, match="resume or cancel"):
        start(jobs, cluster, f"{index}-old", index, chain, JobOptions())
    cancel(jobs, cluster.alone, first.id)
    cancel(jobs, cluster.alone, start(jobs, cluster, f"{index}-old", index, chain, JobOptions()).id)


def test_concurrent_changes_of_a_job_are_all_kept(engine: ServerEngine, index: str, jobs: Ledger) -> None:
    """Concurrent ledgers lose no change, and a lease is free only once no heartbeat was seen for its time."""
    job = Job(f"{index}-job", "a", "b", "c", None, FIELDS, "2026-01-01T00:00:00Z", lease=Lease("w", 1))
    jobs.create(job)

    def count(now: Job) -> None:
        now.passes += 1

    def many() -> None:
        ledger = Ledger(ClusterStates(engine), SOON)
        for _ in range(20):
            ledger.update(job.id, count)

    threads = [threading.Thread(target=many) for _ in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert jobs.load(job.id).passes == 60
    watched = Ledger(ClusterStates(engine), 0.3)
    assert not watched.is_free(job, job.lease) and watched.is_free(job, None)
    time.sleep(0.4)
    assert watched.is_free(job, Lease("w", 1)) and not watched.is_free(job, Lease("w", 1, heartbeats=1))


def test_the_cluster_may_be_away_for_a_while(
    engine: ServerEngine,
    server_url: str,
    index: str,
    jobs: Ledger,
    cluster: Cluster,
    chain: DocumentEnricher,
) -> None:
    """A worker waits for an index that is closed, up to `max_away_seconds`."""
    fill(engine, f"{index}-old", 10)
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions())
    engine.client.indices.close(index=f"{index}-old")
    began = time.monotonic()
    opener = threading.Timer(2.0, lambda: engine.client.indices.open(index=f"{index}-old"))
    opener.start()
    ended = Worker(jobs, cluster, chain, job.id, max_away_seconds=60).run()
    opener.join()
    assert ended.phase is Phase.DONE and time.monotonic() - began > 2
