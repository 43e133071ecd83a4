"""t-SNE and SNE by openTSNE: places in the plane, so that points with large affinity are neighbors.

t-SNE (van der Maaten and Hinton, 2008) makes the divergence KL(P‖Q) small, where P are the affinities and
q(i, j) ∝ 1 / (1 + |y_i − y_j|²). SNE (Hinton and Roweis, 2002), here with symmetric affinities, has
q(i, j) ∝ exp(−|y_i − y_j|²). openTSNE's kernel (1 + d²/ν)^(−(ν+1)/2) is that of t-SNE for ν = 1; for large
ν it is a Gaussian, which is SNE's up to the scale of the map.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.errors import UsageError
from enricher.model.arrays import FloatArray, IntArray

EARLY_ITERATIONS, ITERATIONS = 250, 500
ALL_ITERATIONS = EARLY_ITERATIONS + ITERATIONS
ITERATIONS_PER_REPORT = 25
HEAVY_TAIL, GAUSSIAN = 1.0, 100.0
"""Degrees of freedom ν of the kernel: of t-SNE, and of SNE."""
NEIGHBORS_PER_PERPLEXITY = 3
MIN_POINTS_OF_THREADS = 5_000
"""A smaller map is drawn faster by one thread."""
START_SPREAD, JITTER = 1e-4, 1e-6
"""Standard deviation of the first coordinate at the start; of what is added so that no two points are one."""

Report = Callable[[int], None]
"""Takes the number of finished iterations."""


def need_opentsne() -> None:
    """Raise UsageError if openTSNE is not installed."""
    if find_spec("openTSNE") is None:
        raise UsageError(
            'A map needs openTSNE. Run: pip install "search-enricher[maps]", or in a clone: pip install '
            "'.[maps]'."
        )


def neighbors_for(perplexity: float) -> int:
    """How many nearest points of each the affinities with this perplexity need."""
    return max(1, int(NEIGHBORS_PER_PERPLEXITY * perplexity))


def neighbor_affinities(neighbors: IntArray, distances: FloatArray, perplexity: float, threads: int) -> Any:
    """Affinities of n points from their nearest points, a sparse matrix (n, n) that sums to 1.

    p(j|i) falls with the squared distance, as a Gaussian whose width gives p(·|i) the perplexity; they are
    made symmetric. neighbors, distances: (n, `neighbors_for(perplexity)`).
    """
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    known = PrecomputedNeighbors(neighbors, distances.astype(np.float64))
    return PerplexityBasedNN(knn_index=known, perplexity=perplexity, n_jobs=threads).P


def embed(
    affinities: Any,
    start: NDArray[np.float64],
    seed: int,
    threads: int,
    freedom: float = HEAVY_TAIL,
    report: Report = lambda iteration: None,
) -> NDArray[np.float64]:
    """Places of n points, float64 (n, 2).

    affinities: sparse (n, n), sums to 1. start: first places, (n, 2), of any scale. freedom: HEAVY_TAIL or
    GAUSSIAN. The result depends on the seed only through a jitter of the start, and not on the threads.
    """
    from openTSNE import TSNE
    from openTSNE.affinity import PrecomputedAffinities

    done = 0

    def called(iteration: int, error: float, places: Any) -> None:
        nonlocal done
        done += ITERATIONS_PER_REPORT
        report(done)

    method = TSNE(
        early_exaggeration_iter=EARLY_ITERATIONS,
        n_iter=ITERATIONS,
        dof=freedom,
        callbacks=[called],
        callbacks_every_iters=ITERATIONS_PER_REPORT,
        n_jobs=threads if len(start) >= MIN_POINTS_OF_THREADS else 1,
        random_state=seed,
    )
    known = PrecomputedAffinities(affinities.copy(), normalize=False)
    return np.array(method.fit(affinities=known, initialization=_start(start, seed)), np.float64)


def _start(places: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """The first places, small and without two points in one place."""
    scaled = places - places.mean(axis=0)
    spread = scaled[:, 0].std()
    scaled = scaled / spread * START_SPREAD if spread > 0 else np.zeros_like(scaled)
    jitter = JITTER if spread > 0 else START_SPREAD
    return np.ascontiguousarray(scaled + np.random.default_rng(seed).normal(0, jitter, scaled.shape))
