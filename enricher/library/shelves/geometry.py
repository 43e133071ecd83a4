"""Points in space: nearest ones, and how many are near. Only this module searches with a k-d tree."""

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""float64 (P, 3)."""


def nearest(points: Points, number: int) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """The nearest points of each point, itself among them: distances and numbers, both (P, number).

    number: at most P.
    """
    from scipy.spatial import cKDTree

    distances, found = cKDTree(points).query(points, k=np.arange(1, number + 1))
    return np.asarray(distances), np.asarray(found, np.int32)


def closest_pair(points: Points) -> tuple[int, int, float]:
    """The two points that are nearest to each other, and their distance. There are two or more points."""
    distances, found = nearest(points, 2)
    row = int(distances[:, 1].argmin())
    other = int(found[row, 1]) if found[row, 1] != row else int(found[row, 0])
    return min(row, other), max(row, other), float(distances[row, 1])


def most_within(points: Points, centers: Points, radius: float) -> int:
    """How many points the fullest ball of this radius around one of the centers has."""
    from scipy.spatial import cKDTree

    counts = cKDTree(points).query_ball_point(centers, radius, return_length=True)
    return int(np.max(counts))


def cell_centers(points: Points, side: float) -> Points:
    """The centers of the cells of a grid that have a point: float64 (cells, 3)."""
    low = points.min(axis=0)
    cells = np.unique(np.floor((points - low) / side), axis=0)
    return np.asarray(low + (cells + 0.5) * side)


def distances_between(a: Points, b: Points) -> NDArray[np.float64]:
    """All distances from the points a to the points b: float64 (len(a), len(b))."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(a, b), np.float64)
