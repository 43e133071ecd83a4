"""The service on the embedded engine: what HTTP adds to a search, throughput, enrichment, memory and start.

The index has the documents of benchmarks/searching.py. Searches in process and over HTTP take turns, each
query once on each side, after the same warm-up.
"""

import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from statistics import median, quantiles

import orjson

from benchmarks.http_stacks import Client
from benchmarks.indexing import FIELDS, scratch
from benchmarks.load import CLIENTS, Ask, under_load
from benchmarks.measure import ROOT, Figure, Row, command_line, memory
from benchmarks.searching import HITS, WARM_UP, write_documents
from enricher.answers import search_answer
from enricher.bundle.store import BundleStore
from enricher.enrichment import EnricherRecipe, enriched, in_processes
from enricher.loaded_model import load
from enricher.records import Document
from enricher.search.searcher import Question, Searcher
from enricher.settings import Configuration, IndexConfiguration
from indexer.engines.tantivy.engine import TantivyEngine

INDEX = "documents"
QUERIES = 2_000
"""As many that their 99th percentile is that of twenty."""
SECONDS, WARM_UP_SECONDS = 10.0, 3.0
WORKERS = 2
ENRICHED, IN_A_BODY = 5_000, 100
"""Documents that are enriched on each side; how many of them a request has."""
MIXED = (20_000, 200_000)
"""Numbers of mixed requests after which memory is compared."""
SEARCH, EXPAND, KEYWORDS = (f"/_enricher/{name}" for name in ("search", "expand", "keywords"))
ENRICH = f"/_enricher/enrich?in={INDEX}"


def rows(models: Path, data: Path) -> Iterator[Row]:
    """All figures. models: of the active model."""
    with scratch() as folder:
        source = folder / "documents.jsonl"
        titles = write_documents(source, data, QUERIES)
        place = folder / "index"
        rejects = ("--rejects", str(folder / "rejects"))
        command_line("index", str(source), "--to", INDEX, *rejects, models=models, index=place)
        with served(models, place) as (port, _, seconds):
            yield Figure("from start to ready", seconds, 2.0, "s")
            yield from _latencies(models, place, port, titles)
        with served(models, place, "--workers", str(WORKERS)) as (port, _, _):
            yield _throughput(models, place, port, titles)
            yield _enrichment(models, source, port)
        with served(models, place) as (port, process, _):
            yield _memory(port, process.pid, titles)


@contextmanager
def served(models: Path, index: Path, *options: str) -> Iterator[tuple[int, "subprocess.Popen[str]", float]]:
    """The service in a process of its own: its port, the process, and the seconds until it was ready."""
    words = ["--models", str(models), "--engine", f"tantivy:{index}", "serve"]
    command = [sys.executable, "-m", "indexer", *words, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    command += options
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        event = json.loads(next(line for line in process.stderr if line.startswith("{")))
        threading.Thread(target=process.stderr.read, daemon=True).start()
        port = int(event["listen"].rpartition(":")[2])
        while not _is_ready(port):
            time.sleep(0.01)
        try:
            yield port, process, time.perf_counter() - started
        finally:
            process.terminate()
            process.wait(60)


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/_enricher/readyz")
    status = connection.getresponse().status
    connection.close()
    return status == 200


def _body(query: str, **more: object) -> bytes:
    return json.dumps({"query": query, "in": INDEX, **more}, ensure_ascii=False).encode()


def _searcher(models: Path, index: Path) -> Searcher:
    return Searcher(TantivyEngine(index), lru_cache(partial(load, models)), Configuration)


def _answered(searcher: Searcher, title: str) -> bytes:
    """What `enricher search --json` does: the search, its highlights and the JSON."""
    return orjson.dumps(search_answer(searcher.search(Question(title, INDEX, HITS))))


def _latencies(models: Path, index: Path, port: int, titles: Sequence[str]) -> Iterator[Row]:
    """What HTTP adds to a search, and the time of an expansion."""
    searcher, client = _searcher(models, index), Client(port)
    ours: list[float] = []
    theirs: list[float] = []
    expand: list[float] = []
    for title in titles:
        for side, work in (
            (theirs, partial(_answered, searcher, title)),
            (ours, partial(client.ask, SEARCH, _body(title))),
            (expand, partial(client.ask, EXPAND, _body(title))),
        ):
            started = time.perf_counter()
            work()
            side.append((time.perf_counter() - started) * 1e3)
    searcher.engine.close()
    ours, theirs, expand = ours[WARM_UP:], theirs[WARM_UP:], expand[WARM_UP:]
    in_process = f"in process: {median(theirs):.1f} ms"
    added = median(ours) - median(theirs)
    yield Figure(f"what HTTP adds to a search, median ({in_process})", added, 1.0, "ms")
    yield Figure("the same, 99th percentile", _p99(ours) - _p99(theirs), 4.0, "ms")
    yield Figure("expansion of a query for an index, 99th percentile", _p99(expand), 3.0, "ms")


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100)[-1]


def _throughput(models: Path, index: Path, port: int, titles: Sequence[str]) -> Row:
    """Searches a second of a loop in one process, over those of the service with many clients."""
    searcher = _searcher(models, index)
    for title in titles[:WARM_UP]:
        _answered(searcher, title)
    started, number = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        _answered(searcher, titles[number % len(titles)])
        number += 1
    alone = number / (time.perf_counter() - started)
    searcher.engine.close()
    asks = [Ask(SEARCH, _body(title)) for title in titles]
    under_load(port, asks, WARM_UP_SECONDS)
    together = under_load(port, asks).rate
    work = f"searches/s of a loop in process ({alone:.0f}), over {CLIENTS} clients of {WORKERS} workers "
    work += f"({together:.0f})"
    return Figure(work, alone / together, 1 / 1.6, "×")


def _enrichment(models: Path, source: Path, port: int) -> Row:
    """Seconds to enrich documents over HTTP, over those of as many processes that enrich for `index`."""
    with source.open(encoding="utf-8") as file:
        lines = [next(file) for _ in range(ENRICHED)]
    values = [json.loads(line) for line in lines]
    documents = [Document(one["id"], one) for one in values]
    recipe = EnricherRecipe(models, BundleStore(models).active_version(), FIELDS, IndexConfiguration())
    enricher = recipe.open()
    batches = [documents[start : start + 256] for start in range(0, len(documents), 256)]
    with in_processes(enricher, WORKERS) as pooled:
        list(pooled.apply(enriched, batches))  # the processes are started, and have opened their model
        started = time.perf_counter()
        list(pooled.apply(enriched, batches))
        alone = time.perf_counter() - started
    starts = range(0, len(lines), IN_A_BODY)
    asks = [Ask(ENRICH, _array(lines[start : start + IN_A_BODY])) for start in starts]
    under_load(port, asks, WARM_UP_SECONDS)  # opens the recipe in each process
    together = under_load(port, asks).rate * IN_A_BODY
    by_index = len(documents) / alone
    work = f"documents/s of {WORKERS} processes of index ({by_index:.0f}), over those of enrich by {CLIENTS} "
    work += f"clients of {WORKERS} workers ({together:.0f})"
    return Figure(work, by_index / together, 1 / 0.9, "×")


def _array(lines: Sequence[str]) -> bytes:
    return f"[{','.join(line.strip() for line in lines)}]".encode()


def _memory(port: int, pid: int, titles: Sequence[str]) -> Row:
    """Memory of the service after many mixed requests, over that after some."""
    asks = [
        Ask(route, body)
        for title in titles
        for route, body in (
            (SEARCH, _body(title)),
            (EXPAND, _body(title)),
            (KEYWORDS, json.dumps({"text": title}, ensure_ascii=False).encode()),
        )
    ]
    answered, found = 0, []
    for most in MIXED:
        while answered < most:
            answered += under_load(port, asks).requests
        found.append(memory(pid, "RssAnon"))
    few, many = found
    return Figure(f"memory after {MIXED[1]:,} requests, over that after {MIXED[0]:,}", many / few, 1.05, "×")
