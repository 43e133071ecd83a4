"""Measures of rankings: by hand, against a slow twin, against the library's own means."""

import math
import random
from statistics import fmean

import ir_measures
import pytest
from ir_measures import AP, RR, R, nDCG

from enricher.evaluation.metrics import QueryScores, p_value, ranked, score_ranking


def test_the_measures_of_one_ranking_are_those_computed_by_hand() -> None:
    """Gains are the grades; a relevant document that was not found stays in every denominator."""
    found = score_ranking({"a": 2, "b": 1, "c": 1, "x": 0}, {"x": 3.0, "a": 2.0, "b": 1.0})
    gained = 2 / math.log2(3) + 1 / math.log2(4)
    ideal = 2 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert found.ndcg == pytest.approx(gained / ideal)
    assert found.recall == pytest.approx(2 / 3)
    assert found.average_precision == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert found.reciprocal_rank == pytest.approx(1 / 2)


def test_no_hits_give_scores_of_zero() -> None:
    """A document with a negative grade is not relevant."""
    assert score_ranking({"a": 1}, {}) == QueryScores()
    assert score_ranking({"a": -1, "b": 1}, {"a": 2.0, "b": 1.0}).reciprocal_rank == 0.5


def twin(grades: dict[str, int], scores: dict[str, float]) -> QueryScores:
    """The same measures, spelled out."""
    order = ranked(scores)
    gains = [max(grades.get(name, 0), 0) for name in order]
    relevant = sum(grade > 0 for grade in grades.values())
    best = sorted((max(grade, 0) for grade in grades.values()), reverse=True)

    def discounted(values: list[int]) -> float:
        return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(values[:10], 1))

    hits = [rank for rank, gain in enumerate(gains, 1) if gain]
    return QueryScores(
        discounted(gains) / discounted(best),
        sum(rank <= 100 for rank in hits) / relevant,
        sum(number / rank for number, rank in enumerate(hits, 1)) / relevant,
        1 / hits[0] if hits else 0.0,
    )


def test_random_rankings_with_ties_agree_with_a_slow_twin_and_with_the_library() -> None:
    """200 queries; the means are those of ir-measures over the whole run."""
    generator = random.Random(5)
    qrels: dict[str, dict[str, int]] = {}
    run: dict[str, dict[str, float]] = {}
    for number in range(200):
        names = [f"d{n}" for n in range(generator.randint(3, 300))]
        judged = generator.sample(names, generator.randint(1, len(names) // 2 + 1))
        qrels[f"q{number}"] = {name: generator.randint(0, 3) for name in judged} | {"absent": 1}
        hits = generator.sample(names, generator.randint(1, len(names)))
        run[f"q{number}"] = {name: float(generator.randint(0, 20)) for name in hits}
    found = {name: score_ranking(qrels[name], run[name]) for name in qrels}
    for name, scores in found.items():
        expected = twin(qrels[name], run[name])
        for field in QueryScores.__dataclass_fields__:
            assert getattr(scores, field) == pytest.approx(getattr(expected, field), abs=1e-6), (name, field)
    means = ir_measures.calc_aggregate([nDCG @ 10, R @ 100, AP, RR], qrels, run)
    assert means[nDCG @ 10] == pytest.approx(fmean(scores.ndcg for scores in found.values()))
    assert means[R @ 100] == pytest.approx(fmean(scores.recall for scores in found.values()))
    assert means[AP] == pytest.approx(fmean(scores.average_precision for scores in found.values()))
    assert means[RR] == pytest.approx(fmean(scores.reciprocal_rank for scores in found.values()))


def test_the_p_value_is_that_of_a_table_of_student() -> None:
    """Differences 1, 2, 3: t = 2·√3 with two degrees of freedom, p = 1 − t / √(t² + 2)."""
    t = 2 * math.sqrt(3)
    assert p_value([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]) == pytest.approx(1 - t / math.sqrt(t * t + 2))
    assert p_value([0.0, 0.0, 0.0], [1.0, 2.0, 3.0]) == p_value([1.0, 2.0, 3.0], [0.0, 0.0, 0.0])


@pytest.mark.parametrize("scores", [[], [0.5], [0.1, 0.9, 0.4]])
def test_equal_scores_are_not_significant(scores: list[float]) -> None:
    """A single query is not significant either."""
    assert p_value(scores, scores) == 1.0
    assert p_value([1.0], [0.0]) == 1.0
