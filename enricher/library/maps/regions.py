"""Regions of a map: parts of the plane with a label, a few large ones and more small ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from enricher.library.categories import NO_CATEGORY
from enricher.library.maps.points import Points

LEVELS = (12, 40, 120)
"""Number of regions of each level: the first is seen on the whole map, the others as one zooms in."""
MIN_REGION = 8
"""Mean points of a region; a small map has fewer regions."""
ROUNDS = 30
WORDS_OF_LABEL, ITEMS_OF_LABEL = 3, 2
SEPARATOR = " · "


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the map. level: 0 for the large ones. x, y: where its label stands, among the points that it
    names. size: its number of points.
    """

    level: int
    x: float
    y: float
    label: str
    size: int


def find_regions(
    points: Points, places: NDArray[np.float64], seed: int
) -> tuple[list[Region], NDArray[np.int16]]:
    """The regions of all levels, larger levels first, and the number of each point's region of level 0.

    places: float64 (n, 2). Regions are the clusters of k-means on the map.
    """
    regions, large = [], np.zeros(len(points), np.int16)
    naming = _Naming(points)
    last = 0
    for level, wanted in enumerate(LEVELS):
        number = min(wanted, max(1, len(points) // MIN_REGION))
        if number == last:
            break
        last = number
        numbers = clusters(places, number, seed)
        if level == 0:
            large = numbers.astype(np.int16)
        members = [np.flatnonzero(numbers == region) for region in range(int(numbers.max()) + 1)]
        for rows, name in zip(members, naming.names(members), strict=True):
            x, y = np.median(places[name.points], axis=0).tolist()
            regions.append(Region(level, x, y, name.label, len(rows)))
    return regions, large


def clusters(places: NDArray[np.float64], number: int, seed: int) -> NDArray[np.int32]:
    """The number of each point's cluster, int32 (n,), by k-means; the largest cluster is 0, none is empty.

    places: float64 (n, 2). number: of clusters, or fewer if points share places. The first means are drawn as
    in k-means++ (Arthur and Vassilvitskii, 2007).
    """
    means = _first_means(places, number, np.random.default_rng(seed))
    found = _nearest(places, means)
    for _ in range(ROUNDS):
        sizes = np.bincount(found, minlength=len(means))
        sums = np.stack([np.bincount(found, side, minlength=len(means)) for side in places.T], axis=1)
        means = (sums / np.maximum(sizes, 1)[:, None])[sizes > 0]
        before, found = found, _nearest(places, means)
        if np.array_equal(before, found):
            break
    _, found, sizes = np.unique(found, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), np.int32)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return rank[found]


def _first_means(
    places: NDArray[np.float64], number: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Points drawn one by one, with chances that grow with the square of the distance to the others."""
    chosen = [places[generator.integers(len(places))]]
    squares = np.full(len(places), np.inf)
    while len(chosen) < number:
        squares = np.minimum(squares, np.square(places - chosen[-1]).sum(axis=1))
        if not squares.any():
            break
        chosen.append(places[generator.choice(len(places), p=squares / squares.sum())])
    return np.stack(chosen)


def _nearest(places: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number of the mean that is nearest to each point."""
    squares = np.square(means).sum(axis=1) - 2 * np.einsum("nd,kd->nk", places, means)
    return np.asarray(squares.argmin(axis=1), np.int64)


class _Name(NamedTuple):
    """The name of a region, and the points that it names, among which it stands."""

    label: str
    points: NDArray[np.int64]


class _Naming:
    """Chooses the names of regions."""

    def __init__(self, points: Points) -> None:
        self._points = points

    def names(self, members: Sequence[NDArray[np.int64]]) -> list[_Name]:
        """The name of each region. members: the points of each; none is empty."""
        points = self._points
        if points.kind == "items" and points.has_categories:
            named = [() if one == NO_CATEGORY else (one,) for one in points.categories]
            return self._by_terms(named, members, 1)
        if points.terms:
            return self._by_terms(points.terms, members, WORDS_OF_LABEL)
        return [self._by_points(rows) for rows in members]

    def _by_points(self, rows: NDArray[np.int64]) -> _Name:
        """The most used items of a region, or its most typical words. Points are ordered by weight.

        A word is typical if its vector points to where the region's mean vector is, seen from the mean of all
        words, and if it is frequent: the product of the two (of the logarithm of 1 + count).
        """
        best = rows[:ITEMS_OF_LABEL]
        vectors = self._points.vectors
        if self._points.kind == "words" and vectors is not None:
            direction = vectors[rows].mean(axis=0) - vectors.mean(axis=0)
            scores = (vectors[rows] @ direction) * np.log1p(self._points.weights[rows])
            best = rows[np.argsort(-scores, kind="stable")[:WORDS_OF_LABEL]]
        label = SEPARATOR.join(self._points.names[row] for row in best.tolist())
        return _Name(label, best[:1])

    def _by_terms(
        self, terms: Sequence[Iterable[str]], members: Sequence[NDArray[np.int64]], top: int
    ) -> list[_Name]:
        """The terms that set each region apart, by `typicality`; its items where it has no term."""
        counts = [Counter(term for row in rows.tolist() for term in set(terms[row])) for rows in members]
        total: Counter[str] = Counter()
        for one in counts:
            total.update(one)
        points = sum(len(rows) for rows in members)
        found = []
        for one, rows in zip(counts, members, strict=True):
            scores = {term: typicality(n, len(rows), total[term], points) for term, n in one.items()}
            best = sorted(scores, key=lambda term: (-scores[term], term))[:top]
            if not best:
                found.append(self._by_points(rows))
                continue
            having = np.array([row for row in rows.tolist() if best[0] in terms[row]], np.int64)
            found.append(_Name(SEPARATOR.join(best), having))
        return found


def typicality(inside: int, region: int, total: int, points: int) -> float:
    """How typical a term is of a region: inside · ln((inside / region) / (total / points)).

    inside: points of the region that have the term. region: points of the region. total: points that have
    the term, of `points`. It is the term's part of the divergence of the region from the whole, times
    `region`.
    """
    return float(inside * np.log((inside / region) / (total / points))) if inside else 0.0
