"""Searching an index of a cluster: by words, and by words and vectors.

A search by words is one request. A search by words and vectors is two, each of several searches:

1. the best documents by words with their vectors;
2. the nearest documents to the query vector, and the documents that the user may see.

A sort order needs a third: the documents found by words or by vector, in the order of the field.

`fusion.likely` says which documents found by words may be seen. Of those found by vector alone, the second
request returns the nearest.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from enricher.errors import IndexChanged, IndexNotFound, UsageError
from enricher.records import Frequencies, Hit, IndexLayout, SearchRequest, SearchResponse
from enricher.search.plans import Group, lighten, plan
from enricher.search.profile import step
from indexer.engines.cluster.columns import Columns
from indexer.engines.cluster.conditions import clause_count
from indexer.engines.cluster.descriptions import Description, Descriptions, changed
from indexer.engines.cluster.errors import innermost, refusal_of
from indexer.engines.cluster.hybrid import HybridSearch
from indexer.engines.cluster.keys import Ambiguous, Keys
from indexer.engines.cluster.mapping import has_vectors
from indexer.engines.cluster.multisearch import MultiSearch
from indexer.engines.cluster.requests import (
    body_of,
    foreign_of,
    frequencies_body,
    frequencies_of,
    hits_of,
    response_of,
    shown_of,
    trials_of,
)
from indexer.engines.cluster.server import NoAnswer, Refused
from indexer.engines.cluster.vectors import check_length, dimensions_of
from indexer.engines.filters import no_scored_field

MAX_TRIES = 4
"""How often a search starts again because the index behind an alias has changed."""
_CLAUSE_LIMIT = re.compile(r"maxClauseCount is set to (\d+)")


class Searches:
    """The searches of one engine. It remembers how many clauses a query of its servers may have.

    failures: translates exceptions of the server in a block, for the index that it is given. descriptions:
    describe the indexes. bm25_factor: that of the engine.
    """

    def __init__(
        self,
        searches: MultiSearch,
        failures: Callable[[str], AbstractContextManager[None]],
        descriptions: Descriptions,
        bm25_factor: Callable[[], float],
    ) -> None:
        self.multi, self._failures, self.bm25_factor = searches, failures, bm25_factor
        self._descriptions = descriptions
        self._max_clauses: int | None = None

    def search(self, index: str, request: SearchRequest) -> SearchResponse:
        """Answer a request. The description of the index is read again if the answer does not fit it."""
        description = self._descriptions.recent(index)
        has_no_length = has_vectors(description.mapping) and not dimensions_of(description.mapping)
        if has_no_length or request.layout not in (None, description.layout):
            description = self._fresh(index, request)
        for _ in range(MAX_TRIES):
            try:
                response, fits = self._answer(index, description, request)
            except IndexChanged:
                described = self._fresh(index, request)
            except (UsageError, IndexNotFound):
                described = self._fresh(index, request)
                if described == description:
                    raise
            else:
                described = description if fits else self._fresh(index, request)
                if described == description:
                    return response
            description = described
        raise changed(index)

    def search_text(self, index: str, text: str, fields: Sequence[str], top: int) -> list[Hit]:
        """Search fields of any index by its own analyzers: ids and scores."""
        query = {"multi_match": {"query": text, "fields": list(fields), "type": "most_fields"}}
        with self._failures(index):
            body = {"query": query, "size": top, "_source": False}
            (answer,) = self.multi.search(index, [body], frequencies_of_all_shards=True)
        return list(hits_of(answer["hits"]["hits"]))

    def frequencies(self, index: str, terms: Mapping[str, Sequence[str]]) -> dict[str, Frequencies]:
        """The document frequencies of terms, by scored field. Raises UsageError if there is no such field."""
        layout = self._descriptions.recent(index).layout
        for field in terms:
            if field not in layout.mapping or not layout.mapping[field].scored:
                raise no_scored_field(index, field)
        with step("document frequencies"), self._failures(index):
            (answer,) = self.multi.search(index, [frequencies_body(terms)])
        return frequencies_of(terms, answer)

    def _fresh(self, index: str, request: SearchRequest) -> Description:
        with step("describe"):
            found = self._descriptions.fresh(index)
        if request.layout not in (None, found.layout):
            raise changed(index)
        return found

    def _answer(
        self, index: str, description: Description, request: SearchRequest
    ) -> tuple[SearchResponse, bool]:
        """The response, and whether its hits fit the description. Without a hit that is not known.

        Raises IndexChanged if hits come from another index than the description names.
        """
        columns = Columns(index, description.layout, description.mapping)
        plan(request, description.layout, index)  # check the request itself
        vector = request.query.vector
        if vector is None or not has_vectors(description.mapping):
            return self._by_words(index, description, request, columns)
        check_length(index, description.mapping, len(vector.codes))
        keys = Keys.of(description.mapping)
        if request.sort is not None and description.shards > 1:
            keys = replace(keys, by_id=True)  # the third request selects documents by their keys alone
        try:
            return self._hybrid(index, description, request, columns, keys)
        except Ambiguous:
            return self._hybrid(index, description, request, columns, replace(keys, by_id=True))

    def _by_words(
        self, index: str, description: Description, request: SearchRequest, columns: Columns
    ) -> tuple[SearchResponse, bool]:
        with step("search by words"):
            shown = shown_of(request, description.layout)
            answer, *more = self.words(index, description, request, columns, shown)
        response = _counting(response_of(request, answer, columns), more)
        return _with_hits(response, answer["hits"]["hits"], request, description)

    def _hybrid(
        self, index: str, description: Description, request: SearchRequest, columns: Columns, keys: Keys
    ) -> tuple[SearchResponse, bool]:
        depth = max(request.from_ + request.top, keys.max_scored)
        unsorted = replace(request, top=depth, from_=0, sort=None)
        with step("search by words"):
            answer, *more = self.words(index, description, unsorted, columns, keys.parameters)
        found, first = answer["hits"]["hits"], response_of(request, answer, columns)
        if any(hit["_index"] not in description.names for hit in found):
            raise changed(index)
        search = HybridSearch(self.multi, index, description, request, columns, keys)
        with self._failures(index):
            if request.sort is None:
                compared, hits = search.ranked(found)
            else:
                compared, near = search.near(found)
                page = replace(request, facets=(), count_unenriched=False)
                with step("sort"):
                    shown = shown_of(request, description.layout)
                    (sorted_,) = self.words(index, description, page, columns, shown, near)
                hits, search.took_ms = sorted_["hits"]["hits"], search.took_ms + float(sorted_["took"])
        total, took = max(first.total, compared), first.took_ms + search.took_ms
        response = replace(_counting(first, more), total=total, took_ms=took)
        return _with_hits(response, hits, request, description)

    def words(
        self,
        index: str,
        description: Description,
        request: SearchRequest,
        columns: Columns,
        shown: Mapping[str, Any],
        near: Mapping[str, Any] | None = None,
    ) -> list[Mapping[str, Any]]:
        """The answer of a search by words, and that of the count of documents without enrichment, if wanted.

        Terms over the clause limit of the server are omitted, smallest weights first. shown: the parameters
        of what a hit contains. near: the query for documents that are hits although no word matches.
        """
        counted = [{"size": 0, "track_total_hits": True, "query": foreign_of(description.layout)}]
        more = counted if request.count_unenriched else []
        while True:
            groups = self.groups_of(request, description.layout, columns)
            body = body_of(request, groups, columns, shown, self.bm25_factor(), near)
            try:
                return self.multi.search(index, [body, *more], description.shards > 1)
            except Refused as error:
                if not self._learn_limit(error, groups):
                    with self._failures(index):
                        self._refuse_values(index, request, columns, error)
                        raise
            except NoAnswer:
                with self._failures(index):
                    raise

    def groups_of(self, request: SearchRequest, layout: IndexLayout, columns: Columns) -> list[Group]:
        """The groups of a request, within the clause limit of the server as far as it is known."""
        groups = plan(request, layout, columns.index)
        if self._max_clauses is None:
            return groups
        return lighten(groups, self._max_clauses - clause_count(request, columns) - 1)

    def _refuse_values(self, index: str, request: SearchRequest, columns: Columns, error: Refused) -> None:
        """Raise UsageError if the server refused a search because of one of its filters or facets."""
        if error.status != 400:
            return
        for body, refused in trials_of(request, columns):
            try:
                self.multi.search(index, [body])
            except Refused as refusal:
                if refusal.status == 400:
                    raise refused(innermost(refusal)) from error
                raise

    def _learn_limit(self, error: Refused, groups: Sequence[Group]) -> bool:
        """Read the clause limit from an error. Returns whether a query with fewer clauses can be sent."""
        said = _CLAUSE_LIMIT.search(refusal_of(error).reason)
        if said is None or not groups:
            return False
        limit = int(said.group(1))
        lower = limit if self._max_clauses is None else min(limit, self._max_clauses // 2)
        changed = lower != self._max_clauses and lower > 1
        self._max_clauses = lower
        return changed


def _with_hits(
    response: SearchResponse,
    hits: Sequence[Mapping[str, Any]],
    request: SearchRequest,
    description: Description,
) -> tuple[SearchResponse, bool]:
    """A response with its hits, and whether all of them, at least one, fit the description."""
    shown = hits_of(hits, is_sorted=request.sort is not None)
    return replace(response, hits=shown), bool(hits) and all(map(description.fits, hits))


def _counting(response: SearchResponse, more: Sequence[Mapping[str, Any]]) -> SearchResponse:
    """A response with the number of documents without enrichment, if they were counted."""
    for answer in more:
        response = replace(response, unenriched=int(answer["hits"]["total"]["value"]))
    return response
