"""Compiled loops: a hash table of 64-bit keys with open addressing, and jumps over merged tokens."""

import numpy as np

from enricher.model.kernels import compiled

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
ONE = np.uint64(1)


@compiled
def slots_of(keys, bits):  # type: ignore[no-untyped-def]
    """A table of 2^bits slots, int32: the row of the key that has the slot, −1 for a free one.

    keys: uint64 (n,), all different, n less than half of the slots.
    """
    slots = np.full(1 << bits, -1, np.int32)
    shift, mask = np.uint64(64 - bits), np.uint64((1 << bits) - 1)
    for row in range(len(keys)):
        slot = (keys[row] * MULTIPLIER) >> shift
        while slots[slot] >= 0:
            slot = (slot + ONE) & mask
        slots[slot] = row
    return slots


@compiled
def look_up(keys, slots, bits, asked):  # type: ignore[no-untyped-def]
    """The row of every key that is asked for, int32 (n,); −1 for the largest number, and unknown keys."""
    found = np.full(len(asked), -1, np.int32)
    shift, mask, none = np.uint64(64 - bits), np.uint64((1 << bits) - 1), np.uint64(0xFFFFFFFFFFFFFFFF)
    for place in range(len(asked)):
        key = asked[place]
        if key == none:
            continue
        slot = (key * MULTIPLIER) >> shift
        row = slots[slot]
        while row >= 0:
            if keys[row] == key:
                found[place] = row
                break
            slot = (slot + ONE) & mask
            row = slots[slot]
    return found


@compiled
def jumps(sizes):  # type: ignore[no-untyped-def]
    """The places reached from the first one, when every place leads `sizes` places on: int64 (m,)."""
    found = np.empty(len(sizes), np.int64)
    number = place = 0
    while place < len(sizes):
        found[number] = place
        number += 1
        place += sizes[place]
    return found[:number]
