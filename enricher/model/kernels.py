"""Compiled loops over the Huffman tree. Only this module imports numba.

A node of the tree is a row of `children`, int32 (V−1, 2): its entries are the number of an inner node, or
~w for the leaf of word w. Nodes are in pre-order (`enricher.model.huffman`): a child comes after its
parent, and the nodes of a subtree are contiguous.

    ln σ(s) = min(s, 0) − ln(1 + e^−|s|)

Sums have double precision where probabilities must add up to 1. Dot products are loops, not BLAS calls: on
a busy machine, waiting for BLAS threads takes longer than a small product.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function to run without the GIL; cache the machine code if a cache folder is writable."""
    options: dict[str, Any] = {
        "nogil": True,
        "fastmath": {"contract", "reassoc", "arcp"},
        "error_model": "numpy",
    }
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no cache folder is writable
        return numba.njit(**options)(function)


@compiled
def softplus(s):
    """ln(1 + e^−|s|) within 1e-9, float64. No branches or tables, so that loops over it are vectorized.

    e^−t is the 128th power of the Taylor polynomial of e^(−t/128), and ln(1 + z) the series of 2·artanh(z /
    (2 + z)). For t above 24, the value is below 4e-11.
    """
    t = min(abs(np.float64(s)), 24.0) * (-1 / 128)
    z = 1 + t * (1 + t * (1 / 2 + t * (1 / 6 + t * (1 / 24))))
    z *= z
    z *= z
    z *= z
    z *= z
    z *= z
    z *= z
    z *= z
    w = z / (2 + z)
    q = w * w
    odd = 1 / 9 + q * (1 / 11 + q * (1 / 13 + q * (1 / 15 + q * (1 / 17))))
    return 2 * w * (1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * odd))))


@compiled
def dot(a, b):
    """Inner product of two float32 vectors."""
    total = np.float32(0)
    for i in range(len(a)):
        total += a[i] * b[i]
    return total


@compiled
def flow(activations, parents, sides, leaf_parents, leaf_sides, lost, down, result):
    """Compute ln p(y|x) of every word y for n words x, from the activations v·θ of all inner nodes.

    activations: float32 (n, V−1). lost: float64 (V−1,), a buffer for ln(1 + e^−|s|) of each node. down:
    float64 (2V−2,), a buffer for ln p of reaching side 0 and side 1 of each node. Output: result, float32
    (n, V). Each node reads the value of its parent, so inner nodes and words are treated alike.
    """
    inner = len(parents)
    for word in range(len(activations)):
        turns, row = activations[word], result[word]
        for node in range(inner):
            lost[node] = softplus(turns[node])
        s = np.float64(turns[0])
        down[0], down[1] = min(s, 0.0) - lost[0], -max(s, 0.0) - lost[0]
        for node in range(1, inner):
            s = np.float64(turns[node])
            rest = down[2 * parents[node] + sides[node]] - lost[node]
            down[2 * node], down[2 * node + 1] = rest + min(s, 0.0), rest - max(s, 0.0)
        for leaf in range(inner + 1):
            row[leaf] = down[2 * leaf_parents[leaf] + leaf_sides[leaf]]


@compiled
def largest_below(children, leaves):
    """The largest value of the leaves below each inner node: float32 (V−1,)."""
    largest = np.empty(len(children), np.float32)
    for node in range(len(children) - 1, -1, -1):
        left, right = children[node, 0], children[node, 1]
        a = largest[left] if left >= 0 else leaves[~left]
        b = largest[right] if right >= 0 else leaves[~right]
        largest[node] = max(a, b)
    return largest


@compiled
def keep_best(scores, words, score, word):
    """Replace the smallest score in a min-heap of k scores, float32 (k,)."""
    place, size = 0, len(scores)
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and scores[child + 1] < scores[child]:
            child += 1
        if scores[child] >= score:
            break
        scores[place], words[place] = scores[child], words[child]
        place = child
    scores[place], words[place] = score, word


@compiled
def search(vectors, own, thetas, children, priors, largest, depth, scores, found):
    """Find the k words y with the largest ln p(y|x) + prior(y), for a batch of n words x. Exact.

    vectors: float32 (n, d). own: int32 (n,), the row of each x, which is excluded (−1: none). thetas:
    float32 (V−1, d). priors: float32 (V,), for example −α ln p(y). largest: the result of `largest_below`
    for the priors. depth: the inner nodes of the longest path. Output: scores, float32 (n, k), and found,
    int32 (n, k), as min-heaps; found is −1 if there are fewer words. Returns the number of visits of an
    inner node by a word.

    Along a path, ln p only falls. So a word under a node scores at most the ln p of the node plus the
    largest prior below it. A word x enters a subtree only if that bound exceeds its k-th best score. The
    batch is searched together, so that each θ is read once for all words that need it.
    """
    size = len(vectors)
    scores[:] = -np.inf
    found[:] = -1
    room = depth + 2
    nodes, starts, lengths = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(room, np.int64)
    waiting, reached = np.empty(size * room, np.int32), np.empty(size * room, np.float32)
    active, turns, sums = np.empty(size, np.int32), np.empty(size, np.float32), np.empty(size, np.float32)
    sides = np.empty((2, size), np.float32)
    for word in range(size):
        waiting[word], reached[word] = word, 0.0
    nodes[0], starts[0], lengths[0] = 0, 0, size
    pending, visits = 1, 0
    while pending:
        pending -= 1
        node, start = nodes[pending], starts[pending]
        bound, count = largest[node], 0
        for place in range(start, start + lengths[pending]):
            word = waiting[place]
            active[count], sums[count] = word, reached[place]
            count += np.int64(reached[place] + bound > scores[word, 0])
        visits += count
        theta, lead = thetas[node], 0
        left, right = children[node, 0], children[node, 1]
        for place in range(count):
            turns[place] = dot(vectors[active[place]], theta)
        for place in range(count):
            s = np.float64(turns[place])
            rest = sums[place] - softplus(s)
            sides[0, place], sides[1, place] = rest + min(s, 0.0), rest - max(s, 0.0)
            lead += 1 if s > 0 else -1
        for side in range(2):
            child = children[node, side]
            if child < 0:
                prior = priors[~child]
                for place in range(count):
                    word, score = active[place], sides[side, place] + prior
                    if score > scores[word, 0] and own[word] != ~child:
                        keep_best(scores[word], found[word], score, ~child)
        if left >= 0 and right >= 0:
            first = 0 if lead + count * np.sign(largest[left] - largest[right]) >= 0 else 1
        else:
            first = 0
        for turn in range(2):
            side = first if turn else 1 - first  # a stack: the side pushed last is searched first
            child = children[node, side]
            if child < 0:
                continue
            bound, kept = largest[child], 0
            for place in range(count):
                word = active[place]
                waiting[start + kept], reached[start + kept] = word, sides[side, place]
                kept += np.int64(sides[side, place] + bound > scores[word, 0])
            if kept:
                nodes[pending], starts[pending], lengths[pending] = child, start, kept
                pending, start = pending + 1, start + kept
    return visits


@compiled
def place_of(node, nodes, places):
    """The slot of a node in a hash table; the slot contains −1 if the table lacks the node.

    places: int32, the table: indexes into `nodes`, with linear probing. Its size is a power of two; −1 is
    empty.
    """
    mask = len(places) - 1
    slot = node & mask
    while places[slot] >= 0 and nodes[places[slot]] != node:
        slot = (slot + 1) & mask
    return slot


@compiled
def places_for(number):
    """An empty hash table for `number` nodes, which is at most half full."""
    size = 16
    while size < 2 * number:
        size *= 2
    return np.full(size, -1, np.int32)


@compiled
def count_paths(words, times, parents, sides, leaf_parents, leaf_sides, depth):
    """Count how often the paths of n words pass each inner node. O(n · depth) for any vocabulary size.

    words: int32 (n,), rows. times: float64 (n,), the occurrences of each. Returns the m nodes passed, int32
    (m,), the number of passages, float64 (m,), and of passages that turn to side 1, float64 (m,).
    """
    size = min(len(words) * depth, len(parents))
    nodes, places = np.empty(size, np.int32), places_for(size)
    passages, turned = np.zeros(size), np.zeros(size)
    number = 0
    for word in range(len(words)):
        node, side = leaf_parents[words[word]], leaf_sides[words[word]]
        while node >= 0:
            slot = place_of(node, nodes, places)
            place = places[slot]
            if place < 0:
                place = places[slot] = number
                nodes[place] = node
                number += 1
            passages[place] += times[word]
            turned[place] += side * times[word]
            node, side = parents[node], sides[node]
    return nodes[:number], passages[:number], turned[:number]


@compiled
def node_sums(vectors, thetas, nodes, passages, turned, result):
    """Add − Σ_n [ c_n · ln(1 + e^−S_n) + e_n · S_n ], with S_n = v·θ_n, for every vector v.

    vectors: float32 (C, d), C a multiple of 4. thetas: float32 (V−1, d). nodes: int32 (n,). passages c and
    turned e: float64 (n,). Output: result, float64 (C,), which must be 0 before.
    """
    dimensions = vectors.shape[1]
    activations = np.empty((4, len(vectors)), np.float32)
    for start in range(0, len(nodes), 4):
        number = min(4, len(nodes) - start)
        last = start + number - 1
        ta, tb = thetas[nodes[start]], thetas[nodes[min(start + 1, last)]]
        tc, td = thetas[nodes[min(start + 2, last)]], thetas[nodes[min(start + 3, last)]]
        for row in range(0, len(vectors), 4):  # 4 × 4 sums in registers
            va, vb, vc, vd = vectors[row], vectors[row + 1], vectors[row + 2], vectors[row + 3]
            aa = ab = ac = ad = ba = bb = bc = bd = np.float32(0)
            ca = cb = cc = cd = da = db = dc = dd = np.float32(0)
            for i in range(dimensions):
                p, q, r, s = ta[i], tb[i], tc[i], td[i]
                w, x, y, z = va[i], vb[i], vc[i], vd[i]
                aa, ab, ac, ad = aa + p * w, ab + p * x, ac + p * y, ad + p * z
                ba, bb, bc, bd = ba + q * w, bb + q * x, bc + q * y, bd + q * z
                ca, cb, cc, cd = ca + r * w, cb + r * x, cc + r * y, cd + r * z
                da, db, dc, dd = da + s * w, db + s * x, dc + s * y, dd + s * z
            to = activations[:, row : row + 4]
            to[0, 0], to[0, 1], to[0, 2], to[0, 3] = aa, ab, ac, ad
            to[1, 0], to[1, 1], to[1, 2], to[1, 3] = ba, bb, bc, bd
            to[2, 0], to[2, 1], to[2, 2], to[2, 3] = ca, cb, cc, cd
            to[3, 0], to[3, 1], to[3, 2], to[3, 3] = da, db, dc, dd
        for place in range(number):
            c, e, turns = passages[start + place], turned[start + place], activations[place]
            for row in range(len(vectors)):
                value = np.float64(turns[row])
                result[row] -= c * (softplus(value) - min(value, 0.0)) + e * value


@compiled
def score_text(text, vectors, thetas, parents, sides, leaf_parents, leaf_sides, depth, candidates, scores):
    """Score the distinct words w of a text, in order of appearance, by ln p(text|w). Returns their number.

    text: int32 (N,), rows. vectors: float32 (V, d). Output: candidates, int32 (N,), and scores, float64 (N,).
    """
    places, times, number = places_for(len(text)), np.zeros(len(text)), 0
    for word in text:
        slot = place_of(word, candidates, places)
        if places[slot] < 0:
            places[slot] = number
            candidates[number] = word
            number += 1
        times[places[slot]] += 1
    counted = count_paths(candidates[:number], times, parents, sides, leaf_parents, leaf_sides, depth)
    size = (number + 3) // 4 * 4
    own, sums = np.empty((size, vectors.shape[1]), np.float32), np.zeros(size)
    for place in range(size):
        own[place] = vectors[candidates[min(place, number - 1)]]
    node_sums(own, thetas, *counted, sums)
    scores[:number] = sums[:number]
    return number


@compiled
def score_texts(words, starts, first, last, model, candidates, numbers, scores):
    """Call `score_text` for the texts `first` to `last`: text t is words[starts[t] : starts[t + 1]].

    model: the arguments of `score_text` from `vectors` to `depth`. Output: candidates and scores, as long as
    words, and numbers, one for each text.
    """
    for t in range(first, last):
        part = slice(starts[t], starts[t + 1])
        if starts[t + 1] > starts[t]:
            numbers[t] = score_text(words[part], *model, candidates[part], scores[part])
        else:
            numbers[t] = 0


@compiled
def walk_paths(vectors, targets, thetas, parents, sides, leaf_parents, leaf_sides, depth, result):
    """Compute ln p(y|x) of m target words y for n words x. Each θ on their paths is read once.

    vectors: float32 (n, d), of the words x. targets: int32 (m,), the words y. Output: result, float32 (n, m).
    """
    size = min(len(targets) * depth, len(parents))
    nodes, places = np.empty(size, np.int32), places_for(size)
    turns = np.empty((size, len(vectors), 2))
    number = 0
    for place in range(len(targets)):
        sums = np.zeros(len(vectors))
        node, side = leaf_parents[targets[place]], leaf_sides[targets[place]]
        while node >= 0:
            slot = place_of(node, nodes, places)
            if places[slot] < 0:
                places[slot] = number
                nodes[number] = node
                theta = thetas[node]
                for x in range(len(vectors)):
                    s = np.float64(dot(vectors[x], theta))
                    lost = softplus(s)
                    turns[number, x, 0], turns[number, x, 1] = min(s, 0.0) - lost, -max(s, 0.0) - lost
                number += 1
            for x in range(len(vectors)):
                sums[x] += turns[places[slot], x, side]
            node, side = parents[node], sides[node]
        result[:, place] = sums
