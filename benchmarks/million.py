"""The embedded engine with a million documents: what the default search costs over a search by words alone.

The documents are passages of real texts: of a text with its title, followed by a passage of another text of
the same corpus. No two are equal. The index is made once and kept.

A search runs in one thread. Its time is processor time, so that other programs do not matter.
"""

import json
import random
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from benchmarks.indexing import documents_of, scratch
from benchmarks.measure import Comparison, Figure, Row, command_line, script
from benchmarks.searching import HITS, QUERIES, WARM_UP, WORKERS, Percentile, short_queries
from enricher.loaded_model import load
from enricher.records import Document
from enricher.search.searcher import Question, Searcher
from enricher.settings import Configuration
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.engines.tantivy.vector_lists import LISTS
from indexer.engines.tantivy.vector_log import FILE, VectorWriter, open_log
from indexer.engines.tantivy.vectors import VectorReader, Vectors

CORPORA = ("zh/corpus_news", "zh/corpus_science", "en/corpus_bio_abstracts")
DOCUMENTS = 1_000_000
PASSAGE_CHARACTERS = (200, 100)
"""The most characters of the passages of a document; the least are half of them."""
SEED = 7
NEAREST = 200
CHANGED = 100
INDEX = "million"

_SEARCHING = """
import json, sys, time
from pathlib import Path
models, folder, queries = sys.argv[1:]
start = time.perf_counter()
from functools import lru_cache, partial
from enricher.loaded_model import load
from enricher.search.searcher import Question, Searcher
from enricher.settings import Configuration
from indexer.engines.tantivy.engine import TantivyEngine
imported = time.perf_counter()
searcher = Searcher(TantivyEngine(folder), lru_cache(partial(load, Path(models))), Configuration)
texts = json.loads(Path(queries).read_text())
searcher.search(Question(texts[0], "million"))
first = time.perf_counter() - imported
for text in texts:
    searcher.search(Question(text, "million"))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
megabytes = {name: int(status[name].split()[0]) / 1024 for name in ("RssAnon", "VmRSS")}
print(json.dumps({"import": imported - start, "first": first, **megabytes}))
"""


def rows(models: Path, data: Path, folder: Path) -> Iterator[Row]:
    """All figures. models: of the active model. folder: where the index is kept."""
    texts = {name: _texts(data / name) for name in CORPORA}
    generator = random.Random(SEED)
    known = [one.text("title") for found in texts.values() for one in found if len(one.text("title")) >= 8]
    titles = generator.sample(known, WARM_UP + QUERIES)
    engine = TantivyEngine(folder)
    try:
        if not engine.exists(INDEX) or engine.count(INDEX) != DOCUMENTS:
            engine.close()
            make(texts, models, folder)
        searcher = Searcher(engine, lru_cache(partial(load, models)), Configuration)
        for kind, queries in (("titles", titles), ("short queries", short_queries(titles))):
            yield from _searches(searcher, kind, queries)
        yield from _process(models, folder, titles)
        yield from _vectors(folder / INDEX, searcher, titles)
    finally:
        engine.close()


def make(texts: dict[str, list[Document]], models: Path, folder: Path) -> None:
    """Index the documents as a user would."""
    shutil.rmtree(folder, ignore_errors=True)
    print(f"Indexing {DOCUMENTS:,} documents, which are kept in {folder} …", file=sys.stderr, flush=True)
    with scratch() as place:
        source = place / "documents.jsonl"
        with source.open("w", encoding="utf-8") as file:
            for document in passages(texts, DOCUMENTS):
                file.write(json.dumps(document, ensure_ascii=False) + "\n")
        words = ("index", str(source), "--to", INDEX, "--workers", str(WORKERS))
        command_line(*words, "--rejects", str(place / "rejects"), models=models, index=folder)


def _texts(folder: Path) -> list[Document]:
    found = documents_of(folder / "corpus.jsonl.gz")
    return [document for document in found if len(document.text("text")) >= 50]


def passages(texts: dict[str, list[Document]], number: int) -> Iterator[dict[str, str]]:
    """So many documents with passages of texts, by the name of their corpus. Every text is used in turn."""
    generator = random.Random(SEED)
    drawn = [(name, document) for name, found in texts.items() for document in found]
    for place in range(number):
        if place % len(drawn) == 0:
            generator.shuffle(drawn)
        name, document = drawn[place % len(drawn)]
        sources = (document, generator.choice(texts[name]))
        taken = [
            _passage(generator, one.text("text"), most)
            for one, most in zip(sources, PASSAGE_CHARACTERS, strict=True)
        ]
        yield {"id": str(place), "title": document.text("title"), "text": " ".join(taken)}


def _passage(generator: random.Random, text: str, most: int) -> str:
    length = generator.randint(most // 2, most)
    start = generator.randrange(max(1, len(text) - length + 1))
    return text[start : start + length]


def _searches(searcher: Searcher, kind: str, queries: Sequence[str]) -> Iterator[Row]:
    """The default search against the same without expansion, in turn."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for text in queries:
        for expansion, taken in seconds.items():
            started = time.process_time()
            searcher.search(Question(text, INDEX, HITS, expansion=expansion))
            taken.append(time.process_time() - started)
    ours, theirs = (taken[WARM_UP:] for taken in seconds.values())
    competitor = "search with --no-expansion"
    yield Comparison(f"default search, {kind}, median", competitor, 6.0, ours, theirs)
    yield Percentile(f"default search, {kind}, 95th percentile", competitor, 6.0, ours, theirs)


def _process(models: Path, folder: Path, titles: Sequence[str]) -> Iterator[Row]:
    """What a new process needs for its first search, and the memory that it holds after many."""
    with scratch() as place:
        queries = place / "queries.json"
        queries.write_text(json.dumps(titles), encoding="utf-8")
        found = script(_SEARCHING, str(models), str(folder), str(queries))
    yield Figure("import of a new process", found["import"], 1.0, "s")
    yield Figure("its first search, which opens the model and the index", found["first"], 1.0, "s")
    work = (
        f"anonymous memory after {len(titles)} searches ({found['VmRSS']:,.0f} MB with mapped pages of files)"
    )
    yield Figure(work, found["RssAnon"], 1000, "MB")


def _vectors(folder: Path, searcher: Searcher, titles: Sequence[str]) -> Iterator[Row]:
    """The search by vector against the comparison with every vector, and reading what was appended."""
    rewrite = searcher.rewriting(opened := searcher.open(INDEX))
    asked = [rewrite(opened.parse(title)).vector for title in titles[:WARM_UP]]
    queries = [np.frombuffer(one.codes, np.int8) for one in asked if one is not None]
    log = open_log(folder / FILE)
    listed, exact = VectorReader(folder).current(), Vectors(log).grown(log)
    exact.load()
    found = Comparison(f"the {NEAREST} nearest documents of a vector", "comparison with every vector", 0.25)
    shares = []
    for query in queries:
        nearest: dict[str, list[int]] = {}
        for name, vectors, taken in (("ours", listed, found.ours), ("theirs", exact, found.theirs)):
            started = time.process_time()
            nearest[name] = vectors.nearest(query, NEAREST)
            taken.append(time.process_time() - started)
        if nearest["theirs"]:
            least = exact.products(query, nearest["theirs"])[-1]
            shares.append(np.sum(exact.products(query, nearest["ours"]) >= least) / len(nearest["theirs"]))
    yield found
    yield Figure(f"what it misses of the nearest {NEAREST}", 1 - float(np.mean(shares)), 0.03, "")
    yield _change(folder, queries[0])


def _change(folder: Path, query: np.ndarray) -> Figure:
    """The first search by vector after a few documents were written."""
    with scratch() as place:
        for name in (FILE, LISTS):
            shutil.copy(folder / name, place / name)
        reader = VectorReader(place)
        reader.current().nearest(query, NEAREST)
        writer = VectorWriter(place)
        for number in range(CHANGED):
            writer.append(f"new {number}", query)
        writer.sync()
        started = time.process_time()
        found = reader.current().nearest(query, NEAREST)
        seconds = time.process_time() - started
        assert len(found) == NEAREST
    work = f"the first of these searches after {CHANGED} documents were written"
    return Figure(work, seconds * 1e3, 50, "ms")
