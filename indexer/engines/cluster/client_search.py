"""The requests with which a client searches an index itself, for `enricher search --show-query`."""

import dataclasses
from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from enricher.model.text_vectors.vectors import scale_of
from enricher.records import ClientRequest, ClientSearch, QueryVector, SearchRequest
from enricher.search.fusion import (
    HEAD_RANKS,
    MAX_CANDIDATES,
    MAX_SCORED_DOCUMENTS,
    MIN_COSINE,
    feedback_documents,
    with_feedback,
)
from enricher.search.plans import plan
from indexer.engines.cluster.columns import Columns
from indexer.engines.cluster.conditions import conditions_of
from indexer.engines.cluster.descriptions import Description
from indexer.engines.cluster.dialect import Dialect
from indexer.engines.cluster.hybrid import HybridSearch
from indexer.engines.cluster.keys import PATH, Keys
from indexer.engines.cluster.mapping import has_vectors
from indexer.engines.cluster.requests import body_of, shown_of
from indexer.engines.cluster.search import Searches
from indexer.engines.cluster.vectors import check_length

_HITS_NOTE = "The hits in their order."
_WORDS_NOTE = "The documents that match by words, with their BM25 scores; and the facets."
_NEAREST_NOTE = (
    "The nearest documents by vector. The vector contains the mean of the vectors of the best documents by "
    "words, and changes with them. The server may miss some of the nearest."
)
_COMPARED_NOTE = (
    f"The similarities of the {MAX_CANDIDATES} best documents by words. Their ids change with the index."
)
_SORTED_NOTE = (
    "The hits in their order. The ids are the nearest documents by vector, and change with the index."
)
_COMBINE_NOTE = (
    "cosine = (_score - score_of_zero) * cosine_factor, from nearest or compared, at least 0; 0 for others. "
    f"w = _score / the best _score, from the first {MAX_SCORED_DOCUMENTS} hits of words; 0 for others. "
    f"Candidates are the first {MAX_CANDIDATES} hits of words, and the hits of nearest whose cosine is over "
    "min_cosine. The first head_ranks ranks are the candidates with the largest (1 - head) * w + head * "
    "cosine; then come the others by (1 - rest) * w + rest * cosine; then the other hits of words. The page "
    "has size ranks after the first from."
)


def client_search(
    searches: Searches, index: str, description: Description, request: SearchRequest
) -> ClientSearch:
    """The requests that give the hits of a search.

    The documents with the best words are searched now, because the query vector is mixed with their vectors.
    Raises UsageError and EngineError like the search.
    """
    request, layout = dataclasses.replace(request, count_unenriched=False), description.layout
    columns = Columns(index, layout, description.mapping)
    plan(request, layout, index)
    vector = request.query.vector if has_vectors(description.mapping) else None
    dialect = searches.multi.server.dialect
    sent = partial(_sent, index, description.shards > 1)
    sent_nearest = partial(_sent, index, False)  # the server refuses other search types for vectors

    def body(request: SearchRequest, near: Mapping[str, Any] | None = None) -> dict[str, Any]:
        groups = searches.groups_of(request, layout, columns)
        shown = shown_of(request, layout)
        return body_of(request, groups, columns, shown, searches.bm25_factor(), near)

    if vector is None:
        searches.words(index, description, request, columns, {"_source": False})  # raises what is wrong
        return ClientSearch((sent("words", True, _HITS_NOTE, body(request)),))
    check_length(index, description.mapping, len(vector.codes))
    keys = dataclasses.replace(Keys.of(description.mapping), by_id=True)
    depth = max(request.from_ + request.top, MAX_SCORED_DOCUMENTS)
    words = dataclasses.replace(request, top=depth, from_=0, sort=None, source=False)
    answer, *_ = searches.words(index, description, words, columns, keys.parameters)
    search = HybridSearch(searches.multi, index, description, request, columns, keys)
    found = answer["hits"]["hits"]
    if request.sort is not None:
        _, near = search.near(found)
        note = _SORTED_NOTE if near["ids"]["values"] else _HITS_NOTE
        return ClientSearch((sent("sorted", note is _HITS_NOTE, note, body(request, near)),))
    search.start(found)
    best = search.vectors(feedback_documents(search.scores))
    asked = with_feedback(np.frombuffer(vector.codes, np.int8), best)
    nearest = dialect.nearest(PATH, asked, conditions_of(request, columns), MAX_CANDIDATES)
    requests = [
        sent("words", True, _WORDS_NOTE, body(words)),
        sent_nearest("nearest", False, _NEAREST_NOTE, {**nearest, "_source": False}),
    ]
    compared = list(islice(search.scores, MAX_CANDIDATES))
    if compared:
        of_words = dialect.nearest(PATH, asked, [keys.only(compared)], len(compared))
        requests.append(sent_nearest("compared", False, _COMPARED_NOTE, {**of_words, "_source": False}))
    return ClientSearch(tuple(requests), _combination(request, vector, dialect))


def _combination(request: SearchRequest, vector: QueryVector, dialect: Dialect) -> dict[str, object]:
    dimensions = len(vector.codes)
    of_zero, factor = dialect.score_line(dimensions)
    return {
        "note": _COMBINE_NOTE,
        "head": vector.head,
        "rest": vector.rest,
        "head_ranks": HEAD_RANKS,
        "min_cosine": MIN_COSINE,
        "score_of_zero": of_zero,
        "cosine_factor": factor / scale_of(dimensions) ** 2,
        "from": request.from_,
        "size": request.top,
    }


def _sent(
    index: str, with_shards: bool, name: str, exact: bool, note: str, body: Mapping[str, Any]
) -> ClientRequest:
    """A request as HTTP. with_shards: score by the document frequencies of all shards together."""
    parameters = {"allow_partial_search_results": "false"}
    if with_shards:
        parameters["search_type"] = "dfs_query_then_fetch"
    path = f"/{quote(index, safe='')}/_search?{urlencode(parameters)}"
    return ClientRequest(name, "POST", path, exact, note, body)
