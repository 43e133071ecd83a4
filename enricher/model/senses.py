"""Senses of a word: groups of the words related to it, and which of them a context means.

The RELATED words most related to a word are parted into at most GROUPS groups by the cosine of their vectors
(spherical k-means, the best of several seeded starts). Words of one sense are near each other, whatever word
brought them together; a sense may have several groups, but a group has few words of two senses. Of a
context x_1 … x_m the group g is meant that has the largest

    Σ_i  mean over y in g of log p(y|x_i) − log p(y)

"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import FloatArray, IntArray
from enricher.model.relatedness import Relatedness, most_related, mutual_information
from enricher.model.word2vec import Word2Vec

RELATED = 150
GROUPS = 6
FEWEST = 3
"""Words of a group; those of smaller ones go to the nearest that is larger."""
STARTS, ROUNDS, SEED = 4, 20, 1


@dataclass(frozen=True, slots=True)
class WordGroup:
    """Words related to one, best first: rows, int32 (n,), and their scores, float32 (n,)."""

    rows: IntArray
    scores: FloatArray


def word_groups(word2vec: Word2Vec, row: int, formula: Relatedness) -> list[WordGroup]:
    """The words most related to one in groups, the group with the best word first."""
    scores, rows = (found[0] for found in most_related(word2vec, np.array([row], np.int32), RELATED, formula))
    scores, rows = scores[rows >= 0], rows[rows >= 0]
    labels = group_labels(word2vec, rows)
    return [WordGroup(rows[labels == label], scores[labels == label]) for label in first_come(labels)]


def group_fits(word2vec: Word2Vec, groups: Sequence[IntArray], context: IntArray) -> list[float]:
    """How well groups, rows int32 (n,), fit a context, int32 (m,): the sum above, in nats."""
    return [float(mutual_information(word2vec, context, group).mean(axis=1).sum()) for group in groups]


def group_labels(word2vec: Word2Vec, rows: IntArray) -> NDArray[np.int64]:
    """The group of each of n words, int64 (n,); numbers say nothing but that groups differ."""
    from enricher.model import sense_kernels  # compiled code is loaded only where it is needed

    vectors = np.asarray(word2vec.vectors[rows], np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    number = max(1, min(GROUPS, len(rows) // (2 * FEWEST)))
    chances = _chances(number, len(rows))
    found: NDArray[np.int64] = sense_kernels.cluster(vectors @ vectors.T, number, chances, ROUNDS, FEWEST)
    return found


@lru_cache(64)
def _chances(groups: int, words: int) -> NDArray[np.float64]:
    """What is left to chance, the same every time: (STARTS, groups, words)."""
    return np.random.default_rng(SEED).random((STARTS, groups, words))


def first_come(labels: NDArray[np.int64]) -> list[int]:
    """The labels that occur, each once, in the order in which they come first."""
    return list(dict.fromkeys(labels.tolist()))
