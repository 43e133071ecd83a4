"""Search an index with its model and configuration: for the command line and the gate of a job."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from enricher.errors import IndexChanged, UsageError
from enricher.loaded_model import Model
from enricher.recipe.configuration import configuration_for
from enricher.records import Query, SearchEngine, SearchRequest, SearchResponse
from enricher.search.opened import SearchableIndex, open_index
from enricher.search.profile import step
from enricher.settings import Configuration

MAX_AGE_SECONDS = 60.0
"""Age at which an index is opened again, and its documents without enrichment are counted again."""
MAX_OPENED = 100
"""Maximum number of indexes that a Searcher keeps open."""


@dataclass(frozen=True, slots=True)
class Question:
    """A search as the user requests it.

    index: an index or an alias. top: number of hits, at most `plans.MAX_HITS`. filters: (field, value) pairs
    that every hit must match. facets: fields whose values are counted. expansion: whether the rewriters of
    the index run; without them only the typed words are searched.
    """

    query: str
    index: str
    top: int = 10
    filters: tuple[tuple[str, str], ...] = ()
    facets: tuple[str, ...] = ()
    expansion: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a search, with the query that was sent to the engine.

    unenriched: number of documents in the index that are not enriched with its model, at most
    MAX_AGE_SECONDS old. The search may have missed them.
    """

    index: SearchableIndex
    query: Query
    response: SearchResponse
    unenriched: int


@dataclass(slots=True)
class _Opened:
    """An index that a Searcher has opened, with its query builder. Times are those of `time.monotonic`."""

    index: SearchableIndex
    at: float
    rewrite: Callable[[str], Query] | None = None
    unenriched: int = 0
    counted_at: float = float("-inf")


class Searcher:
    """Searches the indexes of one engine. Thread-safe.

    It keeps the last MAX_OPENED indexes open for MAX_AGE_SECONDS. The engine refuses a search if the layout
    of the index has changed; then the index is opened again.

    load_model: opens the model of a version. configuration: reads it, when a query is rewritten. Methods
    raise IndexNotFound; IndexConflict if the model of an index does not exist any more; ConfigurationError,
    PluginError, UsageError and EngineError.
    """

    def __init__(
        self,
        engine: SearchEngine,
        load_model: Callable[[str], Model],
        configuration: Callable[[], Configuration],
    ) -> None:
        self.engine, self.load_model, self.configuration = engine, load_model, configuration
        self._opened: dict[str, _Opened] = {}
        self._lock = threading.Lock()

    def open(self, index: str) -> SearchableIndex:
        """Open an index with the model that enriched it."""
        return open_index(self.engine, index, self.load_model)

    def rewriting(self, opened: SearchableIndex, *names: str) -> Callable[[str], Query]:
        """A function that turns the typed text into a rewritten query. The rewriters are built once.

        names: other names under which enricher.toml may configure the index; they take precedence.
        """
        configuration = configuration_for(
            self.engine, self.configuration(), *names, opened.name, recorded=opened.layout
        )
        rewrite = opened.rewriting(configuration)
        return lambda text: rewrite(opened.query(text))

    def expand(self, text: str, index: str) -> Query:
        """The query that a search of the index would send to the engine."""
        return self.rewriting(self.open(index))(text)

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
            query = self._query(opened, question)
        counts = time.monotonic() - opened.counted_at > MAX_AGE_SECONDS
        request = SearchRequest(
            query, question.top, question.filters, question.facets, count_unenriched=counts
        )
        response = opened.index.search(request)
        if response.unenriched is not None:
            opened.unenriched, opened.counted_at = response.unenriched, time.monotonic()
        return Answer(opened.index, query, response, opened.unenriched)

    def _query(self, opened: _Opened, question: Question) -> Query:
        if not question.expansion:
            return opened.index.query(question.query)
        if opened.rewrite is None:
            opened.rewrite = self.rewriting(opened.index)
        return opened.rewrite(question.query)

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


def parse_filter(text: str) -> tuple[str, str]:
    """Parse a filter of the form FIELD=VALUE. Raises UsageError."""
    field, separator, value = text.partition("=")
    if not separator or not field:
        raise UsageError(f"A filter is written FIELD=VALUE, not {text!r}.")
    return field, value
