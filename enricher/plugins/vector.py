"""The plug-in `vector`: text vectors of documents and queries, compared by cosine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Meta

from enricher.loaded_model import Model
from enricher.model.text_vectors.vectors import quantize, to_numbers
from enricher.plugins.registry import PluginContext, typed_settings
from enricher.records import VECTOR, AnalyzedDocument, FieldKind, Query, QueryVector

MIN_MEAN_WORDS, FULL_MEAN_WORDS = 10, 40
"""Average content words of a text: up to the first, vectors do not change the first ranks; from the second on
they have their full share.
"""


Share = Annotated[float, Meta(ge=0, le=1)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shares of the cosine in the ranking (`enricher.search.fusion`). head: in the first ten ranks, for long
    texts.
    """

    head: Annotated[
        Share,
        Meta(
            description="Share of the cosine in the first ten ranks; less if texts have under 40 content "
            "words."
        ),
    ] = 0.3
    rest: Annotated[Share, Meta(description="Share of the cosine in the other ranks.")] = 0.5


@dataclass(frozen=True)
class Vector:
    """The field `vector`: the text vector of a document, tuned on the documents of the training.

    A query gets a vector too, and documents are found by words and by vectors. A model without tuned vectors
    gives none. Vectors do not change the first ranks if their tuning learned nothing, and change them less
    the shorter the texts are.
    """

    model: Model
    settings: Settings
    name: str = VECTOR
    document_settings: ClassVar[Mapping[str, object]] = {}

    @property
    def mapping(self) -> Mapping[str, FieldKind]:
        return {VECTOR: FieldKind.VECTOR} if self.model.bundle.text_vectors is not None else {}

    @property
    def dimensions(self) -> Mapping[str, int]:
        vectors = self.model.bundle.text_vectors
        return {VECTOR: vectors.dimensions} if vectors is not None else {}

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        vectors = self.model.bundle.text_vectors
        if vectors is None:
            return [{} for _ in documents]
        codes = quantize(vectors.documents([list(_words(document)) for document in documents]))
        are_known: list[bool] = np.any(codes, axis=1).tolist()
        return [
            {VECTOR: to_numbers(row)} if is_known else {}
            for row, is_known in zip(codes, are_known, strict=True)
        ]

    def rewrite(self, query: Query) -> Query:
        vectors = self.model.bundle.text_vectors
        if vectors is None:
            return query
        codes = quantize(vectors.query(self.model.analyzer.words(query.text)))
        if not codes.any():
            return query
        head = self.settings.head * self._trust
        return replace(query, vector=QueryVector(codes.tobytes(), head, self.settings.rest))

    @property
    def _trust(self) -> float:
        """What part of its share the cosine gets in the first ranks, 0 to 1."""
        if not self.model.has_learned_from_texts:
            return 0.0
        words = self.model.mean_words or FULL_MEAN_WORDS
        return min(max((words - MIN_MEAN_WORDS) / (FULL_MEAN_WORDS - MIN_MEAN_WORDS), 0.0), 1.0)


def _words(document: AnalyzedDocument) -> Iterator[str]:
    for tokens in document.tokens.values():
        yield from [token[0] for token in tokens]


def vector(context: PluginContext) -> Vector:
    return Vector(context.model(), typed_settings(Settings, context.settings))
