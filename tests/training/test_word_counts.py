"""Counts of words in bounded memory."""

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import enricher
from enricher.bundle.store import BundleStore
from enricher.records import Document
from enricher.text import open_analyzer
from enricher.training import word_counts
from enricher.training.train import train_bundle
from enricher.training.word2vec import TrainingSettings
from enricher.training.word_counts import WordCounts, vocabulary


def zipfian(documents: int, words: int, seed: int) -> list[list[str]]:
    """Documents of 20 words drawn by Zipf's law."""
    chance = random.Random(seed)
    weights = [1 / rank for rank in range(1, words + 1)]
    names = [f"w{n}" for n in range(words)]
    return [chance.choices(names, weights, k=20) for _ in range(documents)]


def count(documents: list[list[str]], max_words: int) -> WordCounts:
    """Documents counted in batches of ten."""
    found = WordCounts(max_words)
    for start in range(0, len(documents), 10):
        batch = documents[start : start + 10]
        found.add(
            Counter(word for words in batch for word in words),
            Counter(word for words in batch for word in set(words)),
        )
    return found


def test_counts_are_exact_below_the_bound() -> None:
    """And nothing is forgotten."""
    documents = zipfian(500, 300, seed=1)
    found = count(documents, max_words=300)
    assert found.occurrences == Counter(word for words in documents for word in words)
    assert found.documents == Counter(word for words in documents for word in set(words))
    assert (found.tokens, found.max_error) == (10_000, 0)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_above_the_bound_counts_are_too_low_by_a_known_amount_at_most(seed: int) -> None:
    """Memory is bounded, and frequent words are exact or nearly so."""
    documents = zipfian(5_000, 20_000, seed)
    most = 2_000
    found = count(documents, most)
    true = Counter(word for words in documents for word in words)
    true_documents = Counter(word for words in documents for word in set(words))
    assert len(found.occurrences) <= most < len(true)
    assert found.documents.keys() == found.occurrences.keys()
    assert found.tokens == true.total()
    assert 0 < found.max_error < 50
    for word, number in true.items():
        assert number - found.max_error <= found.occurrences[word] <= number
        assert found.documents[word] <= true_documents[word]
    for word, number in true.most_common(100):
        assert found.occurrences[word] >= 0.9 * number


def test_a_corpus_of_words_that_never_come_again_is_bounded_too() -> None:
    """Serial numbers, say: all are forgotten, again and again."""
    found = WordCounts(100)
    for start in range(0, 5_000, 50):
        batch = Counter(f"serial{n}" for n in range(start, start + 50))
        found.add(batch, batch)
        assert len(found.occurrences) <= 100
    assert found.tokens == 5_000


def test_a_vocabulary_has_the_words_of_the_sample_with_the_counts_of_the_corpus() -> None:
    """A word that was forgotten has its count in the sample."""
    occurrences = {"often": 1_000, "elsewhere": 500, "rare": 6}
    learned = {"often": 20, "rare": 2, "forgotten": 5}
    assert vocabulary(occurrences, learned, 5) == {"often": 1_000, "forgotten": 5}
    assert vocabulary(occurrences, learned, 2) == {"often": 1_000, "rare": 6, "forgotten": 5}


def test_a_model_of_forgotten_words_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts and document frequencies stay between those of the sample and those of the corpus."""
    monkeypatch.setattr(word_counts.WordCounts.__init__, "__defaults__", (200,))
    documents = zipfian(1_500, 2_000, seed=4)
    stream = [Document(str(n), {"text": " ".join(words)}) for n, words in enumerate(documents)]
    store = BundleStore(tmp_path)
    settings = TrainingSettings(dimensions=8, min_count=3, epochs=1, max_tokens=15_000, tuning=False)
    store.activate(train_bundle(store, stream, ("text",), open_analyzer(), settings))
    model = enricher.load(tmp_path)
    true = Counter(word for words in documents for word in words)
    true_documents = Counter(word for words in documents for word in set(words))
    assert len(model.words) > 200
    frequencies = model.word2vec.document_frequencies
    assert frequencies is not None
    for word, occurrences, held in zip(model.words, model.word2vec.counts, frequencies, strict=True):
        assert 3 <= occurrences <= true[word]
        assert 1 <= held <= occurrences
        assert held <= true_documents[word] + (true[word] - true_documents[word])
    assert np.exp(model.log_probabilities("w0").astype(float)).sum() == pytest.approx(1, abs=1e-3)
