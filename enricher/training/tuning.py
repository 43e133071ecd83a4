"""Tune text vectors on the training documents by contrastive learning.

The vector of a text is the weighted sum of the vectors of its features, scaled to length 1. Queries and
documents have separate vectors and weights, which start with the same values from word2vec:

    u(q) = unit( Σ_f tf(f) · idf(f) · e^{r_q(f)} · E_q(f) )
    v(d) = unit( Σ_f sat(tf(f)) · idf(f) · e^{r_d(f)} · E_d(f) )        sat as in BM25

They are trained so that each query of a batch finds its own text. The loss is the cross entropy of
softmax(u·v / τ) in both directions (InfoNCE). Every document gives one pair per epoch, chosen at random:
its title and its text, if titles are real; a unit and the rest (inverse cloze); or a unit and the text,
both with words dropped at random. τ = 0.1, batches of 256, Adam on the rows used by a batch.

A. van den Oord et al., "Representation learning with contrastive predictive coding" (2018); K. Lee et
al., "Latent retrieval for weakly supervised open domain question answering" (2019), for the cloze.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sparse
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from enricher.model.arrays import FloatArray, IntArray
from enricher.model.bm25 import K1, B, bm25_idf
from enricher.model.text_vectors.features import (
    START_WEIGHTS,
    WORD,
    WordFeatures,
    choose_features,
    features_of,
)
from enricher.model.word2vec import Word2Vec
from enricher.training.pair_kernels import draw_pairs
from enricher.training.sample import SegmentedSample

TEMPERATURE = 0.1
BATCH_PAIRS = 256
MIN_BATCH_PAIRS = 32
TARGET_BATCHES = 450
"""Target number of batches, within 4 to 40 epochs. More passes over few documents would overfit."""
EPOCHS = (4, 40)
RATE_VECTORS, RATE_WEIGHTS = 2e-3, 1e-2
PAIRS = (0.5, 0.6, 0.5, 0.2, 0.6)
"""Share of title pairs; share of unit/rest pairs among the others; shares of words kept in a noisy unit, in
the text if they are in the unit, and in the text otherwise.
"""
SEED = 100_003
MIN_DOCUMENTS = 2
"""Minimum document frequency of a feature."""
MAX_WORDS, MAX_FEATURES = 200_000, 400_000
MIN_LOSS = 0.1
"""Minimum final loss. With a smaller loss the pairs were too easy, and nothing was learned from them."""

Bags = Any
"""Bags of words or features, one per row: scipy's csr_matrix, which has no types."""


@dataclass(frozen=True)
class Tuned:
    """The tuned vectors and weights.

    features: F names in row order. Vectors are float32 (F, d), weights float32 (F,): idf · e^r. mean_length:
    average number of features of a document. loss: mean of the last batches.
    """

    features: list[str]
    query_vectors: FloatArray
    query_weights: FloatArray
    text_vectors: FloatArray
    text_weights: FloatArray
    mean_length: float
    loss: float

    @property
    def has_learned(self) -> bool:
        return self.loss >= MIN_LOSS


def tune(
    word2vec: Word2Vec,
    sample: SegmentedSample,
    real_titles: bool,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tuned | None:
    """Tune text vectors on a sample; None if the sample is smaller than a minimal batch."""
    if np.count_nonzero(np.diff(sample.document_units)) < MIN_BATCH_PAIRS:
        return None
    start = _Start(word2vec, sample)
    query, text = _Side(start), _Side(start)
    loss = _Contrast(start, sample, real_titles, query, text).run(progress)
    return Tuned(
        start.features, query.vectors, query.weights(), text.vectors, text.weights(), start.mean_length, loss
    )


class _Start:
    """The features of the words of a model and a sample, with their initial vectors and weights."""

    def __init__(self, word2vec: Word2Vec, sample: SegmentedSample) -> None:
        self._total = max(word2vec.documents, sample.documents)
        scale = self._total / sample.documents
        bags = _whole_documents(sample)
        in_sample = np.bincount(bags.indices, minlength=len(sample.vocabulary))
        words, documents = _words_of(word2vec, sample, in_sample, scale)
        row_of = choose_features(words, documents, MIN_DOCUMENTS, MAX_FEATURES)
        self.features = list(row_of)
        self.table = _incidence(sample.vocabulary, row_of)
        held = (bags > 0).astype(np.float32) @ self.table
        of_sample = np.bincount(held.indices, minlength=len(row_of)) * scale
        counts, table = np.array(documents, np.float32), _incidence(words, row_of)
        # If the sample lacks a sub-word, its document frequency is bounded by the sum over its words.
        frequencies = np.minimum(np.where(of_sample > 0, of_sample, table.T @ counts), self._total)
        self.idf = bm25_idf(frequencies, self._total).astype(np.float32)
        self.log_weights = np.array([START_WEIGHTS[name[0]] for name in self.features], np.float32)
        self.vectors = self._vectors(word2vec, words, counts, table, row_of)
        self.mean_length = float((bags @ self.table).sum() / sample.documents)

    def _vectors(
        self, word2vec: Word2Vec, words: list[str], documents: FloatArray, table: Bags, row_of: dict[str, int]
    ) -> FloatArray:
        """The initial vectors of the features, float32 (F, d).

        Words have their unit vectors minus the mean vector; sub-words have the weighted mean of their words.
        documents: float32 (W,), document frequencies. table: (W, F), the features of the words.
        """
        known = min(len(word2vec.words), MAX_WORDS)  # the words of the model come first
        vectors = np.array(word2vec.vectors[:known], np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-9
        shares = documents[:known] * np.log1p(self._total / np.maximum(documents[:known], 1))
        vectors -= (shares @ vectors) / max(float(shares.sum()), 1e-9)
        once = table[:known].copy()
        once.data[:] = 1
        by_root = sparse.diags(np.sqrt(documents[:known])) @ once
        found = np.asarray(by_root.T @ vectors, np.float32)
        found /= np.maximum(np.asarray(by_root.sum(0)).reshape(-1, 1), 1e-9)
        for row, word in enumerate(words):
            own = row_of.get(WORD + word)
            if own is not None:
                found[own] = vectors[row] if row < known else 0.0
        return found


def _words_of(
    word2vec: Word2Vec, sample: SegmentedSample, frequencies: NDArray[np.int64], scale: float
) -> tuple[list[str], list[int]]:
    """The words of the model, other frequent words of the sample, and their document frequencies."""
    words = list(word2vec.words[:MAX_WORDS])
    counted = word2vec.counts if word2vec.document_frequencies is None else word2vec.document_frequencies
    documents = np.asarray(counted[: len(words)]).tolist()
    known = set(words)
    for word, count in zip(sample.vocabulary, frequencies.tolist(), strict=True):
        if word not in known and count >= MIN_DOCUMENTS:
            words.append(word)
            documents.append(round(count * scale))
    return words, documents


def _incidence(words: Sequence[str], row_of: Mapping[str, int]) -> Bags:
    """The counts of the features of each word: (W, F)."""
    features = WordFeatures(words, lambda word: [row_of[n] for n in features_of(word) if n in row_of])
    ones = np.ones(len(features.rows), np.float32)
    table = sparse.csr_matrix((ones, features.rows, features.starts), shape=(len(words), len(row_of)))
    table.sum_duplicates()
    return table


def _bags(rows: IntArray, words: IntArray, shape: tuple[int, int]) -> Bags:
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, words)), shape=shape)


def _whole_documents(sample: SegmentedSample) -> Bags:
    """The counts of the words in each document, including the title: (n, W)."""
    lengths = np.diff(sample.unit_ends[sample.document_units])
    rows = np.repeat(np.arange(sample.documents), lengths)
    titled = np.repeat(np.arange(sample.documents), np.diff(sample.title_ends))
    shape = (sample.documents, len(sample.vocabulary))
    return _bags(np.r_[rows, titled], np.r_[sample.words, sample.titles], shape)


class _Adam:
    """The Adam optimizer, applied to the rows used in a step. D. Kingma and J. Ba, "Adam" (2015)."""

    def __init__(self, values: FloatArray, rate: float) -> None:
        self.values, self.rate, self.steps = values, rate, 0
        self._mean, self._square = np.zeros_like(values), np.zeros_like(values)

    def step(self, rows: IntArray, gradient: FloatArray) -> None:
        self.steps += 1
        mean, square = self._mean[rows], self._square[rows]
        mean += 0.1 * (gradient - mean)
        square += 0.001 * (gradient * gradient - square)
        self._mean[rows], self._square[rows] = mean, square
        unbiased = mean / (1 - 0.9**self.steps)
        scale = np.sqrt(square / (1 - 0.999**self.steps)) + 1e-8
        self.values[rows] -= self.rate * unbiased / scale


class _Side:
    """The trainable vectors and weights of queries, or of documents."""

    def __init__(self, start: _Start) -> None:
        self.vectors, self._logs, self._idf = start.vectors.copy(), start.log_weights.copy(), start.idf
        self._steps = _Adam(self.vectors, RATE_VECTORS), _Adam(self._logs, RATE_WEIGHTS)

    def weights(self) -> FloatArray:
        return np.asarray(self._idf * np.exp(self._logs), np.float32)

    def encode(self, bags: Bags) -> FloatArray:
        """The unit vectors (n, d) of bags of features (n, F). Keeps the values that `learn` needs."""
        self._used, columns = np.unique(bags.indices, return_inverse=True)
        strengths = self._idf[self._used] * np.exp(self._logs[self._used])
        shares = bags.data * strengths[columns]
        self._bags = sparse.csr_matrix((shares, columns, bags.indptr), shape=(bags.shape[0], len(self._used)))
        sums = self._bags @ self.vectors[self._used]
        self._lengths = np.linalg.norm(sums, axis=1, keepdims=True) + 1e-6
        self._units = sums / self._lengths
        return np.asarray(self._units, np.float32)

    def learn(self, gradient: FloatArray) -> None:
        """Update vectors and weights. gradient: of the loss with respect to the unit vectors, (n, d)."""
        along = (gradient * self._units).sum(1, keepdims=True)
        inner = (gradient - along * self._units) / self._lengths
        by_vectors = np.asarray(self._bags.T @ inner, np.float32)
        by_logs = (by_vectors * self.vectors[self._used]).sum(1)
        for step, change in zip(self._steps, (by_vectors, by_logs), strict=True):
            step.step(self._used, change)


@dataclass(frozen=True)
class _Contrast:
    """The training loop."""

    start: _Start
    sample: SegmentedSample
    real_titles: bool
    query: _Side
    text: _Side

    def run(self, progress: Callable[[int, int], None]) -> float:
        """Run all epochs. Returns the mean loss of the last batches."""
        sample = self.sample
        documents = np.flatnonzero(np.diff(sample.document_units)).astype(np.int64)
        epochs = int(np.clip(round(TARGET_BATCHES * BATCH_PAIRS / len(documents)), *EPOCHS))
        random = np.random.default_rng(1)
        losses: list[float] = []
        with threadpool_limits(1):
            for epoch in range(epochs):
                random.shuffle(documents)
                for start in range(0, len(documents), BATCH_PAIRS):
                    batch = documents[start : start + BATCH_PAIRS]
                    if len(batch) >= min(BATCH_PAIRS // 4, len(documents) // 2):
                        losses += self._step(batch, SEED + epoch * len(documents) + start)
                progress(epoch + 1, epochs)
        return float(np.mean(losses[-50:])) if losses else 0.0

    def _step(self, documents: NDArray[np.int64], seed: int) -> list[float]:
        queries, texts = self._pairs(documents, seed)
        if queries.shape[0] < MIN_BATCH_PAIRS:
            return []
        u, v = self.query.encode(queries), self.text.encode(texts)
        scores = u @ v.T / TEMPERATURE
        by_query, by_text = _softmax(scores, 1), _softmax(scores, 0)
        loss = float(-np.log(np.diagonal(by_query) + 1e-12).mean())
        # No division by the batch size: Adam does not depend on the scale of gradients.
        change = (by_query + by_text) / 2
        np.fill_diagonal(change, np.diagonal(change) - 1)
        change /= TEMPERATURE
        by_u, by_v = change @ v, change.T @ u
        self.query.learn(np.asarray(by_u, np.float32))
        self.text.learn(np.asarray(by_v, np.float32))
        return [loss]

    def _pairs(self, documents: NDArray[np.int64], seed: int) -> tuple[Bags, Bags]:
        """The bags of features of queries and texts, for the documents that give a pair."""
        sample = self.sample
        query_pairs, query_words, text_pairs, text_words, kinds = draw_pairs(
            documents,
            sample.words,
            sample.unit_ends,
            sample.document_units,
            sample.titles,
            sample.title_ends,
            sample.is_content,
            self.real_titles,
            PAIRS,
            seed % 2**32,
        )
        shape = (len(documents), len(sample.vocabulary))
        given = kinds >= 0
        queries = (_bags(query_pairs, query_words, shape) @ self.start.table)[given]
        texts = (_bags(text_pairs, text_words, shape) @ self.start.table)[given]
        return queries, saturated(texts, self.start.mean_length)


def saturated(bags: Bags, mean_length: float) -> Bags:
    """Saturate counts as in BM25: tf / (tf + k1 · (1 − b + b · length / mean length))."""
    lengths = np.asarray(bags.sum(1)).ravel()
    norms = K1 * (1 - B + B * lengths / mean_length)
    bags.data /= bags.data + np.repeat(norms, np.diff(bags.indptr)).astype(np.float32)
    return bags


def _softmax(scores: FloatArray, axis: int) -> FloatArray:
    shares = np.exp(scores - scores.max(axis, keepdims=True))
    return np.asarray(shares / shares.sum(axis, keepdims=True), np.float32)
