"""Principal components: the map of PCA, and where t-SNE starts from."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

DIMENSIONS = 2
MORE, ROUNDS = 8, 24
"""Vectors that are iterated beside the wanted ones, and rounds of the iteration."""


def principal_components(matrix: Any, seed: int) -> NDArray[np.float64]:
    """The first two principal components of n rows, float64 (n, 2).

    matrix: an array or a sparse matrix, (n, m). By subspace iteration on the centred matrix, which is never
    made (Halko, Martinsson and Tropp, 2011). The sign of a component makes its largest value positive. By one
    thread, because the last digits would depend on the number of threads, and with them a whole map.
    """
    with threadpool_limits(1, user_api="blas"):
        return _iterated(matrix, np.random.default_rng(seed))


def _iterated(matrix: Any, generator: np.random.Generator) -> NDArray[np.float64]:
    rows, columns = matrix.shape
    width = min(DIMENSIONS + MORE, rows, columns)
    mean = np.asarray(matrix.mean(axis=0), np.float64).ravel()
    basis = generator.standard_normal((columns, width))
    for _ in range(ROUNDS):
        left, _ = np.linalg.qr(_centred(matrix, mean, basis))
        right = np.asarray(matrix.T @ left, np.float64) - np.outer(mean, left.sum(axis=0))
        basis, _ = np.linalg.qr(right)
    found, sizes, _ = np.linalg.svd(_centred(matrix, mean, basis), full_matrices=False)
    places = np.zeros((rows, DIMENSIONS))
    kept = min(DIMENSIONS, width)
    places[:, :kept] = found[:, :kept] * sizes[:kept]
    largest = np.abs(places).argmax(axis=0)
    return places * np.where(places[largest, np.arange(DIMENSIONS)] < 0, -1.0, 1.0)


def _centred(matrix: Any, mean: NDArray[np.float64], basis: NDArray[np.float64]) -> NDArray[np.float64]:
    """The product of the centred matrix with a basis, (n, k)."""
    return np.asarray(matrix @ basis, np.float64) - mean @ basis
