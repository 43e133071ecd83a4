"""Expansion of documents: words that a document does not hold, and that stand near what it is about.

Of a document the SEEDS content words of the largest BM25 weight w_x are taken, the weights summing to
1. Each gives weight to the words near its vector,

    v(y) = Σ_x w_x · cos(x, y)        over the words y near to x (`enricher.model.near_words`)

words of the document itself are left out, and the best few are kept with v divided by the largest.
A document of fewer than FULL distinct words gets less: what is known of it is little. The weights are
written as three classes, which costs no precision that can be measured and needs no scripts.

R. Nogueira et al., "Document expansion by query prediction" (2019), add words by a trained
generator; here they come from the corpus itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from enricher.model.arrays import DoubleArray, FloatArray, IntArray
from enricher.model.bm25 import K1, B
from enricher.model.near_words import NearWords
from enricher.model.word2vec import Word2Vec

SEEDS = 15
FULL = 15
CLASSES = {"high": (0.6, 0.75), "middle": (0.35, 0.45), "low": (0.01, 0.25)}
"""For each class the least weight of a word in it, and the constant that stands for those weights."""
TOGETHER = 1024
"""Documents expanded together, at most."""


@dataclass(frozen=True, slots=True)
class WeightedWords:
    """Rows of words, int32 (n,), and their weights, float32 (n,), the largest first."""

    rows: IntArray
    weights: FloatArray

    def classes(self) -> dict[str, IntArray]:
        """The rows in each class."""
        found, start = {}, 0
        for name, (least, _) in CLASSES.items():
            end = int(np.count_nonzero(self.weights >= least))
            found[name] = self.rows[start:end]
            start = end
        return found


@dataclass(frozen=True, slots=True)
class _Texts:
    """The words of several documents one after the other, and the seeds of each.

    words: int32 (N,); those of document t are words[starts[t] : starts[t + 1]]. sizes: int32 (T,), how
    many of them are distinct. seeds: int32 (T, SEEDS), weights: float64 (T, SEEDS), and numbers:
    int32 (T,), how many of them there are.
    """

    words: IntArray
    starts: IntArray
    sizes: IntArray
    seeds: IntArray
    weights: DoubleArray
    numbers: IntArray


class DocumentExpander:
    """Expands documents by a model and the words near its words."""

    def __init__(self, word2vec: Word2Vec, near: NearWords) -> None:
        self._idf = word2vec.idf
        self._near = near
        self._length = max(1.0, float(np.asarray(word2vec.counts).sum()) / max(1, word2vec.documents))

    def expand(self, documents: Sequence[IntArray], most: int) -> list[WeightedWords]:
        """At most `most` words for each document; int32 (N,), the rows of its content words."""
        found = []
        for start in range(0, len(documents), TOGETHER):
            texts = self._texts(documents[start : start + TOGETHER])
            found += self._expand(texts, most)
        return found

    def _texts(self, documents: Sequence[IntArray]) -> _Texts:
        """The documents as one, with the words of each that say most of it."""
        from enricher.model import near_kernels  # compiled code is loaded only where it is needed

        lengths = np.array([len(document) for document in documents])
        norms = K1 * (1 - B + B * lengths / self._length)
        number = len(documents)
        texts = _Texts(
            words=np.concatenate(documents).astype(np.int32, copy=False),
            starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
            sizes=np.empty(number, np.int32),
            seeds=np.empty((number, SEEDS), np.int32),
            weights=np.empty((number, SEEDS)),
            numbers=np.empty(number, np.int32),
        )
        seeds = texts.sizes, texts.seeds, texts.weights, texts.numbers
        near_kernels.seeds_of_texts(texts.words, texts.starts, norms, self._idf, *seeds)
        return texts

    def _expand(self, texts: _Texts, most: int) -> list[WeightedWords]:
        """The words near the seeds of each document, heaviest first."""
        from enricher.model import near_kernels

        number, width = len(texts.sizes), min(most, int(texts.sizes.max()))
        rows, sums = np.empty((number, width), np.int32), np.zeros((number, width))
        found = np.empty(number, np.int32)
        seeds = texts.sizes, texts.seeds, texts.weights, texts.numbers
        near = self._near.words, self._near.cosines
        near_kernels.near_texts(texts.words, texts.starts, *seeds, *near, rows, sums, found)
        largest = np.where(sums[:, :1] > 0, sums[:, :1], 1.0)
        known = np.minimum(1.0, texts.sizes / FULL)[:, np.newaxis]
        weights = (sums / largest * known).astype(np.float32)
        return [WeightedWords(rows[t, :end], weights[t, :end]) for t, end in enumerate(found.tolist())]
