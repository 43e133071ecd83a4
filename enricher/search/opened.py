"""An opened index: build and rewrite queries for it, search it, highlight its hits."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from enricher.errors import IndexConflict, ModelNotFound, UsageError
from enricher.expansion import parse_operators, parse_query
from enricher.loaded_model import Model, matching_analyzer
from enricher.plugins import PluginContext, load_rewriters
from enricher.records import (
    SUBWORDS,
    TOKENS,
    ClientSearch,
    Hit,
    IndexLayout,
    Query,
    Rewriter,
    SearchEngine,
    SearchRequest,
    SearchResponse,
    text_at,
)
from enricher.search.frequencies import KnownFrequencies
from enricher.search.rewriting import QueryRewriting
from enricher.settings import IndexConfiguration
from enricher.text import Analyzer, Fragment, find_fragments
from enricher.text.analysis import STRIP_HTML
from enricher.text.segmentation import NO_LEXICON

EM = ("<em>", "</em>")
"""The default tags of highlighted words."""


@dataclass(frozen=True, slots=True)
class SearchableIndex:
    """An index with the analyzer and the model that enriched its documents.

    model: None if the documents were only segmented.
    """

    name: str
    engine: SearchEngine
    layout: IndexLayout
    analyzer: Analyzer
    model: Model | None

    def query(self, text: str) -> Query:
        """The query of a text without operators, segmented like the documents of the index."""
        return parse_query(self.analyzer, text)

    def parse(self, text: str) -> Query:
        """The query of a text that a user typed, with quoted phrases and excluded words."""
        return parse_operators(self.analyzer, text)

    def rewrite(self, query: Query, configuration: IndexConfiguration) -> Query:
        """Apply the rewriters of the index to a query; without a model the query stays unchanged."""
        return self.rewriting(configuration)(query)

    def rewriting(self, configuration: IndexConfiguration) -> QueryRewriting:
        """A function that rewrites queries like `rewrite`. The rewriters are built once, for many queries."""
        known = KnownFrequencies(self.engine, self.name, self.layout)
        rewriters: list[Rewriter] = []
        if self.model is not None:
            context = PluginContext(self.layout.fields, self.analyzer, self.model, frequencies=known.of)
            rewriters = load_rewriters(configuration, context)
        return QueryRewriting(self.layout, rewriters, known)

    def search(self, request: SearchRequest) -> SearchResponse:
        """Send a search to the engine.

        Raises UsageError if the query has neither a word nor a vector; IndexChanged if the index has another
        layout now.
        """
        self.check(request)
        return self.engine.search(self.name, replace(request, layout=self.layout))

    def client_search(self, request: SearchRequest) -> ClientSearch:
        """The requests with which a client can search itself. Raises UsageError like `search`."""
        self.check(request)
        return self.engine.client_search(self.name, request)

    def check(self, request: SearchRequest) -> None:
        """Raise UsageError if a query has neither a word nor a vector."""
        if not request.query.terms and request.query.vector is None:
            if request.query.excluded:
                words = ", ".join(map(" ".join, request.query.excluded))
                raise UsageError(f"The query only excludes {words!r}; add a word to search for.")
            raise UsageError(f"The query {request.query.text!r} holds no word to search for.")

    def fragments(self, hit: Hit, query: Query) -> list[Fragment]:
        """Fragments of the hit's original text around the query terms; else fragments of its title."""
        words = {term.term for term in query.terms if term.field == TOKENS}
        subwords = {term.term for term in query.terms if term.field == SUBWORDS}
        found: list[Fragment] = []
        for name in self.layout.fields:
            if name != self.layout.title_field:
                found.extend(find_fragments(text_at(hit.source, name), self.analyzer, words, subwords))
        return found or find_fragments(self.title(hit), self.analyzer, words, subwords)

    def highlights(
        self, hit: Hit, query: Query, *, escape: bool = False, tags: tuple[str, str] = EM
    ) -> list[str]:
        """The fragments with tags around matched words. escape: escape the text between the tags for HTML."""
        return [found.marked(*tags, escape=escape) for found in self.fragments(hit, query)]

    def title(self, hit: Hit) -> str:
        """The title of a hit; empty if it has none."""
        return text_at(hit.source, self.layout.title_field) if self.layout.title_field else ""


def open_index(engine: SearchEngine, name: str, load_model: Callable[[str], Model]) -> SearchableIndex:
    """Open an index with the model that enriched it, even if another model is active.

    A query must be segmented like the documents. Raises IndexNotFound; IndexConflict if the model of the
    index does not exist any more.
    """
    layout = engine.layout(name)
    if layout.model_version is None:
        analyzer = matching_analyzer(layout.segmenter, NO_LEXICON, f"The index {name!r}")
        return SearchableIndex(name, engine, layout, analyzer, None)
    try:
        model = load_model(layout.model_version)
    except ModelNotFound as error:
        raise IndexConflict(
            f"The index {name!r} was enriched with another model. {error} Give the folder of its model with "
            "--models, or enrich the index again."
        ) from error
    model = model.stripping_html(STRIP_HTML in layout.segmenter)
    return SearchableIndex(name, engine, layout, model.analyzer, model)
