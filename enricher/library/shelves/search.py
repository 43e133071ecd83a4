"""Search for an arrangement of low cost: simulated annealing over moves and exchanges.

A move costs the degree of its items, not the number of items: only the pairs of what moves are summed.
"""

from collections.abc import Callable
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from enricher.library.shelves import kernels
from enricher.library.shelves.blocks import Blocks
from enricher.library.shelves.cost import Partners
from enricher.library.shelves.geometry import nearest
from enricher.library.shelves.slots import Slots

NEAR_PLACES = 12
"""How many places are near a place, itself among them."""
CHUNKS = 120
"""How many temperatures a run has."""
COLD = 0.02
"""The last temperature, as a share of the first. After it, only improvements are accepted."""
QUENCH = 0.15
"""The share of the moves that accepts improvements alone."""

Progress = Callable[[float], object]
"""Takes the share of the work that is done."""
State = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64], NDArray[np.int32]]
"""As of the kernels: slot_item, item_slot, xyz, block."""


class Search:
    """What a search needs to know: where slots are, and who stands together with whom."""

    def __init__(self, slots: Slots, partners: Partners, blocks: Blocks) -> None:
        self.slots, self.partners, self.blocks = slots, partners, blocks
        _, near = nearest(slots.place_xyz, min(NEAR_PLACES, len(slots.place_xyz)))
        rank = np.empty(len(slots), np.int64)
        rank[slots.by_distance] = np.arange(len(slots))
        self._geometry = (
            slots.place, slots.place_xyz, near, slots.first, slots.capacity, slots.by_distance, rank,
        )  # fmt: skip

    def run(
        self,
        item_slot: NDArray[np.int32],
        moves: int,
        heat: float,
        seed: int,
        progress: Progress = lambda share: None,
        deadline: float = np.inf,
    ) -> NDArray[np.int32]:
        """Improve an arrangement, and return the new one: int32 (n,), the slot of each item.

        moves: how many are proposed. heat: the first temperature, as a share of the mean distance of a slot
        from the entrance; 0 accepts improvements alone. Temperatures are relative to the p(i) of the items
        that move, so that rare items find their place as popular ones do. deadline: of time.monotonic; from
        then on only improvements are accepted, for a tenth of the moves that are left.
        """
        state = self._state(item_slot)
        movable = np.arange(len(item_slot), dtype=np.int32)
        unit = float(self.slots.distance.mean())
        share = max(1, moves // CHUNKS)
        warm = round(CHUNKS * (1 - QUENCH)) if heat else 0
        for chunk in range(CHUNKS):
            level = heat * unit * COLD ** (chunk / warm) if chunk < warm else 0.0
            self._anneal(state, movable, share, level, seed * CHUNKS + chunk)
            progress((chunk + 1) / CHUNKS)
            if monotonic() > deadline:
                self._anneal(state, movable, max(1, share * (CHUNKS - chunk) // 10), 0.0, seed)
                break
        return state[1]

    def _state(self, item_slot: NDArray[np.int32]) -> State:
        slot_item = np.full(len(self.slots), -1, np.int32)
        slot_item[item_slot] = np.arange(len(item_slot))
        return slot_item, item_slot.copy(), self.slots.xyz[item_slot], self.blocks.of_item

    def _anneal(self, state: State, movable: NDArray[np.int32], moves: int, heat: float, seed: int) -> None:
        """Propose moves at one temperature."""
        slots, partners, blocks = self.slots, self.partners, self.blocks
        marks = np.zeros(len(state[1]), np.int8)
        kernels.anneal(
            moves, heat, True, seed % 2**32, movable, (blocks.starts, blocks.flat, marks), state,
            (slots.xyz, slots.distance, slots.run),
            (partners.starts, partners.others, partners.shares, partners.sums, partners.pull),
            (*self._geometry, state[1]),
        )  # fmt: skip
