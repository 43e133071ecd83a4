"""Slots: a place of capacity c is c slots at one point. An arrangement gives each item its own slot."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from enricher.library.shelves.places import Places

MAX_SLOTS = 2_000_000
"""With more room than that, and than twice what the items need, the farthest places stay empty."""
MAX_GAP = 2.0
"""Places that follow one another are adjacent if they are at most this many times the usual step apart."""


@dataclass(frozen=True)
class Slots:
    """The slots of places, in the order along the shelves.

    place: int32 (m,), the place of each slot; the slots of a place are consecutive. xyz: float64 (m, 3).
    distance: float64 (m,), |v|, from the entrance. run: int32 (m,), slots of one run are adjacent one after
    another: a series may take them. place_xyz: float64 (P, 3). first, capacity: int32 (P,), the first slot of
    each place and how many it has; none for a place that stays empty.
    """

    place: NDArray[np.int32]
    xyz: NDArray[np.float64]
    distance: NDArray[np.float64]
    run: NDArray[np.int32]
    place_xyz: NDArray[np.float64]
    first: NDArray[np.int32]
    capacity: NDArray[np.int32]
    dimensions: int

    def __len__(self) -> int:
        return len(self.place)

    @cached_property
    def by_distance(self) -> NDArray[np.int64]:
        """The slots, the nearest to the entrance first: int64 (m,)."""
        return np.argsort(self.distance, kind="stable")


def slots_of(places: Places, items: int) -> Slots:
    """The slots of places for a number of items. No place has more slots than there are items."""
    capacities = np.minimum(places.capacities, items)
    distance = np.sqrt((places.xyz**2).sum(axis=1))
    limit = max(MAX_SLOTS, 2 * items)
    if capacities.sum() > limit:
        order = np.argsort(distance, kind="stable")
        before = np.cumsum(capacities[order]) - capacities[order]
        capacities[order[before >= limit]] = 0
    place = np.repeat(np.arange(len(places), dtype=np.int32), capacities)
    return Slots(
        place,
        places.xyz[place],
        distance[place],
        _runs(places.xyz)[place],
        places.xyz,
        (np.cumsum(capacities) - capacities).astype(np.int32),
        capacities.astype(np.int32),
        places.dimensions,
    )


def _runs(xyz: NDArray[np.float64]) -> NDArray[np.int32]:
    """The run of each place: int32 (P,), from 0. A run ends where the step to the next place is too long."""
    steps = np.sqrt((np.diff(xyz, axis=0) ** 2).sum(axis=1))
    real = np.sort(steps[steps > 0])
    usual = real[(len(real) - 1) // 2] if len(real) else 0.0
    breaks = steps > MAX_GAP * usual * (1 + 1e-9)
    return np.concatenate([[0], np.cumsum(breaks)]).astype(np.int32)
