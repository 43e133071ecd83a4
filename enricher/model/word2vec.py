"""A word2vec model in memory (or memory-mapped), and the numbers computed from it."""

import difflib
import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from enricher.errors import NotSupported, TrainingFailed, UnknownWord
from enricher.model.arrays import FloatArray, IntArray
from enricher.model.bm25 import bm25_idf
from enricher.model.huffman import HuffmanTree, log_probabilities, log_probabilities_of
from enricher.model.word_list import WordList
from enricher.text import normalize

_SIMILAR, _LESS_SIMILAR = 0.55, 0.15
"""Least ratio of `difflib` of a suggestion, and how much less than that of the first one it may be."""


@dataclass(frozen=True)
class Word2Vec:
    """The V words of the vocabulary with their counts and weights.

    vectors: float32 (V, d), the input vectors v. tree, nodes: the Huffman tree and its vectors θ, float32
    (V−1, d), if the model was trained with hierarchical softmax. outputs: float32 (V, d), the output
    vectors c, if it was trained with negative sampling. document_frequencies: int64 (V,), and documents:
    their number; None and 0 for an imported model. added: number of words at the end that were added after
    the training. They have no leaf in the tree, which has the other words only (`added_log_probabilities`);
    no other number of the model depends on them.
    """

    words: Sequence[str]
    counts: NDArray[np.int64]
    vectors: FloatArray
    tree: HuffmanTree | None = None
    nodes: FloatArray | None = None
    outputs: FloatArray | None = None
    document_frequencies: NDArray[np.int64] | None = None
    documents: int = 0
    training: Mapping[str, object] = field(default_factory=dict)
    added: int = 0

    @property
    def trained(self) -> int:
        """The number of words of the training. They come first."""
        return len(self.counts) - self.added

    @property
    def occurrences(self) -> int:
        """How often the words of the training occur in its text."""
        return int(np.asarray(self.counts[: self.trained]).sum())

    def check(self) -> None:
        """Raise TrainingFailed if arrays are missing, differ in length, or contain NaN or infinity."""
        size = len(self.words)
        if size == 0:
            raise TrainingFailed("The model has no words.")
        if len(self.vectors) != size or len(self.counts) != size:
            raise TrainingFailed("The model's words, counts and vectors differ in number.")
        weights = {"vectors": self.vectors, "nodes": self.nodes, "outputs": self.outputs}
        for name, values in weights.items():
            if values is not None and not np.isfinite(values).all():
                raise TrainingFailed(
                    f"The model's {name} contain values that are not numbers (NaN or infinity)."
                )
        if self.nodes is None and self.outputs is None:
            raise TrainingFailed("The model has no output weights: neither inner nodes nor output vectors.")

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Word → row."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def log_priors(self) -> FloatArray:
        """Ln p(y) from the counts, float32 (V,); a count of 0 is treated as 1."""
        return self._log_priors(np.asarray(self.counts))

    def log_priors_of(self, rows: IntArray) -> FloatArray:
        """Ln p(y) of n words y: rows int32 (n,) give float32 (n,)."""
        return self._log_priors(np.asarray(self.counts[rows]))

    def _log_priors(self, counts: NDArray[np.int64]) -> FloatArray:
        return np.asarray(np.log(np.maximum(counts, 1.0) / self._occurrences), np.float32)

    @cached_property
    def _occurrences(self) -> float:
        return float(np.maximum(self.counts[: self.trained], 1).sum())

    @cached_property
    def idf(self) -> FloatArray:
        """BM25's idf of every word, float32 (V,); from the counts if the document frequencies are unknown."""
        if self.document_frequencies is not None and self.documents:
            frequencies, total = np.asarray(self.document_frequencies, np.float64), float(self.documents)
        else:
            frequencies = np.maximum(np.asarray(self.counts, np.float64), 1.0)
            total = float(frequencies[: self.trained].max()) * 2
        return np.asarray(bm25_idf(frequencies, total), np.float32)

    def idfs_of(self, words: Iterable[str]) -> list[float]:
        """The idf of each word, at least 0.01. An unknown word gets the largest possible idf."""
        values, unknown = self._idf_values, math.log1p(2 * self.documents + 1)
        rows = map(self.index.get, words)
        return [max(values[row], 0.01) if row is not None else unknown for row in rows]

    @cached_property
    def _idf_values(self) -> "array[float]":
        """The values of `idf` in an array from which single values are read twice as fast."""
        return array("f", self.idf.tobytes())

    def find(self, word: str) -> int | None:
        """The row of exactly this word, or None. A mapped vocabulary is not read as a whole."""
        return self.words.find(word) if isinstance(self.words, WordList) else self.index.get(word)

    def row(self, word: str) -> int:
        """The row of a word or of its normalized form. Raises UnknownWord with the closest words."""
        row = self.find_form(word)
        if row is None:
            raise UnknownWord(word, self.closest(word))
        return row

    def find_form(self, word: str) -> int | None:
        """The row of a word or of its normalized form, or None."""
        normalized = normalize(word).strip()
        rows = map(self.find, (word, normalized, normalized.replace(" ", "_")))
        return next((row for row in rows if row is not None), None)

    def rows(self, words: Sequence[str]) -> IntArray:
        """The rows of the known words, int32 (n,), in order, with repetitions. Unknown words are skipped."""
        return np.array([row for row in map(self.index.get, words) if row is not None], np.int32)

    def closest(self, word: str, top: int = 5) -> list[str]:
        """At most `top` words of the vocabulary that are spelled similarly, the most similar first.

        Those that are much less similar than the first one are left out.
        """
        form = normalize(word).strip()
        if not form:
            return []
        characters = set(form)
        candidates = [w for w in self.words if abs(len(w) - len(form)) <= 2 and characters & set(w)]
        found = difflib.get_close_matches(form, candidates[:20_000], n=top, cutoff=_SIMILAR)
        likeness = [difflib.SequenceMatcher(None, one, form).ratio() for one in found]
        return [one for one, like in zip(found, likeness, strict=True) if like >= likeness[0] - _LESS_SIMILAR]

    def completions(self, text: str, top: int) -> list[str]:
        """The `top` most frequent words that begin with a text or with its normalized form."""
        form = normalize(text).lstrip()
        if not form or top < 1:
            return []
        if isinstance(self.words, WordList):
            rows = self.words.starting_with(form)
        else:
            rows = np.array([row for row, word in enumerate(self.words) if word.startswith(form)], np.int32)
        counts = np.asarray(self.counts)[rows]
        best = rows[np.lexsort((rows, -counts))[:top]]
        return [self.words[row] for row in best.tolist()]

    def log_probabilities(self, words: str | Sequence[str]) -> FloatArray:
        """Ln p(y|x) for every y, in the order of `words` (formula: `enricher.model.huffman`).

        One word gives float32 (V,); a list of n words gives (n, V). Raises UnknownWord; NotSupported if the
        model was trained with negative sampling only, which has no normalized p(y|x).
        """
        rows = [self.row(words)] if isinstance(words, str) else [self.row(word) for word in words]
        answer = self.log_probabilities_of_rows(np.asarray(rows, np.int32))
        return answer[0] if isinstance(words, str) else answer

    def log_probabilities_of_rows(self, rows: IntArray, targets: IntArray | None = None) -> FloatArray:
        """Ln p(y|x) for n rows x, float32 (n, V); with m target rows y, float32 (n, m).

        Raises NotSupported if the model was trained with negative sampling only.
        """
        if self.tree is None or self.nodes is None:
            raise NotSupported(
                "This model was trained with negative sampling and has no normalized p(y|x). "
                "For log-probabilities, train with --loss hierarchical-softmax."
            )
        vectors = np.asarray(self.vectors[rows], np.float32)
        if targets is None:
            found = log_probabilities(self.tree, self.nodes, vectors)
            added = np.arange(self.trained, len(self.counts), dtype=np.int32)
            return np.hstack([found, self.added_log_probabilities(rows, added)]) if self.added else found
        is_added = targets >= self.trained
        if not is_added.any():
            return log_probabilities_of(self.tree, self.nodes, vectors, targets)
        answer = np.empty((len(rows), len(targets)), np.float32)
        answer[:, ~is_added] = log_probabilities_of(self.tree, self.nodes, vectors, targets[~is_added])
        answer[:, is_added] = self.added_log_probabilities(rows, targets[is_added])
        return answer

    def added_log_probabilities(self, rows: IntArray, added: IntArray) -> FloatArray:
        """Ln p(y|x) for n words x and m added words y, float32 (n, m).

        An added word has no leaf, but a vector, from which ln p(x|y) follows. By Bayes' rule,

            ln p(y|x) = ln p(x|y) + ln p(y) − ln p(x)

        These probabilities stand beside those of the trained words, which sum to 1 without them. Between two
        added words nothing is known: ln p(y|x) = ln p(y). The model must have a tree.
        """
        assert self.tree is not None and self.nodes is not None
        answer = np.tile(self.log_priors_of(added), (len(rows), 1))
        known = rows < self.trained
        if known.any():
            vectors = np.asarray(self.vectors[added], np.float32)
            reverse = log_probabilities_of(self.tree, self.nodes, vectors, rows[known])
            answer[known] += reverse.T - self.log_priors_of(rows[known])[:, np.newaxis]
        return answer

    def inner_products(self, rows: IntArray, targets: IntArray | None = None) -> FloatArray:
        """v_x·c_y ≈ PMI(x, y) − ln k of n rows x, float32 (n, V); with m target rows y, float32 (n, m).

        Raises NotSupported if the model was trained with hierarchical softmax.
        """
        if self.outputs is None:
            raise NotSupported("This model has no output vectors: it was trained with hierarchical softmax.")
        outputs = self.outputs if targets is None else self.outputs[targets]
        products: FloatArray = np.asarray(self.vectors[rows], np.float32) @ outputs.T
        return products
