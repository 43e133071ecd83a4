"""Words and vectors in one ranking.

The candidates are the DEPTH best documents by words and the DEPTH nearest by vector. The vector of the
query is mixed with the mean of those of the FEEDBACK documents that are best by words, and of all that
tie with the last of them, for a query is short and its best documents say more of what it means. A
candidate has

    w = its score by words / the best score, 0 where it is not among the SCORED best by words
    c = max(0, cosine)

The first HEAD ranks go by (1 − h)·w + h·c, the others by (1 − r)·w + r·c: exact words decide the top of
a ranking, and meaning what is found at all. What else was found by words follows. So the ranking of a
query is the same however many hits are asked for.

The scores of a ranking are on one scale, from 0 to 1. Each is the sum by which its rank goes; where those
of the others would pass that of the last of the first ranks, they are multiplied by what brings the largest
of them just under it (STEP), and so are the scores by words of what follows. So scores fall as ranks rise,
and are equal where the sums are, and only there.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import FloatArray, IntArray
from enricher.model.text_vectors.vectors import Codes, cosines_of, dequantize, quantize, scale_of, unit
from enricher.records import QueryVector

Id = TypeVar("Id", bound=Hashable)
"""What an engine knows a document by."""

DEPTH = 200
SCORED = 1000
HEAD = 10
FEEDBACK = 5
FEEDBACK_SHARE = 0.5
TIE = 1e-5
"""Two engines round the scores of one document apart by less than this part of them."""
STEP = 1e-6
"""The least part by which a score of a later block is under those before it, and the score of nothing: more
than trec_eval's single precision rounds away.
"""
LEAST_COSINE = 0.25
"""A document without a word of the query must be nearer to it than this; .3 begins to cost recall."""


def best_of(found: Mapping[Id, float]) -> list[Id]:
    """The documents that move the vector of a query, of those found by words with their scores, best first.

    Which of several equal documents an engine ranks first is chance, and must not matter; of more than
    DEPTH equal ones it is chance again.
    """
    best = list(islice(found, DEPTH))
    if len(best) <= FEEDBACK:
        return best
    last = found[best[FEEDBACK - 1]] * (1 - TIE)
    return [document for document in best if found[document] >= last]


def with_feedback(query: Codes, best: Sequence[Codes]) -> Codes:
    """The vector of a query, int8 (d,), moved to the vectors of its best documents."""
    if not best:
        return query
    center = unit(np.array(best, np.int32).sum(axis=0))  # whole numbers: in any order the same
    return quantize(unit((1 - FEEDBACK_SHARE) * dequantize(query) + FEEDBACK_SHARE * center))


def least_product(dimensions: int) -> float:
    """LEAST_COSINE as a product of codes."""
    return LEAST_COSINE * scale_of(dimensions) ** 2


def candidates_of(found: Mapping[Id, float], near: Iterable[Id]) -> list[Id]:
    """The documents that are compared: the best by words, then what is near and not among them."""
    return list(dict.fromkeys([*islice(found, DEPTH), *near]))


def rank(
    found: Mapping[Id, float], candidates: Sequence[Id], products: NDArray[Any], vector: QueryVector, top: int
) -> list[tuple[Id, float]]:
    """The first documents of the ranking and their scores: `top` of them, or all where there are fewer.

    found: with scores by words, best first; products: of the candidates' codes and the query's, 0 for none.
    """
    scored = found if len(found) <= SCORED else dict(islice(found.items(), SCORED))
    scores = np.array([scored.get(document, 0.0) for document in candidates])
    order, mixed = fuse(scores, products, len(vector.codes), vector.head, vector.rest)
    ranked = [(candidates[place], score) for place, score in zip(order.tolist(), mixed.tolist(), strict=True)]
    if top > len(ranked):
        compared, last = set(candidates), ranked[-1][1] if ranked else 1.0
        others = [(name, score) for name, score in found.items() if name not in compared]
        further = _under(last, np.array([score for _, score in others]) / _largest(found.values()))
        ranked += zip([name for name, _ in others], further.tolist(), strict=True)
    return ranked[:top]


def _largest(scores: Iterable[float]) -> float:
    """The first of falling scores, in a way that nothing is divided by 0."""
    return max(next(iter(scores), 0.0), 1e-9)


def fuse(
    scores: NDArray[Any], products: NDArray[Any], dimensions: int, head: float, rest: float
) -> tuple[IntArray, FloatArray]:
    """The order of n candidates, best first, and their scores in that order.

    scores: by words, 0 for none; products: of the candidates' codes and the query's, 0 for none. The
    scores of the order fall from 1 at most to over 0; ties stay in the order given.
    """
    words = scores / max(float(scores.max(initial=0.0)), 1e-9)
    cosines = np.maximum(0.0, cosines_of(products, dimensions))
    by_head, by_rest = _mixed(words, cosines, head), _mixed(words, cosines, rest)
    near = np.argsort(-by_head, kind="stable")[:HEAD]
    others = np.argsort(-by_rest, kind="stable")
    later = np.ones(len(others), bool)
    later[near] = False
    others = others[later[others]]
    first = _over_nothing(by_head[near])
    mixed = np.concatenate([first, _under(float(first.min(initial=1.0)), _over_nothing(by_rest[others]))])
    mixed /= max(float(mixed.max(initial=1.0)), 1.0)  # the cosine of rounded vectors may be over 1
    return np.concatenate([near, others]).astype(np.int32), np.asarray(mixed, np.float64)


def _mixed(words: NDArray[Any], cosines: NDArray[Any], share: float) -> NDArray[Any]:
    return (1 - share) * words + share * cosines


def _over_nothing(scores: NDArray[Any]) -> NDArray[Any]:
    """Scores raised over 0 by STEP, so that there is room under the least of them."""
    return STEP + (1 - STEP) * scores


def _under(last: float, scores: NDArray[Any]) -> NDArray[Any]:
    """Falling scores as they are where they are under `last`, else in proportion just under it."""
    limit = (1 - STEP) * last
    return scores * (limit / max(float(scores.max(initial=0.0)), limit))
