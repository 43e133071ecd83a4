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

NEAR_PLACES = 16
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
        seconds: float | None = None,
    ) -> NDArray[np.int32]:
        """Improve an arrangement, and return the new one: int32 (n,), the slot of each item.

        moves: how many are proposed. heat: the first temperature, as a share of the mean distance of slots
        from the entrance; 0 accepts improvements alone. Temperatures are relative to the p(i) of the items
        that move, so that rare items find their place as popular ones do. seconds: the search ends about
        then, and cools down in time; such a result cannot be reproduced by the seed.
        """
        state = self.state_of(item_slot)
        unit, began, share = float(self.slots.distance.mean()), monotonic(), 0.0
        for chunk in range(CHUNKS):
            cooled = share / (1 - QUENCH)
            level = heat * unit * COLD**cooled if cooled < 1 else 0.0
            self.anneal(state, max(1, moves // CHUNKS), level, seed * CHUNKS + chunk)
            share = (chunk + 1) / CHUNKS
            if seconds is not None:
                share = max(share, (monotonic() - began) / max(seconds, 1e-9))
            progress(min(1.0, share))
            if share >= 1:
                break
        return state[1]

    def state_of(self, item_slot: NDArray[np.int32]) -> State:
        slot_item = np.full(len(self.slots), -1, np.int32)
        slot_item[item_slot] = np.arange(len(item_slot))
        return slot_item, item_slot.copy(), self.slots.xyz[item_slot], self.blocks.of_item

    def anneal(self, state: State, moves: int, heat: float, seed: int) -> float:
        """Propose moves at one temperature. Returns what the cost has gained."""
        slots, partners, blocks = self.slots, self.partners, self.blocks
        marks = np.zeros(len(state[1]), np.int8)
        gained = kernels.anneal(
            moves, heat, seed % 2**32, (blocks.starts, blocks.flat, marks), state,
            (slots.xyz, slots.distance, slots.run),
            (partners.starts, partners.others, partners.shares, partners.sums, partners.pull),
            (*self._geometry, state[1]),
        )  # fmt: skip
        return float(gained)
