"""Relatedness of words by mutual information: words that occur together.

    r(x → y) = ln p(y|x) − α ln p(y) − z / √(count of y)

α = 1 gives pointwise mutual information. α of 0.6 to 0.9 favors frequent words, with more readable results.
z is the shrinkage. ln p(y|x) of a rare y is based on few observations: its standard error is at least about
1/√count. The score is lowered by z times this error. Without shrinkage, words that occurred near x once by
chance come first. P. Pantel and D. Lin, "Discovering word senses from text" (2002), discount mutual
information for the same reason.

Results for people are lowered once more, by A · (1 − cos(v_x, v_y)). p(y|x) depends on the vector of x and
the path of y, but not on the vector of y. Words from contexts like those of x have similar vectors; words
with a high p(y|x) by accident do not.

In a model trained with negative sampling, v_x·c_y ≈ PMI(x, y) − ln k takes the place of mutual information
(O. Levy, Y. Goldberg, "Neural word embedding as implicit matrix factorization", 2014), and v_x·c_y + ln p(y)
takes the place of ln p(y|x).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enricher.errors import UsageError
from enricher.model.arrays import FloatArray, IntArray
from enricher.model.word2vec import Word2Vec

DEFAULT_ALPHA = 0.9
DEFAULT_SHRINKAGE = 7.0
DISAGREEMENT_NATS = 8.0
"""The constant A: nats by which the score of a word is lowered if its vector is orthogonal to that of x."""
SEARCH_BATCH = 128
"""Words that are searched in the tree together."""


@dataclass(frozen=True, slots=True)
class Relatedness:
    """The formula r(x → y) with its constants α (`alpha`) and z (`shrinkage`).

    Raises UsageError if `alpha` is not finite, or `shrinkage` is negative or not finite.
    """

    alpha: float = DEFAULT_ALPHA
    shrinkage: float = DEFAULT_SHRINKAGE

    def __post_init__(self) -> None:
        if not math.isfinite(self.alpha):
            raise UsageError(f"Alpha must be a number, not {self.alpha}.")
        if not 0 <= self.shrinkage < math.inf:
            raise UsageError(f"The shrinkage must be 0 or more, not {self.shrinkage}.")

    def offsets(self, word2vec: Word2Vec) -> FloatArray:
        """The term that is added to ln p(y|x) for every word y: −α ln p(y) − z/√count, float32 (V,)."""
        return self._offsets(np.asarray(word2vec.counts), word2vec.log_priors)

    def offsets_of(self, word2vec: Word2Vec, rows: IntArray) -> FloatArray:
        """The term that is added to ln p(y|x), for n words y: rows int32 (n,) give float32 (n,)."""
        return self._offsets(np.asarray(word2vec.counts[rows]), word2vec.log_priors_of(rows))

    def _offsets(self, counts: NDArray[np.int64], log_priors: FloatArray) -> FloatArray:
        lowered = self.shrinkage / np.sqrt(np.maximum(counts, 1.0))
        return np.asarray(-self.alpha * log_priors.astype(np.float64) - lowered, np.float32)


INNER_PRODUCT = Relatedness(alpha=1.0, shrinkage=0.0)
"""The formula for models with negative sampling: r(x → y) = v_x·c_y."""


def log_conditionals(word2vec: Word2Vec, rows: IntArray) -> FloatArray:
    """Ln p(y|x) for every y and n rows x, float32 (n, V); not normalized with negative sampling."""
    if word2vec.tree is not None:
        return word2vec.log_probabilities_of_rows(rows)
    return word2vec.inner_products(rows) + word2vec.log_priors


def mutual_information(word2vec: Word2Vec, rows: IntArray, targets: IntArray) -> FloatArray:
    """Ln p(y|x) − ln p(y) of n rows x and m rows y, float32 (n, m)."""
    if word2vec.tree is None:
        return word2vec.inner_products(rows, targets)
    return word2vec.log_probabilities_of_rows(rows, targets) - word2vec.log_priors_of(targets)


def relatedness(word2vec: Word2Vec, rows: IntArray, formula: Relatedness) -> FloatArray:
    """r(x → y) for every y, float32 (n, V), for n rows x."""
    return log_conditionals(word2vec, rows) + formula.offsets(word2vec)


def disagreement(word2vec: Word2Vec, row: int, rows: IntArray) -> FloatArray:
    """A · (1 − cos(v_x, v_y)) of a word x and n rows y: float32 (n,), in nats."""
    vector, vectors = np.asarray(word2vec.vectors[row]), np.asarray(word2vec.vectors[rows])
    norms = np.linalg.norm(vector) * np.linalg.norm(vectors, axis=1)
    return np.asarray(DISAGREEMENT_NATS * (1 - vectors @ vector / np.maximum(norms, 1e-9)), np.float32)


def cosines(word2vec: Word2Vec, rows: IntArray, targets: IntArray) -> FloatArray:
    """Cosine of the vectors of n rows and m rows: float32 (n, m)."""
    first, second = (np.asarray(word2vec.vectors[chosen], np.float32) for chosen in (rows, targets))
    norms = np.outer(np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1))
    return np.asarray(first @ second.T / np.maximum(norms, 1e-9), np.float32)


def most_related(
    word2vec: Word2Vec, rows: IntArray, top: int, formula: Relatedness
) -> tuple[FloatArray, IntArray]:
    """The words with the largest r(x → y) for n rows x, best first, without x. Exact.

    Returns scores, float32 (n, top), and rows, int32 (n, top), −1 if the vocabulary has fewer words.
    """
    if word2vec.tree is None or word2vec.nodes is None or word2vec.tree.inner_nodes == 0:
        return _best_of_all(word2vec, rows, top, formula)
    return TreeSearch(word2vec, formula).best(rows, top)


class TreeSearch:
    """An exact search with pruning in the Huffman tree, prepared for one formula. Thread-safe."""

    def __init__(self, word2vec: Word2Vec, formula: Relatedness) -> None:
        from enricher.model import kernels  # compiled code is loaded only where it is needed

        assert word2vec.tree is not None and word2vec.nodes is not None
        self._kernels = kernels
        self._vectors, self._nodes, self._tree = word2vec.vectors, word2vec.nodes, word2vec.tree
        self._offsets = formula.offsets(word2vec)
        self._largest = kernels.largest_below(word2vec.tree.children, self._offsets)

    def best(self, rows: IntArray, top: int) -> tuple[FloatArray, IntArray]:
        """The `top` words with the largest r(x → y) for n rows x: scores and rows, (n, top), best first."""
        scores, found = np.empty((len(rows), top), np.float32), np.empty((len(rows), top), np.int32)
        for start in range(0, len(rows), SEARCH_BATCH):
            part = slice(start, start + SEARCH_BATCH)
            vectors = np.ascontiguousarray(self._vectors[rows[part]])
            tree = (self._nodes, self._tree.children, self._offsets, self._largest, self._tree.depth)
            self._kernels.search(vectors, rows[part], *tree, scores[part], found[part])
        order = np.lexsort((found, -scores))
        return np.take_along_axis(scores, order, 1), np.take_along_axis(found, order, 1)


def _best_of_all(
    word2vec: Word2Vec, rows: IntArray, top: int, formula: Relatedness
) -> tuple[FloatArray, IntArray]:
    """The most related words, found by computing every score; for models without a tree."""
    scores, found = np.full((len(rows), top), -np.inf, np.float32), np.full((len(rows), top), -1, np.int32)
    for place, row in enumerate(rows):
        everything = relatedness(word2vec, rows[place : place + 1], formula)[0]
        best = best_rows(everything, top, leave_out=[int(row)])
        scores[place, : len(best)], found[place, : len(best)] = everything[best], best
    return scores, found


def best_rows(scores: FloatArray, top: int, leave_out: Sequence[int] = ()) -> list[int]:
    """The rows of the `top` largest scores, float32 (V,), best first, without the rows `leave_out`."""
    kept = scores.copy()
    kept[list(leave_out)] = -np.inf
    top = min(top, len(kept) - len(set(leave_out)))
    if top <= 0:
        return []
    threshold = np.partition(kept, len(kept) - top)[len(kept) - top]
    candidates = np.flatnonzero(kept >= threshold)
    candidates = candidates[np.isfinite(kept[candidates])]
    return [int(y) for y in candidates[np.argsort(-kept[candidates], kind="stable")][:top]]
