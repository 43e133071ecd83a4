"""Positions from softmax forms of the cost: skip-gram with one set of vectors, and SNE.

Both minimise −Σ p(i, j) ln q(j | i), with q(j | i) = e^s(i, j) / Σ over k ≠ i of e^s(i, k). In skip-gram
s(i, j) = v_i · v_j, in SNE (Hinton and Roweis, 2002) s(i, j) = −|v_i − v_j|².
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from enricher.library.shelves import start_kernels
from enricher.library.shelves.cost import Partners

Kind = Literal["skip-gram", "sne"]

MAX_FULL_ITEMS = 1_000
"""Up to so many items, a softmax sums over all of them; above, over a sample that each step draws."""
SAMPLE = 512
STEPS, SAMPLED_STEPS = 300, 150
RATE = 0.1
"""The step length of Adam (Kingma and Ba, 2015) at first; it falls to 0 along a line."""
DECAYS = (0.9, 0.999)
ROWS = 8_192
"""How many rows of scores are in memory at once."""

Vectors = NDArray[np.float64]
OnStep = Callable[[], object]


def softmax_positions(
    partners: Partners,
    dimensions: int,
    kind: Kind,
    seed: int,
    on_step: OnStep = lambda: None,
) -> Vectors:
    """Positions that minimise the loss: float64 (n, dimensions). A seed always gives the same.

    on_step: is called before every step; what it raises ends the work.
    """
    generator = np.random.default_rng(seed)
    size = len(partners)
    vectors = generator.normal(0, 0.1, (size, dimensions))
    mean, square = np.zeros_like(vectors), np.zeros_like(vectors)
    steps = STEPS if size <= MAX_FULL_ITEMS else SAMPLED_STEPS
    for step in range(steps):
        on_step()
        is_full = size <= MAX_FULL_ITEMS
        drawn = np.arange(size) if is_full else generator.choice(size, SAMPLE, replace=False)
        gradient = gradient_of(vectors, partners, kind, drawn)
        mean += (1 - DECAYS[0]) * (gradient - mean)
        square += (1 - DECAYS[1]) * (gradient**2 - square)
        first, second = (1 - decay ** (step + 1) for decay in DECAYS)
        rate = RATE * (1 - step / steps)
        vectors -= rate * (mean / first) / (np.sqrt(square / second) + 1e-12)
    return vectors


def gradient_of(
    vectors: Vectors, partners: Partners, kind: Kind, drawn: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The gradient of the loss, float64 (n, d). drawn: the items that sums of a softmax are over."""
    is_sne = kind == "sne"
    shares = start_kernels.summed(vectors, partners.starts, partners.others, partners.shares)
    # Σ over j of (p(i, j) + p(j, i)) ∂s(i, j)/∂v_i, and the sum of these shares is 2 p(i).
    gradient = -2 * (shares - 2 * partners.pull[:, None] * vectors) if is_sne else -shares
    others = vectors[drawn].astype(np.float32)
    for start in range(0, len(vectors), ROWS):
        rows = slice(start, start + ROWS)
        weights = _weights(vectors[rows].astype(np.float32), others, drawn, start, is_sne)
        weights *= partners.pull[rows].astype(np.float32)[:, None]
        toward, back = weights @ others, weights.T @ vectors[rows].astype(np.float32)
        if is_sne:
            gradient[rows] += 2 * (toward - weights.sum(axis=1)[:, None] * vectors[rows])
            gradient[drawn] += 2 * (back - weights.sum(axis=0)[:, None] * others)
        else:
            gradient[rows] += toward
            gradient[drawn] += back
    return np.asarray(gradient)


def _weights(
    rows: NDArray[np.float32], others: NDArray[np.float32], drawn: NDArray[np.int64], start: int, is_sne: bool
) -> NDArray[np.float32]:
    """q(k | i) for the items from `start` and those drawn: float32 (rows, drawn). Each row sums to 1."""
    scores = rows @ others.T
    if is_sne:  # −|v_i|² is the same for all k
        scores *= 2
        scores -= (others**2).sum(axis=1)
    own = np.flatnonzero((drawn >= start) & (drawn < start + len(rows)))
    scores[drawn[own] - start, own] = -np.inf
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores
