"""The compiled loops over the Huffman tree. Nothing else imports numba.

A node of the tree is a row of `children`, int32 (V−1, 2): the number of an inner node, or ~w for
the leaf of word w. Nodes are in pre-order (`enricher.model.huffman`): a child stands behind its
parent, and the nodes below one node stand together.

    log σ(s) = min(s, 0) − ln(1 + e^−|s|)

and ln(1 + e^−t) is the third-order Taylor polynomial around the nearest of 32 points a unit:
within 1e-9 of the true value, less than the rounding of the float32 products that go into it.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

STEPS = 32
FARTHEST = 24
"""Beyond it ln(1 + e^−t) is under 4e-11."""


def _softplus_table() -> NDArray[np.float64]:
    """The coefficients of ln(1 + e^−t) around t = i/STEPS; float64 (n, 4)."""
    points = np.arange(FARTHEST * STEPS + 2) / STEPS
    p = 1.0 / (1.0 + np.exp(-points))
    curvature = p * (1.0 - p)
    return np.stack(
        [np.log1p(np.exp(-points)), p - 1.0, curvature / 2.0, curvature * (1.0 - 2.0 * p) / 6.0], axis=1
    )


SOFTPLUS = _softplus_table()
SOFTPLUS32 = SOFTPLUS.astype(np.float32)


def compiled(function: Callable[..., Any]) -> Any:
    """Compile without the interpreter's lock; keep the machine code where a folder can be written."""
    options: dict[str, Any] = {
        "nogil": True,
        "fastmath": {"contract", "reassoc", "arcp"},
        "error_model": "numpy",
    }
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for the cache can be written
        return numba.njit(**options)(function)


@compiled
def softplus(t, table):
    """ln(1 + e^−t) for t ≥ 0, in the precision of the table."""
    t = min(t, table.dtype.type(FARTHEST))
    nearest = np.int32(t * table.dtype.type(STEPS) + table.dtype.type(0.5))
    rest = t - nearest * table.dtype.type(1.0 / STEPS)
    return table[nearest, 0] + rest * (
        table[nearest, 1] + rest * (table[nearest, 2] + rest * table[nearest, 3])
    )


@compiled
def flow(activations, children, table, result):
    """Fill in log p(y|x) of every word from the activations v·θ of every inner node.

    activations: float32 (n, V−1); result: float32 (n, V), written.
    """
    inner = len(children)
    reached = np.zeros(inner)
    for word in range(len(activations)):
        for node in range(inner):
            s = np.float64(activations[word, node])
            lost = softplus(abs(s), table)
            for side in range(2):
                turned = -s if side else s
                value = reached[node] + min(turned, 0.0) - lost
                child = children[node, side]
                if child >= 0:
                    reached[child] = value
                else:
                    result[word, ~child] = value


@compiled
def largest_below(children, leaves):
    """For every inner node the largest value of the leaves below it; float32 (V−1,)."""
    largest = np.empty(len(children), np.float32)
    for node in range(len(children) - 1, -1, -1):
        left, right = children[node, 0], children[node, 1]
        a = largest[left] if left >= 0 else leaves[~left]
        b = largest[right] if right >= 0 else leaves[~right]
        largest[node] = max(a, b)
    return largest


@compiled
def keep_best(scores, words, score, word):
    """Replace the least of a heap of k scores, float32 (k,), the least first."""
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
def search(vectors, own, thetas, children, priors, largest, depth, table, scores, found):
    """The k words y with the largest log p(y|x) + prior(y), for a batch of words x; exact.

    vectors: float32 (n, d); own: int32 (n,), the row of x, which is left out (−1: none); thetas:
    float32 (V−1, d); priors: float32 (V,), −α log p(y) for mutual information; largest: of
    `largest_below` for them; depth: the inner nodes of the longest path; table: SOFTPLUS32. scores,
    float32 (n, k), and found, int32 (n, k), are written as heaps, the least first; found is −1
    where there are fewer words.

    Along a path log p only falls, so no word under a node scores more than the log p of having
    come there plus the largest prior below. A word of the batch goes on below a node only if that
    bound beats its k-th best so far. The batch goes through the tree together, so that each θ is
    read once for all words that still need it.
    """
    size, dimensions = vectors.shape
    scores[:] = -np.inf
    found[:] = -1
    room = depth + 2
    nodes, starts, lengths = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(room, np.int64)
    waiting, reached = np.empty(size * room, np.int32), np.empty(size * room, np.float32)
    active, sums = np.empty(size, np.int32), np.empty(size, np.float32)
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
            vector, s = vectors[active[place]], np.float32(0)
            for i in range(dimensions):
                s += vector[i] * theta[i]
            lost = softplus(abs(s), table)
            sides[0, place] = sums[place] + min(s, np.float32(0)) - lost
            sides[1, place] = sums[place] + min(-s, np.float32(0)) - lost
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
            side = first if turn else 1 - first  # the last one put there is the next one taken
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
def count_paths(words, parents, sides, leaf_parents, leaf_sides, touched, passages, turned):
    """Count how often the paths of words pass each inner node; returns how many nodes they touch.

    words: int32 (N,), rows with repetitions. passages and turned: int32 (V−1,), zero before; they
    get the passages, and those that turn to side 1. touched: int32, gets the nodes passed.
    """
    number = 0
    for word in words:
        node, side = leaf_parents[word], leaf_sides[word]
        while node >= 0:
            if passages[node] == 0:
                touched[number] = node
                number += 1
            passages[node] += 1
            turned[node] += side
            node, side = parents[node], sides[node]
    return number


@compiled
def node_sums(activations, passages, turned, table, result):
    """− Σ_n [ c_n · ln(1 + e^−S_n) + e_n · S_n ] of every row of S.

    activations: float32 (C, n); passages c and turned e: float64 (n,); result: float64 (C,), written.
    """
    for row in range(len(activations)):
        total = 0.0
        for node in range(len(passages)):
            s = np.float64(activations[row, node])
            total += passages[node] * (softplus(abs(s), table) - min(s, 0.0)) + turned[node] * s
        result[row] = -total
