"""The requests with which a client searches an index itself, for `enricher search --show-query`."""

import dataclasses
from collections.abc import Mapping
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np

from enricher.model.text_vectors.vectors import scale_of
from enricher.records import ClientRequest, ClientSearch, IndexLayout, QueryVector, SearchRequest
from enricher.search.fusion import (
    HEAD_RANKS,
    MAX_CANDIDATES,
    MAX_SCORED_DOCUMENTS,
    MIN_COSINE,
    feedback_documents,
    with_feedback,
)
from enricher.search.plans import plan
from indexer.engines.elasticsearch.columns import Columns
from indexer.engines.elasticsearch.conditions import conditions_of
from indexer.engines.elasticsearch.requests import body_of
from indexer.engines.elasticsearch.search import Searches, check_length
from indexer.engines.elasticsearch.vectors import ClusterVectors, nearest_of, only

_RENAMED = {"source": "_source", "from_": "from"}
"""Names of parameters in the client library → in the body of a request."""
_IN_PATH = ("search_type",)
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
    "cosine = (_score - 0.5) * cosine_factor, from nearest or compared, at least 0; 0 for other documents. "
    f"w = _score / the best _score, from the first {MAX_SCORED_DOCUMENTS} hits of words; 0 for others. "
    f"Candidates are the first {MAX_CANDIDATES} hits of words, and the hits of nearest whose cosine is over "
    "min_cosine. The first head_ranks ranks are the candidates with the largest (1 - head) * w + head * "
    "cosine; then come the others by (1 - rest) * w + rest * cosine; then the other hits of words. The page "
    "has size ranks after the first from."
)


def client_search(
    searches: Searches, index: str, layout: IndexLayout, mapping: Mapping[str, Any], request: SearchRequest
) -> ClientSearch:
    """The requests that give the hits of a search.

    The documents with the best words are searched now, because the query vector is mixed with their vectors.
    Raises UsageError and EngineError like the search.
    """
    columns = Columns(index, layout, mapping)
    plan(request, layout, index)
    vector = request.query.vector if layout.has_vectors else None
    groups = partial(searches.groups_of, layout=layout, columns=columns)
    if vector is None:
        bare = dataclasses.replace(request, query=dataclasses.replace(request.query, vector=None))
        searches.search(index, layout, mapping, bare)  # raises what is wrong, and learns the clause limit
        body = body_of(request, groups(request), layout, columns)
        return ClientSearch((_sent(index, "words", True, _HITS_NOTE, body),))
    check_length(index, mapping, len(vector.codes))
    depth = max(request.from_ + request.top, MAX_SCORED_DOCUMENTS)
    query = dataclasses.replace(request.query, vector=None)
    words = dataclasses.replace(request, query=query, top=depth, from_=0, sort=None, source=False)
    found = {hit.id: hit.score for hit in searches.search(index, layout, mapping, words).hits}
    calls = ClusterVectors(conditions_of(request, columns), partial(searches.ask, index))
    best = calls.vectors(feedback_documents(found))
    asked = with_feedback(np.frombuffer(vector.codes, np.int8), best)
    if request.sort is not None:
        near = [name for name in calls.nearest(asked, MAX_CANDIDATES) if name not in found]
        page = dataclasses.replace(request, query=query)
        body = body_of(page, groups(page), layout, columns, near)
        return ClientSearch((_sent(index, "sorted", not near, _SORTED_NOTE if near else _HITS_NOTE, body),))
    compared = list(islice(found, MAX_CANDIDATES))
    bodies = [
        _sent(index, "words", True, _WORDS_NOTE, body_of(words, groups(words), layout, columns)),
        _sent(index, "nearest", False, _NEAREST_NOTE, nearest_of(asked, calls.filters, MAX_CANDIDATES)),
    ]
    if compared:
        of_words = nearest_of(asked, [only(compared)], len(compared))
        bodies.append(_sent(index, "compared", False, _COMPARED_NOTE, of_words))
    return ClientSearch(tuple(bodies), _combination(request, vector))


def _combination(request: SearchRequest, vector: QueryVector) -> dict[str, object]:
    dimensions = len(vector.codes)
    return {
        "note": _COMBINE_NOTE,
        "head": vector.head,
        "rest": vector.rest,
        "head_ranks": HEAD_RANKS,
        "min_cosine": MIN_COSINE,
        "cosine_factor": 32768 * dimensions / scale_of(dimensions) ** 2,
        "from": request.from_,
        "size": request.top,
    }


def _sent(index: str, name: str, exact: bool, note: str, body: Mapping[str, Any]) -> ClientRequest:
    """A request as HTTP. body: the parameters of the client library."""
    parameters = {"allow_partial_search_results": "false"}
    parameters |= {key: str(body[key]) for key in _IN_PATH if key in body}
    sent = {_RENAMED.get(key, key): value for key, value in body.items() if key not in _IN_PATH}
    path = f"/{quote(index, safe='')}/_search?{urlencode(parameters)}"
    return ClientRequest(name, "POST", path, exact, note, sent)
