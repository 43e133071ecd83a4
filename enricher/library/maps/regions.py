"""Regions of a map: parts of the plane with a label, a few large ones and more small ones."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enricher.library.maps.points import NO_CATEGORY, Points

LEVELS = (12, 40, 120)
"""Number of regions of each level: the first is seen on the whole map, the others as one zooms in."""
MIN_REGION = 8
"""Mean points of a region; a small map has fewer regions."""
ROUNDS = 30
WORDS_OF_LABEL, ITEMS_OF_LABEL = 3, 2
TYPICAL_SHARE = 0.5
"""A label names only words that are among this share of the region's words by frequency."""
SEPARATOR = " · "


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the map. level: 0 for the large ones. x, y: where its label stands. size: its points."""

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
        labels = naming.labels(numbers, number)
        for region in range(number):
            inside = places[numbers == region]
            x, y = np.median(inside, axis=0).tolist()
            regions.append(Region(level, x, y, labels[region], len(inside)))
    return regions, large


def clusters(places: NDArray[np.float64], number: int, seed: int) -> NDArray[np.int32]:
    """The number of each point's cluster, int32 (n,), by k-means; clusters are numbered by size."""
    from scipy.cluster.vq import kmeans2

    _, found = kmeans2(places, number, iter=ROUNDS, minit="++", rng=np.random.default_rng(seed))
    sizes = np.bincount(found, minlength=number)
    rank = np.empty(number, np.int32)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(number)
    return np.asarray(rank[found], np.int32)


class _Naming:
    """Chooses the labels of regions."""

    def __init__(self, points: Points) -> None:
        self._points = points

    def labels(self, numbers: NDArray[np.int32], regions: int) -> list[str]:
        """The label of each region. numbers: the region of each point, (n,)."""
        points = self._points
        members = [np.flatnonzero(numbers == region) for region in range(regions)]
        if points.terms:
            return self._by_terms(points.terms, members, WORDS_OF_LABEL)
        if points.kind == "items" and points.has_categories:
            named = [() if one == NO_CATEGORY else (one,) for one in points.categories]
            found = self._by_terms(named, members, 1)
            return [one or self._most_used(rows) for one, rows in zip(found, members, strict=True)]
        if points.kind == "words" and points.vectors is not None:
            return [self._most_typical(rows) for rows in members]
        return [self._most_used(rows) for rows in members]

    def _most_used(self, rows: NDArray[np.int64]) -> str:
        """The heaviest points of a region. Points are ordered by weight."""
        return SEPARATOR.join(self._points.names[row] for row in rows[:ITEMS_OF_LABEL].tolist())

    def _most_typical(self, rows: NDArray[np.int64]) -> str:
        """The words nearest to the mean direction of a region, seen from the mean of all words."""
        vectors = self._points.vectors
        assert vectors is not None
        direction = vectors[rows].mean(axis=0) - vectors.mean(axis=0)
        frequent = rows[: max(WORDS_OF_LABEL, int(len(rows) * TYPICAL_SHARE))]
        best = np.argsort(-(vectors[frequent] @ direction), kind="stable")[:WORDS_OF_LABEL]
        return SEPARATOR.join(self._points.names[row] for row in frequent[best].tolist())

    @staticmethod
    def _by_terms(
        terms: Sequence[Iterable[str]], members: Sequence[NDArray[np.int64]], top: int
    ) -> list[str]:
        """The terms that set each region apart, by `typicality`."""
        counts = [Counter(term for row in rows.tolist() for term in set(terms[row])) for rows in members]
        total: Counter[str] = Counter()
        for one in counts:
            total.update(one)
        points = sum(len(rows) for rows in members)
        found = []
        for one, rows in zip(counts, members, strict=True):
            scores = {term: typicality(n, len(rows), total[term], points) for term, n in one.items()}
            best = sorted((term for term in scores if scores[term] > 0), key=lambda t: (-scores[t], t))
            found.append(SEPARATOR.join(best[:top]))
        return found


def typicality(inside: int, region: int, total: int, points: int) -> float:
    """How typical a term is of a region: inside · ln((inside / region) / (total / points)).

    inside: points of the region that have the term. region: points of the region. total: points that have
    the term, of `points`. It is the term's part of the divergence of the region from the whole, times
    `region`.
    """
    return float(inside * np.log((inside / region) / (total / points))) if inside else 0.0
