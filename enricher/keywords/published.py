"""The published score: the words from which the text can best be guessed.

    score(w) = log p(s|w) = Σ_k log p(w_k|w)        over the words w_k of the text s

The codes of all words are summed once into two counts for every inner node n of the Huffman
tree: c_n paths through it, e_n of them turning to side 1. Then for all candidates at once, with
S = V_cand Θᵀ,

    score = − Σ_n [ c_n · softplus(−S_n) + e_n · S_n ]
"""

from collections.abc import Sequence

import numpy as np

from enricher.model.huffman import DoubleArray, FloatArray, IntArray, path_counts
from enricher.model.word2vec import Word2Vec
from enricher.records import Keyword

BLOCK = 2_000_000
"""Activations held at a time: bounds the memory of a long text."""


def text_log_probabilities(model: Word2Vec, text: IntArray, candidates: IntArray) -> FloatArray:
    """Log p(s|w) of a text for each candidate word w, natural logarithm.

    text: int32 (N,), rows of the words in the text, with repetitions. candidates: int32 (C,).
    Returns float32 (C,). On a model of negative sampling Σ_k v_w·c_{w_k}, which differs from
    log p(s|w) by about a constant of the text.
    """
    vectors = np.asarray(model.vectors[candidates], np.float32)
    if model.tree is None or model.nodes is None:
        assert model.outputs is not None
        scores: FloatArray = vectors @ np.asarray(model.outputs[text], np.float32).sum(axis=0)
        return scores
    passages, turned = path_counts(model.tree, text)
    used = np.flatnonzero(passages)
    nodes = np.asarray(model.nodes[used], np.float32)
    block = max(1, BLOCK // max(1, len(used)))
    parts = [
        _node_sum(vectors[start : start + block] @ nodes.T, passages[used], turned[used])
        for start in range(0, len(candidates), block)
    ]
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def _node_sum(activations: FloatArray, passages: DoubleArray, turned: DoubleArray) -> FloatArray:
    """− Σ_n [ c_n · softplus(−S_n) + e_n · S_n ] for every row of S, float32 (C, n)."""
    softplus = np.maximum(-activations, 0) + np.log1p(np.exp(-np.abs(activations)))
    summed: FloatArray = -(softplus @ passages + activations @ turned).astype(np.float32)
    return summed


def published_keywords(model: Word2Vec, words: Sequence[str], top: int) -> list[Keyword]:
    """The words w of a text with the largest log p(s|w), best first.

    words: the content words of the text, with repetitions; those that the model does not know
    are passed over.
    """
    text = model.rows(words)
    candidates, first = np.unique(text, return_index=True)
    candidates = candidates[np.argsort(first)]
    scores = text_log_probabilities(model, text, candidates)
    best = np.argsort(-scores, kind="stable")[:top]
    return [Keyword(model.words[candidates[i]], float(scores[i])) for i in best]
