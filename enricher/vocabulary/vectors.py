"""The vector of a word that is added after the training, from the words near which it occurs.

With everything else frozen, the vector v of a word with the context words y_1 … y_N minimizes

    Σ_k −ln p(y_k|v) + λ/2 · |v|²        p by the Huffman softmax (`enricher.model.huffman`)

This is a logistic regression on the inner nodes that the paths of the context words pass, so it has one
minimum. In a model that was trained with negative sampling, the context words and random words take the place
of the nodes. The vector then gets the length that trained words of its count have.
"""

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import DoubleArray, FloatArray, IntArray
from enricher.model.huffman import path_counts
from enricher.model.word2vec import Word2Vec

PRIOR = 100.0
"""The constant λ: how strongly the vector is held at zero (`python -m benchmarks --only fitted`)."""
NEGATIVES = 5
"""Random words for each context word, in a model that was trained with negative sampling."""
MAX_SAMPLED_WORDS, SEED = 20_000, 1
MAX_STEPS = 30
COMPARED_WORDS = 2_000
"""Trained words of similar counts whose lengths are looked at."""

Turns = tuple[DoubleArray, DoubleArray, DoubleArray]
"""The first arguments of `_minimum`."""


def vector_from_contexts(
    word2vec: Word2Vec, contexts: IntArray, length: float, prior: float = PRIOR
) -> FloatArray:
    """The vector of a word, float32 (d,).

    contexts: int32 (N,), rows of trained words, with repetitions; N is at least 1. length: of the vector
    (`usual_length`). prior: the constant λ.
    """
    turns = _turns_of_paths if word2vec.tree is not None else _turns_of_samples
    direction = _minimum(*turns(word2vec, contexts), prior)
    norm = float(np.linalg.norm(direction))
    return np.asarray(direction * (length / norm) if norm > 0 else direction, np.float32)


def _turns_of_paths(word2vec: Word2Vec, contexts: IntArray) -> Turns:
    assert word2vec.tree is not None and word2vec.nodes is not None
    counts = path_counts(word2vec.tree, contexts)
    return np.asarray(word2vec.nodes[counts.nodes], np.float64), counts.passages, counts.turned


def _turns_of_samples(word2vec: Word2Vec, contexts: IntArray) -> Turns:
    """With negative sampling: the context words turn to side 0, and NEGATIVES random words each to side 1."""
    assert word2vec.outputs is not None
    present, times = np.unique(contexts, return_counts=True)
    chances = np.asarray(word2vec.counts[: word2vec.trained], np.float64) ** 0.75
    number = min(NEGATIVES * len(contexts), MAX_SAMPLED_WORDS)
    sampled = np.random.default_rng(SEED).choice(word2vec.trained, number, p=chances / chances.sum())
    absent, drawn = np.unique(sampled, return_counts=True)
    often = drawn * (NEGATIVES * len(contexts) / number)
    rows = np.concatenate([present, absent])
    turned = np.concatenate([np.zeros(len(present)), often])
    return np.asarray(word2vec.outputs[rows], np.float64), np.concatenate([times, often]), turned


def _minimum(nodes: DoubleArray, passages: DoubleArray, turned: DoubleArray, prior: float) -> DoubleArray:
    """Newton's method on the regularized loss: few steps of O(n · d² + d³).

    nodes: float64 (n, d). passages, turned: float64 (n,), how often each is passed, and with side 1.
    """
    dimensions = nodes.shape[1]
    vector = np.zeros(dimensions)
    for _ in range(MAX_STEPS):
        activations = nodes @ vector
        to_one = 1 / (1 + np.exp(activations))  # the probability of side 1
        gradient = nodes.T @ (turned - passages * to_one) + prior * vector
        curvature = (nodes * (passages * to_one * (1 - to_one))[:, np.newaxis]).T @ nodes
        step = np.linalg.solve(curvature + prior * np.eye(dimensions), gradient)
        size = float(np.linalg.norm(step))
        vector -= step * min(1.0, 5.0 / max(size, 1e-9))
        if size < 1e-4:
            break
    return vector


def usual_length(word2vec: Word2Vec, count: int) -> float:
    """The median length of the vectors of trained words with about that count."""
    counts = np.asarray(word2vec.counts[: word2vec.trained])
    middle = int(np.searchsorted(-counts, -count))
    start = max(0, min(middle - COMPARED_WORDS // 2, word2vec.trained - COMPARED_WORDS))
    vectors = np.asarray(word2vec.vectors[start : min(start + COMPARED_WORDS, word2vec.trained)])
    lengths: NDArray[np.float64] = np.linalg.norm(vectors, axis=1)
    return float(np.median(lengths))
