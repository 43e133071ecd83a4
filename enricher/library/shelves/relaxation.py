"""A start for the search: positions that are free, and places that pull them apart.

Items move to where their partners and the entrance draw them, which alone would put all of them at the
entrance. So in every round each item gets a slot, and is held by it more firmly from round to round.
"""

import numpy as np
from numpy.typing import NDArray

from enricher.library.shelves import start_kernels
from enricher.library.shelves.cost import Partners
from enricher.library.shelves.slots import Slots
from enricher.library.shelves.snapping import halved

ROUNDS = 24
SWEEPS = 3
HOLD = (0.3, 50.0)
"""How firmly a slot holds its item, in the first round and in the last, relative to a partner at the mean
distance of slots from the entrance."""


def relaxed(start: NDArray[np.float64], slots: Slots, partners: Partners) -> NDArray[np.float64]:
    """Positions in which items are near their partners and as far apart as places are: float64 (n, 3).

    start: float64 (n, 3), where items stand at first. Series are passed over.
    """
    unit = float(slots.distance.mean()) or 1.0
    soft = unit / max(1.0, float(len(slots)) ** 0.5)
    targets = slots.xyz[slots.by_distance[: len(start)]]
    xyz, anchors = start.copy(), start
    for hold in np.geomspace(HOLD[0], HOLD[1], ROUNDS):
        start_kernels.relax(
            SWEEPS, xyz, anchors, float(hold / unit), soft,
            (partners.starts, partners.others, partners.shares, partners.sums, partners.pull),
        )  # fmt: skip
        anchors = targets[halved(xyz, targets)]
    return np.asarray(anchors)
