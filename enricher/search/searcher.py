"""Search an index with its model and configuration: for the command line and the gate of a job."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from enricher.errors import IndexChanged, ModelNotFound, UsageError
from enricher.library.library import Library
from enricher.loaded_model import Model
from enricher.recipe.configuration import configuration_for
from enricher.records import (
    Candidate,
    ClientSearch,
    Filter,
    Query,
    SearchEngine,
    SearchRequest,
    SearchResponse,
    Sort,
)
from enricher.search.bodies import phrase_body, query_body, without
from enricher.search.co_reading import WINDOW, CoReading, reorder
from enricher.search.opened import SearchableIndex, open_index
from enricher.search.phrases import phrases_of
from enricher.search.plans import plan
from enricher.search.profile import step
from enricher.search.rewriting import QueryRewriting
from enricher.settings import Configuration

MAX_AGE_SECONDS = 60.0
"""Age at which an index is opened again, and its documents without enrichment are counted again."""
NO_CO_READING = CoReading()
MAX_OPENED = 100
"""Maximum number of indexes that a Searcher keeps open."""


@dataclass(frozen=True, slots=True)
class Question:
    """A search as the user requests it.

    query: the text, which may contain quoted phrases and excluded words (`expansion.parse_operators`).
    index: an index or an alias. top: number of hits, at most `plans.MAX_HITS`. filters: conditions that
    every hit must match. facets: fields whose values are counted. expansion: whether the rewriters of
    the index run; without them only the typed words are searched. from_: number of hits to skip; with `top`
    at most `plans.MAX_HITS`. sort: orders the same hits by a field instead of the score. native: one
    more filter, a query of Elasticsearch; the embedded engine has no such queries. co_reading: how much of
    the score is what is used together with the best hits, by a library.
    """

    query: str
    index: str
    top: int = 10
    filters: tuple[Filter, ...] = ()
    facets: tuple[str, ...] = ()
    expansion: bool = True
    from_: int = 0
    sort: Sort | None = None
    native: Mapping[str, object] | None = None
    co_reading: CoReading = NO_CO_READING


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a search, with the query that was sent to the engine.

    unenriched: number of documents in the index that are not enriched with its model, at most
    MAX_AGE_SECONDS old. The search may have missed them. question: the search that was requested. known:
    how many of the best hits the library knows; None for a search without `co_reading`.
    """

    index: SearchableIndex
    query: Query
    response: SearchResponse
    unenriched: int
    question: Question
    known: int | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why words are added to a query of an index.

    candidates: all words that rewriters considered. documents: how many documents of the index contain each
    typed word.
    """

    index: SearchableIndex
    query: Query
    candidates: Sequence[Candidate]
    documents: Sequence[int]


@dataclass(slots=True)
class _Opened:
    """An index that a Searcher has opened, with its query builder. Times are those of `time.monotonic`."""

    index: SearchableIndex
    at: float
    rewrite: QueryRewriting | None = None
    unenriched: int = 0
    counted_at: float = float("-inf")


def _no_library() -> Library:
    raise ModelNotFound("Searches here have no library.")


class Searcher:
    """Searches the indexes of one engine. Thread-safe.

    It keeps the last MAX_OPENED indexes open for MAX_AGE_SECONDS. The engine refuses a search if the layout
    of the index has changed; then the index is opened again.

    load_model: opens the model of a version. configuration: reads it, when a query is rewritten. library:
    opens the active library, for searches with `co_reading`. Methods raise IndexNotFound; IndexConflict if
    the model of an index does not exist any more; ConfigurationError, PluginError, UsageError and
    EngineError; ModelNotFound if there is no library.
    """

    def __init__(
        self,
        engine: SearchEngine,
        load_model: Callable[[str], Model],
        configuration: Callable[[], Configuration],
        library: Callable[[], Library] = _no_library,
    ) -> None:
        self.engine, self.load_model, self.configuration = engine, load_model, configuration
        self.library = library
        self._opened: dict[str, _Opened] = {}
        self._lock = threading.Lock()

    def open(self, index: str) -> SearchableIndex:
        """Open an index with the model that enriched it."""
        return open_index(self.engine, index, self.load_model)

    def model_of(self, index: str) -> Model | None:
        """The model of an index if it is open. The engine is not asked."""
        opened = self._opened.get(index)
        return None if opened is None else opened.index.model

    def rewriting(self, opened: SearchableIndex, *names: str) -> QueryRewriting:
        """A function that rewrites the queries of an index. The rewriters are built once.

        names: other names under which enricher.toml may configure the index; they take precedence.
        """
        configuration = configuration_for(
            self.engine, self.configuration(), *names, opened.name, recorded=opened.layout
        )
        return opened.rewriting(configuration)

    def expand(self, text: str, index: str) -> Query:
        """The query that a search of the index would send to the engine."""
        return self._query(self._recent(index), text)

    def explain(self, text: str, index: str) -> "Explanation":
        """Why words are added to a query of the index, and why others are not."""
        opened = self._recent(index)
        rewrite, query = self._rewriting(opened), opened.index.parse(text)
        return Explanation(
            opened.index, rewrite(query), rewrite.candidates(query), rewrite.documents_with(query.typed)
        )

    def search(self, question: Question) -> Answer:
        """Search an index. Raises UsageError if the query contains no word."""
        try:
            return self._search(question)
        except IndexChanged:
            with self._lock:
                self._opened.pop(question.index, None)
            return self._search(question)

    def _search(self, question: Question) -> Answer:
        with step("open"):
            opened = self._recent(question.index)
        with step("rewrite"):
            request = self._request(opened, question)
        response, known = opened.index.search(request), None
        if question.co_reading:
            response, known = self._reordered(response, question)
        if response.unenriched is not None:
            opened.unenriched, opened.counted_at = response.unenriched, time.monotonic()
        return Answer(opened.index, request.query, response, opened.unenriched, question, known)

    def _reordered(self, response: SearchResponse, question: Question) -> tuple[SearchResponse, int]:
        """The hits of a page after all of them were ordered by what is used together, and `Answer.known`."""
        with step("co-reading"):
            hits, known = reorder(response.hits, self.library(), question.co_reading)
        page = hits[question.from_ : question.from_ + question.top]
        return replace(response, hits=tuple(page)), known

    def _recent(self, index: str) -> _Opened:
        """An index that was opened in the last MAX_AGE_SECONDS."""
        known, now = self._opened.get(index), time.monotonic()
        if known is not None and now - known.at < MAX_AGE_SECONDS:
            return known
        opened = _Opened(self.open(index), now)
        if known is not None and known.index.layout == opened.index.layout:
            opened.unenriched, opened.counted_at = known.unenriched, known.counted_at
        with self._lock:
            self._opened.pop(index, None)
            self._opened[index] = opened
            while len(self._opened) > MAX_OPENED:
                del self._opened[next(iter(self._opened))]
        return opened

    def client_search(self, question: Question) -> ClientSearch:
        """The requests with which a client can search an index itself, without this program.

        Raises UsageError if the query contains no word, or the engine takes no requests.
        """
        if question.co_reading:
            raise UsageError(
                "A client cannot order hits by what is used together: leave out --also-read and --alike."
            )
        opened = self._recent(question.index)
        return opened.index.client_search(self._request(opened, question))

    def words_body(self, question: Question) -> tuple[Query, dict[str, Any]]:
        """The query of a search, and the body of its search by words for Elasticsearch.

        The engine is not asked, but for document frequencies that are not known yet. Filters, facets and sort
        are left out. Raises UsageError if the query contains no word.
        """
        opened = self._recent(question.index)
        request, layout, index = self._request(opened, question), opened.index.layout, opened.index.name
        opened.index.check(request)
        query = request.query
        conditions = [phrase_body(one) for one in phrases_of(query.required, layout, index)]
        conditions += [without(one) for one in phrases_of(query.excluded, layout, index)]
        body = query_body(plan(request, layout, index), conditions, self.engine.bm25_factor())
        return query, {"query": body, "size": question.top}

    def _query(self, opened: _Opened, text: str) -> Query:
        """The query that a search of an opened index sends, with the terms of its rewriters."""
        return self._rewriting(opened)(opened.index.parse(text))

    def _rewriting(self, opened: _Opened) -> QueryRewriting:
        if opened.rewrite is None:
            opened.rewrite = self.rewriting(opened.index)
        return opened.rewrite

    def _request(self, opened: _Opened, question: Question) -> SearchRequest:
        is_expanded, text = question.expansion, question.query
        first, number = question.from_, question.top
        if question.co_reading:
            if question.sort is not None:
                raise UsageError("A field sorts the hits, so --also-read and --alike change nothing.")
            first, number = 0, max(first + number, WINDOW)
        return SearchRequest(
            self._query(opened, text) if is_expanded else opened.index.parse(text),
            number,
            question.filters,
            question.facets,
            from_=first,
            sort=question.sort,
            native=question.native,
            count_unenriched=time.monotonic() - opened.counted_at > MAX_AGE_SECONDS,
        )
