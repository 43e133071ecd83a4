"""Searching an index of Elasticsearch: by words, and by words and vectors."""

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, BadRequestError, Elasticsearch

from enricher.records import (
    Hit,
    IndexLayout,
    SearchRequest,
    SearchResponse,
)
from enricher.search.fusion import MAX_SCORED_DOCUMENTS
from enricher.search.hybrid import rank_by_words_and_vector
from enricher.search.plans import Group, lighten, plan
from indexer.engines.elasticsearch.columns import Columns
from indexer.engines.elasticsearch.conditions import clause_count, conditions_of
from indexer.engines.elasticsearch.errors import innermost, refusal_of
from indexer.engines.elasticsearch.requests import (
    body_of,
    documents_body,
    hits_of,
    response_of,
    trials_of,
)
from indexer.engines.elasticsearch.vectors import (
    Ask,
    ClusterVectors,
    dimensions_of,
)
from indexer.engines.filters import dimensions_conflict

_CLAUSE_LIMIT = re.compile(r"maxClauseCount is set to (\d+)")


class Searches:
    """The searches of one engine. It remembers how many clauses a query of its servers may have.

    failures: translates exceptions of the client in a block, for the index that it is given.
    """

    def __init__(
        self, client: Elasticsearch, failures: Callable[[str], AbstractContextManager[None]]
    ) -> None:
        self._client, self._failures = client, failures
        self._max_clauses: int | None = None

    def search(
        self, index: str, layout: IndexLayout, mapping: Mapping[str, Any], request: SearchRequest
    ) -> SearchResponse:
        """Answer a request for an index with that layout and mapping."""
        columns = Columns(index, layout, mapping)
        plan(request, layout, index)  # check the request itself: below, `top` is larger than requested
        vector = request.query.vector
        if vector is None or not layout.has_vectors:
            return self._by_words(index, request, layout, columns)
        check_length(index, mapping, len(vector.codes))
        took: list[float] = []

        def ask(body: Mapping[str, Any]) -> Mapping[str, Any]:
            answer = self.ask(index, body)
            took.append(float(answer["took"]))
            return answer

        depth = request.from_ + request.top
        top = max(depth, MAX_SCORED_DOCUMENTS)
        words = dataclasses.replace(request, top=top, from_=0, sort=None, source=False)
        first = self._by_words(index, words, layout, columns)
        found = {hit.id: hit.score for hit in first.hits}
        with self._failures(index):
            calls = ClusterVectors(conditions_of(request, columns), ask)
            top = depth if request.sort is None else top
            compared, ranking = rank_by_words_and_vector(found, vector, top, calls)
        total = max(first.total, compared)
        if request.sort is not None:
            near = [name for name, _ in ranking if name not in found]
            page = dataclasses.replace(request, facets=())
            shown = self._by_words(index, page, layout, columns, near)
            return dataclasses.replace(
                first, total=total, took_ms=first.took_ms + sum(took) + shown.took_ms, hits=shown.hits
            )
        ranking = ranking[request.from_ :]
        with self._failures(index):
            hits = self._shown(ranking, layout, ask) if request.source else [Hit(*one) for one in ranking]
        return SearchResponse(total, first.took_ms + sum(took), tuple(hits), first.facets, first.total)

    def _shown(self, ranking: Sequence[tuple[str, float]], layout: IndexLayout, ask: Ask) -> list[Hit]:
        """Fetch the documents of a ranking, without those that were deleted in the meantime."""
        fetched = {hit.id: hit for hit in hits_of(ask(documents_body([name for name, _ in ranking], layout)))}
        return [dataclasses.replace(fetched[name], score=score) for name, score in ranking if name in fetched]

    def _by_words(
        self,
        index: str,
        request: SearchRequest,
        layout: IndexLayout,
        columns: Columns,
        near: Sequence[str] = (),
    ) -> SearchResponse:
        """Search by terms. Terms over the clause limit of the server are omitted, smallest weights first.

        near: ids of documents that are hits although no word matches.
        """
        while True:
            groups = self.groups_of(request, layout, columns)
            try:
                answer = self.ask(index, body_of(request, groups, layout, columns, near))
            except ApiError as error:
                if not self._learn_limit(error, groups):
                    with self._failures(index):
                        self._refuse_values(index, request, columns, error)
                        raise
                continue
            except TransportError:
                with self._failures(index):
                    raise
            return response_of(request, answer, columns)

    def groups_of(self, request: SearchRequest, layout: IndexLayout, columns: Columns) -> list[Group]:
        """The groups of a request, within the clause limit of the server as far as it is known."""
        groups = plan(request, layout, columns.index)
        if self._max_clauses is None:
            return groups
        return lighten(groups, self._max_clauses - clause_count(request, columns) - 1)

    def _refuse_values(self, index: str, request: SearchRequest, columns: Columns, error: ApiError) -> None:
        """Raise UsageError if the server refused a search because of one of its filters or facets."""
        if error.status_code != 400:
            return
        for body, refused in trials_of(request, columns):
            try:
                self.ask(index, body)
            except BadRequestError as refusal:
                raise refused(innermost(refusal)) from error

    def ask(self, index: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send a search. Partial results are an error."""
        answer = self._client.search(index=index, allow_partial_search_results=False, **body)
        found: Mapping[str, Any] = answer.body
        return found

    def _learn_limit(self, error: ApiError, groups: Sequence[Group]) -> bool:
        """Read the clause limit from an error. Returns whether a query with fewer clauses can be sent."""
        said = _CLAUSE_LIMIT.search(refusal_of(error).reason)
        if said is None or not groups:
            return False
        limit = int(said.group(1))
        lower = limit if self._max_clauses is None else min(limit, self._max_clauses // 2)
        changed = lower != self._max_clauses and lower > 1
        self._max_clauses = lower
        return changed


def check_length(index: str, mapping: Mapping[str, Any], length: int) -> None:
    """Raise IndexConflict if the vectors of an index, if there are any, have other dimensions."""
    held = dimensions_of(mapping)
    if held not in (0, length):
        raise dimensions_conflict(index, held, length)
