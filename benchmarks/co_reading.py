"""What co-reading is worth: which item comes next, and what it does to searches.

Records come from judged collections (the documents that answer a query are one record) and from simulated
readers. Records are held out by turns; of each held-out record one item is taken away and is to be found
again from the others (recall at 10). For searches, the library of the other queries' records orders the hits
of each query anew. `pip install --group recommenders` installs the competitor.
"""

import importlib.util
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.collections import COLLECTIONS, Contents
from benchmarks.indexing import scratch
from benchmarks.measure import command_line
from benchmarks.simulated_readers import simulate
from enricher.evaluation.metrics import score_ranking
from enricher.library.library import Library, library_store, load_library
from enricher.library.records import Records, records_of
from enricher.library.training import LibrarySettings, train_library
from enricher.loaded_model import load
from enricher.search.co_reading import CoReading
from enricher.search.searcher import Question, Searcher
from enricher.settings import Configuration
from indexer.engines.tantivy.engine import TantivyEngine

JUDGED = ("en/ir_cranfield", "zh/ir_stard_law")
SIMULATED = {"simulated, 5,000 items": (5_000, 60_000), "simulated, 2,000 items": (2_000, 4_000)}
FOLDS = 5
"""Parts into which records are divided. Each is held out once; of many records only the first."""
MAX_ASKED = 2_000
TOP = 10
NEXT_COLUMNS = ("records", "system", "recall@10", "held out")
SEARCH_COLUMNS = ("collection", "also read", "alike", "nDCG@10", "helped", "hurt")
SHARES = ((0.0, 0.0), (0.1, 0.0), (0.3, 0.0), (0.5, 0.0), (0.0, 0.3), (0.15, 0.15))
SUBSAMPLING = 1e-3
SEED = 11

Scores = NDArray[Any]
"""float (n, items): for n records with a gap, how likely each item fills it."""


@dataclass(frozen=True)
class Held:
    """A held-out record: the items that are left, and the one that is to be found."""

    given: NDArray[np.int64]
    target: int


# ------------------------------------------------------------------ records


def judged_lists(contents: Contents) -> dict[str, list[str]]:
    """Query id → the documents that answer it."""
    return {
        query: [document for document, grade in grades.items() if grade > 0]
        for query, grades in contents.judgements.items()
    }


def record_lists(data: Path) -> Iterator[tuple[str, list[list[str]]]]:
    """The records of each source, as lists of items."""
    for name in JUDGED:
        yield name, list(judged_lists(COLLECTIONS[name].make(data)).values())
    for name, (items, records) in SIMULATED.items():
        found = simulate(items, records).records
        bounds = zip(found.starts[:-1], found.starts[1:], strict=True)
        yield name, [[found.items[n] for n in found.members[a:b]] for a, b in bounds]


def folds(lists: Sequence[Sequence[str]]) -> Iterator[tuple[Records, list[Held]]]:
    """The records to learn from, and those that are held out; by turns."""
    several = [one for one in lists if len(one) > 1]
    generator = np.random.default_rng(SEED)
    fold = generator.integers(FOLDS, size=len(several))
    turns = FOLDS if len(several) < MAX_ASKED * FOLDS else 1
    for turn in range(turns):
        learned = records_of(one for one, part in zip(several, fold, strict=True) if part != turn)
        numbers = {item: number for number, item in enumerate(learned.items)}
        held = []
        for one, part in zip(several, fold, strict=True):
            known = [numbers[item] for item in one if item in numbers]
            if part == turn and len(known) > 1:
                place = int(generator.integers(len(known)))
                held.append(Held(np.array(known[:place] + known[place + 1 :]), known[place]))
        yield learned, held[:MAX_ASKED]


# ------------------------------------------------------------------ systems


def found_again(scores: Callable[[Sequence[Held]], Scores], held: Sequence[Held]) -> list[bool]:
    """Whether the item that was taken away is among the first TOP; of ties half."""
    found = []
    for start in range(0, len(held), 200):
        part = held[start : start + 200]
        for one, row in zip(part, np.asarray(scores(part), np.float64), strict=True):
            row = row.copy()
            row[one.given] = -np.inf
            above = int((row > row[one.target]).sum())
            ties = int((row == row[one.target]).sum()) - 1
            found.append(above + ties / 2 < TOP)
    return found


def systems(records: Records) -> Iterator[tuple[str, Callable[[Sequence[Held]], Scores]]]:
    """Every system, trained on the records."""
    matrix = sparse.csr_matrix(
        (np.ones(len(records.members), np.float32), records.members, records.starts),
        (len(records), len(records.items)),
    )
    uses = np.asarray(matrix.sum(0)).ravel()
    together = sparse.csr_matrix(matrix.T @ matrix)
    together.setdiag(0)
    scale = sparse.diags(1 / np.sqrt(np.maximum(uses, 1)))
    yield "popularity", lambda held: np.tile(uses, (len(held), 1))
    yield "co-occurrence counts", lambda held: (_given(held, records) @ together).toarray()
    by_cosine = scale @ together @ scale
    yield "cosine of co-counts", lambda held: (_given(held, records) @ by_cosine).toarray()
    if importlib.util.find_spec("implicit") is not None:
        yield from _implicit(matrix, records)
    yield from _ours(records)


def _given(held: Sequence[Held], records: Records) -> Any:
    lengths = [len(one.given) for one in held]
    starts = np.concatenate([[0], np.cumsum(lengths)])
    members = np.concatenate([one.given for one in held])
    ones = np.ones(len(members), np.float32)
    return sparse.csr_matrix((ones, members, starts), (len(held), len(records.items)))


def _implicit(matrix: Any, records: Records) -> Iterator[tuple[str, Callable[[Sequence[Held]], Scores]]]:
    """The item-item and the ALS model of the package `implicit`."""
    from implicit.als import AlternatingLeastSquares
    from implicit.nearest_neighbours import CosineRecommender
    from threadpoolctl import threadpool_limits

    item_item = CosineRecommender(K=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it converts its own matrix
        item_item.fit(matrix, show_progress=False)
    similarity = sparse.csr_matrix(item_item.similarity)
    similarity.setdiag(0)
    yield "implicit, item-item", lambda held: (_given(held, records) @ similarity).toarray()
    with threadpool_limits(1, "blas"):
        als = AlternatingLeastSquares(factors=64, iterations=20, random_state=SEED, num_threads=1)
        als.fit(matrix, show_progress=False)

    def scores(held: Sequence[Held]) -> Scores:
        users = np.vstack([als.recalculate_user(0, row).ravel() for row in _given(held, records)])
        return np.asarray(users @ als.item_factors.T)

    yield "implicit, ALS", scores


def library_for(records: Records, folder: Path, settings: LibrarySettings = LibrarySettings()) -> Library:
    """A library of records, by default with the default settings."""
    store = library_store(folder)
    store.activate(train_library(store, records, settings))
    return load_library(folder)


def _ours(records: Records) -> Iterator[tuple[str, Callable[[Sequence[Held]], Scores]]]:
    with TemporaryDirectory() as folder:
        library = library_for(records, Path(folder), LibrarySettings(subsampling=SUBSAMPLING))
        yield f"ours, read together, subsampling {SUBSAMPLING:g}", partial(_next, library, records)
    with TemporaryDirectory() as folder:
        library = library_for(records, Path(folder))
        yield "ours, alike (cosine)", partial(_alike, library, records)
        yield "**ours, read together**", partial(_next, library, records)


def _rows(library: Library, records: Records) -> NDArray[np.int32]:
    return np.array([library.row(item) for item in records.items], np.int32)


def _next(library: Library, records: Records, held: Sequence[Held]) -> Scores:
    rows = _rows(library, records)
    return np.stack([library.next_scores(rows[one.given]) for one in held])[:, rows]


def _alike(library: Library, records: Records, held: Sequence[Held]) -> Scores:
    rows = _rows(library, records)
    return np.stack([library.cosines(rows[one.given], rows).sum(axis=0) for one in held])


def next_rows(data: Path) -> Iterator[Sequence[str]]:
    """Recall of the next item of every system."""
    for name, lists in record_lists(data):
        found: dict[str, list[bool]] = {}
        for records, held in folds(lists):
            for system, scores in systems(records):
                found.setdefault(system, []).extend(found_again(scores, held))
        for system, hits in found.items():
            yield name, system, f"{fmean(hits):.3f}", f"{len(hits):,}"


# ------------------------------------------------------------------ searches


def search_rows(data: Path) -> Iterator[Sequence[str]]:
    """What ordering hits by co-reading does to judged queries, with libraries of the other queries."""
    for name in JUDGED:
        contents = COLLECTIONS[name].make(data)
        with scratch() as folder:
            searcher = _searcher(contents, data / name / "docs.jsonl.gz", folder)
            yield from _ordered(name, contents, searcher)
            searcher.engine.close()


def _searcher(contents: Contents, source: Path, folder: Path) -> Searcher:
    models, index = folder / "models", folder / "index"
    command_line("train", str(source), models=models, index=index)
    rejects = ("--rejects", str(folder / "rejects"))
    command_line("index", str(source), "--to", "docs", *rejects, models=models, index=index)
    return Searcher(TantivyEngine(index), lru_cache(partial(load, models)), Configuration)


def _ordered(name: str, contents: Contents, searcher: Searcher) -> Iterator[Sequence[str]]:
    lists = judged_lists(contents)
    queries = [query for query in contents.queries if lists.get(query)]
    fold = dict(zip(queries, np.random.default_rng(SEED).integers(FOLDS, size=len(queries)), strict=True))
    found: dict[tuple[float, float], list[float]] = {shares: [] for shares in SHARES}
    for turn in range(FOLDS):
        with TemporaryDirectory() as folder:
            others = [lists[query] for query in queries if fold[query] != turn]
            library = library_for(records_of(others), Path(folder))
            searcher.library = partial(_same, library)
            for query in queries:
                if fold[query] != turn:
                    continue
                for shares in SHARES:
                    question = Question(contents.queries[query], "docs", TOP, co_reading=CoReading(*shares))
                    scores = _scores(searcher, question)
                    found[shares].append(score_ranking(contents.judgements[query], scores).ndcg)
    plain = np.array(found[0.0, 0.0])
    for (together, alike), values in found.items():
        change = np.array(values) - plain
        yield (
            name, f"{together:g}", f"{alike:g}", f"{fmean(values):.4f}",
            str(int((change > 1e-9).sum())), str(int((change < -1e-9).sum())),
        )  # fmt: skip


def _same(library: Library) -> Library:
    return library


def _scores(searcher: Searcher, question: Question) -> Mapping[str, float]:
    return {hit.id: hit.score for hit in searcher.search(question).response.hits}
