"""Hybrid search: the steps that are the same in every engine. The caller passes in the engine's calls."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from enricher.model.text_vectors.vectors import Codes
from enricher.records import QueryVector
from enricher.search.fusion import (
    MAX_CANDIDATES,
    Id,
    candidates_of,
    feedback_documents,
    rank,
    with_feedback,
)

Document = TypeVar("Document")


class VectorCalls(Protocol[Document]):
    """The vector operations of an engine, for one query and its filters.

    `Document` is the type by which the engine identifies a document. Codes are quantized vectors, int8 (d,).
    """

    def vectors(self, documents: Sequence[Document]) -> Sequence[Codes]:
        """The stored vectors of the documents, in any order. Documents without a vector are skipped."""

    def nearest(self, asked: Codes, number: int) -> Sequence[Document]:
        """At most `number` documents that match all filters, in order of falling dot product with `asked`.

        Documents whose dot product is `least_product` or less are left out.
        """

    def products(self, asked: Codes, documents: Sequence[Document]) -> NDArray[Any]:
        """The dot product of `asked` with the vector of each document, in order; 0 if it has no vector."""

    def missing(self, documents: Sequence[Document]) -> Collection[Document]:
        """The documents that cannot be hits, because they are not committed yet."""


def rank_by_words_and_vector(
    found: Mapping[Id, float], vector: QueryVector, top: int, calls: VectorCalls[Id]
) -> tuple[int, list[tuple[Id, float]]]:
    """Rank by words and vector: the number of candidates, and the `top` best documents with their scores.

    found: the documents that match by words with their BM25 scores, best first.
    """
    best = calls.vectors(feedback_documents(found))
    asked = with_feedback(np.frombuffer(vector.codes, np.int8), best)
    candidates = candidates_of(found, calls.nearest(asked, MAX_CANDIDATES))
    while True:
        ranked = rank(found, candidates, calls.products(asked, candidates), vector, top)
        missing = set(calls.missing([document for document, _ in ranked]))
        if not missing:
            return len(candidates), ranked
        candidates = [document for document in candidates if document not in missing]
