"""The service on the embedded engine: what HTTP adds to a search, throughput, enrichment, memory and start.

The index has the documents of benchmarks/searching.py. Searches in process and over HTTP take turns, each
query once on each side, after the same warm-up.
"""

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

from benchmarks.http_stacks import CLIENTS, Client, throughput
from benchmarks.indexing import FIELDS, scratch
from benchmarks.measure import ROOT, Figure, Row, command_line, memory
from benchmarks.searching import HITS, WARM_UP, write_documents
from enricher.bundle.store import BundleStore
from enricher.enrichment import EnricherRecipe
from enricher.loaded_model import load
from enricher.records import Document
from enricher.search.searcher import Question, Searcher
from enricher.settings import Configuration, IndexConfiguration
from indexer.engines.tantivy.engine import TantivyEngine

INDEX = "documents"
SECONDS = 10.0
ENRICHED = 5_000
"""Documents that are enriched on each side."""
MIXED = (2_000, 20_000)
"""Numbers of mixed requests after which memory is compared."""
SEARCH, EXPAND, ENRICH = ("/_enricher/search", "/_enricher/expand", f"/_enricher/enrich?in={INDEX}")


def rows(models: Path, data: Path) -> Iterator[Row]:
    """All figures. models: of the active model."""
    with scratch() as folder:
        source = folder / "documents.jsonl"
        titles = write_documents(source, data)
        place = folder / "index"
        rejects = ("--rejects", str(folder / "rejects"))
        command_line("index", str(source), "--to", INDEX, *rejects, models=models, index=place)
        with served(models, place) as (port, process, seconds):
            yield Figure("from start to ready", seconds, 2.0, "s")
            yield from _latencies(models, place, port, titles)
            yield _throughput(models, place, port, titles)
            yield _enrichment(models, source, port)
            yield _memory(port, process.pid, titles)


@contextmanager
def served(models: Path, index: Path) -> Iterator[tuple[int, "subprocess.Popen[str]", float]]:
    """The service in a process of its own: its port, the process, and the seconds until it was ready."""
    words = ["--models", str(models), "--engine", f"tantivy:{index}", "serve"]
    command = [sys.executable, "-m", "indexer", *words, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        event = json.loads(next(line for line in process.stderr if line.startswith("{")))
        seconds = time.perf_counter() - started
        threading.Thread(target=process.stderr.read, daemon=True).start()
        try:
            yield int(event["listen"].rpartition(":")[2]), process, seconds
        finally:
            process.terminate()
            process.wait(60)


def _body(query: str, **more: object) -> bytes:
    return json.dumps({"query": query, "in": INDEX, **more}, ensure_ascii=False).encode()


def _searcher(models: Path, index: Path) -> Searcher:
    return Searcher(TantivyEngine(index), lru_cache(partial(load, models)), Configuration)


def _latencies(models: Path, index: Path, port: int, titles: Sequence[str]) -> Iterator[Row]:
    """What HTTP adds to a search, and the time of an expansion."""
    searcher, client = _searcher(models, index), Client(port)
    ours: list[float] = []
    theirs: list[float] = []
    expand: list[float] = []
    for title in titles:
        for side, work in (
            (theirs, partial(searcher.search, Question(title, INDEX, HITS))),
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
        searcher.search(Question(title, INDEX, HITS))
    started, number = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        searcher.search(Question(titles[number % len(titles)], INDEX, HITS))
        number += 1
    alone = number / (time.perf_counter() - started)
    searcher.engine.close()
    together = throughput(
        port, lambda client, number: client.ask(SEARCH, _body(titles[number % len(titles)])), SECONDS
    )
    work = f"searches/s of a loop in process ({alone:.0f}) over {CLIENTS} clients ({together:.0f})"
    return Figure(work, alone / together, 1 / 1.6, "×")


def _enrichment(models: Path, source: Path, port: int) -> Row:
    """Seconds to enrich documents over HTTP with two clients, over those in process with one thread."""
    with source.open(encoding="utf-8") as file:
        lines = [next(file) for _ in range(ENRICHED)]
    values = [json.loads(line) for line in lines]
    documents = [Document(one["id"], one) for one in values]
    recipe = EnricherRecipe(models, BundleStore(models).active_version(), FIELDS, IndexConfiguration())
    enricher = recipe.open()
    enricher.enrich(documents[:256])
    started = time.perf_counter()
    for start in range(0, len(documents), 256):
        enricher.enrich(documents[start : start + 256])
    alone = time.perf_counter() - started
    halves = [lines[0::2], lines[1::2]]
    Client(port).ask(ENRICH, _array(lines[:256]))
    started = time.perf_counter()
    threads = [threading.Thread(target=Client(port).ask, args=(ENRICH, _array(half))) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    together = time.perf_counter() - started
    return Figure("time of enrich by two clients, over one thread in process", together / alone, 1.1, "×")


def _array(lines: Sequence[str]) -> bytes:
    return f"[{','.join(lines)}]".encode()


def _memory(port: int, pid: int, titles: Sequence[str]) -> Row:
    """Memory of the service after many mixed requests, over that after some."""
    client, found = Client(port), []
    for number in range(1, MIXED[1] + 1):
        title = titles[number % len(titles)]
        client.ask((SEARCH, EXPAND)[number % 2], _body(title))
        if number in MIXED:
            found.append(memory(pid, "RssAnon"))
    few, many = found
    return Figure(f"memory after {MIXED[1]:,} requests, over that after {MIXED[0]:,}", many / few, 1.05, "×")
