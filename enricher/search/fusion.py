"""Hybrid ranking: combine BM25 scores and vector similarity in one ranking.

Candidates are the MAX_CANDIDATES best documents by BM25 and the MAX_CANDIDATES nearest by vector. The query
vector is first mixed with the mean vector of the FEEDBACK_DOCUMENTS best documents by BM25, and of all
documents that tie with the last of them: a query is short, and its best documents say more about its meaning.
A candidate has

    w = its BM25 score / the best BM25 score; 0 if it is not among the MAX_SCORED_DOCUMENTS best by BM25
    c = max(0, cosine)

The first HEAD_RANKS ranks are ordered by (1 − h)·w + h·c, the other candidates by (1 − r)·w + r·c. With h <
r, exact words decide the top of the ranking, and meaning decides what is found at all. Documents that match
by words but are no candidates follow. The ranking does not depend on the number of hits requested.

All scores are in one scale from 0 to 1. A score is the sum that orders the document. If the scores of a later
block exceeded the last score of the block before it, they are scaled down so that the largest is just below
that score (by SCORE_GAP). So scores fall with the rank, and two scores are equal only if the sums are equal.
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
"""The type by which an engine identifies a document."""

MAX_CANDIDATES = 200
"""Maximum candidates by BM25, and maximum candidates by vector."""
MAX_SCORED_DOCUMENTS = 1000
"""Number of best documents by BM25 whose BM25 scores count."""
HEAD_RANKS = 10
FEEDBACK_DOCUMENTS = 5
FEEDBACK_SHARE = 0.5
TIE_TOLERANCE = 1e-5
"""Relative tolerance within which two BM25 scores tie. Two engines round the same score less far apart."""
SCORE_GAP = 1e-6
"""Relative gap between two blocks of the ranking, and the lowest score of a candidate. It is larger than the
rounding of trec_eval's single precision.
"""
MIN_COSINE = 0.25
"""Minimum cosine of a document that contains no word of the query; 0.3 would reduce recall."""


def feedback_documents(found: Mapping[Id, float]) -> list[Id]:
    """The documents whose vectors are mixed into the query vector.

    found: the documents that match by words with their BM25 scores, best first. Documents that tie with the
    last feedback document are included, because their order in the engine is random. Only the first
    MAX_CANDIDATES documents are considered.
    """
    best = list(islice(found, MAX_CANDIDATES))
    if len(best) <= FEEDBACK_DOCUMENTS:
        return best
    last = found[best[FEEDBACK_DOCUMENTS - 1]] * (1 - TIE_TOLERANCE)
    return [document for document in best if found[document] >= last]


def with_feedback(query: Codes, best: Sequence[Codes]) -> Codes:
    """Mix the query vector, int8 (d,), with the mean of the vectors of its feedback documents."""
    if not best:
        return query
    center = unit(np.array(best, np.int32).sum(axis=0))  # integers: the sum does not depend on the order
    return quantize(unit((1 - FEEDBACK_SHARE) * dequantize(query) + FEEDBACK_SHARE * center))


def least_product(dimensions: int) -> float:
    """MIN_COSINE as a dot product of quantized vectors (codes) with so many dimensions."""
    return MIN_COSINE * scale_of(dimensions) ** 2


def candidates_of(found: Mapping[Id, float], near: Iterable[Id]) -> list[Id]:
    """The candidates: the best documents by words, then the nearest by vector that are not among them."""
    return list(dict.fromkeys([*islice(found, MAX_CANDIDATES), *near]))


def likely(found: Mapping[Id, float], products: NDArray[Any], vector: QueryVector, top: int) -> list[Id]:
    """The documents found by words that can be among the `top` best, before the nearest are known.

    found: the documents that match by words with their BM25 scores, best first. products: the dot product of
    each of them with the query; 0 if it has no vector. top: at most MAX_CANDIDATES.
    """
    scores = np.array(list(found.values()))
    words = scores / _largest(found.values())
    cosines = np.maximum(0.0, cosines_of(products, len(vector.codes)))
    chosen: set[int] = set()
    for share, number in ((vector.head, min(top, HEAD_RANKS)), (vector.rest, top if top > HEAD_RANKS else 0)):
        mixed = _mixed(words, cosines, share)
        best = np.argsort(-mixed[:MAX_CANDIDATES], kind="stable")[:number]
        last = mixed[best[-1]] if 0 < len(best) == number else -1.0
        chosen.update(best.tolist())
        if number:  # further documents are candidates only if they are among the nearest
            chosen.update((MAX_CANDIDATES + np.flatnonzero(mixed[MAX_CANDIDATES:] >= last)).tolist())
    names = list(found)
    return [names[place] for place in sorted(chosen)]


def rank(
    found: Mapping[Id, float], candidates: Sequence[Id], products: NDArray[Any], vector: QueryVector, top: int
) -> list[tuple[Id, float]]:
    """The `top` best documents of the hybrid ranking and their scores; fewer if there are fewer documents.

    found: the documents that match by words with their BM25 scores, best first. products: the dot product of
    each candidate's codes with those of the query; 0 if the candidate has no vector.
    """
    scored = (
        found if len(found) <= MAX_SCORED_DOCUMENTS else dict(islice(found.items(), MAX_SCORED_DOCUMENTS))
    )
    scores = np.array([scored.get(document, 0.0) for document in candidates])
    order, mixed = fuse(scores, products, len(vector.codes), vector.head, vector.rest)
    ranked = [(candidates[place], score) for place, score in zip(order.tolist(), mixed.tolist(), strict=True)]
    if top > len(ranked):
        compared, last = set(candidates), ranked[-1][1] if ranked else 1.0
        others = [(name, score) for name, score in found.items() if name not in compared]
        further = _scaled_below(last, np.array([score for _, score in others]) / _largest(found.values()))
        ranked += zip([name for name, _ in others], further.tolist(), strict=True)
    return ranked[:top]


def _largest(scores: Iterable[float]) -> float:
    """The first of the falling scores, but never 0, so that it can be a divisor."""
    return max(next(iter(scores), 0.0), 1e-9)


def fuse(
    scores: NDArray[Any], products: NDArray[Any], dimensions: int, head: float, rest: float
) -> tuple[IntArray, FloatArray]:
    """The order of n candidates, best first, int32 (n,), and their scores in that order, float64 (n,).

    scores: BM25 scores (n,), 0 if a candidate does not match by words. products: dot products (n,) of the
    candidates' codes and the query's, 0 if a candidate has no vector. head, rest: the shares of the cosine.
    The returned scores are in (0, 1] and fall. Candidates with equal scores keep the given order.
    """
    words = scores / max(float(scores.max(initial=0.0)), 1e-9)
    cosines = np.maximum(0.0, cosines_of(products, dimensions))
    by_head, by_rest = _mixed(words, cosines, head), _mixed(words, cosines, rest)
    near = np.argsort(-by_head, kind="stable")[:HEAD_RANKS]
    others = np.argsort(-by_rest, kind="stable")
    later = np.ones(len(others), bool)
    later[near] = False
    others = others[later[others]]
    first = _above_zero(by_head[near])
    last = float(first.min(initial=1.0))
    mixed = np.concatenate([first, _scaled_below(last, _above_zero(by_rest[others]))])
    mixed /= max(float(mixed.max(initial=1.0)), 1.0)  # the cosine of quantized vectors can exceed 1
    return np.concatenate([near, others]).astype(np.int32), np.asarray(mixed, np.float64)


def _mixed(words: NDArray[Any], cosines: NDArray[Any], share: float) -> NDArray[Any]:
    return (1 - share) * words + share * cosines


def _above_zero(scores: NDArray[Any]) -> NDArray[Any]:
    """Shift scores from [0, 1] to [SCORE_GAP, 1], so that the scores of the next block fit below them."""
    return SCORE_GAP + (1 - SCORE_GAP) * scores


def _scaled_below(last: float, scores: NDArray[Any]) -> NDArray[Any]:
    """Scale scores so that the largest is just below `last`; unchanged if it already is."""
    limit = (1 - SCORE_GAP) * last
    return scores * (limit / max(float(scores.max(initial=0.0)), limit))
