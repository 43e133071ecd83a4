"""Words and vectors in one search of Elasticsearch: what is asked, in four requests, and what is made of it.

By words, ids and scores alone; the vectors of the best of them; the nearest by vector, and the cosines
of those found by words; the documents that are shown. The server says how near two vectors of 8 bits
are by ½ + product / (32,768 · d), from which the product is taken back, exactly up to 512 dimensions.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from enricher.expansion.fusion import (
    DEPTH,
    SCORED,
    best_of,
    candidates_of,
    least_product,
    rank,
    with_feedback,
)
from enricher.model.text_vectors.vectors import Codes, from_stored, to_numbers
from enricher.records import ENRICHMENT, VECTOR, Hit, QueryVector, SearchRequest
from indexer.engines.fields import at

PATH = f"{ENRICHMENT}.{VECTOR}"
CANDIDATES, MOST_CANDIDATES = 2, 10_000
"""Documents that the server looks at for each that it is asked for, and the most that it does."""

Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Sends the body of a search, and answers the server's answer."""


@dataclass(frozen=True, slots=True)
class VectorSearch:
    """A search by words and vectors. `filters` are the queries that all documents must match."""

    request: SearchRequest
    vector: QueryVector
    filters: Sequence[Mapping[str, Any]]
    ask: Ask

    def by_words(self) -> SearchRequest:
        """The first request: as many as are compared, ids and scores alone."""
        return replace(self.request, top=max(self.request.top, SCORED), source=False)

    def shown(self, ranking: Sequence[tuple[str, float]], hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """The first of the ranking, as documents that were fetched; those deleted meanwhile are left out."""
        fetched = {hit.id: hit for hit in hits}
        return tuple(replace(fetched[name], score=score) for name, score in ranking if name in fetched)

    def ranking(self, hits: Sequence[Hit]) -> tuple[int, list[tuple[str, float]]]:
        """By words and by vector: the number of documents compared, and the ids of those that are asked
        for with their scores, best first.
        """
        found = {hit.id: hit.score for hit in hits}
        best = self._vectors(best_of(found))
        asked = with_feedback(np.frombuffer(self.vector.codes, np.int8), best)
        near = products_of(self.ask, asked, self.filters, DEPTH)
        enough = least_product(len(asked))
        candidates = candidates_of(found, (name for name, product in near.items() if product > enough))
        others = [name for name in candidates if name not in near]
        known = near | products_of(self.ask, asked, [only(others)], len(others)) if others else near
        products = np.array([known.get(name, 0) for name in candidates])
        return len(candidates), rank(found, candidates, products, self.vector, self.request.top)

    def _vectors(self, names: Sequence[str]) -> list[Codes]:
        """The vectors of those of some documents that have one."""
        if not names:
            return []
        # Named by its full path: some releases leave vectors out of what patterns include.
        body = {"query": only(names), "size": len(names), "source": {"includes": [PATH]}}
        found = [stored_vector(hit.get("_source", {})) for hit in self.ask(body)["hits"]["hits"]]
        return [codes for codes in found if codes is not None]


def only(names: Sequence[str]) -> dict[str, Any]:
    """The query for documents by their ids."""
    return {"ids": {"values": list(names)}}


def products_of(ask: Ask, asked: Codes, filters: Sequence[Mapping[str, Any]], number: int) -> dict[str, int]:
    """The nearest documents to a vector among those that pass, and their products with it, largest first."""
    nearest = {
        "field": PATH,
        "query_vector": to_numbers(asked),
        "k": number,
        "num_candidates": min(CANDIDATES * number, MOST_CANDIDATES),
        "filter": list(filters),
    }
    hits = ask({"knn": nearest, "size": number, "source": False})["hits"]["hits"]
    return {str(hit["_id"]): round((hit["_score"] - 0.5) * 32768 * len(asked)) for hit in hits}


def stored_vector(source: Mapping[str, Any]) -> Codes | None:
    """The vector in the `_source` of a document, None where there is none that can be read."""
    with suppress(ValueError):
        return from_stored(at(source, PATH))
    return None


def dimensions_of(mapping: Mapping[str, Any]) -> int:
    """The length of an index's vectors, 0 where it has none yet."""
    field = at(mapping, f"properties.{ENRICHMENT}.properties.{VECTOR}")
    return int(field.get("dims", 0)) if isinstance(field, Mapping) else 0
