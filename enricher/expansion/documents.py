"""Document expansion: add words that a document lacks, but that are near to its subject.

The seeds of a document are its MAX_SEEDS content words x with the largest BM25 weights w_x, which are
normalized to sum to 1. The words y near the seeds get the weight

    v(y) = Σ_x w_x · cos(x, y)        over the near words y of x (`enricher.model.near_words`)

Words of the document itself are excluded. The best words are kept, with v divided by the largest v. In a
document with fewer than FULL_WEIGHT_WORDS distinct words, the weights are reduced in proportion, because
its subject is uncertain. The index stores three classes instead of the weights: this loses no measurable
precision, and queries need no scripts.

R. Nogueira et al., "Document expansion by query prediction" (2019), add words with a trained generator;
here they come from the corpus itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from enricher.model.arrays import DoubleArray, FloatArray, IntArray
from enricher.model.bm25 import K1, B
from enricher.model.near_words import NearWords
from enricher.model.word2vec import Word2Vec

MAX_SEEDS = 15
FULL_WEIGHT_WORDS = 15
CLASSES = {"high": (0.6, 0.75), "middle": (0.35, 0.45), "low": (0.01, 0.25)}
"""Class → the minimum weight of its words, and the constant that replaces their weights."""
BATCH_DOCUMENTS = 1024
"""Maximum documents expanded together."""


@dataclass(frozen=True, slots=True)
class WeightedWords:
    """Rows of n words, int32 (n,), and their weights, float32 (n,), in falling order."""

    rows: IntArray
    weights: FloatArray

    def classes(self) -> dict[str, IntArray]:
        """The rows of the words in each class."""
        found, start = {}, 0
        for name, (min_weight, _) in CLASSES.items():
            end = int(np.count_nonzero(self.weights >= min_weight))
            found[name] = self.rows[start:end]
            start = end
        return found


@dataclass(frozen=True, slots=True)
class _Texts:
    """The words of T documents, and their seeds.

    words: int32 (N,); document t has words[starts[t] : starts[t + 1]]. sizes: int32 (T,), the number of
    distinct words. seeds: int32 (T, MAX_SEEDS). weights: float64 (T, MAX_SEEDS). numbers: int32 (T,), the
    number of seeds.
    """

    words: IntArray
    starts: IntArray
    sizes: IntArray
    seeds: IntArray
    weights: DoubleArray
    numbers: IntArray


class DocumentExpander:
    """Expands documents with near words. Thread-safe."""

    def __init__(self, word2vec: Word2Vec, near: NearWords) -> None:
        self._idf = word2vec.idf
        self._near = near
        self._length = max(1.0, word2vec.occurrences / max(1, word2vec.documents))

    def expand(self, documents: Sequence[IntArray], max_words: int) -> list[WeightedWords]:
        """At most `max_words` new words for each document.

        documents: int32 (N,) each, the rows of its content words, with repetitions.
        """
        found = []
        for start in range(0, len(documents), BATCH_DOCUMENTS):
            texts = self._texts(documents[start : start + BATCH_DOCUMENTS])
            found += self._expand(texts, max_words)
        return found

    def _texts(self, documents: Sequence[IntArray]) -> _Texts:
        """Concatenate documents, and find the seeds of each."""
        from enricher.model import near_kernels  # load compiled code only if needed

        lengths = np.array([len(document) for document in documents])
        norms = K1 * (1 - B + B * lengths / self._length)
        number = len(documents)
        texts = _Texts(
            words=np.concatenate(documents).astype(np.int32, copy=False),
            starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32),
            sizes=np.empty(number, np.int32),
            seeds=np.empty((number, MAX_SEEDS), np.int32),
            weights=np.empty((number, MAX_SEEDS)),
            numbers=np.empty(number, np.int32),
        )
        seeds = texts.sizes, texts.seeds, texts.weights, texts.numbers
        near_kernels.seeds_of_texts(texts.words, texts.starts, norms, self._idf, *seeds)
        return texts

    def _expand(self, texts: _Texts, max_words: int) -> list[WeightedWords]:
        """The words near the seeds of each document, by falling weight."""
        from enricher.model import near_kernels

        number, width = len(texts.sizes), min(max_words, int(texts.sizes.max()))
        rows, sums = np.empty((number, width), np.int32), np.zeros((number, width))
        found = np.empty(number, np.int32)
        seeds = texts.sizes, texts.seeds, texts.weights, texts.numbers
        near = self._near.words, self._near.cosines
        near_kernels.near_texts(texts.words, texts.starts, *seeds, *near, rows, sums, found)
        largest = np.where(sums[:, :1] > 0, sums[:, :1], 1.0)
        known = np.minimum(1.0, texts.sizes / FULL_WEIGHT_WORDS)[:, np.newaxis]
        weights = (sums / largest * known).astype(np.float32)
        return [WeightedWords(rows[t, :end], weights[t, :end]) for t, end in enumerate(found.tolist())]
