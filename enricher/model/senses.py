"""Senses of a word: groups of the words related to it, and which of them a context means.

The RELATED words most related to a word are parted into at most GROUPS groups by the cosine of their vectors
(spherical k-means, the best of several seeded starts). Words of one sense are near each other, whatever word
brought them together; a sense may have several groups, but a group has few words of two senses. Of a
context x_1 … x_m the group g is meant that has the largest

    Σ_i  mean over y in g of log p(y|x_i) − log p(y)

"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enricher.model.huffman import FloatArray, IntArray
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


def word_groups(model: Word2Vec, row: int, formula: Relatedness) -> list[WordGroup]:
    """The words most related to one in groups, the group with the best word first."""
    scores, rows = (found[0] for found in most_related(model, np.array([row], np.int32), RELATED, formula))
    scores, rows = scores[rows >= 0], rows[rows >= 0]
    return [WordGroup(rows[group], scores[group]) for group in _groups(model, rows)]


def fitting_rows(model: Word2Vec, rows: IntArray, context: IntArray) -> IntArray:
    """Of words related to one, rows int32 (n,) best first, the group that a context means, int32 (m,)."""
    groups = [rows[group] for group in _groups(model, rows)]
    return groups[int(np.argmax(group_fits(model, groups, context)))] if groups else rows


def _groups(model: Word2Vec, rows: IntArray) -> list[NDArray[np.bool_]]:
    """Which of n rows belong to each group, bool (n,); the group of the first row comes first."""
    if not len(rows):
        return []
    vectors = np.asarray(model.vectors[rows], np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    labels = _clusters(vectors, max(1, min(GROUPS, len(rows) // (2 * FEWEST))))
    return [labels == label for label in dict.fromkeys(labels.tolist())]


def group_fits(model: Word2Vec, groups: Sequence[IntArray], context: IntArray) -> list[float]:
    """How well groups, rows int32 (n,), fit a context, int32 (m,): the sum above, in nats."""
    return [float(mutual_information(model, context, group).mean(axis=1).sum()) for group in groups]


def _clusters(vectors: FloatArray, number: int) -> NDArray[np.int64]:
    """The cluster of each vector of length 1, int64 (n,)."""
    generator = np.random.default_rng(SEED)
    found = [_from_start(vectors, number, generator) for _ in range(STARTS)]
    return max(found, key=lambda one: one[0])[1]


def _from_start(
    vectors: FloatArray, number: int, generator: np.random.Generator
) -> tuple[float, NDArray[np.int64]]:
    """The sum of cosines to the centres, and the clusters, from starting points far from each other."""
    centres = vectors[[int(generator.integers(len(vectors)))]]
    while len(centres) < number:
        distances = 1 - (vectors @ centres.T).max(axis=1)
        farthest = int(np.argmax(distances * generator.random(len(vectors))))
        centres = np.vstack([centres, vectors[farthest]])
    for _ in range(ROUNDS):
        labels = (vectors @ centres.T).argmax(axis=1)
        sums = np.stack([vectors[labels == label].sum(axis=0) for label in range(number)])
        empty = ~sums.any(axis=1)
        sums[empty] = centres[empty]
        centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
    cosines = vectors @ centres.T
    labels = cosines.argmax(axis=1)
    large = np.bincount(labels, minlength=number) >= FEWEST
    return float(cosines.max(axis=1).sum()), np.where(large, cosines, -np.inf).argmax(axis=1)
