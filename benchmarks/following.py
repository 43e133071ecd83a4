"""Following on a real server: how long documents wait beside a writer, and what an idle instance costs."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks.indexing import ABSTRACTS, FIELDS, documents_of
from benchmarks.measure import ROOT, Figure, Row
from benchmarks.reindexing import server
from enricher.bundle.store import BundleStore
from enricher.enrichment import EnricherRecipe
from enricher.records import Document
from enricher.settings import IndexConfiguration
from indexer.engines.addresses import parse_addresses
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.reindex.following import DEFAULT_LAG_SECONDS

WRITES_PER_SECOND = 200
SECONDS = 60
IDLE_SECONDS = 30
WRITERS = 4
"""Threads that write; each document is a request of its own."""
NUMBER = "number"
"""The field with the number of a document in the order of the writes."""
ENRICHMENTS = {"tokens and keywords": ("tokens", "keywords"), "all enrichments": None}
TICK = os.sysconf("SC_CLK_TCK")


def rows(models: Path, data: Path) -> Iterator[Row]:
    """The wait beside a writer, the processor time, and the requests of an idle instance."""
    with server() as url:
        engine = ElasticsearchEngine(parse_addresses(url))
        documents = list(islice(documents_of(data / ABSTRACTS), WRITES_PER_SECOND * SECONDS))
        try:
            for name, enrichments in ENRICHMENTS.items():
                yield from waits(engine, url, models, documents, name, enrichments)
            yield from idle(engine, url, models)
        finally:
            engine.close()


@contextmanager
def followed(
    engine: ElasticsearchEngine, url: str, models: Path, enrichments: Sequence[str] | None
) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """An empty enriched index, and an instance in a process of its own that follows it."""
    index = f"bench-{uuid.uuid4().hex[:8]}"
    chosen = IndexConfiguration().enrichments if enrichments is None else tuple(enrichments)
    configuration = IndexConfiguration(enrichments=chosen)
    recipe = EnricherRecipe(models, BundleStore(models).active_version(), FIELDS, configuration)
    engine.create(index, recipe.open().layout())
    engine.client.indices.put_settings(index=index, settings={"number_of_replicas": 0})
    engine.client.indices.put_mapping(index=index, properties={NUMBER: {"type": "long"}})
    words = ["--engine", url, "--models", str(models), "follow", index, "--json"]
    command = [sys.executable, "-m", "indexer", *words]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            warm_up(engine, index)
            yield index, process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)
            engine.drop(index)


def warm_up(engine: ElasticsearchEngine, index: str) -> None:
    """Wait until the instance has enriched a first document: its model is loaded, its code compiled."""
    engine.client.index(index=index, id="first", document={"text": "海洋 ocean"}, refresh=True)
    while not engine.client.get(index=index, id="first")["_source"].get("enrichment"):
        time.sleep(0.2)


def waits(
    engine: ElasticsearchEngine,
    url: str,
    models: Path,
    documents: Sequence[Document],
    name: str,
    enrichments: Sequence[str] | None,
) -> Iterator[Row]:
    """Seconds from the answer to a write until a search finds the enriched document."""
    with followed(engine, url, models, enrichments) as (index, process):
        before = processor_seconds(process.pid)
        written = np.zeros(len(documents))
        writers = [
            threading.Thread(target=write, args=(engine, index, documents, written, part))
            for part in range(WRITERS)
        ]
        for thread in writers:
            thread.start()
        seen = watch(engine, index, len(documents))
        for thread in writers:
            thread.join()
        seconds = processor_seconds(process.pid) - before
        waited = seen - written
        real = len(documents) / (written.max() - written.min())
    of = f"of {real:.0f} documents a second with {name}"
    yield Figure(f"wait {of}, median", float(np.median(waited)), DEFAULT_LAG_SECONDS, "s")
    yield Figure("of that, the 99th percentile", float(np.quantile(waited, 0.99)), 10.0, "s")
    share = 100 * seconds / (seen.max() - written.min())
    yield Figure("processor time of the instance meanwhile, of one core", share, 100.0, "%")


def write(
    engine: ElasticsearchEngine, index: str, documents: Sequence[Document], written: np.ndarray, part: int
) -> None:
    """Write every WRITERS-th document at its time, and note when the server has answered."""
    started = time.monotonic()
    for number in range(part, len(documents), WRITERS):
        time.sleep(max(0.0, started + number / WRITES_PER_SECOND - time.monotonic()))
        document = {name: documents[number].text(name) for name in FIELDS} | {NUMBER: number}
        engine.client.index(index=index, id=str(number), document=document)
        written[number] = time.monotonic()


def watch(engine: ElasticsearchEngine, index: str, number: int) -> np.ndarray:
    """When a search first found each enriched document, looking several times a second; shape (number,)."""
    seen, after = np.zeros(number), -1
    enriched = [{"exists": {"field": name}} for name in ("enrichment.fingerprint", NUMBER)]
    while not seen.all():
        hits = engine.client.search(
            index=index,
            query={"bool": {"filter": [*enriched, {"range": {"_seq_no": {"gt": after}}}]}},
            sort=[{"_seq_no": "asc"}],
            docvalue_fields=[NUMBER],
            source=False,
            size=1_000,
            seq_no_primary_term=True,
        )["hits"]["hits"]
        now = time.monotonic()
        for hit in hits:
            place = int(hit["fields"][NUMBER][0])
            seen[place] = seen[place] or now
            after = hit["_seq_no"]
        time.sleep(0.1)
    return seen


def idle(engine: ElasticsearchEngine, url: str, models: Path) -> Iterator[Row]:
    """What an instance costs while nothing is written."""
    with followed(engine, url, models, ("tokens",)) as (_, process):
        time.sleep(2 * DEFAULT_LAG_SECONDS)
        before, used = requests(url), processor_seconds(process.pid)
        time.sleep(IDLE_SECONDS)
        sent, used = requests(url) - before - 1, processor_seconds(process.pid) - used
    yield Figure("requests a second of an idle instance", sent / IDLE_SECONDS, 0.5, "/s")
    yield Figure("processor time of an idle instance, of one core", 100 * used / IDLE_SECONDS, 1.0, "%")


def requests(url: str) -> int:
    """How many HTTP requests the server has had, this one too."""
    with urllib.request.urlopen(f"{url}/_nodes/stats/http") as answer:
        nodes = json.load(answer)["nodes"]
    routes = (route for node in nodes.values() for route in node["http"]["routes"].values())
    return sum(route["requests"]["count"] for route in routes)


def processor_seconds(pid: int) -> float:
    """User and system time of a process, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK
