"""Senses of a word: clusters of its related words, and the cluster that fits a context best.

The RELATED_WORDS most related words are clustered into at most MAX_GROUPS groups by the cosine of their
vectors (spherical k-means, the best of several seeded starts). A sense may be split into several groups,
but a group rarely mixes two senses. The sense of a context x_1 … x_m is the group g with the largest

    Σ_i  mean over y in g of ln p(y|x_i) − ln p(y)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import FloatArray, IntArray
from enricher.model.relatedness import Relatedness, most_related, mutual_information
from enricher.model.word2vec import Word2Vec

RELATED_WORDS = 150
MAX_GROUPS = 6
MIN_GROUP_WORDS = 3
"""Minimum words of a group. The words of smaller groups move to the nearest larger group."""
SEEDED_STARTS, MAX_ROUNDS, SEED = 4, 20, 1


@dataclass(frozen=True, slots=True)
class WordGroup:
    """A group of n related words, best first: rows, int32 (n,), and scores, float32 (n,)."""

    rows: IntArray
    scores: FloatArray


def word_groups(word2vec: Word2Vec, row: int, formula: Relatedness) -> list[WordGroup]:
    """The most related words of a word in groups; the group with the best word comes first."""
    scores, rows = (
        found[0] for found in most_related(word2vec, np.array([row], np.int32), RELATED_WORDS, formula)
    )
    scores, rows = scores[rows >= 0], rows[rows >= 0]
    labels = group_labels(word2vec, rows)
    return [WordGroup(rows[labels == label], scores[labels == label]) for label in first_come(labels)]


def group_fits(word2vec: Word2Vec, groups: Sequence[IntArray], context: IntArray) -> list[float]:
    """How well each group fits a context, in nats (the sum in the module docstring).

    groups: rows, int32 (n,) each. context: rows of its words, int32 (m,).
    """
    return [float(mutual_information(word2vec, context, group).mean(axis=1).sum()) for group in groups]


def group_labels(word2vec: Word2Vec, rows: IntArray) -> NDArray[np.int64]:
    """The group number of each of n words, int64 (n,). The numbers have no order."""
    from enricher.model import sense_kernels  # load compiled code only if needed

    vectors = np.asarray(word2vec.vectors[rows], np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    number = max(1, min(MAX_GROUPS, len(rows) // (2 * MIN_GROUP_WORDS)))
    chances = _chances(number, len(rows))
    found: NDArray[np.int64] = sense_kernels.cluster(
        vectors @ vectors.T, number, chances, MAX_ROUNDS, MIN_GROUP_WORDS
    )
    return found


@lru_cache(64)
def _chances(groups: int, words: int) -> NDArray[np.float64]:
    """Random numbers with a fixed seed: (SEEDED_STARTS, groups, words)."""
    return np.random.default_rng(SEED).random((SEEDED_STARTS, groups, words))


def first_come(labels: NDArray[np.int64]) -> list[int]:
    """The distinct labels, in order of first occurrence."""
    return list(dict.fromkeys(labels.tolist()))
