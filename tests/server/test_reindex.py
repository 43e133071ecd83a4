"""Reindexing on a real server: what is killed, paused or written meanwhile loses nothing."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import ApiError, Elasticsearch, NotFoundError, helpers

import enricher
from enricher.errors import EngineError, IndexConflict, IndexNotFound, UsageError
from enricher.plugins import PluginContext, load_enrichments
from enricher.records import Document
from enricher.settings import IndexConfiguration
from indexer.engines.elasticsearch import ElasticsearchEngine
from indexer.engines.elasticsearch_copies import Copies, entrance
from indexer.engines.elasticsearch_states import INDEX as JOBS
from indexer.engines.elasticsearch_states import ClusterStates
from indexer.pipeline import DocumentEnricher, fingerprint
from indexer.reindex.failpoints import POINTS
from indexer.reindex.job import Job, JobOptions, Lease, Phase
from indexer.reindex.ledger import Ledger
from indexer.reindex.preflight import check
from indexer.reindex.worker import Worker, cancel, start
from tests.conftest import RunCommand
from tests.corpora import documents

FIELDS = ("title", "text")
LOOSE_ALONE = {"swap-noted", "late-pass-done"}
SOON = 1.0
"""Seconds of a lease in these tests."""

Truth = dict[tuple[str, str | None], dict[str, Any]]


@pytest.fixture
def chain(model: enricher.Enricher) -> DocumentEnricher:
    """The default enrichments by the small model."""
    context = PluginContext(FIELDS, model.analyzer, model)
    enrichments = load_enrichments(IndexConfiguration(enrichments=("tokens", "keywords")), context)
    return DocumentEnricher(model.analyzer, FIELDS, enrichments, model.version)


@pytest.fixture
def jobs(engine: ElasticsearchEngine) -> Iterator[Ledger]:
    """The jobs of the server; those that a test leaves are removed."""
    ledger = Ledger(ClusterStates(engine), SOON)
    before = {job.id for job in ledger.jobs()}
    yield ledger
    for job in ledger.jobs():
        if job.id not in before:
            engine.client.delete(index=JOBS, id=job.id)


def fill(engine: ElasticsearchEngine, index: str, number: int, **settings: object) -> Truth:
    """An index of somebody's own mapping, and what it holds."""
    engine.client.indices.create(
        index=index,
        settings={"number_of_shards": 2, "number_of_replicas": 0, **settings},
        mappings={
            "properties": {"text": {"type": "text"}, "year": {"type": "integer"}},
            "_meta": {"owner": "us"},
        },
    )
    truth: Truth = {}
    for place, document in enumerate(documents(number)):
        truth[document.id, None] = {**document.source, "year": 1900 + place % 100}
    lines = [{"_index": index, "_id": key[0], "_source": source} for key, source in truth.items()]
    helpers.bulk(engine.client, lines, refresh=True)
    return truth


def nested(depth: int) -> dict[str, Any]:
    """An object in an object, deeper than an enriched index takes."""
    return {"in": nested(depth - 1)} if depth else {}


def assert_copied(engine: ElasticsearchEngine, alias: str, truth: Truth, model: str) -> None:
    """Document by document: all there, none twice, none stale, each enriched from what it says."""
    engine.client.indices.refresh(index=alias)
    found: Truth = {}
    for hit in helpers.scan(engine.client, index=alias):
        key = (hit["_id"], hit.get("_routing"))
        assert key not in found
        source = dict(hit["_source"])
        added = source.pop("enrichment", None)
        found[key] = source
        if added is not None:  # what clients have written since the swap is not enriched yet
            assert added["model"] == model
            assert added["fingerprint"] == fingerprint(Document(hit["_id"], source), FIELDS)
    assert found.keys() - truth.keys() == set() and truth.keys() - found.keys() == set()
    assert [key for key in truth if found[key] != truth[key]] == []


class Writer(threading.Thread):
    """Inserts, updates, deletes and recreates at random through an alias, and knows what must be there."""

    def __init__(self, url: str, alias: str, truth: Truth, seed: int) -> None:
        super().__init__(daemon=True)
        self.truth, self.operations, self.refused = truth, 0, 0
        self._client = Elasticsearch(url, max_retries=0, request_timeout=60)
        self._alias, self._seed, self._ended = alias, seed, threading.Event()
        self._fault: Exception | None = None

    def run(self) -> None:
        chance = random.Random(self._seed)
        names = [key[0] for key in self.truth] + [f"new-{n}" for n in range(200)]
        try:
            while not self._ended.is_set():
                self._write(chance, chance.choice(names))
        except Exception as error:  # noqa: BLE001  (raised by `stop`)
            self._fault = error
        finally:
            self._client.close()

    def _write(self, chance: random.Random, name: str) -> None:
        try:
            if chance.random() < 0.35:
                with suppress(NotFoundError):
                    self._client.delete(index=self._alias, id=name)
                self.truth.pop((name, None), None)
            else:
                source = {"title": "written", "text": f"ocean reef {chance.random()}", "year": 1}
                self._client.index(index=self._alias, id=name, document=source)
                self.truth[name, None] = source
            self.operations += 1
        except ApiError as error:
            if error.status_code != 403:
                raise
            self.refused += 1
            time.sleep(0.02)

    def stop(self) -> None:
        """End, and raise what went wrong."""
        self._ended.set()
        self.join(60)
        if self._fault is not None:
            raise self._fault


@pytest.mark.parametrize("strict", [True, False])
def test_nothing_written_meanwhile_is_lost(
    engine: ElasticsearchEngine,
    server_url: str,
    index: str,
    jobs: Ledger,
    chain: DocumentEnricher,
    strict: bool,
) -> None:
    """A writer before, during and after the swap; deletes and documents that come back among it."""
    truth = fill(engine, f"{index}-old", 1500)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    copies = Copies(engine)
    writer = Writer(server_url, index, truth, seed := random.randrange(2**32))
    print("seed", seed)
    writer.start()
    job = start(jobs, copies, f"{index}-old", index, chain, JobOptions(write_block=strict))
    ended = Worker(jobs, copies, chain, job.id).run()
    time.sleep(0.5)
    writer.stop()
    assert ended.phase is Phase.DONE and writer.operations > 50
    assert (writer.refused > 0) == strict
    assert copies.behind(index) == [ended.target]
    assert_copied(engine, index, truth, str(chain.model))


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_job_is_resumed(
    engine: ElasticsearchEngine,
    server_url: str,
    models: Path,
    index: str,
    jobs: Ledger,
    chain: DocumentEnricher,
    run: RunCommand,
    point: str,
) -> None:
    """Killed as if the machine had lost its power, at every place that has a name."""
    truth = fill(engine, f"{index}-old", 300)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    deep = nested(22)
    if point == "refused-kept":
        engine.client.indices.put_settings(index=index, settings={"index.mapping.depth.limit": 40})
        engine.client.index(index=index, id="deep", document={"text": "ocean", "deep": deep}, refresh=True)
    command = ["--engine", server_url, "--models", models, "reindex"]
    strict = [] if point in LOOSE_ALONE else ["--write-block"]
    begin = [*command, "start", f"{index}-old", "--to", index, *strict, "--lease-seconds", SOON]
    killed = run(*begin, "--fail-at", point)
    assert killed.returncode == -9, (killed.returncode, killed.stderr)
    if point in {"swap-sent", "swap-noted", "late-pass-done", "before-end"}:  # clients write to the new index
        for key in list(truth)[:5]:
            engine.client.delete(index=index, id=key[0])
            del truth[key]
        engine.client.index(index=index, id="new", document={"text": "reef"})
        truth["new", None] = {"text": "reef"}
    done = run(*command, "resume", "--lease-seconds", SOON, "--json")
    report = json.loads(done.stdout)
    assert report["phase"] == "done" and report["rejected"] == (point == "refused-kept")
    assert done.returncode == report["rejected"], done.stderr
    assert_copied(engine, index, truth, str(chain.model))
    assert list(engine.client.indices.get_alias(name=index).body) == [report["target"]]


def test_what_is_refused_is_counted_and_kept(
    engine: ElasticsearchEngine, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """With the reason; a document that was changed since is copied."""
    truth = fill(engine, f"{index}-old", 40, **{"mapping.depth.limit": 40})
    copies = Copies(engine)
    deep = nested(22)
    for name in ("deep", "mended"):
        engine.client.index(index=f"{index}-old", id=name, document={"text": "ocean", "deep": deep})
    job = start(jobs, copies, f"{index}-old", index, chain, JobOptions(write_block=True))
    worker = Worker(jobs, copies, chain, job.id, lambda now: mend(now))

    def mend(now: Job) -> None:
        if now.phase is Phase.RECONCILING:
            engine.client.index(index=f"{index}-old", id="mended", document={"text": "reef"})

    ended = worker.run()
    truth["mended", None] = {"text": "reef"}
    assert (ended.documents, ended.rejected) == (42, 1)
    assert_copied(engine, index, truth, str(chain.model))
    engine.refresh(f"{ended.target}-rejects")
    [kept] = engine.read(f"{ended.target}-rejects")
    assert kept.source["id"] == "deep" and "nested" in str(kept.source["reason"])


def test_routing_and_what_an_index_says_of_itself_are_kept(
    engine: ElasticsearchEngine, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """One id under two routings is two documents; the mapping, `_meta`, and the alias with its filter."""
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
    job = start(jobs, Copies(engine), index, index, chain, JobOptions(write_block=True))
    ended = Worker(jobs, Copies(engine), chain, job.id).run()
    assert_copied(engine, index, truth, str(chain.model))
    settings, mapping, aliases = Copies(engine).described(ended.target)
    assert mapping["properties"]["year"] == {"type": "integer"} and mapping["_meta"]["owner"] == "us"
    assert aliases == {index: {"filter": condition, "is_write_index": True}}
    assert settings["index.number_of_shards"] == "2" and "index.gc_deletes" not in settings
    assert engine.layout(index).model == chain.model


def test_two_workers_share_a_job(
    engine: ElasticsearchEngine, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """Each copies a part, and every document is read once."""
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
    job = start(jobs, Copies(engine), f"{index}-old", index, chain, JobOptions(write_block=True))
    seen: set[str] = set()

    def watch(now: Job) -> None:
        seen.update(lease.worker for lease in now.leases())

    workers = [
        Worker(Ledger(ClusterStates(engine), 30.0), Copies(engine), chain, job.id, watch) for _ in "ab"
    ]
    threads = [threading.Thread(target=worker.run) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    ended = jobs.load(job.id)
    assert ended.phase is Phase.DONE and ended.counters.read == 1200
    assert_copied(engine, index, truth, str(chain.model))


def test_a_worker_that_was_paused_harms_nothing(
    engine: ElasticsearchEngine, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """What it has read is old when it wakes up: its copies, its notes and its swap are refused."""
    truth = fill(engine, f"{index}-old", 30)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    copies = Copies(engine)
    job = start(jobs, copies, f"{index}-old", index, chain, JobOptions())
    copies.create_like(job.source, job.target, chain.layout(), job.id)
    [key, gone, *_] = list(truth)
    held = [one for shard in (0, 1) for one in copies.read(job.source, shard, -1, 10**6, 100)]
    added = chain.enrich([Document(one.id, one.source) for one in held])
    copies.open_entrance(job.target, "old")
    newer = {"title": "newer", "text": "reef", "year": 2}
    engine.client.index(index=index, id=key[0], document=newer)
    engine.client.delete(index=index, id=gone[0], refresh=True)
    truth[key] = newer
    del truth[gone]
    Worker(jobs, copies, chain, job.id).run()
    old = entrance(job.target, "old")
    with pytest.raises(IndexNotFound):
        copies.write(old, chain.layout(), held, added)
    with pytest.raises(IndexNotFound):
        copies.delete(old, held)
    assert not copies.swap(index, job.source, job.target, "old")
    assert_copied(engine, index, truth, str(chain.model))


def test_a_worker_that_was_paused_cannot_stop_the_others(
    engine: ElasticsearchEngine, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """It wakes up and puts its own entrance in the place of theirs, once; they open theirs again."""
    truth = fill(engine, f"{index}-old", 30)
    copies = Copies(engine)
    job = start(jobs, copies, f"{index}-old", index, chain, JobOptions(write_block=True))
    woken: list[Phase] = []

    def wake(now: Job) -> None:
        if now.intervals and now.phase not in woken:
            woken.append(now.phase)
            copies.open_entrance(job.target, "old")

    ended = Worker(jobs, copies, chain, job.id, wake).run()
    assert ended.phase is Phase.DONE and woken == [Phase.COPYING]
    assert_copied(engine, index, truth, str(chain.model))


def test_an_index_that_is_removed_ends_the_work(
    engine: ElasticsearchEngine, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """The source or the new one: a sentence, and the job can be cancelled."""
    copies = Copies(engine)
    for which in ("source", "target"):
        fill(engine, f"{index}-{which}", 30)
        job = start(jobs, copies, f"{index}-{which}", index, chain, JobOptions())

        def remove(now: Job, name: str = which) -> None:
            if now.intervals:
                engine.client.options(ignore_status=404).indices.delete(index=getattr(now, name))

        with pytest.raises(EngineError, match=r"There is no index|was removed"):
            Worker(jobs, copies, chain, job.id, remove).run()
        assert cancel(jobs, copies, job.id).phase is Phase.CANCELLED


def test_old_copies_are_refused_while_the_job_runs(
    engine: ElasticsearchEngine, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """Also after the document was deleted, and where it came back."""
    fill(engine, f"{index}-old", 3)
    copies = Copies(engine)
    job = start(jobs, copies, f"{index}-old", index, chain, JobOptions())
    copies.create_like(job.source, job.target, chain.layout(), job.id)
    copies.open_entrance(job.target, "1")
    into, layout = entrance(job.target, "1"), chain.layout()
    read = [one for shard in (0, 1) for one in copies.read(job.source, shard, -1, 10**6, 100)]
    added = chain.enrich([Document(one.id, one.source) for one in read])
    assert copies.write(into, layout, read, added).written == 3
    assert copies.write(into, layout, read, added).present == 3
    copies.refresh(job.target)
    written = [one for shard in (0, 1) for one in copies.identities(job.target, shard, 10**6)]
    assert copies.delete(into, [replace(written[0], sequence=written[0].sequence + 99)]) == 0
    assert copies.delete(into, written[:1]) == 1
    [old] = [n for n, one in enumerate(read) if one.id == written[0].id]
    assert copies.write(into, layout, [read[old]], [added[old]]).present == 1
    back = replace(read[old], sequence=read[old].sequence + 5)
    assert copies.write(into, layout, [back], [added[old]]).written == 1
    cancel(jobs, copies, job.id)


def test_a_block_that_lasts_too_long_is_lifted(
    engine: ElasticsearchEngine, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """And the job goes back to catching up, until there is time enough."""
    truth = fill(engine, f"{index}-old", 50)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    copies = Copies(engine)
    job = start(jobs, copies, index, index, chain, JobOptions(write_block=True, block_limit=0.0))
    lifted = []

    def watch(now: Job) -> None:
        if now.passes >= 5 and not lifted:
            lifted.append(now.blocked)
            engine.client.index(index=index, id="late", document={"text": "reef"})  # it takes writes
            jobs.update(job.id, more_time)

    def more_time(now: Job) -> None:
        now.options = JobOptions(write_block=True, block_limit=60.0)

    ended = Worker(jobs, copies, chain, job.id, watch).run()
    truth["late", None] = {"text": "reef"}
    assert lifted == [False] and ended.phase is Phase.DONE and ended.block_seconds is not None
    assert_copied(engine, index, truth, str(chain.model))
    with pytest.raises(ApiError, match="blocked by"):
        engine.client.index(index=f"{index}-old", document={})


def test_a_cancelled_job_leaves_the_old_index(
    engine: ElasticsearchEngine, server_url: str, models: Path, index: str, jobs: Ledger, run: RunCommand
) -> None:
    """Without a block; and what has ended cannot be cancelled."""
    truth = fill(engine, f"{index}-old", 20)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    command = ["--engine", server_url, "--models", models, "reindex"]
    killed = run(*command, "start", index, "--to", index, "--write-block", "--fail-at", "block-set")
    assert killed.returncode == -9
    with pytest.raises(ApiError, match="blocked by"):
        engine.client.index(index=index, id="x", document={"text": "reef"})
    again = run(*command, "start", index, "--to", index)
    assert again.returncode == 1 and "resume or cancel" in again.stderr
    done = run(*command, "cancel")
    assert done.returncode == 0 and "is cancelled" in done.stdout
    engine.client.index(index=index, id="x", document={"text": "reef"})
    truth["x", None] = {"text": "reef"}
    assert_copied(engine, index, truth, "")
    assert len(engine.client.indices.get(index=f"{index}*").body) == 1
    refused = run(*command, "cancel")
    assert refused.returncode == 2 and "There are no jobs" in refused.stderr
    listed = run(*command, "status")
    assert "cancelled" in listed.stdout and index in listed.stdout


Prepare = Callable[[ElasticsearchEngine, str], None]


def _index_of_that_name(engine: ElasticsearchEngine, index: str) -> None:
    engine.client.indices.create(index=index)


def _no_source(engine: ElasticsearchEngine, index: str) -> None:
    engine.client.indices.delete(index=f"{index}-old")
    engine.client.indices.create(index=f"{index}-old", mappings={"_source": {"enabled": False}})


def _alias_of_another(engine: ElasticsearchEngine, index: str) -> None:
    engine.client.indices.create(index=f"{index}-other", aliases={index: {}})


def _field_of_that_name(engine: ElasticsearchEngine, index: str) -> None:
    engine.client.indices.put_mapping(index=f"{index}-old", properties={"enrichment": {"type": "keyword"}})


def _few_fields(engine: ElasticsearchEngine, index: str) -> None:
    engine.client.indices.put_settings(index=f"{index}-old", settings={"index.mapping.total_fields.limit": 5})


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (_index_of_that_name, "is an index"),
        (_no_source, "keeps no _source"),
        (_alias_of_another, "and not for"),
        (_field_of_that_name, "field 'enrichment' of their own"),
        (_few_fields, "total_fields.limit"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    engine: ElasticsearchEngine, index: str, chain: DocumentEnricher, prepare: Prepare, said: str
) -> None:
    """A sentence each."""
    fill(engine, f"{index}-old", 3)
    prepare(engine, index)
    with pytest.raises((UsageError, EngineError), match=said):
        check(Copies(engine), f"{index}-old", index, chain.layout())


def test_a_job_is_refused_while_another_works_on_the_alias(
    engine: ElasticsearchEngine, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """Until that one has ended."""
    fill(engine, f"{index}-old", 3)
    copies = Copies(engine)
    first = start(jobs, copies, f"{index}-old", index, chain, JobOptions())
    with pytest.raises(IndexConflict, match="resume or cancel"):
        start(jobs, copies, f"{index}-old", index, chain, JobOptions())
    cancel(jobs, copies, first.id)
    cancel(jobs, copies, start(jobs, copies, f"{index}-old", index, chain, JobOptions()).id)


def test_a_change_stands_on_all_changes_before_it(
    engine: ElasticsearchEngine, index: str, jobs: Ledger
) -> None:
    """Two ledgers at once lose nothing; a lease is free only after it was watched without a sign of life."""
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
    assert watched.is_free(job, Lease("w", 1)) and not watched.is_free(job, Lease("w", 1, beat=1))


def test_the_cluster_may_be_away_for_a_while(
    engine: ElasticsearchEngine, server_url: str, index: str, jobs: Ledger, chain: DocumentEnricher
) -> None:
    """A job waits for it, within its patience."""
    fill(engine, f"{index}-old", 10)
    copies = Copies(engine)
    job = start(jobs, copies, f"{index}-old", index, chain, JobOptions())
    engine.client.indices.close(index=f"{index}-old")
    began = time.monotonic()
    opener = threading.Timer(2.0, lambda: engine.client.indices.open(index=f"{index}-old"))
    opener.start()
    ended = Worker(jobs, copies, chain, job.id, patience=60).run()
    opener.join()
    assert ended.phase is Phase.DONE and time.monotonic() - began > 2


def test_a_job_that_does_not_exist_is_a_sentence(
    server_url: str, models: Path, index: str, run: RunCommand
) -> None:
    """And an engine that has no jobs, and a source that is not there."""
    command = ["--engine", server_url, "--models", models, "reindex"]
    done = run(*command, "resume", "nothing")
    assert done.returncode == 2 and "no job 'nothing'" in done.stderr
    done = run(*command, "start", f"{index}-nothing", "--to", index)
    assert done.returncode == 1 and "There is no index" in done.stderr
    done = run("--models", models, "reindex", "status")
    assert done.returncode == 2 and "--engine" in done.stderr
