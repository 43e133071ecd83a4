"""One ranking by words and by vectors: the steps of every engine, with the engine's calls handed in."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from enricher.model.text_vectors.vectors import Codes
from enricher.records import QueryVector
from enricher.search.fusion import DEPTH, Id, best_of, candidates_of, rank, with_feedback

Document = TypeVar("Document")


class VectorCalls(Protocol[Document]):
    """What the ranking asks of an engine, for one query and its filters.

    A document is whatever the engine knows it by. Codes are int8 (d,).
    """

    def vectors(self, documents: Sequence[Document]) -> Sequence[Codes]:
        """The stored vectors of those of the documents that have one, in any order."""

    def nearest(self, asked: Codes, number: int) -> Sequence[Document]:
        """At most so many documents that all filters let through, the largest product with `asked` first;
        none whose product is `least_product` or less.
        """

    def products(self, asked: Codes, documents: Sequence[Document]) -> NDArray[Any]:
        """The product of `asked` with the vector of each document, in their order; 0 where it has none."""

    def missing(self, documents: Sequence[Document]) -> Collection[Document]:
        """Those of the documents that a search cannot show, because they are not committed yet."""


def rank_by_words_and_vector(
    found: Mapping[Id, float], vector: QueryVector, top: int, calls: VectorCalls[Id]
) -> tuple[int, list[tuple[Id, float]]]:
    """The number of documents that were compared, and the `top` best of them with their scores.

    found: the documents found by words, best first, with their scores.
    """
    best = calls.vectors(best_of(found))
    asked = with_feedback(np.frombuffer(vector.codes, np.int8), best)
    candidates = candidates_of(found, calls.nearest(asked, DEPTH))
    while True:
        ranked = rank(found, candidates, calls.products(asked, candidates), vector, top)
        missing = set(calls.missing([document for document, _ in ranked]))
        if not missing:
            return len(candidates), ranked
        candidates = [document for document in candidates if document not in missing]
