"""Metrics of rankings, computed by the code of trec_eval, and their significance."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ir_measures
from ir_measures import AP, RR, R, nDCG
from scipy import stats

NDCG, RECALL = nDCG @ 10, R @ 100
MEASURES = (NDCG, RECALL, AP, RR)

MAX_SCORED_HITS = 1_000
"""Number of hits per query that are scored."""


@dataclass(frozen=True, slots=True)
class QueryScores:
    """The metrics of one query, each from 0 to 1.

    ndcg: nDCG@10 with the grade as gain and the discount log2(rank + 1) (Järvelin and Kekäläinen 2002;
    trec_eval: ndcg_cut_10). recall: share of the relevant documents among the first 100 hits.
    average_precision: over all hits. reciprocal_rank: 1 / rank of the first relevant document. A document
    with a grade above 0 is relevant.
    """

    ndcg: float = 0.0
    recall: float = 0.0
    average_precision: float = 0.0
    reciprocal_rank: float = 0.0


def score_ranking(grades: Mapping[str, int], scores: Mapping[str, float]) -> QueryScores:
    """The metrics of one query.

    grades: document id → grade. scores: document id → score of each hit. Equal scores are ordered like
    `ranked`, as in trec_eval.
    """
    if not scores:
        return QueryScores()
    found = ir_measures.iter_calc(MEASURES, {"query": dict(grades)}, {"query": dict(scores)})
    values = {metric.measure: float(metric.value) for metric in found}
    return QueryScores(values[NDCG], values[RECALL], values[AP], values[RR])


def ranked(scores: Mapping[str, float]) -> list[str]:
    """The documents by falling score; equal scores by falling id."""
    return sorted(scores, key=lambda name: (scores[name], name), reverse=True)


def p_value(first: Sequence[float], second: Sequence[float]) -> float:
    """The p-value of a two-sided paired t-test of two systems' scores on the same queries.

    Returns 1 if there is no difference, or fewer than two queries.
    """
    if len(first) < 2 or list(first) == list(second):
        return 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # raised if all queries differ by the same value
        value = float(stats.ttest_rel(first, second).pvalue)
    return 1.0 if math.isnan(value) else value
