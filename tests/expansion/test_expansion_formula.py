"""The expansion of documents against a slow and obvious twin."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enricher.expansion import documents
from enricher.expansion.documents import FULL_WEIGHT_WORDS, MAX_SEEDS, DocumentExpander, WeightedWords
from enricher.model.arrays import IntArray
from enricher.model.bm25 import K1, B
from enricher.model.near_words import MAX_NEAR_WORDS, NearWords
from enricher.model.word2vec import Word2Vec

Added = list[tuple[int, float]]
EXACT = 1e-6


def slow_seeds(word2vec: Word2Vec, words: Sequence[int]) -> list[tuple[int, float]]:
    """The seeds of a document with their weights, of sum 1."""
    usual = max(1.0, float(word2vec.counts.sum()) / max(1, word2vec.documents))
    norm = K1 * (1 - B + B * len(words) / usual)
    scored = [(-float(word2vec.idf[row]) * tf / (tf + norm), row) for row, tf in Counter(words).items()]
    best = sorted(scored)[:MAX_SEEDS]
    return [(row, weight / sum(weight for weight, _ in best)) for weight, row in best]


def slow_expansion(near: NearWords, word2vec: Word2Vec, words: Sequence[int], most: int) -> Added:
    """The words added to a document, and their weights."""
    sums: Counter[int] = Counter()
    for seed, weight in slow_seeds(word2vec, words):
        for row, cosine in zip(near.words[seed].tolist(), near.cosines[seed], strict=True):
            if cosine == 0:
                break
            sums[row] += np.float64(np.float32(weight) * np.float32(cosine))
    ranked = sorted((-value, row) for row, value in sums.items() if row not in set(words))
    best = ranked[: min(most, len(set(words)))]
    return [(row, value / best[0][0] * min(1.0, len(set(words)) / FULL_WEIGHT_WORDS)) for value, row in best]


def a_model(seed: int, size: int) -> Word2Vec:
    """Random frequencies; the vectors are not asked for."""
    frequencies = np.random.default_rng(seed).integers(1, 50, size)
    words = [str(row) for row in range(size)]
    vectors = np.zeros((size, 2), np.float32)
    return Word2Vec(words, frequencies * 2, vectors, document_frequencies=frequencies, documents=60)


def a_table(seed: int, size: int) -> NearWords:
    """Random lists, empty, short and full ones, with many equal cosines."""
    random = np.random.default_rng(seed)
    width = min(MAX_NEAR_WORDS, size)
    words, cosines = np.zeros((size, MAX_NEAR_WORDS), np.uint16), np.zeros((size, MAX_NEAR_WORDS), np.uint8)
    words[:, :width] = [random.permutation(size)[:width] for _ in range(size)]
    cosines[:, :width] = -np.sort(-random.choice([77, 128, 191, 255], (size, width)), axis=1)
    cosines[np.arange(MAX_NEAR_WORDS) >= random.integers(0, MAX_NEAR_WORDS + 1, size)[:, np.newaxis]] = 0
    return NearWords(words, cosines)


@st.composite
def texts(draw: st.DrawFn, size: int = 40) -> list[IntArray]:
    """Documents, empty ones too, of few words many times and of many words."""
    drawn = draw(st.lists(st.lists(st.integers(0, size - 1), max_size=60), max_size=8))
    return [np.array(words, np.int32) for words in drawn]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), texts(), st.integers(0, 100))
def test_the_expansion_is_the_formula(seed: int, drawn: list[IntArray], most: int) -> None:
    """For every document of a batch, however many words are asked for; of equal ones the lower row."""
    model, near = a_model(seed, 40), a_table(seed, 40)
    found = DocumentExpander(model, near).expand(drawn, most)
    assert len(found) == len(drawn)
    for words, added in zip(drawn, found, strict=True):
        expected = slow_expansion(near, model, words.tolist(), most)
        assert added.rows.tolist() == [row for row, _ in expected]
        assert added.weights == pytest.approx([weight for _, weight in expected], abs=EXACT)
        assert added.rows.dtype == np.int32 and added.weights.dtype == np.float32


def pairs(words: WeightedWords) -> Added:
    return list(zip(words.rows.tolist(), words.weights.tolist(), strict=True))


def test_a_batch_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents expanded one by one, some together, or all at once get the same words."""
    expander = DocumentExpander(a_model(5, 200), a_table(5, 200))
    random = np.random.default_rng(5)
    drawn = [random.integers(0, 200, length).astype(np.int32) for length in (30, 0, 1, 80, 12, 0)]
    together = expander.expand(drawn, 20)
    alone = [expander.expand([words], 20)[0] for words in drawn]
    monkeypatch.setattr(documents, "BATCH_DOCUMENTS", 2)
    parts = expander.expand(drawn, 20)
    for others in (alone, parts):
        assert [pairs(one) for one in together] == [pairs(other) for other in others]
