"""Vectors in Elasticsearch: searching for the nearest, their products and their length.

The server scores two vectors of 8-bit integers with ½ + product / (32,768 · d). The inner product is computed
from this score, and is exact up to 512 dimensions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from enricher.model.text_vectors.vectors import Codes, to_numbers
from enricher.records import ENRICHMENT, VECTOR
from indexer.engines.elasticsearch.keys import PATH
from indexer.engines.fields import at
from indexer.engines.filters import dimensions_conflict

CANDIDATES_PER_DOCUMENT, MAX_VECTOR_CANDIDATES = 2, 10_000
"""`num_candidates` for each requested document, and the limit of the server."""


def nearest_of(asked: Codes, filters: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    """The search body for the nearest documents to a vector that match the filters."""
    nearest = {
        "field": PATH,
        "query_vector": to_numbers(asked),
        "k": number,
        "num_candidates": min(CANDIDATES_PER_DOCUMENT * number, MAX_VECTOR_CANDIDATES),
        "filter": list(filters),
    }
    return {"knn": nearest, "size": number}


def product_of(score: float, dimensions: int) -> int:
    """The inner product of two vectors, from the score of the server."""
    return round((score - 0.5) * 32768 * dimensions)


def dimensions_of(mapping: Mapping[str, Any]) -> int:
    """The dimensions of the vectors of an index; 0 before the first vector."""
    field = at(mapping, f"properties.{ENRICHMENT}.properties.{VECTOR}")
    return int(field.get("dims", 0)) if isinstance(field, Mapping) else 0


def check_length(index: str, mapping: Mapping[str, Any], length: int) -> None:
    """Raise IndexConflict if the vectors of an index, if there are any, have other dimensions."""
    held = dimensions_of(mapping)
    if held not in (0, length):
        raise dimensions_conflict(index, held, length)
