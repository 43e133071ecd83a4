"""Neighbours of single words, against gensim's `most_similar`."""

import tempfile
import time
from pathlib import Path

import faiss
import numpy as np
from gensim.models import KeyedVectors

from benchmarks.measure import Comparison, Figure, Row, Series
from benchmarks.models import resized
from enricher.model.arrays import FloatArray
from enricher.model.neighbors import RECALL_NEIGHBORS, TIE_TOLERANCE, NeighborIndex, neighbors, unit
from enricher.model.word2vec import Word2Vec

SIZES = (10_000, 20_000, 50_000, 100_000, 200_000, 400_000, 1_000_000)
QUERIES = 200


def measured(word2vec: Word2Vec) -> tuple[list[Row], Series]:
    """The rows of the table, at the largest size, and milliseconds a word against the vocabulary."""
    rows: list[Row] = []
    lines: Series = {"neighbours": [], "gensim": []}
    for size in SIZES:
        found, recall = one_by_one(resized(word2vec, size).vectors)
        print(f"V = {size:,}: {found.row()[1]}, gensim {found.row()[3]}, recall {recall:.4f}", flush=True)
        rows = [found, Figure(f"what it misses of the nearest {RECALL_NEIGHBORS}", 1 - recall, 0.01, "")]
        for name, side in (("neighbours", found.ours), ("gensim", found.theirs)):
            lines[name].append((size, float(np.median(side)) * 1e3))
    return rows, lines


def one_by_one(vectors: FloatArray) -> tuple[Comparison, float]:
    """The ten nearest of random words, one at a time, in turn, and our recall of them."""
    names = [f"w{row}" for row in range(len(vectors))]
    rows = np.random.default_rng(1).choice(len(vectors), QUERIES, replace=False)
    competitor = KeyedVectors(vectors.shape[1], count=0)
    competitor.add_vectors(names, vectors)
    competitor.most_similar(names[0])
    work = f"the {RECALL_NEIGHBORS} nearest words of a word, V = {len(names):,}, d = {vectors.shape[1]}"
    result = Comparison(work, "gensim most_similar", 0.1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "neighbors.faiss"
        NeighborIndex.build(vectors).save(path)
        index = NeighborIndex.open(path, vectors)
        answers = []
        for row in rows:
            start = time.perf_counter()
            answers.append(neighbors(index, names, vectors, int(row), RECALL_NEIGHBORS))
            between = time.perf_counter()
            competitor.most_similar(names[row], topn=RECALL_NEIGHBORS)
            result.ours.append(between - start)
            result.theirs.append(time.perf_counter() - between)
    cosines = [[neighbor.cosine for neighbor in answer] for answer in answers]
    return result, recall_of(vectors, rows, cosines)


def recall_of(vectors: FloatArray, rows: np.ndarray, cosines: list[list[float]]) -> float:
    """Share of the nearest by brute force that were found; of equal cosines any is right."""
    points = unit(vectors)
    true, near = faiss.knn(points[rows], points, RECALL_NEIGHBORS + 1, metric=faiss.METRIC_INNER_PRODUCT)
    right = wanted = 0
    for row, scores, names, found in zip(rows, true, near, cosines, strict=True):
        others = scores[names != row][:RECALL_NEIGHBORS]
        wanted += len(others)
        right += sum(cosine >= others[-1] - TIE_TOLERANCE for cosine in found)
    return right / wanted
