"""The plug-in `expansion`: document expansion, words near the topic of a document."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from enricher.expansion.documents import CLASSES, DocumentExpander, WeightedWords
from enricher.model.arrays import IntArray
from enricher.model.bm25 import K1, bm25_idf
from enricher.plugins.registry import PluginContext, typed_settings
from enricher.records import (
    TOKENS,
    AnalyzedDocument,
    FieldKind,
    Query,
    QueryTerm,
)
from enricher.text import is_content

MAX_CACHED_WORDS = 2**15
"""Words of the memory-mapped vocabulary that are kept in memory."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    words: Annotated[int, Meta(ge=1, description="Maximum number of words added to a document.")] = 20
    weight: Annotated[
        float, Meta(ge=0, description="Weight of an added word, times its class and its idf.")
    ] = 0.8


class Expansion:
    """The fields `expansion.<class>`: words near the topic of a document, exact values in three classes of
    weight.

    A query word in one of them scores weight · idf · the constant of the class, like a word that occurs in
    the document a few times. If texts are short, their topic is uncertain: no words are added.
    """

    name = "expansion"

    def __init__(self, context: PluginContext, settings: Settings) -> None:
        self._context, self._settings = context, settings
        self._model = context.model()

    @property
    def document_settings(self) -> Mapping[str, object]:
        return {"words": self._settings.words}

    @property
    def mapping(self) -> Mapping[str, FieldKind]:
        return {f"{self.name}.{name}": FieldKind.EXACT for name in CLASSES}

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        if self._model.has_short_texts:
            return [{} for _ in documents]
        rows = [self._rows(document) for document in documents]
        found = self._expander.expand(rows, self._settings.words)
        return [{self.name: self._classes(words)} for words in found]

    def _rows(self, document: AnalyzedDocument) -> IntArray:
        """The rows of the known content words of a document, int32 (n,), in order, with repetitions."""
        words = [token[0] for tokens in document.tokens.values() for token in tokens]
        rows = np.fromiter(map(self._content_rows.__getitem__, words), np.int32, len(words))
        return rows[rows >= 0]

    @cached_property
    def _content_rows(self) -> "_ContentRows":
        return _ContentRows(self._model.word2vec.index)

    def _classes(self, words: WeightedWords) -> dict[str, list[str]]:
        return {name: [self._word(row) for row in rows.tolist()] for name, rows in words.classes().items()}

    @cached_property
    def _expander(self) -> DocumentExpander:
        return DocumentExpander(self._model.word2vec, self._model.bundle.near_words)

    @cached_property
    def _word(self) -> Callable[[int], str]:
        """Looks up the word of a row, and caches it."""
        words = self._model.word2vec.words
        return lru_cache(MAX_CACHED_WORDS)(lambda row: words[row])

    def looked_up(self, query: Query) -> dict[str, list[str]]:
        return {} if self._model.has_short_texts else {TOKENS: list(filter(is_content, query.typed))}

    def rewrite(self, query: Query) -> Query:
        typed = [word for word in query.typed if is_content(word)]
        if not typed or self._context.frequencies is None or self._model.has_short_texts:
            return query
        found = self._context.frequencies(TOKENS, typed)
        added = []
        for word, count in zip(typed, found.counts, strict=True):
            idf = float(bm25_idf(count, max(found.documents, count)))
            for name, (_, constant) in CLASSES.items():
                weight = round(self._settings.weight * (K1 + 1) * idf * constant, 6)
                family = f"{self.name}.{name}"
                added.append(QueryTerm(word, weight, self.name, f"documents near {word}", field=family))
        return replace(query, terms=query.terms + tuple(added))


class _ContentRows(dict[str, int]):
    """The rows of content words, −1 for other words. The last words are kept."""

    def __init__(self, index: Mapping[str, int]) -> None:
        self._index = index

    def __missing__(self, word: str) -> int:
        if len(self) >= MAX_CACHED_WORDS:
            self.clear()
        row = self[word] = self._index.get(word, -1) if is_content(word) else -1
        return row


def expansion(context: PluginContext) -> Expansion:
    return Expansion(context, typed_settings(Settings, context.settings))
