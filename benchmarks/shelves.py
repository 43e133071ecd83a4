"""Shelves: what the plan of simulated readers costs, against other arrangements and other ways to search."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.simulated_readers import Readers, hall, simulate
from enricher.library.pairs import Pairs, count_pairs
from enricher.library.shelves import baselines
from enricher.library.shelves.assignment import assign
from enricher.library.shelves.blocks import Blocks
from enricher.library.shelves.cost import cost, partners_of, within
from enricher.library.shelves.geometry import distances_between, nearest
from enricher.library.shelves.places import Places
from enricher.library.shelves.plan import HEATS, MOVES, Plan, Wishes, plan_shelves
from enricher.library.shelves.relaxation import relaxed
from enricher.library.shelves.search import Search
from enricher.library.shelves.slots import Slots, slots_of
from enricher.library.shelves.snapping import snapped

SIZES = ((100, 500), (1_000, 5_000), (10_000, 30_000), (100_000, 200_000))
"""Items and records."""
NAMES = ("sne", "popularity", "category", "published", "random")
COLUMNS = ("items", "pairs", "this plan", *NAMES, "lower bound", "same topic beside, %", "time")
WAY_COLUMNS = ("items", "way", "cost", "time")
WAY_SIZES = ((300, 1_500), (10_000, 30_000))
MAX_FRANK_WOLFE_ITEMS = 1_000
FRANK_WOLFE_STEPS = 30
SEED = 1


def rows(sizes: Sequence[tuple[int, int]] = SIZES) -> Iterator[Sequence[str]]:
    """The cost of the plan and of all baselines, a size each: as many places as items, in one hall."""
    for items, records in sizes:
        readers = simulate(items, records, SEED)
        pairs, places = count_pairs(readers.records), places_of(items)
        named = zip(readers.records.items, map(str, readers.topics), strict=True)
        start = time.perf_counter()
        plan = plan_shelves(
            readers.records.items, pairs, readers.records.item_weights, places, Wishes(categories=dict(named))
        )
        seconds = time.perf_counter() - start
        yield (
            f"{items:,}", f"{len(pairs):,}", f"**{plan.cost:.4g}**",
            *(f"{plan.baselines[name]:.4g}" for name in NAMES), f"{plan.lower_bound:.4g}",
            f"{100 * same_topic(plan, readers):.0f}", f"{seconds:.0f} s",
        )  # fmt: skip


def places_of(number: int) -> Places:
    """The places of a hall."""
    xyz = np.zeros((number, 3))
    xyz[:, :2] = hall(number)
    return Places([f"p{n}" for n in range(number)], xyz, np.ones(number, np.int64), 2)


def same_topic(plan: Plan, readers: Readers) -> float:
    """The share of used items that have an item of their topic in one of the four nearest places."""
    xyz = plan.slots.xyz[plan.item_slot]
    _, beside = nearest(xyz, min(5, len(xyz)))
    same = (readers.topics[beside[:, 1:]] == readers.topics[:, None]).any(axis=1)
    return float(same[readers.records.item_weights > 0].mean())


def way_rows(sizes: Sequence[tuple[int, int]] = WAY_SIZES) -> Iterator[Sequence[str]]:
    """What other ways to search find, with as many moves."""
    for items, records in sizes:
        pairs = count_pairs(simulate(items, records, SEED).records)
        pairs = within(pairs, np.flatnonzero(pairs.item_shares))
        slots = slots_of(places_of(pairs.size), pairs.size)
        for name, found, seconds in ways(pairs, slots):
            yield f"{items:,}", name, f"{cost(pairs, slots.xyz[found]):.4g}", f"{seconds:.1f} s"


def ways(pairs: Pairs, slots: Slots) -> Iterator[tuple[str, NDArray[np.int32], float]]:
    """Ways to search: their names, the slot of each item, and seconds."""
    partners, blocks = partners_of(pairs), Blocks([], [], pairs.size)
    search, moves = Search(slots, partners, blocks), MOVES * pairs.size
    popular = baselines.by_popularity(slots, partners, blocks)
    search.run(popular, 1_000, HEATS[0], SEED)  # compiles

    def start() -> NDArray[np.int32]:
        return snapped(relaxed(slots.xyz[popular], slots, partners), slots, blocks)

    tried: dict[str, Callable[[], NDArray[np.int32]]] = {
        "popularity, no search": lambda: popular,
        "relaxed positions, no search": start,
        "exchanges that improve, from popularity": lambda: search.run(popular, moves, 0.0, SEED),
        "exchanges that improve, from relaxed positions": lambda: search.run(start(), moves, 0.0, SEED),
        "annealing from popularity": lambda: search.run(popular, moves, HEATS[0], SEED),
        "**annealing from relaxed positions**": lambda: search.run(start(), moves, HEATS[0], SEED),
    }
    if pairs.size <= MAX_FRANK_WOLFE_ITEMS:
        tried["Frank-Wolfe with linear assignment"] = lambda: frank_wolfe(pairs, slots)
        tried["Frank-Wolfe, then exchanges that improve"] = lambda: search.run(
            frank_wolfe(pairs, slots), moves, 0.0, SEED
        )
    for name, run in tried.items():
        begin = time.perf_counter()
        found = run()
        yield name, found, time.perf_counter() - begin


def frank_wolfe(pairs: Pairs, slots: Slots) -> NDArray[np.int32]:
    """The slot of each item by Frank-Wolfe steps over doubly stochastic matrices (Vogelstein et al., 2015).

    There are as many slots as items. Every step solves a linear assignment and searches along the line to it.
    """
    size = pairs.size
    weights = np.zeros((size, size))
    weights[pairs.first, pairs.second] = weights[pairs.second, pairs.first] = pairs.shares
    distances = distances_between(slots.xyz, slots.xyz)
    linear = pairs.item_shares[:, None] * slots.distance
    present = np.full((size, size), 1 / size)
    for _ in range(FRANK_WOLFE_STEPS):
        gradient = linear + weights @ present @ distances
        corner = np.zeros((size, size))
        corner[np.arange(size), assign(gradient)[0]] = 1
        way = corner - present
        slope, bend = (gradient * way).sum(), ((weights @ way @ distances) * way).sum() / 2
        length = 1.0 if bend <= 0 else min(1.0, -slope / (2 * bend))
        present += length * way
        if slope > -1e-9:
            break
    return assign(-present)[0].astype(np.int32)
