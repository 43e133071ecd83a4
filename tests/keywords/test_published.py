"""The published score against the double loop of its definition."""

import math
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import enricher
from enricher.errors import UsageError
from enricher.keywords import published
from enricher.keywords.published import (
    most_probable,
    published_keywords,
    score_texts,
    text_log_probabilities,
)
from tests.corpora import TOPICS

WORDS = [word for words in TOPICS.values() for word in words]


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40))
@settings(max_examples=40, deadline=None)
def test_the_score_is_the_sum_of_log_probabilities(model: enricher.Model, words: list[str]) -> None:
    """log p(s|w) by node counts equals Σ_k log p(w_k|w) word by word."""
    text = model.word2vec.rows(words)
    candidates = np.unique(text)
    fast = text_log_probabilities(model.word2vec, text, candidates)
    slow = model.log_probabilities([model.words[row] for row in candidates])[:, text].sum(axis=1)
    assert fast == pytest.approx(slow, rel=1e-4, abs=1e-3)


def test_blocks_of_candidates_change_nothing(model: enricher.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text with more candidates than one block has the same scores."""
    text = model.word2vec.rows(WORDS)
    whole = text_log_probabilities(model.word2vec, text, text)
    monkeypatch.setattr(published, "BLOCK_CANDIDATES", 4)
    assert text_log_probabilities(model.word2vec, text, text) == pytest.approx(whole, rel=1e-6)


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=400), st.integers(1, 6), st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_giving_up_candidates_loses_none(
    model: enricher.Model, words: list[str], top: int, nodes: int
) -> None:
    """The best of the pruned rounds are the best of all scores, also when rounds begin after few nodes."""
    text = model.word2vec.rows(words)
    candidates = np.unique(text)
    everything = text_log_probabilities(model.word2vec, text, candidates)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published, "FIRST_ROUND_NODES", nodes)
        scores, places = most_probable(model.word2vec, text, candidates, top)
    assert scores == pytest.approx(np.sort(everything)[::-1][:top], rel=1e-5, abs=1e-3)
    assert everything[places] == pytest.approx(scores, rel=1e-5, abs=1e-3)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=30), max_size=8), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_a_batch_is_scored_as_its_texts_are(
    model: enricher.Model, texts: list[list[str]], threads: int
) -> None:
    """Empty texts among them too, and in several threads."""
    rows = [model.word2vec.rows(text) for text in texts]
    for text, (candidates, scores) in zip(rows, score_texts(model.word2vec, rows, threads), strict=True):
        assert candidates.tolist() == list(dict.fromkeys(text.tolist()))
        assert scores == pytest.approx(text_log_probabilities(model.word2vec, text, candidates), rel=1e-5)


def test_long_texts_have_the_same_keywords(model: enricher.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given up early in a long text is none of its keywords."""
    texts = [["事务", "索引", "事务", "ocean"], ["tide"]]
    short = published_keywords(model.word2vec, texts, top=3)
    monkeypatch.setattr(published, "LONG_TEXT_WORDS", 0)
    for one, other in zip(published_keywords(model.word2vec, texts, top=3), short, strict=True):
        assert [k.text for k in one] == [k.text for k in other]
        assert [k.score for k in one] == pytest.approx([k.score for k in other], rel=1e-5)


def test_keywords_are_words_of_the_text_best_first(model: enricher.Model) -> None:
    """Unknown words are passed over, and there are no more keywords than words."""
    found, none = published_keywords(
        model.word2vec, [["事务", "索引", "事务", "没有的词"], ["没有的词"]], top=5
    )
    assert [keyword.text for keyword in found] and {k.text for k in found} == {"事务", "索引"}
    scores = [keyword.score for keyword in found]
    assert scores == sorted(scores, reverse=True) and all(math.isfinite(score) for score in scores)
    assert none == []


def test_on_negative_sampling_the_score_is_the_inner_product_with_the_text(model: enricher.Model) -> None:
    """Σ_k v_w·c_{w_k}, the part of log p(s|w) that such a model has."""
    base = model.word2vec
    outputs = np.random.default_rng(1).normal(size=base.vectors.shape).astype(np.float32)
    other = replace(base, tree=None, nodes=None, outputs=outputs)
    text = other.rows(["事务", "索引", "事务"])
    expected = base.vectors[text[:1]] @ outputs[text].sum(axis=0)
    assert text_log_probabilities(other, text, text[:1]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("top", "method"), [(0, "phrases"), (-3, "published"), (5, "rake")])
def test_a_wrong_call_is_a_sentence(model: enricher.Model, top: int, method: str) -> None:
    """It names the value."""
    with pytest.raises(UsageError, match=method if top > 0 else str(top)):
        model.keywords("事务与索引", top=top, method=method)


def test_a_text_of_a_million_words_needs_little_memory(model: enricher.Model) -> None:
    """Nothing is as large as candidates times nodes, or grows with the square of the text."""
    base = model.word2vec
    text = np.random.default_rng(0).integers(0, len(base.words), 1_000_000).astype(np.int32)
    tracemalloc.start()
    try:
        found = published_keywords(base, [[base.words[row] for row in text]], top=5)[0]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100e6
    everything = text_log_probabilities(base, text, np.arange(len(base.words), dtype=np.int32))
    best = np.argsort(-everything)[:5]
    assert [keyword.text for keyword in found] == [base.words[row] for row in best]
