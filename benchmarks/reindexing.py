"""Reindexing on a real server: throughput, what the ledger costs, and how long writes are refused."""

import os
import random
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from elasticsearch import helpers

from benchmarks.indexing import ABSTRACTS, FIELDS, SHORT, documents_of
from benchmarks.measure import Comparison, Figure, Row
from enricher.bundle.store import BundleStore
from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.records import Document
from enricher.settings import IndexConfiguration
from indexer.engines.addresses import parse_addresses
from indexer.engines.cluster.jobs.states import ClusterStates
from indexer.engines.cluster.mapping import mapping_of
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.planning import start
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.job import Job, JobOptions
from indexer.reindex.ledger import Ledger
from tests.server.distribution import unpack
from tests.server.node import Node

COPIED = 10_000
"""Documents that are copied in turn."""
MANY = 100_000
"""Documents under a writer."""
DELETED = 0.35
"""Share of the writer's operations that are deletes."""
ENRICHMENTS = ("tokens", "keywords")
SETTINGS = {"number_of_shards": 1, "number_of_replicas": 0}


@contextmanager
def server() -> Iterator[str]:
    """The server that ELASTICSEARCH_URL names, or one of our own."""
    given = os.environ.get("ELASTICSEARCH_URL")
    if given:
        yield given.rstrip("/")
        return
    folder = Path(tempfile.mkdtemp(prefix="enricher-bench-"))
    folder.chmod(0o755)
    try:
        node = Node(unpack(folder), folder / "node", heap="2g")
        node.start()
        try:
            yield node.url
        finally:
            node.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class TimedStates(ClusterStates):
    """Keeps jobs, and counts the seconds that it takes."""

    seconds = 0.0

    def load(self, name: str) -> tuple[dict[str, Any], tuple[int, int]] | None:
        started = time.perf_counter()
        try:
            return super().load(name)
        finally:
            self.seconds += time.perf_counter() - started

    def save(self, name: str, value: Mapping[str, Any], seen: tuple[int, int]) -> tuple[int, int] | None:
        started = time.perf_counter()
        try:
            return super().save(name, value, seen)
        finally:
            self.seconds += time.perf_counter() - started


class Bench:
    """Indexes of one server, all of them dropped at the end."""

    def __init__(self, url: str, models: Path) -> None:
        self.url = url
        self.engine = ElasticsearchEngine(parse_addresses(url))
        self.cluster = Cluster(self.engine)
        self.states = TimedStates(self.engine)
        self.prefix = f"bench-{uuid.uuid4().hex[:8]}"
        configuration = IndexConfiguration(enrichments=ENRICHMENTS)
        recipe = EnricherRecipe(models, BundleStore(models).active_version(), FIELDS, configuration)
        self.enricher: DocumentEnricher = recipe.open()
        self._number = 0

    def name(self) -> str:
        """A free name."""
        self._number += 1
        return f"{self.prefix}-{self._number}"

    def fill(self, documents: Iterator[Document]) -> str:
        """An index of somebody's own."""
        name = self.name()
        self.engine.client.indices.create(index=name, settings=SETTINGS)
        lines = ({"_index": name, "_id": one.id, "_source": one.source} for one in documents)
        helpers.bulk(self.engine.client, lines, chunk_size=2_000, refresh=True)
        return name

    def copy_plainly(self, source: str) -> int:
        """What a script does: scan, enrich, `helpers.bulk`."""
        target = self.name()
        mapping = mapping_of(self.enricher.layout(), self.engine.server.dialect)
        self.engine.client.indices.create(index=target, settings=SETTINGS, mappings=mapping)

        def lines() -> Iterator[dict[str, Any]]:
            hits = helpers.scan(self.engine.client, index=source, size=500)
            while page := list(islice(hits, 500)):
                added = self.enricher.enrich([Document(hit["_id"], hit["_source"]) for hit in page])
                for hit, more in zip(page, added, strict=True):
                    enriched = {**hit["_source"], "enrichment": more}
                    yield {"_index": target, "_id": hit["_id"], "_source": enriched}

        written, _ = helpers.bulk(self.engine.client, lines(), chunk_size=500, refresh=True)
        self.engine.drop(target)
        return int(written)

    def reindex(self, source: str, options: JobOptions) -> Job:
        """A job to its end; the new index is dropped."""
        alias = self.name()
        ledger = Ledger(self.states)
        job = start(ledger, self.cluster, source, alias, self.enricher, options)
        ended = Worker(ledger, self.cluster, self.enricher, job.id).run()
        self.cluster.targets.unblock(source)
        self.engine.drop(ended.target)
        ledger.remove(job.id)
        return ended

    def close(self) -> None:
        for name in self.engine.client.indices.get(index=f"{self.prefix}*"):
            self.engine.drop(name)
        self.engine.close()


def rows(models: Path, data: Path) -> Iterator[Row]:
    """A copy against a plain one, its ledger, and the moment in which writes are refused."""
    with server() as url:
        bench = Bench(url, models)
        try:
            yield from copying(bench, islice(documents_of(data / ABSTRACTS), COPIED))
            yield from swapping(bench, islice(documents_of(data / SHORT), MANY))
        finally:
            bench.close()


def copying(bench: Bench, documents: Iterator[Document]) -> Sequence[Row]:
    """Throughput in one process, and the share of it that the ledger takes."""
    source = bench.fill(documents)
    seconds: list[float] = []

    def ours() -> int:
        started = time.perf_counter()
        ended = bench.reindex(source, JobOptions(write_block=True))
        seconds.append(time.perf_counter() - started)
        return ended.documents

    def theirs() -> int:
        return bench.copy_plainly(source)

    work = f"reindex of {COPIED:,} abstracts with {', '.join(ENRICHMENTS)}, a document"
    competitor = "scan, the same enrichment, helpers.bulk"
    compared = Comparison(work, competitor, 1.25).measure(ours, theirs, 3)
    ledger = Figure("of that, the ledger", 100 * bench.states.seconds / sum(seconds), 5.0, "%")
    return compared, ledger


def swapping(bench: Bench, documents: Iterator[Document]) -> Iterator[Row]:
    """The block and the swap while a writer is busy."""
    source = bench.fill(documents)
    ended = threading.Event()

    chance = random.Random(1)
    client = bench.engine.client.options(ignore_status=[403, 404])

    def write() -> None:
        while not ended.is_set():
            name = str(chance.randrange(2_000))
            if chance.random() < DELETED:
                client.delete(index=source, id=name)
            else:
                client.index(index=source, id=name, document={"text": f"海洋 {chance.random()}"})

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        job = bench.reindex(source, JobOptions(write_block=True))
    finally:
        ended.set()
        writer.join()
    assert job.block_seconds is not None and job.swap_seconds is not None
    of = f"of {MANY:,} short documents under a writer"
    yield Figure(f"write block at the end of a reindex {of}", job.block_seconds, 2.0, "s")
    yield Figure("of that, the swap", job.swap_seconds, 1.0, "s")
