"""How well a map keeps who is near whom."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enricher.library.maps.affinities import Likeness

NEIGHBORS = 10
MAX_SAMPLE = 2_000
"""Maximum points whose neighbors are compared; each is compared with all points."""
BLOCK = 100


@dataclass(frozen=True, slots=True)
class Quality:
    """How much of the neighborhoods a map keeps, 0 to 1 each; more is better.

    kept: the mean share of the nearest points that are among as many nearest on the map.
    trustworthiness: near 1 if points that are near on the map are alike (Venna and Kaski, 2001).
    """

    kept: float
    trustworthiness: float


def neighbors_compared(size: int) -> int:
    """How many nearest points are compared in a map of this size."""
    return min(NEIGHBORS, (size - 1) // 2)


def qualities(likeness: Likeness, maps: dict[str, NDArray[np.float64]], seed: int) -> dict[str, Quality]:
    """The quality of several maps of the same points, float64 (n, 2) each, by their names.

    With k = `neighbors_compared(n)`: `kept` is the share of the k most alike points (of those with any
    likeness, in records) that are among the k nearest on the map. Trustworthiness is

        1 − 2 / (n k (2n − 3k − 1)) · Σ_i Σ_{j near i on the map only} (rank(i, j) − k)

    where rank(i, j) is the place of j among the points by likeness to i; equal ones share the mean rank.
    Both are means over at most MAX_SAMPLE points, drawn by the seed, each compared with all n points.
    """
    size, near = len(likeness), neighbors_compared(len(likeness))
    chosen = np.arange(size)
    if size > MAX_SAMPLE:
        chosen = np.sort(np.random.default_rng(seed).choice(size, MAX_SAMPLE, replace=False))
    kept, excess = dict.fromkeys(maps, 0.0), dict.fromkeys(maps, 0.0)
    for start in range(0, len(chosen), BLOCK):
        rows = chosen[start : start + BLOCK]
        alike = likeness.rows(rows)
        for name, places in maps.items():
            nearest = nearest_places(places, rows, near)
            found, over = _compared(alike, nearest, near, likeness.least)
            kept[name] += found
            excess[name] += over
    scale = 2 / (near * (2 * size - 3 * near - 1)) / len(chosen)
    return {name: Quality(kept[name] / len(chosen), 1 - scale * excess[name]) for name in maps}


def nearest_places(places: NDArray[np.float64], rows: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """The nearest points of m points on a map: int64 (m, number), in no order."""
    distances = np.square(places[rows, None, :] - places[None, :, :]).sum(axis=2)
    distances[np.arange(len(rows)), rows] = np.inf
    return np.asarray(np.argpartition(distances, number - 1, axis=1)[:, :number], np.int64)


def _compared(
    alike: NDArray[np.float32], nearest: NDArray[np.int64], near: int, least: float
) -> tuple[float, float]:
    """The sums over m points of the share that is kept, and of rank − k of what is near on the map only.

    alike: (m, n). nearest: the near points on the map, (m, k). Points that are as alike as the k-th count as
    it does; those not above `least` are not alike.
    """
    limits = -np.partition(-alike, near - 1, axis=1)[:, [near - 1]]
    wanted = (alike >= limits) & (alike > least)
    room = np.minimum(wanted.sum(axis=1), near)
    hits = np.minimum(np.take_along_axis(wanted, nearest, 1).sum(axis=1), room)
    kept = float((hits / np.maximum(room, 1)).sum())
    over = 0.0
    for row, values in enumerate(np.take_along_axis(alike, nearest, 1)):
        greater = (alike[row] > values[:, None]).sum(axis=1)
        equal = (alike[row] == values[:, None]).sum(axis=1)
        over += float(np.maximum(greater + (equal + 1) / 2 - near, 0).sum())
    return kept, over
