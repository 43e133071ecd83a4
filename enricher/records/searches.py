"""What is asked of a search engine, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from enricher.records.queries import Query


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query with filters (all must hold), facets to count, and the number of hits wanted.

    Names of filters and facets are fields of the documents; `keywords` means
    `enrichment.keywords`. Without `source` the hits are ids and scores alone, which is quicker.
    """

    query: Query
    top: int = 10
    filters: tuple[tuple[str, str], ...] = ()
    facets: tuple[str, ...] = ()
    source: bool = True


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found; `source` and `keywords` are empty where they were not asked for."""

    id: str
    score: float
    source: Mapping[str, object] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FacetCount:
    value: str
    count: int


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """What was found: `total` documents, of which `by_words` hold a term of the query.

    took_ms: the time of the search alone, on a cluster that of its servers; not what is opened or read
    once before it, nor the way to a server.
    """

    total: int
    took_ms: float
    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[FacetCount, ...]] = field(default_factory=dict)
    by_words: int = 0


@dataclass(frozen=True, slots=True)
class Frequencies:
    """In how many of some documents each of some terms stands, in the order of the terms."""

    documents: int
    counts: tuple[int, ...]


class Share(NamedTuple):
    """A number of documents, and of how many that were looked at."""

    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `doctor`."""

    name: str
    passed: bool
    detail: str
