"""Speed of the exact kernels against their competitors, in one run: a table in Markdown.

Every row is a ratio of two medians, measured in turn, several times each, with the spread of the
quarters. Run it through `make bench`; give `--models` a folder with a model of your own.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import enricher
from enricher.keywords.published import text_log_probabilities
from enricher.model.relatedness import Relatedness, TreeSearch
from enricher.model.word2vec import Word2Vec

ABSTRACTS = "zh/kw_csl/docs.jsonl.gz"
BATCH = 256
TOP = 20


class Row:
    """One line: what was done, per what, how long, and how that compares."""

    def __init__(self, work: str, competitor: str, goal: str) -> None:
        self.work, self.competitor, self.goal = work, competitor, goal
        self.ours: list[float] = []
        self.theirs: list[float] = []

    def measure(self, ours: Callable[[], int], theirs: Callable[[], int], repetitions: int = 7) -> "Row":
        """Run both in turn; each answers how many units it did."""
        for _ in range(repetitions):
            for side, run in ((self.ours, ours), (self.theirs, theirs)):
                start = time.perf_counter()
                units = run()
                side.append((time.perf_counter() - start) / units * 1e3)
        return self

    def __str__(self) -> str:
        ratio = statistics.median(self.ours) / statistics.median(self.theirs)
        shown = f"{ratio:.2f}× its time" if ratio > 0.05 else f"{1 / ratio:,.0f}× as fast"
        cells = [self.work, _spread(self.ours), self.competitor, _spread(self.theirs), shown, self.goal]
        return f"| {' | '.join(cells)} |"


def _spread(times: list[float]) -> str:
    low, middle, high = statistics.quantiles(times, n=4)
    return f"{middle:.3g} ms ({low:.3g} to {high:.3g})"


def walk(model: Word2Vec, row: int, targets: np.ndarray) -> int:
    """The published way: every path of every target word, one step at a time."""
    assert model.tree is not None and model.nodes is not None
    vector = model.vectors[row]
    for target in targets:
        total = 0.0
        for node, bit in model.tree.path(int(target)):
            s = float(np.dot(vector, model.nodes[node]))
            total -= float(np.log1p(np.exp(-s if bit == 0 else s)))
    return 1


def one_word(model: Word2Vec) -> Row:
    """All log-probabilities of one word, against the bare product."""
    nodes, rows = np.asarray(model.nodes), _rows(model, 64)
    place = iter(np.tile(rows, 1000))

    def ours() -> int:
        model.log_probabilities_of_rows(np.array([next(place)], np.int32))
        return 1

    def theirs() -> int:
        nodes @ model.vectors[next(place)]
        return 1

    ours()
    work = f"log p of all words, one word, V = {len(model.words):,}"
    return Row(work, "matrix-vector product", "1.5×").measure(ours, theirs, 25)


def batch(model: Word2Vec) -> Row:
    """The same in a batch, against the walk over all paths."""
    rows = _rows(model, BATCH)
    targets = _rows(model, 4000, seed=1)
    share = len(model.words) / len(targets)

    def ours() -> int:
        model.log_probabilities_of_rows(rows)
        return BATCH

    def theirs() -> float:
        return walk(model, int(rows[0]), targets) / share

    goal = "500× (V = 50,000), 800× (350,000)"
    walked = f"walk over all paths in Python (timed on {len(targets):,} of them)"
    return Row(f"the same, a word in a batch of {BATCH}", walked, goal).measure(ours, theirs, 3)


def top_words(model: Word2Vec) -> Row:
    """The exact best words, against the bare product of the same shape."""
    from concurrent.futures import ThreadPoolExecutor

    nodes, rows = np.asarray(model.nodes), np.sort(_rows(model, 2048))
    vectors = np.ascontiguousarray(model.vectors[rows[:BATCH]].T)
    search = TreeSearch(model, Relatedness())
    pool = ThreadPoolExecutor()

    def ours() -> int:
        list(pool.map(lambda at: search.best(rows[at : at + 128], TOP), range(0, len(rows), 128)))
        return len(rows)

    def theirs() -> int:
        nodes @ vectors
        return BATCH

    ours()
    return Row(f"exact top {TOP} of a word", "sgemm of the same shape", "1.0×").measure(ours, theirs)


def published_keywords(model: enricher.Enricher, abstracts: Path) -> Row:
    """The published score of the keywords of an abstract, against the walk over its paths."""
    import gzip

    with gzip.open(abstracts, "rt", encoding="utf-8") as file:
        texts = [json.loads(line)["text"] for line in file][:200]
    words = [model.model.rows(model.analyzer.content_words(text)) for text in texts]
    words = [rows for rows in words if len(rows)]

    def ours() -> int:
        for rows in words:
            text_log_probabilities(model.model, rows, np.unique(rows))
        return len(words)

    def theirs() -> int:
        for rows in words[:4]:
            for candidate in np.unique(rows):
                walk(model.model, int(candidate), rows)
        return 4

    ours()
    work = "published keywords of an abstract, given its words"
    return Row(work, "walk over all paths in Python", "500×").measure(ours, theirs, 3)


def _rows(model: Word2Vec, number: int, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.choice(len(model.words), number, replace=number > len(model.words)).astype(np.int32)


def train(models: str, data: Path) -> None:
    """Learn a large model from the corpora, once: it is kept for the next run."""
    corpora = sorted(str(path.parent) for path in data.glob("*/corpus_*/corpus.jsonl.gz"))
    if not corpora:
        sys.exit(f"No model in {models}, no corpus in {data}: name a folder with --models.")
    command = [sys.executable, "-m", "indexer", "--models", models, "train", *corpora]
    subprocess.run([*command, "--min-count", "3", "--epochs", "2"], check=True)


def main() -> None:
    """Print the table for the active model of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", default="build/bench-models", help="folder of the model to measure")
    parser.add_argument("--data", default="../shared/data", help="folder with the abstracts")
    options = parser.parse_args()
    if not (Path(options.models) / "active").exists():
        train(options.models, Path(options.data))
    model = enricher.load(options.models)
    print(f"\nModel of {len(model.words):,} words, {model.model.vectors.shape[1]} dimensions.\n")
    print("| work | time | competitor | its time | ratio | goal |\n|---|---|---|---|---|---|")
    for measure in (one_word, batch, top_words):
        print(measure(model.model), flush=True)
    abstracts = Path(options.data) / ABSTRACTS
    if abstracts.exists():
        print(published_keywords(model, abstracts))


if __name__ == "__main__":
    main()
