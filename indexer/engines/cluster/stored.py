"""What an index of a cluster stores of its documents: samples, vectors, and the size of derived text."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np

from enricher.model.text_vectors.vectors import to_numbers
from enricher.records import ENRICHMENT, VECTOR, EnrichedDocument
from indexer.engines.cluster.descriptions import Descriptions
from indexer.engines.cluster.keys import PATH, Keys
from indexer.engines.cluster.mapping import derived_fields, excess_of
from indexer.engines.cluster.multisearch import MultiSearch
from indexer.engines.cluster.requests import sample_of
from indexer.engines.cluster.vectors import check_length

EXCESS_SAMPLE_DOCUMENTS = 20
"""Number of documents whose derived text `excess_share` measures."""


class StoredDocuments:
    """Reads what the indexes of one engine store.

    failures: translates exceptions of the server in a block, for the index that it is given.
    """

    def __init__(
        self,
        searches: MultiSearch,
        failures: Callable[[str], AbstractContextManager[None]],
        descriptions: Descriptions,
    ) -> None:
        self._searches, self._failures, self._descriptions = searches, failures, descriptions

    def sample(self, index: str, number: int) -> list[EnrichedDocument]:
        """Some documents of the model of an index, those with vectors first, each with its vector."""
        description = self._descriptions.fresh(index)
        if description.layout.model_version is None:
            return []
        keys = replace(Keys.of(description.mapping), by_id=True)
        with self._failures(index):
            (first,) = self._searches.search(index, [sample_of(description.layout, number)])
            hits = first["hits"]["hits"]
            of_hits = {"query": keys.only([keys.of_hit(hit) for hit in hits]), "size": number}
            (second,) = self._searches.search(index, [{**of_hits, **keys.parameters}])
        found = keys.vectors(second["hits"]["hits"])
        sampled = []
        for hit in hits:
            source = dict(hit.get("_source", {}))
            enrichment, codes = dict(source.pop(ENRICHMENT, {})), found.get(keys.of_hit(hit))
            if codes is not None:
                enrichment[VECTOR] = to_numbers(codes)
            sampled.append(EnrichedDocument(str(hit["_id"]), source, enrichment))
        return sampled

    def product(self, index: str, id_: str, codes: bytes) -> int | None:
        """The product of a vector with that of a document, as the server calculates it; None without one.

        Raises IndexConflict if the vectors of the index have another length.
        """
        check_length(index, self._descriptions.fresh(index).mapping, len(codes))
        dialect = self._searches.server.dialect
        with self._failures(index):
            only = {"ids": {"values": [id_]}}
            nearest = dialect.nearest(PATH, np.frombuffer(codes, np.int8), [only], 1)
            (answer,) = self._searches.search(index, [{**nearest, "_source": False}])
        scores = [float(hit["_score"]) for hit in answer["hits"]["hits"]]
        return dialect.product_of(scores[0], len(codes)) if scores else None

    def excess_share(self, index: str) -> float:
        """The share of `_source` that a new index of the same layout leaves out, from a sample."""
        description = self._descriptions.fresh(index)
        left_out = description.mapping.get("_source", {}).get("excludes", ())
        if set(derived_fields(description.layout)) <= set(left_out):
            return 0.0
        with self._failures(index):
            body = sample_of(description.layout, EXCESS_SAMPLE_DOCUMENTS)
            (answer,) = self._searches.search(index, [body])
        return excess_of(description.layout, [hit["_source"] for hit in answer["hits"]["hits"]])
