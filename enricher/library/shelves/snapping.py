"""Positions that are free become places: each item gets a slot of its own near where it would stand."""

import numpy as np
from numpy.typing import NDArray

from enricher.library.shelves.assignment import assign
from enricher.library.shelves.blocks import Blocks, block_slots
from enricher.library.shelves.geometry import distances_between
from enricher.library.shelves.slots import Slots

MAX_EXACT_ITEMS = 1_000
"""So many items get their slots by linear assignment; more by halving."""


def scaled(positions: NDArray[np.float64], slots: Slots) -> NDArray[np.float64]:
    """Positions moved and stretched to the slots nearest the entrance: the same mean and spread by axis.

    positions: float64 (n, dimensions of the places). Returns float64 (n, 3).
    """
    target = slots.xyz[slots.by_distance[: len(positions)]]
    found = np.zeros((len(positions), 3))
    found[:, : positions.shape[1]] = positions
    spread = found.std(axis=0)
    factor = np.divide(target.std(axis=0), spread, out=np.zeros(3), where=spread > 0)
    return np.asarray((found - found.mean(axis=0)) * factor + target.mean(axis=0))


def snapped(positions: NDArray[np.float64], slots: Slots, blocks: Blocks) -> NDArray[np.int32]:
    """A slot for each item: int32 (n,).

    positions: float64 (n, 3), in the unit of the places. Series get their slots first. The other items get
    those free slots that are nearest to the entrance, as many as they are: by linear assignment of squared
    distances, or, above MAX_EXACT_ITEMS, by halving: slots and items are cut in half along the longest side
    of the slots again and again. Raises UsageError if a series does not fit.
    """
    item_slot = np.empty(len(positions), np.int32)
    free = np.ones(len(slots), bool)
    if len(blocks):
        slot_item = block_slots(slots, blocks, positions)
        free = slot_item < 0
        item_slot[slot_item[~free]] = np.flatnonzero(~free)
    rest = np.flatnonzero(blocks.of_item < 0)
    chosen = slots.by_distance[free[slots.by_distance]][: len(rest)]
    if len(rest) <= MAX_EXACT_ITEMS:
        distances = distances_between(positions[rest], slots.xyz[chosen]) if len(rest) else np.zeros((0, 0))
        item_slot[rest] = chosen[assign(distances**2)[0]]
    else:
        item_slot[rest] = chosen[halved(positions[rest], slots.xyz[chosen])]
    return item_slot


def halved(positions: NDArray[np.float64], xyz: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each position a row of `xyz` of its own, int64 (n,), by halving both along the same axis.

    positions, xyz: float64 (n, 3).
    """
    items, rows = np.arange(len(xyz)), np.arange(len(xyz))
    bounds = np.array([0, len(xyz)])
    while len(bounds) <= len(xyz):
        part = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        low = np.minimum.reduceat(xyz[rows], bounds[:-1])
        high = np.maximum.reduceat(xyz[rows], bounds[:-1])
        axis = (high - low).argmax(axis=1)[part]
        rows = rows[np.lexsort((xyz[rows, axis], part))]
        items = items[np.lexsort((positions[items, axis], part))]
        bounds = np.unique(np.concatenate([bounds, (bounds[:-1] + bounds[1:]) // 2]))
    found = np.empty(len(xyz), np.int64)
    found[items] = rows
    return found
