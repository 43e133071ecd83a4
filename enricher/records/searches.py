"""Requests to a search engine, and its responses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from enricher.records.filters import Filter, Sort
from enricher.records.layout import IndexLayout
from enricher.records.queries import Query


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query, its filters (all must match), the facets to count, and the number of hits (`top`).

    Filters and facets name fields of the documents; `keywords` means `enrichment.keywords`. If
    `source` is False, hits have only ids and scores, which is faster. `from_`: number of hits to skip.
    `sort`: orders the hits by a field instead of the score. `native`: one more filter, in the query
    language of the engine. `layout`: the layout of the index for which the query was made; None if it does
    not matter. `count_unenriched`: also count the documents without valid enrichment.
    """

    query: Query
    top: int = 10
    filters: tuple[Filter, ...] = ()
    facets: tuple[str, ...] = ()
    source: bool = True
    from_: int = 0
    sort: Sort | None = None
    native: Mapping[str, object] | None = None
    layout: IndexLayout | None = None
    count_unenriched: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that matches. `source` and `keywords` are empty if they were not requested.

    `score`: 0 if a field sorts the hits.
    """

    id: str
    score: float
    source: Mapping[str, object] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FacetCount:
    """A value of a facet, and how many of the matching documents have it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """The result of a search: `total` matching documents, `by_words` of which contain a query term.

    took_ms: the time of the search itself; on a cluster, the time that its servers report. It includes
    neither the opening of files nor the network. unenriched: the number of documents without valid
    enrichment; None if it was not requested.
    """

    total: int
    took_ms: float
    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[FacetCount, ...]] = field(default_factory=dict)
    by_words: int = 0
    unenriched: int | None = None


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A request that a client can send to the server of an engine.

    `path`: with its parameters, without host. `note`: what it finds, for people. `exact`: whether it gives
    what a search finds now; else what it finds may change with the index, as `note` says.
    """

    name: str
    method: str
    path: str
    exact: bool
    note: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class ClientSearch:
    """The requests with which a client can search itself.

    `combine`: how the answers of several requests become one ranking; None if a single request gives it.
    """

    requests: tuple[ClientRequest, ...]
    combine: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Frequencies:
    """Document frequencies: the number of documents, and in how many of them each term occurs.

    counts: in the order of the terms that were asked for.
    """

    documents: int
    counts: tuple[int, ...]


class Share(NamedTuple):
    """`number` documents out of `of` documents that were checked."""

    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report of `enricher doctor`."""

    name: str
    passed: bool
    detail: str
