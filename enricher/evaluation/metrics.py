"""Measures of a ranking against judgements, by trec_eval's own code, and their significance."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ir_measures
from ir_measures import AP, RR, R, nDCG
from scipy import stats

NDCG, RECALL = nDCG @ 10, R @ 100
MEASURES = (NDCG, RECALL, AP, RR)

DEPTH = 1_000
"""Hits of a query that are judged."""


@dataclass(frozen=True, slots=True)
class QueryScores:
    """The measures of one query, each from 0 to 1.

    ndcg: nDCG@10 with the grade as gain, discounted by log2(rank + 1) (Järvelin and Kekäläinen 2002, as
    trec_eval's ndcg_cut_10). recall: share of the relevant documents among the first 100. average_precision:
    over all hits. reciprocal_rank: 1 / rank of the first relevant document. Relevant is a grade above 0.
    """

    ndcg: float = 0.0
    recall: float = 0.0
    average_precision: float = 0.0
    reciprocal_rank: float = 0.0


def score_ranking(grades: Mapping[str, int], scores: Mapping[str, float]) -> QueryScores:
    """The measures of one query: grades by document, scores of the documents that were found.

    Documents of equal score stand in the order of `ranked`, as trec_eval has it.
    """
    if not scores:
        return QueryScores()
    found = ir_measures.iter_calc(MEASURES, {"query": dict(grades)}, {"query": dict(scores)})
    values = {metric.measure: float(metric.value) for metric in found}
    return QueryScores(values[NDCG], values[RECALL], values[AP], values[RR])


def ranked(scores: Mapping[str, float]) -> list[str]:
    """The documents by falling score, those of equal score by falling id."""
    return sorted(scores, key=lambda name: (scores[name], name), reverse=True)


def p_value(first: Sequence[float], second: Sequence[float]) -> float:
    """Two-sided paired t-test of the same queries' scores: how likely the difference is by chance.

    1 where there is no difference, or fewer than two queries.
    """
    if len(first) < 2 or list(first) == list(second):
        return 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # Every query may differ by the same.
        value = float(stats.ttest_rel(first, second).pvalue)
    return 1.0 if math.isnan(value) else value
