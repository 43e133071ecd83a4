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
SEARCH_BATCH = 128
"""Words that go through the tree together."""


def log_conditionals(model: Word2Vec, rows: IntArray) -> FloatArray:
    """Log p(y|x) for every y, float32 (n, V); unnormalised on a model of negative sampling."""
    if model.tree is not None:
        return model.log_probabilities_of_rows(rows)
    return model.inner_products(rows) + model.log_priors


def relatedness(model: Word2Vec, rows: IntArray, alpha: float = DEFAULT_ALPHA) -> FloatArray:
    """r(x → y) = log p(y|x) − α log p(y), float32 (n, V) for n rows x."""
    scores: FloatArray = log_conditionals(model, rows) - np.float32(alpha) * model.log_priors
    return scores


def most_related(
    model: Word2Vec, rows: IntArray, top: int, alpha: float = DEFAULT_ALPHA
) -> tuple[FloatArray, IntArray]:
    """The words with the largest r(x → y) for n rows x, each x left out; exact, best first.

    Returns scores, float32 (n, top), and rows, int32 (n, top), −1 where the vocabulary has fewer.
    """
    if model.tree is None or model.nodes is None or model.tree.inner_nodes == 0:
        return _best_of_all(model, rows, top, alpha)
    from enricher.model import kernels  # compiled code is loaded only where it is needed

    priors = np.float32(-alpha) * model.log_priors
    largest = kernels.largest_below(model.tree.children, priors)
    scores, found = np.empty((len(rows), top), np.float32), np.empty((len(rows), top), np.int32)
    for start in range(0, len(rows), SEARCH_BATCH):
        part = slice(start, start + SEARCH_BATCH)
        vectors = np.ascontiguousarray(model.vectors[rows[part]])
        kernels.search(
            vectors, rows[part], model.nodes, model.tree.children, priors, largest, model.tree.depth,
            kernels.SOFTPLUS32, scores[part], found[part],
        )  # fmt: skip
    order = np.argsort(-scores, axis=1, kind="stable")
    return np.take_along_axis(scores, order, 1), np.take_along_axis(found, order, 1)


def _best_of_all(model: Word2Vec, rows: IntArray, top: int, alpha: float) -> tuple[FloatArray, IntArray]:
    """The same by computing every score, for models without a tree."""
    scores, found = np.full((len(rows), top), -np.inf, np.float32), np.full((len(rows), top), -1, np.int32)
    for place, row in enumerate(rows):
        everything = relatedness(model, rows[place : place + 1], alpha)[0]
        best = best_rows(everything, top, leave_out=[int(row)])
        scores[place, : len(best)], found[place, : len(best)] = everything[best], best
    return scores, found


def related(model: Word2Vec, word: str, top: int = 10, alpha: float = DEFAULT_ALPHA) -> list[RelatedWord]:
    """The words most related to a word, itself left out, best first; exact over the vocabulary.

    Raises UnknownWord, and UsageError when `top` is under 1 or alpha is no number.
    """
    if top < 1:
        raise UsageError(f"The number of words must be 1 or more, not {top}.")
    check_alpha(alpha)
    row = np.array([model.row(word)], np.int32)
    scores, found = most_related(model, row, min(top, len(model.words)), alpha)
    priors = model.log_priors
    return [
        RelatedWord(
            word=model.words[y],
            score=float(score),
            log_probability=float(score + np.float32(alpha) * priors[y]),
            log_prior=float(priors[y]),
        )
        for score, y in zip(scores[0], found[0], strict=True)
        if y >= 0
    ]


def check_alpha(alpha: float) -> None:
    """Raise UsageError when alpha is no number."""
    if not np.isfinite(alpha):
        raise UsageError(f"Alpha must be a number, not {alpha}.")


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
