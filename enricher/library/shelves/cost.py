"""The cost of an arrangement, and the pairs as each item's partners."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enricher.library.pairs import Pairs


def cost(pairs: Pairs, xyz: NDArray[np.float64]) -> float:
    """S = Σ over ordered pairs p(i, j) [|v_i| + |v_i − v_j|], with the entrance at the origin.

    xyz: float64 (items, 3), where each item stands. S is in the unit of the coordinates: the mean way from
    the entrance to an item and on to another.
    """
    ways = np.sqrt((xyz**2).sum(axis=1)) @ pairs.item_shares
    between = xyz[pairs.first] - xyz[pairs.second]
    return float(ways + np.sqrt((between**2).sum(axis=1)) @ pairs.shares)


@dataclass(frozen=True)
class Partners:
    """The partners of each item, those of item i from starts[i] to starts[i + 1].

    starts: int64 (items + 1,). others: int32 (2P,). shares: float64 (2P,), p(i, j) + p(j, i), so each pair is
    there twice. sums: float64 (2P,), the running sums of the shares of an item, for draws. pull: float64
    (items,), p(i).
    """

    starts: NDArray[np.int64]
    others: NDArray[np.int32]
    shares: NDArray[np.float64]
    sums: NDArray[np.float64]
    pull: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.pull)


def partners_of(pairs: Pairs) -> Partners:
    """The partners of each item, the one with the largest share first."""
    items = np.concatenate([pairs.first, pairs.second])
    others = np.concatenate([pairs.second, pairs.first])
    shares = np.concatenate([pairs.shares, pairs.shares])
    order = np.lexsort((others, -shares, items))
    items, others, shares = items[order], others[order], shares[order]
    starts = np.searchsorted(items, np.arange(pairs.size + 1)).astype(np.int64)
    running = np.concatenate([[0.0], np.cumsum(shares)])
    sums = running[1:] - running[starts[:-1]][items] if len(items) else running[1:]
    return Partners(starts, others.astype(np.int32), shares, sums, pairs.item_shares)


def within(pairs: Pairs, kept: NDArray[np.int64]) -> Pairs:
    """The pairs among some items, which get the numbers 0 to len(kept) − 1. All items of pairs are kept."""
    numbers = np.full(pairs.size, -1, np.int32)
    numbers[kept] = np.arange(len(kept), dtype=np.int32)
    a, b = numbers[pairs.first], numbers[pairs.second]
    return Pairs(len(kept), np.minimum(a, b), np.maximum(a, b), pairs.shares)
