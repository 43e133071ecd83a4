"""Tuning text vectors on the documents themselves, by contrast.

The vector of a text is the weighted sum of the vectors of its features, of length 1. Queries and
documents have vectors and weights of their own, which start alike, from word2vec,

    u(q) = unit( Σ_f tf(f) · idf(f) · e^{r_q(f)} · E_q(f) )
    v(d) = unit( Σ_f sat(tf(f)) · idf(f) · e^{r_d(f)} · E_d(f) )        sat as in BM25

and are moved so that of the texts of a batch each query finds its own: the loss is the cross entropy
of softmax(u·v / τ), both ways (InfoNCE). Every document gives one pair an epoch, by turns: its title
and its text, where titles are real; a unit and the rest (inverse cloze); a unit and the text, from
which words are dropped at random. τ = .1, batches of 256, Adam on the rows that a batch touches.

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
from enricher.training.sample import CutSample

TEMPERATURE = 0.1
BATCH = 256
SMALLEST_BATCH = 32
BATCHES = 450
"""Batches that are aimed at, within 4 to 40 epochs: more passes over few documents are overtraining."""
EPOCHS = (4, 40)
RATE_VECTORS, RATE_WEIGHTS = 2e-3, 1e-2
PAIRS = (0.5, 0.6, 0.5, 0.2, 0.6)
"""Shares of title pairs, then of the rest; words kept of a noisy unit, of its text where the unit has
them too, and elsewhere."""
SEED = 100_003
LEAST_DOCUMENTS = 2
"""Documents in which a feature stands at least."""
MOST_WORDS, MOST_FEATURES = 200_000, 400_000
TOO_EASY = 0.1
"""A final loss under this: the pairs could be told by anything, and nothing was learned from them."""

Bags = Any
"""Bags of words or features as rows: scipy's csr_matrix, for which there are no types."""


@dataclass(frozen=True)
class Tuned:
    """What was learned. features: names in row order; the arrays float32 (F, d) and (F,), a weight being
    idf · e^r. mean_length: features of a document on average; loss: mean of the last batches.
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
        return self.loss >= TOO_EASY


def tune(
    word2vec: Word2Vec,
    sample: CutSample,
    real_titles: bool,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tuned | None:
    """Tune the vectors of texts on a sample; None where it is too small to make a batch."""
    if np.count_nonzero(np.diff(sample.document_units)) < SMALLEST_BATCH:
        return None
    start = _Start(word2vec, sample)
    query, text = _Side(start), _Side(start)
    loss = _Contrast(start, sample, real_titles, query, text).run(progress)
    return Tuned(
        start.features, query.vectors, query.weights(), text.vectors, text.weights(), start.mean_length, loss
    )


class _Start:
    """Features of the words of a model and a sample, with the vectors and weights they begin with."""

    def __init__(self, word2vec: Word2Vec, sample: CutSample) -> None:
        self._total = max(word2vec.documents, sample.documents)
        scale = self._total / sample.documents
        bags = _whole_documents(sample)
        in_sample = np.bincount(bags.indices, minlength=len(sample.vocabulary))
        words, documents = _words_of(word2vec, sample, in_sample, scale)
        row_of = choose_features(words, documents, LEAST_DOCUMENTS, MOST_FEATURES)
        self.features = list(row_of)
        self.table = _incidence(sample.vocabulary, row_of)
        held = (bags > 0).astype(np.float32) @ self.table
        of_sample = np.bincount(held.indices, minlength=len(row_of)) * scale
        counts, table = np.array(documents, np.float32), _incidence(words, row_of)
        # A part that the sample lacks stands in no more documents than all the words that hold it.
        frequencies = np.minimum(np.where(of_sample > 0, of_sample, table.T @ counts), self._total)
        self.idf = bm25_idf(frequencies, self._total).astype(np.float32)
        self.log_weights = np.array([START_WEIGHTS[name[0]] for name in self.features], np.float32)
        self.vectors = self._vectors(word2vec, words, counts, table, row_of)
        self.mean_length = float((bags @ self.table).sum() / sample.documents)

    def _vectors(
        self, word2vec: Word2Vec, words: list[str], documents: FloatArray, table: Bags, row_of: dict[str, int]
    ) -> FloatArray:
        """Directions of the words without their common part; a part of words has their weighted mean.

        documents: float32 (W,), in how many each word stands; table: (W, F), the features of the words.
        """
        known = min(len(word2vec.words), MOST_WORDS)  # they stand first among the words
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
    word2vec: Word2Vec, sample: CutSample, frequencies: NDArray[np.int64], scale: float
) -> tuple[list[str], list[int]]:
    """The words of the model and the other frequent ones of the sample, and in how many documents each is."""
    words = list(word2vec.words[:MOST_WORDS])
    counted = word2vec.counts if word2vec.document_frequencies is None else word2vec.document_frequencies
    documents = np.asarray(counted[: len(words)]).tolist()
    known = set(words)
    for word, count in zip(sample.vocabulary, frequencies.tolist(), strict=True):
        if word not in known and count >= LEAST_DOCUMENTS:
            words.append(word)
            documents.append(round(count * scale))
    return words, documents


def _incidence(words: Sequence[str], row_of: Mapping[str, int]) -> Bags:
    """Which features a word has, and how often: (W, F)."""
    features = WordFeatures(words, lambda word: [row_of[n] for n in features_of(word) if n in row_of])
    ones = np.ones(len(features.rows), np.float32)
    table = sparse.csr_matrix((ones, features.rows, features.starts), shape=(len(words), len(row_of)))
    table.sum_duplicates()
    return table


def _bags(rows: IntArray, words: IntArray, shape: tuple[int, int]) -> Bags:
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, words)), shape=shape)


def _whole_documents(sample: CutSample) -> Bags:
    """How often each word stands in each document, title included: (n, W)."""
    lengths = np.diff(sample.unit_ends[sample.document_units])
    rows = np.repeat(np.arange(sample.documents), lengths)
    titled = np.repeat(np.arange(sample.documents), np.diff(sample.title_ends))
    shape = (sample.documents, len(sample.vocabulary))
    return _bags(np.r_[rows, titled], np.r_[sample.words, sample.titles], shape)


class _Adam:
    """Adam on the rows that a step touches. D. Kingma and J. Ba, "Adam" (2015)."""

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
    """The vectors and weights of queries, or those of documents."""

    def __init__(self, start: _Start) -> None:
        self.vectors, self._logs, self._idf = start.vectors.copy(), start.log_weights.copy(), start.idf
        self._steps = _Adam(self.vectors, RATE_VECTORS), _Adam(self._logs, RATE_WEIGHTS)

    def weights(self) -> FloatArray:
        return np.asarray(self._idf * np.exp(self._logs), np.float32)

    def encode(self, bags: Bags) -> FloatArray:
        """Unit vectors (n, d) of bags of features (n, F); what `learn` needs is remembered."""
        self._used, columns = np.unique(bags.indices, return_inverse=True)
        strengths = self._idf[self._used] * np.exp(self._logs[self._used])
        shares = bags.data * strengths[columns]
        self._bags = sparse.csr_matrix((shares, columns, bags.indptr), shape=(bags.shape[0], len(self._used)))
        sums = self._bags @ self.vectors[self._used]
        self._lengths = np.linalg.norm(sums, axis=1, keepdims=True) + 1e-6
        self._units = sums / self._lengths
        return np.asarray(self._units, np.float32)

    def learn(self, gradient: FloatArray) -> None:
        """Move against the gradient of the loss by the unit vectors, (n, d)."""
        along = (gradient * self._units).sum(1, keepdims=True)
        inner = (gradient - along * self._units) / self._lengths
        by_vectors = np.asarray(self._bags.T @ inner, np.float32)
        by_logs = (by_vectors * self.vectors[self._used]).sum(1)
        for step, change in zip(self._steps, (by_vectors, by_logs), strict=True):
            step.step(self._used, change)


@dataclass(frozen=True)
class _Contrast:
    """The training itself."""

    start: _Start
    sample: CutSample
    real_titles: bool
    query: _Side
    text: _Side

    def run(self, progress: Callable[[int, int], None]) -> float:
        """All epochs; answers the mean loss of the last batches."""
        sample = self.sample
        documents = np.flatnonzero(np.diff(sample.document_units)).astype(np.int64)
        epochs = int(np.clip(round(BATCHES * BATCH / len(documents)), *EPOCHS))
        random = np.random.default_rng(1)
        losses: list[float] = []
        with threadpool_limits(1):
            for epoch in range(epochs):
                random.shuffle(documents)
                for start in range(0, len(documents), BATCH):
                    batch = documents[start : start + BATCH]
                    if len(batch) >= min(BATCH // 4, len(documents) // 2):
                        losses += self._step(batch, SEED + epoch * len(documents) + start)
                progress(epoch + 1, epochs)
        return float(np.mean(losses[-50:])) if losses else 0.0

    def _step(self, documents: NDArray[np.int64], seed: int) -> list[float]:
        queries, texts = self._pairs(documents, seed)
        if queries.shape[0] < SMALLEST_BATCH:
            return []
        u, v = self.query.encode(queries), self.text.encode(texts)
        scores = u @ v.T / TEMPERATURE
        by_query, by_text = _softmax(scores, 1), _softmax(scores, 0)
        loss = float(-np.log(np.diagonal(by_query) + 1e-12).mean())
        # The mean over the batch is left to Adam, which does not see the scale of a gradient.
        change = (by_query + by_text) / 2
        np.fill_diagonal(change, np.diagonal(change) - 1)
        change /= TEMPERATURE
        by_u, by_v = change @ v, change.T @ u
        self.query.learn(np.asarray(by_u, np.float32))
        self.text.learn(np.asarray(by_v, np.float32))
        return [loss]

    def _pairs(self, documents: NDArray[np.int64], seed: int) -> tuple[Bags, Bags]:
        """Bags of features of both sides, of the documents that give a pair."""
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
    """Counts as BM25 has them: tf / (tf + k1 · (1 − b + b · length / mean length))."""
    lengths = np.asarray(bags.sum(1)).ravel()
    norms = K1 * (1 - B + B * lengths / mean_length)
    bags.data /= bags.data + np.repeat(norms, np.diff(bags.indptr)).astype(np.float32)
    return bags


def _softmax(scores: FloatArray, axis: int) -> FloatArray:
    shares = np.exp(scores - scores.max(axis, keepdims=True))
    return np.asarray(shares / shares.sum(axis, keepdims=True), np.float32)
