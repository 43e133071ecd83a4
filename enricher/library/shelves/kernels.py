"""Compiled loops of the search for an arrangement.

Arrays of a state: `slot_item`, int32 (m,), the item of each slot or −1; `item_slot`, int32 (n,); `xyz`,
float64 (n, 3), where each item stands; `block`, int32 (n,), the series of each item or −1. `slot_xyz`,
`slot_distance` are of the slots; `starts`, `others`, `shares`, `sums`, `pull` are those of `Partners`.
"""

import numpy as np

from enricher.model.kernels import compiled

PARTNER, MIDDLE, ENTRANCE = 0.4, 0.6, 0.7
"""Where a moving item goes, as running shares of the moves: near a partner, to the middle of its partners,
nearer to the entrance, near where it is."""


@compiled
def way(xyz, i, slot_xyz, s):
    """The distance from item i to slot s."""
    x, y, z = xyz[i, 0] - slot_xyz[s, 0], xyz[i, 1] - slot_xyz[s, 1], xyz[i, 2] - slot_xyz[s, 2]
    return np.sqrt(x * x + y * y + z * z)


@compiled
def change(i, s, t, but, xyz, slot_xyz, slot_distance, starts, others, shares, pull):
    """What the cost gains if item i moves from slot s to slot t, without its pair with the item `but`."""
    gained = pull[i] * (slot_distance[t] - slot_distance[s])
    for k in range(starts[i], starts[i + 1]):
        j = others[k]
        if j != but:
            gained += shares[k] * (way(xyz, j, slot_xyz, t) - way(xyz, j, slot_xyz, s))
    return gained


@compiled
def put(i, s, xyz, slot_xyz, slot_item, item_slot):
    """Put item i, or nothing if −1, into slot s."""
    slot_item[s] = i
    if i >= 0:
        item_slot[i] = s
        xyz[i, 0], xyz[i, 1], xyz[i, 2] = slot_xyz[s, 0], slot_xyz[s, 1], slot_xyz[s, 2]


@compiled
def drawn_partner(i, starts, others, sums):
    """A partner of item i, drawn by its share, or −1 if it has none."""
    low, high = starts[i], starts[i + 1] - 1
    if high < low:
        return -1
    wanted = np.random.random() * sums[high]
    while low < high:
        middle = (low + high) // 2
        if sums[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return others[low]


@compiled
def middle_of(i, xyz, pull, starts, others, shares, point):
    """Write to `point` a step of Weiszfeld to the weighted median of the partners of i and the entrance."""
    x, y, z = xyz[i, 0], xyz[i, 1], xyz[i, 2]
    total = pull[i] / max(np.sqrt(x * x + y * y + z * z), 1e-9)
    point[:] = 0
    for k in range(starts[i], starts[i + 1]):
        j = others[k]
        a, b, c = xyz[j, 0] - x, xyz[j, 1] - y, xyz[j, 2] - z
        weight = shares[k] / max(np.sqrt(a * a + b * b + c * c), 1e-9)
        total += weight
        point[0] += weight * xyz[j, 0]
        point[1] += weight * xyz[j, 1]
        point[2] += weight * xyz[j, 2]
    if total > 0:
        point /= total


@compiled
def walk_to(point, q, place_xyz, near):
    """The place that is nearest to a point, by steps from place q to nearer ones."""
    best = 0.0
    for axis in range(3):
        best += (place_xyz[q, axis] - point[axis]) ** 2
    while True:
        found = q
        for k in range(near.shape[1]):
            other = near[q, k]
            distance = 0.0
            for axis in range(3):
                distance += (place_xyz[other, axis] - point[axis]) ** 2
            if distance < best:
                best, found = distance, other
        if found == q:
            return q
        q = found


@compiled
def slot_near(q, steps, near, first, capacity):
    """A random slot of a place that is some random steps from place q, or −1 if that place has no slot."""
    for _ in range(steps):
        q = near[q, np.random.randint(near.shape[1])]
    if capacity[q] == 0:
        return -1
    return first[q] + np.random.randint(capacity[q])


@compiled
def target(i, s, xyz, partners, geometry, point):
    """A slot where item i of slot s may go, or −1."""
    starts, others, shares, sums, pull = partners
    slot_place, place_xyz, near, first, capacity, by_distance, rank, item_slot = geometry
    kind, q = np.random.random(), slot_place[s]
    steps = np.random.randint(3)
    if kind < PARTNER:
        j = drawn_partner(i, starts, others, sums)
        if j < 0:
            return -1
        q = slot_place[item_slot[j]]
    elif kind < MIDDLE:
        middle_of(i, xyz, pull, starts, others, shares, point)
        q = walk_to(point, q, place_xyz, near)
    elif kind < ENTRANCE:
        return by_distance[np.random.randint(rank[s] + 1)]
    else:
        steps += 1
    return slot_near(q, steps, near, first, capacity)


@compiled
def is_accepted(gained, heat):
    """Whether a change of the cost is accepted: always a gain, a loss with probability e^(−loss / heat)."""
    return gained < 0 or (heat > 0 and np.random.random() < np.exp(-gained / heat))


@compiled
def anneal(proposals, heat, seed, blocks, state, slots, partners, geometry):
    """Propose moves, and do those that are accepted. Returns what the cost has gained.

    heat: in the unit of the coordinates, relative to the p(i) of the items that move; 0 accepts improvements
    alone.
    """
    np.random.seed(seed)
    slot_item, item_slot, xyz, block = state
    slot_xyz, slot_distance, _ = slots
    starts, others, shares, _, pull = partners
    block_starts, _, marks = blocks
    point, moved = np.empty(3), np.empty(len(slot_item) if len(block_starts) > 1 else 0, np.int32)
    total = 0.0
    for _ in range(proposals):
        i = np.random.randint(len(item_slot))
        s = item_slot[i]
        t = target(i, s, xyz, partners, geometry, point)
        if t < 0 or t == s:
            continue
        j = slot_item[t]
        if block[i] >= 0 or (j >= 0 and block[j] >= 0):
            total += shift_block(i, j, s, t, heat, moved, marks, blocks, state, slots, partners)
            continue
        gained = change(i, s, t, j, xyz, slot_xyz, slot_distance, starts, others, shares, pull)
        mass = pull[i]
        if j >= 0:
            gained += change(j, t, s, i, xyz, slot_xyz, slot_distance, starts, others, shares, pull)
            mass += pull[j]
        if is_accepted(gained, heat * mass):
            put(i, t, xyz, slot_xyz, slot_item, item_slot)
            put(j, s, xyz, slot_xyz, slot_item, item_slot)
            total += gained
    return total


@compiled
def is_bound(s, slot_item, block):
    """Whether slots s − 1 and s hold two items of one series, so that no cut may go between them."""
    if s <= 0 or s >= len(slot_item) or slot_item[s] < 0 or slot_item[s - 1] < 0:
        return False
    return block[slot_item[s]] >= 0 and block[slot_item[s]] == block[slot_item[s - 1]]


@compiled
def cost_of(moved, number, marks, xyz, starts, others, shares, pull):
    """The part of the cost that depends on moved[:number]; `marks` is 1 at these items."""
    total = 0.0
    for n in range(number):
        i = moved[n]
        x, y, z = xyz[i, 0], xyz[i, 1], xyz[i, 2]
        total += pull[i] * np.sqrt(x * x + y * y + z * z)
        for k in range(starts[i], starts[i + 1]):
            total += shares[k] * way(xyz, i, xyz, others[k]) * (0.5 if marks[others[k]] else 1.0)
    return total


@compiled
def exchange(s, t, k, swaps, slot_xyz, slot_item, item_slot, xyz):
    """Exchange the contents of k slots from s with those from t; s and t exchanged undo it.

    Unless `swaps`, move them there instead, and what is between back by k slots.
    """
    if swaps:
        for n in range(k):
            i, j = slot_item[s + n], slot_item[t + n]
            put(j, s + n, xyz, slot_xyz, slot_item, item_slot)
            put(i, t + n, xyz, slot_xyz, slot_item, item_slot)
        return
    held = slot_item[s : s + k].copy()
    if t > s:
        for at in range(s + k, t + k):
            put(slot_item[at], at - k, xyz, slot_xyz, slot_item, item_slot)
    else:
        for at in range(s - 1, t - 1, -1):
            put(slot_item[at], at + k, xyz, slot_xyz, slot_item, item_slot)
    for n in range(k):
        put(held[n], t + n, xyz, slot_xyz, slot_item, item_slot)


@compiled
def may_shift(s, t, k, swaps, run, slot_item, block):
    """Whether the contents of k slots from s may go to t: no series is cut, none crosses a gap."""
    if t < 0 or t + k > len(slot_item) or run[t] != run[t + k - 1]:
        return False
    if swaps:
        cuts = (t, t + k)
    elif run[s] != run[t]:
        return False
    else:
        cuts = (s + k, t + k) if t > s else (t, s)
    return not (is_bound(cuts[0], slot_item, block) or is_bound(cuts[1], slot_item, block))


@compiled
def shift_block(i, j, s, t, heat, moved, marks, blocks, state, slots, partners):
    """Propose to move the series of item i so that i comes to slot t; of a single i, that of item j to s.

    Returns what the cost has gained.
    """
    slot_item, item_slot, xyz, block = state
    slot_xyz, _, run = slots
    starts, others, shares, _, pull = partners
    block_starts, block_items, _ = blocks
    if block[i] < 0:
        i, s, t = j, t, s
    b = block[i]
    k = block_starts[b + 1] - block_starts[b]
    begin = item_slot[block_items[block_starts[b]]]
    to = t - (s - begin)
    if to == begin:
        return 0.0
    swaps = abs(to - begin) >= k and np.random.random() < 0.7
    if not may_shift(begin, to, k, swaps, run, slot_item, block):
        return 0.0
    if not swaps and abs(to - begin) > 4 * k + 8:
        return 0.0
    number, mass = 0, 0.0
    low, high = min(begin, to), max(begin, to)
    for n in range(2 * k if swaps else high + k - low):
        at = low + n if not swaps or n < k else high + n - k
        if slot_item[at] >= 0:
            moved[number] = slot_item[at]
            marks[slot_item[at]] = 1
            mass += pull[slot_item[at]]
            number += 1
    before = cost_of(moved, number, marks, xyz, starts, others, shares, pull)
    exchange(begin, to, k, swaps, slot_xyz, slot_item, item_slot, xyz)
    gained = cost_of(moved, number, marks, xyz, starts, others, shares, pull) - before
    if not is_accepted(gained, heat * mass):
        exchange(to, begin, k, swaps, slot_xyz, slot_item, item_slot, xyz)
        gained = 0.0
    for n in range(number):
        marks[moved[n]] = 0
    return gained
