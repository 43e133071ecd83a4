"""The second request of a search by words and vectors, and the ranking."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.model.text_vectors.vectors import Codes
from enricher.records import SearchRequest
from enricher.search.fusion import MAX_CANDIDATES, MAX_SCORED_DOCUMENTS, least_product, likely
from enricher.search.hybrid import rank_by_words_and_vector
from enricher.search.plans import MAX_HITS
from enricher.search.profile import step
from indexer.engines.cluster.columns import Columns
from indexer.engines.cluster.conditions import conditions_of
from indexer.engines.cluster.descriptions import Description, changed
from indexer.engines.cluster.keys import PATH, Ambiguous, Key, Keys
from indexer.engines.cluster.multisearch import MultiSearch
from indexer.engines.cluster.requests import shown_of

MAX_SHOWN_AT_ONCE = 100
"""Maximum documents that the second request fetches: the limit of the server for `top_hits`."""
_NEW, _BEST = "new", "best"

Hits = Sequence[Mapping[str, Any]]


class HybridSearch:
    """One search of an index or alias. It implements the vector operations of `enricher.search.hybrid`.

    Requests name the alias as the user does, who may have no privileges on the index. Raises IndexChanged
    if hits come from another index than the description names.

    took_ms: the time that the servers report.
    """

    def __init__(
        self,
        searches: MultiSearch,
        index: str,
        description: Description,
        request: SearchRequest,
        columns: Columns,
        keys: Keys,
    ) -> None:
        assert request.query.vector is not None
        self._searches, self._index = searches, index
        self._description, self._request = description, request
        self._filters, self._keys, self._vector = conditions_of(request, columns), keys, request.query.vector
        self._shown = shown_of(request, description.layout)
        self._depth = request.from_ + request.top
        self._is_shown = 0 < self._depth <= MAX_SHOWN_AT_ONCE
        self.scores: dict[Key, float] = {}
        self._vectors: dict[Key, Codes | None] = {}
        self._documents: dict[Key, Mapping[str, Any]] = {}
        self.took_ms = 0.0

    def ranked(self, found: Hits) -> tuple[int, list[Mapping[str, Any]]]:
        """The number of candidates, and the hits of the page with their scores.

        found: the hits of the search by words, with keys and vectors. Documents that were changed or deleted
        in the meantime are left out.
        """
        self.start(found)
        compared, ranking = rank_by_words_and_vector(self.scores, self._vector, self._depth, self)
        ranking = ranking[self._request.from_ :]
        self._fetch([key for key, _ in ranking if key not in self._documents])
        documents = self._documents
        return compared, [{**documents[key], "_score": score} for key, score in ranking if key in documents]

    def near(self, found: Hits) -> tuple[int, dict[str, Any]]:
        """The number of candidates, and the query for those that no word matches."""
        self.start(found)
        self._is_shown = False
        compared, ranking = rank_by_words_and_vector(
            self.scores, self._vector, len(found) + MAX_CANDIDATES, self
        )
        return compared, self._keys.only([key for key, _ in ranking if key not in self.scores])

    def start(self, found: Hits) -> None:
        """Take the hits of the search by words, with keys and vectors. Raises Ambiguous."""
        self._vectors = self._keys.vectors(found)
        self.scores = dict(zip(self._vectors, (float(hit["_score"]) for hit in found), strict=True))

    # ------------------------------------------------------------------ vector operations

    def vectors(self, documents: Sequence[Key]) -> list[Codes]:
        found = (self._vectors[key] for key in documents)
        return [codes for codes in found if codes is not None]

    def nearest(self, asked: Codes, number: int) -> list[Key]:
        shown = self._likely(asked) if self._is_shown else []
        with step("search by vector"):
            answers = self._search([self._nearest_body(asked, number), *self._documents_bodies(shown)])
        near = self._keys.vectors(answers[0]["hits"]["hits"])
        self._vectors = near | self._vectors
        for answer in answers[1:]:
            self._keep(answer["hits"]["hits"], shown)
        if self._is_shown:
            new = answers[0]["aggregations"][_NEW][_BEST]["hits"]["hits"]
            self._keep(new, list(near))
        products = self.products(asked, list(near))
        order = np.argsort(-products, kind="stable")
        names, least = list(near), least_product(len(asked))
        return [names[place] for place in order.tolist() if products[place] > least]

    def products(self, asked: Codes, documents: Sequence[Key]) -> NDArray[Any]:
        found = np.zeros(len(documents), np.int64)
        vectors = [self._vectors[key] for key in documents]
        places = [
            place for place, codes in enumerate(vectors) if codes is not None and len(codes) == len(asked)
        ]
        if places:
            matrix = np.array([vectors[place] for place in places], np.int32)
            found[places] = matrix @ asked.astype(np.int32)
        return found

    def missing(self, documents: Sequence[Key]) -> tuple[Key, ...]:
        return ()  # hits of the server are never deleted documents

    # ------------------------------------------------------------------ requests

    def _likely(self, asked: Codes) -> list[Key]:
        """The documents found by words that the user may see."""
        if not self.scores:
            return []
        found = list(self.scores)[:MAX_SCORED_DOCUMENTS]
        scores = {key: self.scores[key] for key in found}
        return likely(scores, self.products(asked, found), self._vector, self._depth)

    def _nearest_body(self, asked: Codes, number: int) -> dict[str, Any]:
        nearest = self._searches.server.dialect.nearest(PATH, asked, self._filters, number)
        body = {**nearest, **self._keys.parameters}
        if self._is_shown:
            known = {"bool": {"must_not": self._keys.only(list(self.scores))}}
            best = {"top_hits": {"size": self._depth, **self._shown, **self._keys.fields}}
            body["aggs"] = {_NEW: {"filter": known, "aggs": {_BEST: best}}}
        return body

    def _documents_bodies(self, keys: Sequence[Key]) -> list[dict[str, Any]]:
        """The search for documents by their keys; none if there are no keys."""
        if not keys:
            return []
        size = min(len(keys) * self._description.shards, MAX_HITS)
        only = {"bool": {"filter": self._keys.only(keys)}}
        return [{"query": only, "size": size, **self._shown, **self._keys.fields}]

    def _fetch(self, keys: Sequence[Key]) -> None:
        """Fetch documents that the second request has not fetched."""
        bodies = self._documents_bodies(keys)
        if bodies:
            with step("documents"):
                for answer in self._search(bodies):
                    self._keep(answer["hits"]["hits"], keys)

    def _search(self, bodies: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        answers = self._searches.search(self._index, bodies)
        hits = (hit for answer in answers for hit in answer["hits"]["hits"])
        if any(hit["_index"] not in self._description.names for hit in hits):
            raise changed(self._index)
        self.took_ms += max(float(answer["took"]) for answer in answers)
        return answers

    def _keep(self, hits: Hits, keys: Sequence[Key]) -> None:
        """Keep the documents of the keys. Raises Ambiguous if two documents have one key."""
        wanted, found = set(keys), set[Key]()
        for hit in hits:
            key = self._keys.of_hit(hit)
            if key in found:
                raise Ambiguous
            if key in wanted:
                found.add(key)
                self._documents[key] = hit
