"""How near two points should be: affinities as sparse matrices, and the likeness that they come from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.library.maps.points import Points
from enricher.library.pairs import Pairs
from enricher.model.arrays import FloatArray, IntArray

MAX_VALUES_AT_ONCE = 8_000_000
"""Maximum values of a block of cosines in memory."""


@dataclass(frozen=True)
class Likeness:
    """How alike n points are: a row of numbers for each, larger for points that are more alike.

    Cosines of vectors; or p(j|i), how often j is used after i.
    """

    points: Points

    def __len__(self) -> int:
        return len(self.points)

    @property
    def least(self) -> float:
        """Points that are no more alike than this have nothing in common: 0 for pairs."""
        return -np.inf if self.points.vectors is not None else 0.0

    def rows(self, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        """The likeness of m points to all points: float32 (m, n); −infinity to themselves."""
        if self.points.vectors is not None:
            found = self.points.vectors[chosen] @ self.points.vectors.T
        else:
            found = self._conditional[chosen].toarray().astype(np.float32)
        found[np.arange(len(chosen)), chosen] = -np.inf
        return np.asarray(found, np.float32)

    @cached_property
    def _conditional(self) -> Any:
        return conditional(self._pairs)

    @property
    def _pairs(self) -> Pairs:
        assert self.points.pairs is not None
        return self.points.pairs

    @property
    def matrix(self) -> Any:
        """The matrix whose principal components are the map of PCA: vectors (n, d), or sparse (n, n).

        Of pairs it is p(i, j) / √(p(i) p(j)), as in correspondence analysis.
        """
        if self.points.vectors is not None:
            return self.points.vectors
        joint, scale = symmetric(self._pairs), np.sqrt(self._pairs.item_shares)
        return _scaled(joint, 1 / scale, 1 / scale)

    def nearest(self, number: int) -> tuple[IntArray, FloatArray]:
        """The nearest points of each by cosine, best first: their numbers and distances, (n, number) each.

        The distance of unit vectors is √(2 − 2 cosine). It is exact: all pairs are compared, in blocks.
        """
        size = len(self)
        neighbors = np.empty((size, number), np.int32)
        distances = np.empty((size, number), np.float32)
        for start in range(0, size, step := max(1, MAX_VALUES_AT_ONCE // size)):
            rows = np.arange(start, min(size, start + step))
            found = self.rows(rows)
            best = np.argpartition(-found, number - 1, axis=1)[:, :number]
            cosines = np.take_along_axis(found, best, 1)
            order = np.lexsort((best, -cosines), axis=1)
            neighbors[rows] = np.take_along_axis(best, order, 1)
            distances[rows] = np.sqrt(np.maximum(2 - 2 * np.take_along_axis(cosines, order, 1), 0))
        return neighbors, distances


def symmetric(pairs: Pairs) -> Any:
    """p(i, j) as a sparse matrix, float64 (n, n); it is symmetric and sums to 1."""
    from scipy.sparse import coo_matrix

    ends = np.concatenate([pairs.first, pairs.second]), np.concatenate([pairs.second, pairs.first])
    halves = np.concatenate([pairs.shares, pairs.shares]) / 2
    return coo_matrix((halves, ends), shape=(pairs.size, pairs.size)).tocsr()


def conditional(pairs: Pairs) -> Any:
    """p(j|i) = p(i, j) / p(i) as a sparse matrix, float64 (n, n); each row sums to 1."""
    return _scaled(symmetric(pairs), 1 / pairs.item_shares, np.ones(pairs.size))


def joint_affinities(pairs: Pairs) -> Any:
    """(p(j|i) + p(i|j)) / 2n as a sparse matrix, float64 (n, n); it sums to 1.

    Every item has the same share of the map, as in t-SNE (van der Maaten and Hinton, 2008). With p(i, j)
    itself, rarely used items would hardly be drawn to the items that they are used with.
    """
    rows = conditional(pairs)
    return ((rows + rows.T) / (2 * pairs.size)).tocsr()


def _scaled(matrix: Any, left: NDArray[np.float64], right: NDArray[np.float64]) -> Any:
    from scipy.sparse import diags

    return (diags(left) @ matrix @ diags(right)).tocsr()
