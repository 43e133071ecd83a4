"""Compiled loops that prepare a search: where series fit, and positions that are free.

`starts`, `others`, `shares`, `pull` are those of `Partners`.
"""

import numpy as np

from enricher.library.shelves.kernels import way
from enricher.model.kernels import compiled


@compiled
def put_blocks(order, block_starts, block_items, centers, near, run, slot_xyz, slot_item):
    """Put the items of blocks into free slots of one run, one block after the other. Returns whether all fit.

    near: whether a block goes where its middle is nearest to its center, float64 (blocks, 3), or else to the
    shortest free row. slot_item: int32 (m,), −1 everywhere, is changed.
    """
    room = np.ones(len(run), np.int64)  # how many free slots follow one another from each slot
    for s in range(len(run) - 2, -1, -1):
        if run[s] == run[s + 1]:
            room[s] += room[s + 1]
    for b in order:
        size, best, found = block_starts[b + 1] - block_starts[b], np.inf, -1
        for s in range(len(run)):
            if room[s] < size:
                continue
            if near:
                off = way(centers, b, slot_xyz, s + size // 2)
            elif s > 0 and room[s - 1] > 0 and run[s - 1] == run[s]:
                continue
            else:
                off = np.float64(room[s])
            if off < best:
                best, found = off, s
        if found < 0:
            return False
        for n in range(size):
            slot_item[found + n] = block_items[block_starts[b] + n]
            room[found + n] = 0
        s = found - 1
        while s >= 0 and room[s] > 0 and run[s] == run[found]:
            room[s] = found - s
            s -= 1
    return True


@compiled
def relax(sweeps, xyz, anchors, hold, soft, partners):
    """Move items to the weighted mean of their partners, the entrance and their anchors: Weiszfeld for S.

    xyz: float64 (n, 3), is changed. anchors: float64 (n, 3). hold: how strong an anchor is, as the weight
    of a partner at distance 1/hold. soft: a length added to distances, so that no weight is infinite.
    """
    starts, others, shares, _, pull = partners
    for _ in range(sweeps):
        for i in range(len(xyz)):
            x, y, z = xyz[i, 0], xyz[i, 1], xyz[i, 2]
            held = hold * (pull[i] + 1e-12)
            total = held + pull[i] / (np.sqrt(x * x + y * y + z * z) + soft)
            a, b, c = held * anchors[i, 0], held * anchors[i, 1], held * anchors[i, 2]
            for k in range(starts[i], starts[i + 1]):
                j = others[k]
                weight = shares[k] / (way(xyz, i, xyz, j) + soft)
                total += weight
                a += weight * xyz[j, 0]
                b += weight * xyz[j, 1]
                c += weight * xyz[j, 2]
            if total > 0:
                xyz[i, 0], xyz[i, 1], xyz[i, 2] = a / total, b / total, c / total


@compiled
def summed(vectors, starts, others, shares):
    """For each item the sum of share · vector over its partners: float64 (n, d)."""
    found = np.zeros_like(vectors)
    for i in range(len(vectors)):
        for k in range(starts[i], starts[i + 1]):
            for axis in range(vectors.shape[1]):
                found[i, axis] += shares[k] * vectors[others[k], axis]
    return found
