"""Vector search in Elasticsearch for a ranking by words and by vector. A search sends up to three requests.

The requests are: the vectors of the best documents by words; the nearest documents; and the products of the
documents found by words. The server scores two vectors of 8-bit integers with ½ + product / (32,768 · d). The
inner product is computed from this score, and is exact up to 512 dimensions.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.model.text_vectors.vectors import Codes, from_stored, to_numbers
from enricher.records import ENRICHMENT, VECTOR
from enricher.search.fusion import (
    least_product,
)
from indexer.engines.fields import at

PATH = f"{ENRICHMENT}.{VECTOR}"
CANDIDATES_PER_DOCUMENT, MAX_CANDIDATES = 2, 10_000
"""`num_candidates` for each requested document, and the limit of the server."""

Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Sends the body of a search and returns the response."""


@dataclass(slots=True)
class ClusterVectors:
    """Vector operations of `enricher.search.hybrid` for one search. Documents are identified by their ids.

    filters: the queries that every document must match. Products are cached.
    """

    filters: Sequence[Mapping[str, Any]]
    ask: Ask
    _known: dict[str, int] = field(default_factory=dict)

    def vectors(self, documents: Sequence[str]) -> list[Codes]:
        if not documents:
            return []
        # The full path is needed: some releases omit vectors if `includes` is a pattern.
        body = {"query": only(documents), "size": len(documents), "source": {"includes": [PATH]}}
        found = [stored_vector(hit.get("_source", {})) for hit in self.ask(body)["hits"]["hits"]]
        return [codes for codes in found if codes is not None]

    def nearest(self, asked: Codes, number: int) -> list[str]:
        near = products_of(self.ask, asked, self.filters, number)
        self._known |= near
        return [name for name, product in near.items() if product > least_product(len(asked))]

    def products(self, asked: Codes, documents: Sequence[str]) -> NDArray[Any]:
        others = [name for name in documents if name not in self._known]
        if others:
            self._known |= dict.fromkeys(others, 0)
            self._known |= products_of(self.ask, asked, [only(others)], len(others))
        return np.array([self._known[name] for name in documents])

    def missing(self, documents: Sequence[str]) -> tuple[str, ...]:
        return ()  # hits of the server are never deleted documents


def only(names: Sequence[str]) -> dict[str, Any]:
    """The query for documents by their ids."""
    return {"ids": {"values": list(names)}}


def products_of(ask: Ask, asked: Codes, filters: Sequence[Mapping[str, Any]], number: int) -> dict[str, int]:
    """The nearest documents to a vector that match the filters: id → inner product, largest first."""
    hits = ask(nearest_of(asked, filters, number))["hits"]["hits"]
    return {str(hit["_id"]): round((hit["_score"] - 0.5) * 32768 * len(asked)) for hit in hits}


def nearest_of(asked: Codes, filters: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    """The search body for the nearest documents to a vector that match the filters."""
    nearest = {
        "field": PATH,
        "query_vector": to_numbers(asked),
        "k": number,
        "num_candidates": min(CANDIDATES_PER_DOCUMENT * number, MAX_CANDIDATES),
        "filter": list(filters),
    }
    return {"knn": nearest, "size": number, "source": False}


def stored_vector(source: Mapping[str, Any]) -> Codes | None:
    """The vector in the `_source` of a document; None if it is missing or invalid."""
    with suppress(ValueError):
        return from_stored(at(source, PATH))
    return None


def dimensions_of(mapping: Mapping[str, Any]) -> int:
    """The dimensions of the vectors of an index; 0 before the first vector."""
    field = at(mapping, f"properties.{ENRICHMENT}.properties.{VECTOR}")
    return int(field.get("dims", 0)) if isinstance(field, Mapping) else 0
