"""The published score: the words from which the text can best be guessed.

    score(w) = log p(s|w) = Σ_k log p(w_k|w)        over the words w_k of the text s

The codes of all words are summed once into two counts for every inner node n of the Huffman
tree: c_n paths through it, e_n of them turning to side 1. Then for all candidates at once, with
S = V_cand Θᵀ,

    score = − Σ_n [ c_n · softplus(−S_n) + e_n · S_n ]
"""

from collections.abc import Sequence

import numpy as np

from enricher.model.huffman import FloatArray, IntArray, path_counts
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
    from enricher.model import kernels

    counts = path_counts(model.tree, text)
    nodes = np.asarray(model.nodes[counts.nodes], np.float32)
    sums = np.zeros(len(candidates))
    block = max(1, BLOCK // max(1, len(nodes)))
    for start in range(0, len(candidates), block):
        part = slice(start, start + block)
        activations = vectors[part] @ nodes.T
        kernels.node_sums(activations, counts.passages, counts.turned, kernels.SOFTPLUS, sums[part])
    return sums.astype(np.float32)


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
