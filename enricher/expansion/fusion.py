"""Words and vectors in one ranking.

The candidates are the DEPTH best documents by words and the DEPTH nearest by vector. The vector of the
query is mixed with the mean of those of the FEEDBACK documents that are best by words, and of all that
tie with the last of them, for a query is short and its best documents say more of what it means. A
candidate has

    w = its score by words / the best score, 0 where it was found by vector alone
    c = max(0, cosine)

The first HEAD ranks go by (1 − h)·w + h·c, the others by (1 − r)·w + r·c: exact words decide the top of
a ranking, and meaning what is found at all.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.model.huffman import FloatArray, IntArray
from enricher.model.text_vectors.vectors import Codes, cosines_of, dequantize, quantize, scale_of, unit

DEPTH = 200
HEAD = 10
FEEDBACK = 5
FEEDBACK_SHARE = 0.5
TIE = 1e-5
"""Two engines round the scores of one document apart by less than this part of them."""
LEAST_COSINE = 0.25
"""A document without a word of the query must be nearer to it than this; .3 begins to cost recall."""


def best_of(scores: Sequence[float]) -> int:
    """How many documents move the vector of a query, given the scores by words, best first.

    Which of several equal documents an engine ranks first is chance, and must not matter.
    """
    if len(scores) <= FEEDBACK:
        return len(scores)
    last = scores[FEEDBACK - 1] * (1 - TIE)
    return sum(score >= last for score in scores)


def with_feedback(query: Codes, best: Sequence[Codes]) -> Codes:
    """The vector of a query, int8 (d,), moved to the vectors of its best documents."""
    if not best:
        return query
    center = unit(np.mean([dequantize(codes) for codes in best], axis=0))
    return quantize(unit((1 - FEEDBACK_SHARE) * dequantize(query) + FEEDBACK_SHARE * center))


def least_product(dimensions: int) -> float:
    """LEAST_COSINE as a product of codes."""
    return LEAST_COSINE * scale_of(dimensions) ** 2


def fuse(
    scores: NDArray[Any], products: NDArray[Any], dimensions: int, head: float, rest: float
) -> tuple[IntArray, FloatArray]:
    """The order of n candidates, best first, and their scores in that order.

    scores: by words, 0 for none; products: of the candidates' codes and the query's, 0 for none. Those of
    the first ranks are above 1, so that scores fall as ranks rise; ties stay in the order given.
    """
    words = scores / max(float(scores.max(initial=0.0)), 1e-9)
    cosines = np.maximum(0.0, cosines_of(products, dimensions))
    near = np.argsort(-_mixed(words, cosines, head), kind="stable")[:HEAD]
    others = np.argsort(-_mixed(words, cosines, rest), kind="stable")
    later = np.ones(len(others), bool)
    later[near] = False
    order = np.concatenate([near, others[later[others]]]).astype(np.int32)
    mixed = np.where(
        np.arange(len(order)) < HEAD,
        1 + _mixed(words, cosines, head)[order],
        _mixed(words, cosines, rest)[order],
    )
    return order, np.asarray(mixed, np.float64)


def _mixed(words: NDArray[Any], cosines: NDArray[Any], share: float) -> NDArray[Any]:
    return (1 - share) * words + share * cosines
