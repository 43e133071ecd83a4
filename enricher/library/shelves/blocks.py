"""Series as blocks of slots: which items stand together, and where a block fits."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from enricher.errors import UsageError
from enricher.library.shelves.slots import Slots
from enricher.sentences import counted


@dataclass(frozen=True)
class Blocks:
    """The items that stand in slots that follow one another.

    names: of the series. items: the items of each, by number and in their order, two or more. size: how many
    items there are at all.
    """

    names: Sequence[str]
    items: Sequence[Sequence[int]]
    size: int

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def of_item(self) -> NDArray[np.int32]:
        """The block of each item, or −1: int32 (size,)."""
        found = np.full(self.size, -1, np.int32)
        for number, members in enumerate(self.items):
            found[list(members)] = number
        return found

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where the items of each block begin in `flat`: int64 (blocks + 1,)."""
        return np.cumsum([0, *map(len, self.items)]).astype(np.int64)

    @cached_property
    def flat(self) -> NDArray[np.int32]:
        """The items of all blocks: int32."""
        return np.array([item for members in self.items for item in members], np.int32)


def free_slots(slots: Slots, blocks: Blocks, wanted: NDArray[np.float64]) -> NDArray[np.int32]:
    """Put each block into slots of one run, near where it is wanted: int32 (m,), the item of each slot or −1.

    wanted: float64 (items, 3), where each item would stand. The longest block comes first. If blocks do not
    fit that way, each is put where it leaves the least room. Raises UsageError if they do not fit that way
    either.
    """
    order = sorted(range(len(blocks)), key=lambda b: -len(blocks.items[b]))
    lengths = np.bincount(slots.run)
    for b in order[:1]:
        size = len(blocks.items[b])
        if size > lengths.max():
            raise UsageError(
                f"The series {blocks.names[b]!r} has {counted(size, 'item')}, but the longest row "
                f"of adjacent places has room for {lengths.max():,}. Divide the series, or add places."
            )
    for near in (True, False):
        slot_item = np.full(len(slots), -1, np.int32)
        if all(_put(slots, blocks.items[b], slot_item, wanted if near else None) for b in order):
            return slot_item
    raise UsageError(
        f"The {counted(len(blocks), 'series', 'series')} do not fit: no row of free adjacent places is left "
        "that is long enough for the next one. Divide the longest series, or add places."
    )


def _put(
    slots: Slots, members: Sequence[int], slot_item: NDArray[np.int32], wanted: NDArray[np.float64] | None
) -> bool:
    """Put the items of one block into free slots. Returns whether there were any.

    wanted: where the items would stand; without it, the block goes to the shortest free row.
    """
    size = len(members)
    free = slot_item < 0
    edges = np.flatnonzero(np.concatenate([[True], (np.diff(slots.run) != 0) | (np.diff(free) != 0), [True]]))
    rows = [(int(a), int(b)) for a, b in pairwise(edges) if free[a] and b - a >= size]
    if not rows:
        return False
    if wanted is None:
        start = min(rows, key=lambda row: row[1] - row[0])[0]
    else:
        begins = np.concatenate([np.arange(a, b - size + 1) for a, b in rows])
        off = slots.xyz[begins + size // 2] - wanted[list(members)].mean(axis=0)
        start = int(begins[(off**2).sum(axis=1).argmin()])
    slot_item[start : start + size] = members
    return True
