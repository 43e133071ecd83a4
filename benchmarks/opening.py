"""From the start to the first answer, and what a query costs after it."""

import gzip
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import enricher
from benchmarks.measure import Comparison, Figure, Row, script
from benchmarks.models import gensim_model

QUERIES = 2000
WORDS = 4

_OURS = """
import json, sys, time
start = time.perf_counter()
import enricher
imported = time.perf_counter()
enricher.load(sys.argv[1]).related(sys.argv[2])
done = time.perf_counter()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
anonymous = int(status["RssAnon"].split()[0]) / 1024
print(json.dumps({"import": imported - start, "open": done - imported, "anonymous": anonymous}))
"""

_THEIRS = """
import json, sys, time
start = time.perf_counter()
from gensim.models import Word2Vec
imported = time.perf_counter()
Word2Vec.load(sys.argv[1])
print(json.dumps({"import": imported - start, "open": time.perf_counter() - imported}))
"""


def rows(model: enricher.Model, models: Path, data: Path) -> Iterator[Row]:
    """The rows of the table: opening the model of a folder, its memory, and expanding queries."""
    yield from opening(model, models)
    yield expansion(model, data)


def opening(model: enricher.Model, models: Path) -> Iterator[Row]:
    """A bundle to its first `related` against loading the same model by gensim, in new processes."""
    size = f"V = {len(model.words):,}"
    saved = gensim_model(model.word2vec, models.with_name("gensim") / "word2vec.model")
    opened, whole = (
        Comparison(f"opening a model to the first related words, {size}{what}", f"gensim's load{what}", goal)
        for what, goal in (("", 0.1), (", with the import", 1.0))
    )
    memory = []
    for _ in range(5):
        ours = script(_OURS, str(models), model.words[1000])
        theirs = script(_THEIRS, str(saved))
        opened.ours.append(ours["open"])
        opened.theirs.append(theirs["open"])
        whole.ours.append(ours["open"] + ours["import"])
        whole.theirs.append(theirs["open"] + theirs["import"])
        memory.append(ours["anonymous"])
    yield opened
    yield whole
    yield Figure(f"anonymous memory after it, {size}", float(np.median(memory)), 200, "MB")


def expansion(model: enricher.Model, data: Path) -> Figure:
    """The 99th percentile of the processor time that expanding four words takes."""
    with gzip.open(data / "zh/ir_stard_law/queries.jsonl.gz", "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file]
    words = [w for text in texts for w in model.analyzer.content_words(text) if w in model.word2vec.index]
    generator = np.random.default_rng(0)
    queries = [" ".join(generator.choice(words, WORDS, replace=False)) for _ in range(QUERIES)]
    times = []
    for place, query in enumerate(queries):
        start = time.process_time()
        model.expand(query)
        if place >= 100:
            times.append(time.process_time() - start)
    work = f"expanding a query of four words, P99 of processor time, V = {len(model.words):,}"
    return Figure(work, float(np.percentile(times, 99)) * 1e3, 1.0, "ms")
