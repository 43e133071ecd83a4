"""The words near words, and the expansion of documents by them, against slow and obvious twins."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import enricher
from enricher.expansion import documents, near_words
from enricher.expansion.documents import FULL, K1, SEEDS, B, DocumentExpander, WeightedWords
from enricher.expansion.near_words import LEAST_COSINE, NEAR, NearWords
from enricher.model.huffman import FloatArray, IntArray
from enricher.model.word2vec import Word2Vec

Near = list[tuple[int, float]]
EXACT = 1e-6


def slow_near(vectors: FloatArray, word: int) -> Near:
    """The words near a word with their cosines, from all pairs."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    if lengths[word] == 0:
        return []
    cosines = vectors.astype(np.float64) @ vectors[word] / (np.where(lengths > 0, lengths, 1) * lengths[word])
    others = [(-cosine, row) for row, cosine in enumerate(cosines.tolist()) if row != word]
    return [(row, -negative) for negative, row in sorted(others)[:NEAR] if -negative >= LEAST_COSINE]


def slow_seeds(model: Word2Vec, words: Sequence[int]) -> list[tuple[int, float]]:
    """The seeds of a document with their weights, of sum 1."""
    usual = max(1.0, float(model.counts.sum()) / max(1, model.documents))
    norm = K1 * (1 - B + B * len(words) / usual)
    scored = [(-float(model.idf[row]) * tf / (tf + norm), row) for row, tf in Counter(words).items()]
    best = sorted(scored)[:SEEDS]
    return [(row, weight / sum(weight for weight, _ in best)) for weight, row in best]


def slow_expansion(near: dict[int, Near], model: Word2Vec, words: Sequence[int], most: int) -> Near:
    """The words added to a document, and their weights, from the lists of `near`."""
    sums: Counter[int] = Counter()
    for seed, weight in slow_seeds(model, words):
        for row, cosine in near[seed]:
            sums[row] += np.float64(np.float32(weight) * np.float32(cosine))
    ranked = sorted((-value, row) for row, value in sums.items() if row not in set(words))
    best = ranked[: min(most, len(set(words)))]
    return [(row, value / best[0][0] * min(1.0, len(set(words)) / FULL)) for value, row in best]


def lists_of(near: "NearWords | Table", words: Sequence[int]) -> list[Near]:
    """The kept lists of some words."""
    places, numbers, rows, cosines = near.lists
    kept = [(places[word], numbers[places[word]]) for word in words]
    return [list(zip(rows[p, :n].tolist(), cosines[p, :n].tolist(), strict=True)) for p, n in kept]


def a_model(seed: int, size: int, dimensions: int) -> Word2Vec:
    """Random words, some with the vector of another, one with none."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(size, dimensions)).astype(np.float32)
    vectors[random.integers(size, size=size // 4)] = vectors[random.integers(size)]
    vectors[random.integers(size)] = 0
    frequencies = random.integers(1, 50, size)
    words = [str(row) for row in range(size)]
    return Word2Vec(words, frequencies * 2, vectors, document_frequencies=frequencies, documents=60)


def assert_equal(found: Near, expected: Near) -> None:
    """The same words with the same numbers; in their order but where rounding may turn it."""
    assert sorted(value for _, value in found) == pytest.approx(
        sorted(value for _, value in expected), abs=EXACT
    )
    least = min((value for _, value in expected), default=0.0)
    sure = {row for row, value in expected if value > least + EXACT}
    assert sure <= {row for row, _ in found}
    assert [value for _, value in found] == sorted((value for _, value in found), reverse=True)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 300), st.sampled_from([2, 3, 16]))
def test_near_words_are_those_of_all_pairs(seed: int, size: int, dimensions: int) -> None:
    """Whatever the vectors, also of equal ones and of those without direction."""
    vectors = a_model(seed, size, dimensions).vectors
    near = NearWords(vectors)
    words = np.arange(0, size, 2, dtype=np.int32)
    near.look_up(words)
    for word, found in zip(words.tolist(), lists_of(near, words.tolist()), strict=True):
        assert word not in dict(found)
        assert_equal(found, slow_near(vectors, word))


def test_of_equal_cosines_the_lower_row_is_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the words are compared in blocks, and there are more than a list holds."""
    monkeypatch.setattr(near_words, "BLOCK", 7)
    near = NearWords(np.tile(np.array([[2.0, 0.0]], np.float32), (80, 1)))
    near.look_up(np.array([10, 70], np.int32))
    first, second = lists_of(near, [10, 70])
    assert [row for row, _ in first] == [*range(10), *range(11, NEAR + 1)]
    assert [row for row, _ in second] == list(range(NEAR))


def test_lists_are_forgotten_when_there_is_no_more_room() -> None:
    """What is asked for is there all the same, and right."""
    vectors = a_model(1, 60, 8).vectors
    near = NearWords(vectors, most=10)
    for start in (0, 4, 8, 12, 2, 50):
        words = np.arange(start, start + 8, dtype=np.int32)
        near.look_up(words)
        for word, found in zip(words.tolist(), lists_of(near, words.tolist()), strict=True):
            assert_equal(found, slow_near(vectors, word))
    assert (near.lists[0] >= 0).sum() <= 10


@st.composite
def texts(draw: st.DrawFn, size: int = 40) -> list[IntArray]:
    """Documents, empty ones too, of few words many times and of many words."""
    drawn = draw(st.lists(st.lists(st.integers(0, size - 1), max_size=60), max_size=8))
    return [np.array(words, np.int32) for words in drawn]


class Table:
    """Random lists in place of those of a model, with many equal cosines; the places are not the rows."""

    def __init__(self, random: np.random.Generator, size: int) -> None:
        rows = np.array([random.permutation(size)[:NEAR] for _ in range(size)], np.int32)
        cosines = -np.sort(-random.choice([0.3, 0.5, 0.75, 1.0], rows.shape).astype(np.float32))
        numbers = random.integers(0, rows.shape[1] + 1, size, dtype=np.int32)
        self.lists = random.permutation(size).astype(np.int32), numbers, rows, cosines

    def look_up(self, words: IntArray) -> None:
        assert len(set(words.tolist())) == len(words)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1), texts(), st.integers(0, 100))
def test_the_expansion_is_the_formula(seed: int, drawn: list[IntArray], most: int) -> None:
    """For every document of a batch, however many words are asked for; of equal ones the lower row."""
    model = a_model(seed, 40, 2)
    expander = DocumentExpander(model)
    table = Table(np.random.default_rng(seed), 40)
    expander._near = table  # type: ignore[assignment]
    near = dict(enumerate(lists_of(table, range(40))))
    found = expander.expand(drawn, most)
    assert len(found) == len(drawn)
    for words, added in zip(drawn, found, strict=True):
        expected = slow_expansion(near, model, words.tolist(), most)
        assert added.rows.tolist() == [row for row, _ in expected]
        assert added.weights == pytest.approx([weight for _, weight in expected], abs=EXACT)
        assert added.rows.dtype == np.int32 and added.weights.dtype == np.float32


def pairs(words: WeightedWords) -> Near:
    return list(zip(words.rows.tolist(), words.weights.tolist(), strict=True))


def test_a_batch_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents expanded one by one, some together, or all at once get the same words."""
    model = a_model(5, 200, 6)
    random = np.random.default_rng(5)
    drawn = [random.integers(0, 200, length).astype(np.int32) for length in (30, 0, 1, 80, 12, 0)]
    together = DocumentExpander(model).expand(drawn, 20)
    alone = [DocumentExpander(model).expand([words], 20)[0] for words in drawn]
    monkeypatch.setattr(documents, "TOGETHER", 2)
    parts = DocumentExpander(model).expand(drawn, 20)
    for others in (alone, parts):
        for one, other in zip(together, others, strict=True):
            assert_equal(pairs(one), pairs(other))


def test_near_words_are_the_neighbours_of_the_model(model: enricher.Enricher) -> None:
    """The same that the index of neighbours answers."""
    near = NearWords(model.model.vectors)
    near.look_up(np.arange(5, dtype=np.int32))
    for word, found in enumerate(lists_of(near, range(5))):
        nearest = model.neighbors(model.words[word], NEAR)
        expected = [n.cosine for n in nearest if n.cosine >= LEAST_COSINE]
        assert [cosine for _, cosine in found] == pytest.approx(expected, abs=EXACT)
