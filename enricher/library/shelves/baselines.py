"""Arrangements to compare with: published and plain ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from enricher.library.shelves.blocks import Blocks
from enricher.library.shelves.cost import Partners
from enricher.library.shelves.slots import Slots
from enricher.library.shelves.snapping import scaled, snapped
from enricher.library.shelves.softmax_positions import Kind, OnStep, softmax_positions

KINDS: dict[str, Kind] = {"published": "skip-gram", "sne": "sne"}


def learned(
    name: str, slots: Slots, partners: Partners, blocks: Blocks, seed: int, on_step: OnStep
) -> NDArray[np.int32]:
    """The slot of each item by positions of skip-gram (`published`) or of SNE (`sne`), taken as they are.

    They have as many dimensions as the places. They are moved and stretched to the places, and snapped.
    on_step: is called before every step of the learning; what it raises ends the work.
    """
    positions = softmax_positions(partners, slots.dimensions, KINDS[name], seed, on_step)
    return snapped(scaled(positions, slots), slots, blocks)


def at_random(slots: Slots, blocks: Blocks, seed: int) -> NDArray[np.int32]:
    """The slot of each item by chance, among the slots nearest the entrance."""
    order = np.random.default_rng(seed).permutation(blocks.size)
    return _in_order(order, slots, blocks)


def by_popularity(slots: Slots, partners: Partners, blocks: Blocks) -> NDArray[np.int32]:
    """The slot of each item, the most used ones nearest to the entrance."""
    return _in_order(np.argsort(-partners.pull, kind="stable"), slots, blocks)


def by_category(
    slots: Slots, partners: Partners, blocks: Blocks, categories: Sequence[str | None]
) -> NDArray[np.int32]:
    """The slot of each item, with an area for each category.

    categories: of each item; items without one come last, together. The most used category begins at the free
    slot nearest the entrance, and takes the free slots nearest to that one; so does the next. In an area, the
    most used items are nearest to the entrance.
    """
    names, numbers = np.unique([name or "" for name in categories], return_inverse=True)
    use = np.bincount(numbers, partners.pull, minlength=len(names))
    use[names == ""] = -1
    free = slots.by_distance[: blocks.size]
    wanted = np.empty(blocks.size, np.int64)
    for number in np.argsort(-use, kind="stable"):
        items = np.flatnonzero(numbers == number)
        items = items[np.argsort(-partners.pull[items], kind="stable")]
        away = ((slots.xyz[free] - slots.xyz[free[0]]) ** 2).sum(axis=1)
        taken = np.sort(np.argsort(away, kind="stable")[: len(items)])
        wanted[items] = free[taken]
        free = np.delete(free, taken)
    return _fitted(wanted, slots, blocks)


def _in_order(order: NDArray[np.int64], slots: Slots, blocks: Blocks) -> NDArray[np.int32]:
    """Put items into the slots nearest the entrance, in this order."""
    wanted = np.empty(blocks.size, np.int64)
    wanted[order] = slots.by_distance[: blocks.size]
    return _fitted(wanted, slots, blocks)


def _fitted(wanted: NDArray[np.int64], slots: Slots, blocks: Blocks) -> NDArray[np.int32]:
    """The slots that are wanted, changed only as far as series need it: int32 (n,)."""
    if not len(blocks):
        return wanted.astype(np.int32)
    return snapped(slots.xyz[wanted], slots, blocks)
