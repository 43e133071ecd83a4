"""Series as blocks of slots: which items stand together, and where a block fits."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from enricher.errors import UsageError
from enricher.library.shelves import start_kernels
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


def block_slots(slots: Slots, blocks: Blocks, wanted: NDArray[np.float64]) -> NDArray[np.int32]:
    """Put each block into slots of one run, near where it is wanted: int32 (m,), the item of each slot or −1.

    wanted: float64 (items, 3), where each item would stand. The longest block comes first. If blocks do not
    fit that way, each is put where it leaves the least room. Raises UsageError if they do not fit that way
    either.
    """
    sizes, longest = np.diff(blocks.starts), int(np.bincount(slots.run).max())
    order = np.argsort(-sizes, kind="stable")
    first = int(order[0])
    if sizes[first] > longest:
        raise UsageError(
            f"The series {blocks.names[first]!r} has {counted(int(sizes[first]), 'item')}, but the longest "
            f"row of adjacent places has room for {longest:,}. Divide the series, or add places."
        )
    centers = np.add.reduceat(wanted[blocks.flat], blocks.starts[:-1]) / sizes[:, None]
    for near in (True, False):
        slot_item = np.full(len(slots), -1, np.int32)
        if start_kernels.put_blocks(
            order, blocks.starts, blocks.flat, centers, near, slots.run, slots.xyz, slot_item
        ):
            return slot_item
    raise UsageError(
        f"The {counted(len(blocks), 'series', 'series')} do not fit: no row of free adjacent places is left "
        "that is long enough for the next one. Divide the longest series, or add places."
    )
