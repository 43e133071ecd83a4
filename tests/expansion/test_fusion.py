"""Hybrid ranking by BM25 scores and vectors."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.evaluation.metrics import ranked as ranked_by_score
from enricher.model.text_vectors.vectors import dequantize, quantize, scale_of
from enricher.records import QueryVector
from enricher.search.fusion import (
    HEAD_RANKS,
    MAX_CANDIDATES,
    MAX_SCORED_DOCUMENTS,
    candidates_of,
    feedback_documents,
    fuse,
    rank,
    with_feedback,
)

ONE = scale_of(4) ** 2
"""The product of two equal vectors of four numbers."""


def test_the_first_ranks_and_the_other_ranks_have_their_own_cosine_share() -> None:
    """A negative product counts as 0."""
    scores = np.linspace(20, 1, 20)
    products = np.zeros(20)
    products[12], products[19], products[0] = 0.5 * ONE, ONE, -ONE
    order, mixed = fuse(scores, products, 4, head=0.0, rest=0.5)
    assert order[:HEAD_RANKS].tolist() == list(range(HEAD_RANKS))
    assert order[HEAD_RANKS:].tolist() == [19, 12, 10, 11, *range(13, 19)]
    assert mixed[0] == pytest.approx(1.0) and mixed[HEAD_RANKS] == pytest.approx(0.5 * 1 / 20 + 0.5, abs=1e-5)
    assert (np.diff(mixed) < 0).all()


def test_documents_that_match_only_by_vector_are_ranked_by_cosine() -> None:
    """Without any score by words the cosine alone decides."""
    order, mixed = fuse(np.array([10.0, 5.0, 0.0, 0.0]), np.array([0, 0, 0.2, 0.9]) * ONE, 4, 0.3, 0.5)
    assert order.tolist() == [0, 1, 3, 2]
    assert mixed.tolist() == pytest.approx([0.7, 0.35, 0.27, 0.06], abs=1e-5)
    order, mixed = fuse(np.zeros(3), np.array([0.1, 0.9, 0.5]) * ONE, 4, 0.3, 0.5)
    assert order.tolist() == [1, 2, 0]


def test_no_candidates_give_an_empty_ranking() -> None:
    order, mixed = fuse(np.zeros(0), np.zeros(0), 4, 0.3, 0.5)
    assert len(order) == len(mixed) == 0


def test_feedback_moves_the_query_halfway_to_its_best_documents() -> None:
    """Without documents the query stays unchanged."""
    east, north = quantize(np.array([1.0, 0])), quantize(np.array([0, 1.0]))
    assert with_feedback(east, []) is east
    moved = dequantize(with_feedback(east, [north, north]))
    assert moved == pytest.approx([0.707, 0.707], abs=0.01)
    assert dequantize(with_feedback(east, [east])) == pytest.approx([1, 0], abs=0.01)


@pytest.mark.parametrize(
    ("scores", "number"),
    [
        ([], 0),
        ([3.0, 2.0], 2),
        ([9, 8, 7, 6, 5, 4], 5),
        ([9, 5, 5, 5, 5, 5.0000001, 5 - 1e-6, 4.9], 7),
        ([0.0] * 8, 8),
    ],
)
def test_documents_that_tie_with_the_fifth_are_feedback_too(scores: list[float], number: int) -> None:
    """Scores tie within the rounding of the engines."""
    assert feedback_documents(dict(enumerate(scores))) == list(range(number))


def test_a_candidate_by_vector_keeps_its_word_score_down_to_a_limit() -> None:
    """The other documents that match by words follow, with falling scores."""
    found = {str(number): 1.0 / (1 + number) for number in range(MAX_SCORED_DOCUMENTS + 50)}
    near = ["900", "1020", "new", "3"]
    candidates = candidates_of(found, near)
    assert candidates == [*map(str, range(MAX_CANDIDATES)), "900", "1020", "new"]
    vector = QueryVector(bytes(4), 0.3, 0.5)
    products = np.zeros(len(candidates))
    products[-3:] = ONE
    ranked = rank(found, candidates, products, vector, 2000)
    assert len(ranked) == MAX_SCORED_DOCUMENTS + 51 and [name for name, _ in ranked[10:13]] == ["7", "8", "9"]
    assert dict(ranked)["900"] > dict(ranked)["1020"] == dict(ranked)["new"]
    scores = [score for _, score in ranked]
    assert scores == sorted(scores, reverse=True)
    assert [name for name, _ in ranked[-2:]] == ["1048", "1049"]
    assert rank(found, candidates, products, vector, 20) == ranked[:20]
    assert rank({}, ["a"], np.array([ONE]), vector, 5) == [("a", pytest.approx(0.3, abs=1e-5))]
    assert rank({}, [], np.zeros(0), vector, 5) == []


SHARES = st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0]) | st.floats(0, 1)
PARTS = st.sampled_from([0.0, 1e-12, 0.5, 1.0]) | st.floats(0, 1)


@given(st.lists(st.tuples(PARTS, PARTS), max_size=40), SHARES, SHARES)
def test_scores_are_between_0_and_1_and_fall_with_the_rank(
    parts: list[tuple[float, float]], head: float, rest: float
) -> None:
    """They drop strictly after the first ranks; inside a block they are equal only if the sums are."""
    words, cosines = (np.array([part[side] for part in parts]) for side in (0, 1))
    order, mixed = fuse(words, cosines * ONE, 4, head, rest)
    assert sorted(order.tolist()) == list(range(len(parts)))
    assert ((mixed > 0) & (mixed <= 1)).all()
    relative = words / max(words.max(initial=0.0), 1e-9)
    sums = [(1 - share) * relative + share * cosines for share in (head, rest)]
    expected = np.argsort(-sums[0], kind="stable")[:HEAD_RANKS].tolist()
    expected += [row for row in np.argsort(-sums[1], kind="stable").tolist() if row not in expected]
    assert order.tolist() == expected
    for rank_, (one, other) in enumerate(itertools.pairwise(mixed)):
        by = sums[0] if rank_ + 1 < HEAD_RANKS else sums[1]
        gap = by[order[rank_]] - by[order[rank_ + 1]]
        assert one >= other
        if rank_ + 1 == HEAD_RANKS or gap > 1e-9:
            assert one > other
        elif gap == 0:
            assert one == other


def test_scores_in_single_precision_keep_the_order_of_the_ranking() -> None:
    """trec_eval orders by single-precision scores, so an evaluation sees the ranking of the search."""
    found = {f"{number:04}": 20.0 - number / 100 for number in range(1500)}
    candidates = candidates_of(found, ["new"])
    products = np.linspace(0.013, 0.9, len(candidates)) * ONE
    for head, rest in ((0.3, 0.5), (0.0, 1.0), (1.0, 0.0)):
        names = rank(found, candidates, products, QueryVector(bytes(4), head, rest), 1000)
        scores = {name: float(np.float32(score)) for name, score in names}
        assert ranked_by_score(scores) == [name for name, _ in names]
        assert all(0 < score <= 1 for score in scores.values())
