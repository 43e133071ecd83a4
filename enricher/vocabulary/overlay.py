"""Make a derived bundle with other added words, from what documents say of the new ones."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import numpy as np

from enricher.bundle.derived import AddedWord, derive
from enricher.bundle.store import BundleStore
from enricher.loaded_model import Model
from enricher.model.arrays import FloatArray
from enricher.model.word2vec import Word2Vec
from enricher.records import Document
from enricher.text import Analyzer, Lexicon, is_content, open_analyzer
from enricher.text.lexicon import LexiconWord, as_text, as_token, unique
from enricher.vocabulary.occurrences import OccurrenceCounter, Occurrences
from enricher.vocabulary.vectors import usual_length, vector_from_contexts


def overlay_with(model: Model, words: Iterable[str]) -> Lexicon:
    """The added words of a model and some more. Raises SourceError for a word that cannot be a token."""
    return model.analyzer.overlay.with_words(Lexicon.of(words))


def overlay_without(model: Model, words: Iterable[str]) -> Lexicon:
    """The added words of a model without some of them."""
    gone = {word.text for word in Lexicon.of(words).words}
    return Lexicon(unique(word for word in model.analyzer.overlay.words if word.text not in gone))


def analyzer_with(model: Model, overlay: Lexicon) -> Analyzer:
    """The analyzer of a model with other added words."""
    present = model.analyzer
    return open_analyzer(
        model.bundle.manifest.analysis["segmenter.name"],
        present.lexicon,
        overlay=overlay,
        limit=present.limit,
        strip_html=present.strips_html,
    )


def is_known(model: Model, word: LexiconWord) -> bool:
    """Whether a model has a vector of a word of a lexicon."""
    return model.word2vec.find(as_token(word.text)) is not None


class Standing(StrEnum):
    """What a model makes of a word, as it stands in a file of candidates under `known`.

    UNUSED: enrichment uses no such words: single characters, stop words and numbers.
    """

    NEW = "no"
    KNOWN = "yes"
    ADDED = "added"
    UNUSED = "unused"


def standing_of(model: Model, word: LexiconWord) -> Standing:
    """What a model makes of a word of a lexicon. Only a new word changes something when it is added."""
    token = as_token(word.text)
    if word.text in model.analyzer.overlay.texts:
        return Standing.ADDED
    if not is_content(token):
        return Standing.UNUSED
    is_whole = model.analyzer.words(word.text) == [token]
    return Standing.KNOWN if is_whole and is_known(model, word) else Standing.NEW


class OverlayBuilder:
    """Makes a derived bundle of a model. The documents are those in which the new words may occur."""

    def __init__(self, model: Model, overlay: Lexicon) -> None:
        self._model, self._overlay = model, overlay
        self._analyzer = analyzer_with(model, overlay)
        self.new = [as_token(word.text) for word in overlay.words if not is_known(model, word)]
        """The words that the model does not know, as tokens."""
        self._documents = 0
        self._found: dict[str, list[Occurrences]] = {word: [] for word in self.new}

    def count(
        self, documents: Iterable[Document], fields: Sequence[str], total: int, strips_html: bool = False
    ) -> None:
        """Count the new words in the documents of an index.

        documents: those in which they may occur. total: the number of all documents of the index.
        strips_html: whether the texts are HTML.
        """
        analyzer = self._analyzer.stripping_html(strips_html)
        counter = OccurrenceCounter(self.new, analyzer, self._model, fields)
        for document in documents:
            counter.add(document)
        self._documents += total
        for word, found in counter.found.items():
            self._found[word].append(found)

    def build(self, store: BundleStore) -> str:
        """Write the bundle, and return its version; it is not activated."""
        added = [self._added(word, found) for word, found in self._found.items()]
        analysis = dict(self._analyzer.describe())
        return derive(store, self._model.bundle, self._overlay, analysis, added)

    def _added(self, word: str, found: Sequence[Occurrences]) -> AddedWord:
        word2vec = self._model.word2vec
        share = word2vec.documents / self._documents if self._documents and word2vec.documents else 1.0
        count = max(1, round(sum(one.count for one in found) * share))
        documents = max(1, round(sum(one.documents for one in found) * share))
        contexts = np.array([row for one in found for row in one.contexts], np.int32)
        parts = tuple(dict.fromkeys(self._model.analyzer.words(as_text(word))))
        entropy = max((one.boundary_entropy for one in found), default=0.0)
        outputs = word2vec.outputs
        output = None if outputs is None else _mean(outputs, word2vec.rows(parts))
        return AddedWord(word, count, documents, self._vector(contexts, parts, count), output, entropy, parts)

    def _vector(self, contexts: np.ndarray, parts: Sequence[str], count: int) -> FloatArray:
        """The vector of a word from its contexts; without any, the mean vector of its parts."""
        word2vec: Word2Vec = self._model.word2vec
        if len(contexts):
            return vector_from_contexts(word2vec, contexts, usual_length(word2vec, count))
        return _mean(word2vec.vectors, word2vec.rows(parts))


def _mean(vectors: FloatArray, rows: np.ndarray) -> FloatArray:
    """The mean of some rows, float32 (d,); zero for none."""
    if not len(rows):
        return np.zeros(vectors.shape[1], np.float32)
    return np.asarray(vectors[rows].mean(axis=0), np.float32)
