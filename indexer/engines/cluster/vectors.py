"""Vectors in Elasticsearch: searching for the nearest, their products and their length.

The server scores two vectors of 8-bit integers with ½ + product / (32,768 · d). The inner product is computed
from this score, and is exact up to 512 dimensions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from enricher.model.text_vectors.vectors import Codes, to_numbers
from enricher.records import ENRICHMENT, VECTOR
from indexer.engines.cluster.keys import PATH
from indexer.engines.fields import at
from indexer.engines.filters import dimensions_conflict


def nearest_of(asked: Codes, filters: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    """The search body for the nearest documents to a vector that match the filters.

    Each segment compares as many candidates as documents are requested. For 200 of 55,000 documents in one
    segment, that finds 98.5 % of the nearest 200 and 99.75 % of the nearest 10 in 8 ms. Twice as many
    candidates find 99.4 and 99.75 % in 13 ms.
    """
    nearest = {
        "field": PATH,
        "query_vector": to_numbers(asked),
        "k": number,
        "num_candidates": number,
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
