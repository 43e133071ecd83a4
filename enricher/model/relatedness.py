"""Relatedness of words by mutual information: words that occur together.

    r(x → y) = log p(y|x) − α log p(y)

α = 1 is pointwise mutual information; α of 0.6 to 0.9 favours frequent words and reads better.
On a model trained with negative sampling v_x·c_y ≈ PMI(x, y) − log k stands for the mutual
information (O. Levy, Y. Goldberg, "Neural word embedding as implicit matrix factorization",
2014), and log p(y|x) is what follows from it: v_x·c_y + log p(y).
"""

from collections.abc import Sequence

import numpy as np

from enricher.errors import UsageError
from enricher.model.huffman import FloatArray, IntArray
from enricher.model.word2vec import Word2Vec
from enricher.records import RelatedWord

DEFAULT_ALPHA = 0.9


def log_conditionals(model: Word2Vec, rows: IntArray) -> FloatArray:
    """Log p(y|x) for every y, float32 (n, V); unnormalised on a model of negative sampling."""
    if model.tree is not None:
        return model.log_probabilities_of_rows(rows)
    return model.inner_products(rows) + model.log_priors


def relatedness(model: Word2Vec, rows: IntArray, alpha: float = DEFAULT_ALPHA) -> FloatArray:
    """r(x → y) = log p(y|x) − α log p(y), float32 (n, V) for n rows x."""
    if not np.isfinite(alpha):
        raise UsageError(f"Alpha must be a number, not {alpha}.")
    scores: FloatArray = log_conditionals(model, rows) - np.float32(alpha) * model.log_priors
    return scores


def related(model: Word2Vec, word: str, top: int = 10, alpha: float = DEFAULT_ALPHA) -> list[RelatedWord]:
    """The words most related to a word, itself left out, best first; exact over the vocabulary.

    Raises UnknownWord, and UsageError when `top` is under 1 or alpha is no number.
    """
    if top < 1:
        raise UsageError(f"The number of words must be 1 or more, not {top}.")
    row = model.row(word)
    scores = relatedness(model, np.asarray([row], np.int32), alpha)[0]
    best = best_rows(scores, top, leave_out=[row])
    priors = model.log_priors
    return [
        RelatedWord(
            word=model.words[y],
            score=float(scores[y]),
            log_probability=float(scores[y] + np.float32(alpha) * priors[y]),
            log_prior=float(priors[y]),
        )
        for y in best
    ]


def best_rows(scores: FloatArray, top: int, leave_out: Sequence[int] = ()) -> list[int]:
    """The rows of the `top` largest scores, float32 (V,), best first, ties by row."""
    kept = scores.copy()
    kept[list(leave_out)] = -np.inf
    top = min(top, len(kept) - len(set(leave_out)))
    if top <= 0:
        return []
    threshold = np.partition(kept, len(kept) - top)[len(kept) - top]
    candidates = np.flatnonzero(kept >= threshold)
    candidates = candidates[np.isfinite(kept[candidates])]
    return [int(y) for y in candidates[np.argsort(-kept[candidates], kind="stable")][:top]]
