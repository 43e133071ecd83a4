"""The exact kernels: log-probabilities, the search for the best words, the relatedness table."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.measure import Comparison, Figure, Row, Series, run
from benchmarks.models import resized
from enricher.model.relatedness import Relatedness, TreeSearch
from enricher.model.word2vec import Word2Vec

BATCH = 256
TOP = 20
WALKED = 2000
SIZES = (10_000, 20_000, 50_000, 100_000, 200_000, 350_000, 1_000_000)

_TABLE = """
import sys, tempfile
from pathlib import Path
import enricher
from enricher.model.related_table import build_table
from enricher.model.relatedness import Relatedness
model = enricher.load(sys.argv[1]).word2vec
with tempfile.TemporaryDirectory(dir=sys.argv[1]) as folder:
    build_table(Path(folder), model, Relatedness())
"""


def rows(models: dict[str, Word2Vec], large: Path) -> Iterator[Row]:
    """The rows of the table; `large` is the folder of the large model."""
    for model in models.values():
        yield one_word(model)
        yield batch(model)
    yield top_words(models["large"])
    yield table_memory(large, len(models["large"].words))


def series(word2vec: Word2Vec) -> Series:
    """Milliseconds a word against the size of the vocabulary, ours and the competitors'."""
    lines: Series = {}
    for size in SIZES:
        sized = resized(word2vec, size)
        for name, found in (("one word", one_word(sized)), (f"best {TOP}", top_words(sized))):
            for label, side in ((name, found.ours), (found.competitor, found.theirs)):
                lines.setdefault(label, []).append((size, float(np.median(side)) * 1e3))
        in_batch = batch(sized)
        for label, side in (("one word of a batch", in_batch.ours), ("walk in Python", in_batch.theirs)):
            lines.setdefault(label, []).append((size, float(np.median(side)) * 1e3))
    return lines


def one_word(word2vec: Word2Vec) -> Comparison:
    """All log-probabilities of one word, against the bare product."""
    nodes, place = np.asarray(word2vec.nodes), iter(np.tile(some_words(word2vec, 64), 1000))

    def ours() -> int:
        word2vec.log_probabilities_of_rows(np.array([next(place)], np.int32))
        return 1

    def theirs() -> int:
        nodes @ word2vec.vectors[next(place)]
        return 1

    ours()
    work = f"log p(y\\|x) of all y, one word, V = {len(word2vec.words):,}"
    return Comparison(work, "matrix-vector product", 1.5).measure(ours, theirs, 51)


def batch(word2vec: Word2Vec) -> Comparison:
    """The same in a batch, against the walk over all paths."""
    words, paths = some_words(word2vec, BATCH), paths_of(word2vec, some_words(word2vec, WALKED, seed=1))

    def ours() -> int:
        word2vec.log_probabilities_of_rows(words)
        return BATCH

    def theirs() -> float:
        walk(word2vec, int(words[0]), paths)
        return len(paths) / len(word2vec.words)

    work = f"the same, a word of a batch of {BATCH}, V = {len(word2vec.words):,}"
    walked = f"published loop (timed on {WALKED:,} of the words y)"
    goal = 500 if len(word2vec.words) < 100_000 else 800
    return Comparison(work, walked, 1 / goal).measure(ours, theirs, 3)


PathArrays = tuple[np.ndarray, np.ndarray]


def paths_of(word2vec: Word2Vec, words: np.ndarray) -> list[PathArrays]:
    """The nodes and bits on the paths of words, as the published loop has them at hand."""
    assert word2vec.tree is not None
    steps = [np.array(word2vec.tree.path(int(word))) for word in words]
    return [(path[:, 0], path[:, 1]) for path in steps]


def walk(word2vec: Word2Vec, row: int, paths: list[PathArrays]) -> float:
    """The published way: log p of one word after the other, each by the product with its path."""
    vector, nodes, total = word2vec.vectors[row], word2vec.nodes, 0.0
    for points, code in paths:
        dot = np.dot(vector, nodes[points].T)
        total -= sum(np.logaddexp(0, -dot) + code * dot)
    return total


def top_words(word2vec: Word2Vec) -> Comparison:
    """The exact best words, on all cores, against the bare product of the same shape."""
    nodes, words = np.asarray(word2vec.nodes), np.sort(some_words(word2vec, 2048))
    vectors = np.ascontiguousarray(word2vec.vectors[words[:BATCH]].T)
    search = TreeSearch(word2vec, Relatedness())
    with ThreadPoolExecutor() as pool:

        def ours() -> int:
            list(pool.map(lambda at: search.best(words[at : at + 128], TOP), range(0, len(words), 128)))
            return len(words)

        def theirs() -> int:
            nodes @ vectors
            return BATCH

        ours()
        work = f"exact best {TOP} words of a word, V = {len(word2vec.words):,}"
        return Comparison(work, "sgemm of the same shape", 1.0).measure(ours, theirs)


def table_memory(models: Path, size: int) -> Figure:
    """The most resident memory, mapped files included, of a process that builds the table of a model."""
    done = run(sys.executable, "-c", _TABLE, str(models))
    minutes = done.seconds / 60
    work = f"peak memory while the relatedness table is built, V = {size:,}, d = 128 ({minutes:.1f} min)"
    return Figure(work, done.resident / 2**30, 2.0, "GiB")


def some_words(word2vec: Word2Vec, number: int, seed: int = 0) -> np.ndarray:
    """Rows drawn at random."""
    generator = np.random.default_rng(seed)
    return generator.choice(len(word2vec.words), number, replace=number > len(word2vec.words)).astype(
        np.int32
    )
