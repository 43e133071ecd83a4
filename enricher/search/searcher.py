"""Search an index with its model and configuration: for the command line and the gate of a job."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from enricher.loaded_model import Model
from enricher.recipe.configuration import configuration_for
from enricher.records import ClientSearch, Filter, Query, SearchEngine, SearchRequest, SearchResponse, Sort
from enricher.search.opened import SearchableIndex, open_index
from enricher.settings import Configuration


@dataclass(frozen=True, slots=True)
class Question:
    """A search as the user requests it.

    query: the text, which may contain quoted phrases and excluded words (`expansion.parse_operators`).
    index: an index or an alias. top: number of hits, at most `plans.MAX_HITS`. filters: conditions that
    every hit must match. facets: fields whose values are counted. expansion: whether the rewriters of
    the index run; without them only the typed words are searched. from_: number of hits to skip; with `top`
    at most `plans.MAX_HITS`. sort: orders the same hits by a field instead of the score. native: one
    more filter, a query of Elasticsearch; the embedded engine has no such queries.
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


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a search, with the query that was sent to the engine.

    unenriched: number of documents in the index that are not enriched with its model. The search may have
    missed them. question: the search that was requested.
    """

    index: SearchableIndex
    query: Query
    response: SearchResponse
    unenriched: int
    question: Question


@dataclass(frozen=True, slots=True)
class Searcher:
    """Searches the indexes of one engine.

    load_model: opens the model of a version. configuration: reads it, when a query is rewritten. Methods
    raise IndexNotFound; IndexConflict if the model of an index does not exist any more; ConfigurationError,
    PluginError, UsageError and EngineError.
    """

    engine: SearchEngine
    load_model: Callable[[str], Model]
    configuration: Callable[[], Configuration]

    def open(self, index: str) -> SearchableIndex:
        """Open an index with the model that enriched it."""
        return open_index(self.engine, index, self.load_model)

    def rewriting(self, opened: SearchableIndex, *names: str) -> Callable[[Query], Query]:
        """A function that rewrites the queries of an index. The rewriters are built once.

        names: other names under which enricher.toml may configure the index; they take precedence.
        """
        configuration = configuration_for(
            self.engine, self.configuration(), *names, opened.name, recorded=opened.layout
        )
        return opened.rewriting(configuration)

    def expand(self, text: str, index: str) -> Query:
        """The query that a search of the index would send to the engine."""
        opened = self.open(index)
        return self.rewriting(opened)(opened.parse(text))

    def search(self, question: Question) -> Answer:
        """Search an index. Raises UsageError if the query contains no word."""
        opened = self.open(question.index)
        request = self._request(opened, question)
        response = opened.search(request)
        unenriched = self.engine.count_unenriched(question.index)
        return Answer(opened, request.query, response, unenriched, question)

    def client_search(self, question: Question) -> ClientSearch:
        """The requests with which a client can search an index itself, without this program.

        Raises UsageError if the query contains no word, or the engine takes no requests.
        """
        opened = self.open(question.index)
        return opened.client_search(self._request(opened, question))

    def _request(self, opened: SearchableIndex, question: Question) -> SearchRequest:
        query = opened.parse(question.query)
        if question.expansion:
            query = self.rewriting(opened)(query)
        return SearchRequest(
            query,
            question.top,
            question.filters,
            question.facets,
            from_=question.from_,
            sort=question.sort,
            native=question.native,
        )
