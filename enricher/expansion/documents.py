"""Expansion of documents: words that a document does not hold, and that stand near what it is about.

Of a document the SEEDS content words of the largest BM25 weight w_x are taken, the weights summing to
1. Each gives weight to the words near its vector,

    v(y) = Σ_x w_x · cos(x, y)        over the NEAR words y nearest to x, cos(x, y) ≥ LEAST_COSINE

words of the document itself are left out, and the best few are kept with v divided by the largest.
A document of fewer than FULL distinct words gets less: what is known of it is little. The weights are
written as three classes, which costs no precision that can be measured and needs no scripts.

R. Nogueira et al., "Document expansion by query prediction" (2019), add words by a trained
generator; here they come from the corpus itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from enricher.model.huffman import FloatArray, IntArray
from enricher.model.word2vec import Word2Vec

if TYPE_CHECKING:  # it imports faiss, which not everybody needs
    from enricher.model.neighbors import NeighborIndex

SEEDS = 15
NEAR = 50
LEAST_COSINE = 0.3
FULL = 15
K1, B = 1.2, 0.75
CLASSES = {"high": (0.6, 0.75), "middle": (0.35, 0.45), "low": (0.01, 0.25)}
"""For each class the least weight of a word in it, and the constant that stands for those weights."""


@dataclass(frozen=True, slots=True)
class WeightedWords:
    """Rows of words, int32 (n,), and their weights, float32 (n,), the largest first."""

    rows: IntArray
    weights: FloatArray

    def classes(self) -> dict[str, IntArray]:
        """The rows in each class."""
        found, above = {}, np.inf
        for name, (least, _) in CLASSES.items():
            found[name] = self.rows[(self.weights >= least) & (self.weights < above)]
            above = least
        return found


class DocumentExpander:
    """Expands documents by a model; the words near a word are looked up once, and kept."""

    def __init__(self, model: Word2Vec, index: "NeighborIndex") -> None:
        self._model, self._index = model, index
        self._near: dict[int, WeightedWords] = {}
        self._length = float(np.asarray(model.counts).sum()) / max(1, model.documents)

    def expand(self, documents: Sequence[IntArray], most: int) -> list[WeightedWords]:
        """At most `most` words for each document; int32 (N,), the rows of its content words."""
        seeds = [self._seeds(words) for words in documents]
        self._look_up(np.unique(np.concatenate([seed.rows for seed in seeds] or [np.empty(0, np.int32)])))
        return [self._expand(words, seed, most) for words, seed in zip(documents, seeds, strict=True)]

    def _seeds(self, words: IntArray) -> WeightedWords:
        """The words of a document that say most of it."""
        rows, tf = np.unique(words, return_counts=True)
        if not len(rows):
            return WeightedWords(rows, np.empty(0, np.float32))
        norm = K1 * (1 - B + B * len(words) / max(self._length, 1.0))
        weights = self._model.idf[rows] * tf / (tf + norm)
        best = np.argsort(-weights, kind="stable")[:SEEDS]
        return WeightedWords(rows[best], np.asarray(weights[best] / weights[best].sum(), np.float32))

    def _look_up(self, rows: IntArray) -> None:
        """Keep the words near each of some words."""
        new = np.array([row for row in rows.tolist() if row not in self._near], np.int32)
        if not len(new):
            return
        vectors = np.asarray(self._model.vectors[new])
        cosines, found = self._index.search(vectors, min(NEAR + 1, len(self._model.words)))
        for row, near, cosine in zip(new.tolist(), found, cosines, strict=True):
            kept = (near >= 0) & (near != row) & (cosine >= LEAST_COSINE)
            self._near[row] = WeightedWords(near[kept].astype(np.int32), cosine[kept])

    def _expand(self, words: IntArray, seeds: WeightedWords, most: int) -> WeightedWords:
        near = [self._near[row] for row in seeds.rows.tolist()]
        if not near:
            return WeightedWords(np.empty(0, np.int32), np.empty(0, np.float32))
        rows, place = np.unique(np.concatenate([one.rows for one in near]), return_inverse=True)
        shares = np.concatenate(
            [one.weights * weight for one, weight in zip(near, seeds.weights, strict=True)]
        )
        weights = np.bincount(place, shares, len(rows)).astype(np.float64)
        own = np.unique(words)
        weights[np.isin(rows, own, assume_unique=True)] = 0.0
        best = np.argsort(-weights, kind="stable")[: min(most, len(own))]
        best = best[weights[best] > 0]
        if not len(best):
            return WeightedWords(np.empty(0, np.int32), np.empty(0, np.float32))
        scaled = weights[best] / weights[best[0]] * min(1.0, len(own) / FULL)
        return WeightedWords(rows[best], scaled.astype(np.float32))
