"""A lower bound of the cost: no arrangement, whatever it is, costs less.

The pull of the entrance alone costs least if the most used items are nearest. For the pairs, each share is
divided between its two items, in any way. The partners of an item are in different slots, so the one with
its k-th largest part is no nearer than the k-th nearest slot is, around the slot for which that is least.
The sum over all items is a bound for every division; a good division is found by ascent. For few items, the
bound of Gilmore and Lawler (1962) chooses the slots of all items together: a linear assignment.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from enricher.library.pairs import Pairs
from enricher.library.shelves.assignment import assign
from enricher.library.shelves.geometry import cell_centers, distances_between, most_within, nearest
from enricher.library.shelves.slots import Slots

MAX_ASSIGNED = 1_000
"""So many slots are assigned together, if the items have not many partners."""
MAX_PRODUCTS = 5_000_000_000
NEAR = 32
"""So many of the nearest places are looked at exactly where there are many."""
GROWTH = 1.25
"""By what the radii grow beyond the nearest places."""
CELLS = 8
"""How many cells a radius has."""
STEPS = 30
SAFETY = 1 - 1e-9
"""For rounding."""


def lower_bound(pairs: Pairs, slots: Slots, on_step: Callable[[], object] = lambda: None) -> float:
    """A bound of S over all arrangements of the items in the slots, with or without series.

    on_step: is called before every step; what it raises ends the work.
    """
    if not len(pairs):
        return 0.0
    division = _Division(pairs)
    reach = least_distances(slots, int(division.degrees.max()))
    popular = -np.sort(-pairs.item_shares)
    pulled = float(popular @ slots.distance[slots.by_distance[: pairs.size]])
    apart = division.improved(reach, on_step)
    found = pulled + apart
    products = len(slots) * pairs.size * int(division.degrees.max())
    if len(slots) <= MAX_ASSIGNED and products <= MAX_PRODUCTS:
        found = max(found, _assigned(pairs, slots, division))
    return found * SAFETY


class _Division:
    """How each share is divided between its two items."""

    def __init__(self, pairs: Pairs) -> None:
        number = len(pairs)
        self.items = np.concatenate([pairs.first, pairs.second])
        self.shares = np.concatenate([pairs.shares, pairs.shares])
        self.twin = np.concatenate([np.arange(number, 2 * number), np.arange(number)])
        self.degrees = np.bincount(self.items, minlength=pairs.size)
        self.starts = np.concatenate([[0], np.cumsum(self.degrees)])
        degrees = self.degrees[self.items].astype(np.float64)
        self.part = degrees / (degrees + degrees[self.twin])
        """float64 (2P,): which part of a share its item has; those of a pair sum to 1."""

    def ranks(self) -> NDArray[np.int64]:
        """The rank of each part among those of its item, from 0, the largest first: int64 (2P,)."""
        order = np.lexsort((-self.part * self.shares, self.items))
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order)) - self.starts[self.items[order]]
        return ranks

    def improved(self, reach: NDArray[np.float64], on_step: Callable[[], object]) -> float:
        """The best bound of the pairs by steps of ascent; the division is the best one afterwards."""
        best, kept = -1.0, self.part
        for step in range(STEPS):
            on_step()
            far = reach[self.ranks()]
            value = float((self.part * self.shares) @ far)
            if value > best:
                best, kept = value, self.part.copy()
            both = far + far[self.twin]
            change = np.divide(far - far[self.twin], both, out=np.zeros_like(far), where=both > 0)
            self.part = np.clip(self.part + change / (step + 2), 0, 1)
        self.part = kept
        return best


def _assigned(pairs: Pairs, slots: Slots, division: _Division) -> float:
    """The bound of Gilmore and Lawler with this division."""
    distances = np.sort(distances_between(slots.xyz, slots.xyz), axis=1)[:, 1:]
    parts = np.zeros((pairs.size, int(division.degrees.max())))
    parts[division.items, division.ranks()] = division.part * division.shares
    costs = parts @ distances[:, : parts.shape[1]].T + pairs.item_shares[:, None] * slots.distance
    return assign(costs)[1]


def least_distances(slots: Slots, number: int) -> NDArray[np.float64]:
    """How far the k-th nearest other slot is at least, around any slot, for k = 1 to `number`.

    Returns float64 (number,). Exact for few slots. Where there are many, it is exact for the nearest places
    and a bound beyond: a ball of radius r around a slot lies in a larger ball around the center of its
    cell, so it has no more slots than the fullest of those.
    """
    ranks = np.arange(1, number + 1)
    if len(slots) <= MAX_ASSIGNED:
        distances = np.sort(distances_between(slots.xyz, slots.xyz), axis=1)
        return np.asarray(distances[:, 1 : number + 1].min(axis=0))
    found, radius = _near_distances(slots, ranks)
    points = slots.xyz
    while radius > 0:
        side = radius / CELLS
        centers = cell_centers(points, side)
        wider = radius + side * np.sqrt(slots.dimensions) / 2
        inside = most_within(points, centers, wider)
        beyond = ranks >= inside
        if not beyond.any():
            break
        found[beyond] = np.maximum(found[beyond], radius)
        radius *= GROWTH
    return found


def _near_distances(slots: Slots, ranks: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
    """Least distances by the nearest places of each place, and the largest of them."""
    used = np.flatnonzero(slots.capacity)
    distances, near = nearest(slots.place_xyz[used], min(NEAR, len(used)))
    capacity = slots.capacity[used].astype(np.int64)
    reached = np.cumsum(capacity[near], axis=1) - 1
    found = np.empty(len(ranks))
    last = distances.shape[1] - 1
    known = int(reached.max()) + 1
    for at, rank in enumerate(ranks[:known].tolist()):
        place = np.minimum((reached < rank).sum(axis=1), last)
        found[at] = distances[np.arange(len(used)), place].min()
    found[known:] = distances[:, last].min()
    return found, float(distances[:, last].min())
