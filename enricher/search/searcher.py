"""The searches that every door offers: the command line, the gate of a job, an evaluation, an application."""

from collections.abc import Callable
from dataclasses import dataclass

from enricher.errors import UsageError
from enricher.loaded_model import Model
from enricher.recipe.configuration import configuration_for
from enricher.records import Query, SearchEngine, SearchRequest, SearchResponse
from enricher.search.opened import SearchableIndex, open_index
from enricher.settings import Configuration


@dataclass(frozen=True, slots=True)
class Question:
    """A search as a user asks it.

    index: an index or an alias. top: number of hits, at most `plans.MOST_HITS`. filters: fields of the
    documents, and the value that each must have. facets: fields whose values are counted. expansion: whether
    the rewriters of the index run; without them the typed words alone are searched.
    """

    query: str
    index: str
    top: int = 10
    filters: tuple[tuple[str, str], ...] = ()
    facets: tuple[str, ...] = ()
    expansion: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search found, with the query as it was asked of the engine.

    unenriched: how many documents of the index lack the words or the vector of its model, so that the search
    may have missed them.
    """

    index: SearchableIndex
    query: Query
    response: SearchResponse
    unenriched: int


@dataclass(frozen=True, slots=True)
class Searcher:
    """An engine, the models of its indexes, and the configuration: all that a search needs.

    load_model: opens the model of a version. Methods raise IndexNotFound, IndexConflict where the model of an
    index is gone, ConfigurationError, PluginError, UsageError and EngineError.
    """

    engine: SearchEngine
    load_model: Callable[[str], Model]
    configuration: Configuration

    def open(self, index: str) -> SearchableIndex:
        """Open an index with the model that enriched it."""
        return open_index(self.engine, index, self.load_model)

    def rewriting(self, opened: SearchableIndex, *names: str) -> Callable[[str], Query]:
        """What makes a query for an index of what a user typed; its rewriters are built once.

        names: further names by which the index is configured, before its own.
        """
        configuration = configuration_for(
            self.engine, self.configuration, *names, opened.name, recorded=opened.layout
        )
        rewrite = opened.rewriting(configuration)
        return lambda text: rewrite(opened.query(text))

    def expand(self, text: str, index: str) -> Query:
        """The query that a search of an index asks."""
        return self.rewriting(self.open(index))(text)

    def search(self, question: Question) -> Answer:
        """Search an index. UsageError where the query holds no word."""
        opened = self.open(question.index)
        make = self.rewriting(opened) if question.expansion else opened.query
        query = make(question.query)
        request = SearchRequest(query, question.top, question.filters, question.facets)
        response = opened.search(request)
        return Answer(opened, query, response, self.engine.foreign(question.index))


def parse_filter(text: str) -> tuple[str, str]:
    """A filter that is written FIELD=VALUE. Raises UsageError."""
    field, separator, value = text.partition("=")
    if not separator or not field:
        raise UsageError(f"A filter is written FIELD=VALUE, not {text!r}.")
    return field, value
