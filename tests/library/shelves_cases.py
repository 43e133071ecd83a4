"""Small cases for tests of shelves, and the best arrangement by trying all."""

from collections.abc import Iterator, Sequence
from itertools import pairwise, permutations

import numpy as np
from numpy.typing import NDArray

from enricher.library.pairs import Pairs
from enricher.library.shelves.places import Places
from enricher.library.shelves.slots import Slots, slots_of


def places_of(points: Sequence[Sequence[float]], capacities: Sequence[int] | None = None) -> Places:
    """Places at points of two or three coordinates, named p0, p1, …"""
    xyz = np.zeros((len(points), 3))
    given = np.array(points, dtype=float)
    xyz[:, : given.shape[1]] = given
    held = np.array(capacities if capacities is not None else [1] * len(points), np.int64)
    return Places([f"p{n}" for n in range(len(points))], xyz, held, given.shape[1])


def random_pairs(generator: np.random.Generator, items: int, share: float = 0.6) -> Pairs:
    """Pairs of items, each there with a probability, with shares of very different size."""
    first, second = np.triu_indices(items, 1)
    there = generator.random(len(first)) < share
    there[generator.integers(len(first))] = True
    shares = generator.pareto(1.0, int(there.sum())) + 0.05
    return Pairs(items, first[there].astype(np.int32), second[there].astype(np.int32), shares / shares.sum())


def all_orders(slots: Slots, items: int, series: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    """All arrangements that keep the series: the slot of each item."""
    for chosen in permutations(range(len(slots)), items):
        if all(
            chosen[b] == chosen[a] + 1 and slots.run[chosen[a]] == slots.run[chosen[b]]
            for members in series
            for a, b in pairwise(members)
        ):
            yield chosen


def least_cost(pairs: Pairs, places: Places, series: Sequence[Sequence[int]] = ()) -> float:
    """The least cost of all arrangements, by trying each."""
    slots = slots_of(places, pairs.size)
    orders = np.array(list(all_orders(slots, pairs.size, series)))
    best = np.inf
    for start in range(0, len(orders), 20_000):
        xyz = slots.xyz[orders[start : start + 20_000]]
        ways = np.sqrt((xyz**2).sum(axis=2)) @ pairs.item_shares
        between = xyz[:, pairs.first] - xyz[:, pairs.second]
        best = min(best, float((ways + np.sqrt((between**2).sum(axis=2)) @ pairs.shares).min()))
    return best


def double_loop(pairs: Pairs, xyz: NDArray[np.float64]) -> float:
    """The cost by its definition, a sum over ordered pairs."""
    total = 0.0
    for i, j, share in zip(pairs.first, pairs.second, pairs.shares, strict=True):
        for a, b in ((i, j), (j, i)):
            total += share / 2 * (np.linalg.norm(xyz[a]) + np.linalg.norm(xyz[a] - xyz[b]))
    return total
