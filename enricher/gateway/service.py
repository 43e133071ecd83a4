"""What the endpoints answer, without HTTP. Every function may run in any thread."""

import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from enricher.answers import (
    Json,
    expand_answer,
    explain_answer,
    keywords_answer,
    neighbors_answer,
    related_answer,
    search_answer,
    similar_answer,
    suggest_answer,
)
from enricher.bundle.store import BundleStore
from enricher.enrichment import DocumentEnricher
from enricher.errors import EnricherError, UsageError
from enricher.gateway import requests
from enricher.gateway.evaluating import evaluate
from enricher.gateway.maps import Maps
from enricher.library.library import Library, library_store, load_library
from enricher.loaded_model import Model, load
from enricher.recipe.reopening import enricher_like, open_enricher
from enricher.records import Document, SearchEngine, parse_filter, parse_sort
from enricher.search.co_reading import CoReading
from enricher.search.profile import profiling
from enricher.search.searcher import Question, Searcher
from enricher.settings import Configuration, ServeConfiguration

MAX_ENRICHERS = 8
"""Recipes that are open at once for `enrich`."""
WARM_UP_TEXT = "The database writes its log first. 数据库先写日志，再提交事务；断电以后按日志恢复。"
CLOCK = "seconds_since_heartbeat"
READY_SECONDS = 5.0
"""For how long an answer of the engine to `readyz` is good."""


T = TypeVar("T")


class _Recent(Generic[T]):
    """The things that were used last, as many as fit; one always. Thread-safe.

    most: the size that all of them have together. size: of one. A thing is opened once; who asks for another
    one does not wait for it.
    """

    def __init__(self, most: int, size: Callable[[T], int] = lambda thing: 1) -> None:
        self._most, self._size = most, size
        self._things: OrderedDict[str, T] = OrderedDict()
        self._lock = threading.Lock()
        self._opening: dict[str, threading.Lock] = {}

    def __len__(self) -> int:
        return len(self._things)

    def get(self, key: str, make: Callable[[], T]) -> T:
        """The thing of a key, made if it is not there. Raises what `make` raises."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                return self._things[key]
            opening = self._opening.setdefault(key, threading.Lock())
        with opening:
            try:
                # In one step: another thread may remove it at any moment.
                there = self._things.get(key)
                found = make() if there is None else there
                with self._lock:
                    self._things[key] = found
                    while len(self._things) > 1 and sum(map(self._size, self._things.values())) > self._most:
                        self._things.popitem(last=False)
            finally:
                self._opening.pop(key, None)
        return found


class Service:
    """Answers requests with the models of a folder and one engine.

    configuration: reads enricher.toml. jobs: the reports of the reindex jobs, the newest first. model_mb: how
    large the models that stay open may be, in MB. Methods raise EnricherError.
    """

    def __init__(
        self,
        models: Path,
        engine: SearchEngine,
        configuration: Callable[[], Configuration],
        jobs: Callable[[], list[Json]],
        model_mb: int = ServeConfiguration().model_mb,
    ) -> None:
        self.models, self.engine, self._configuration = models, engine, configuration
        self._jobs = jobs
        self.store = BundleStore(models)
        self._open: _Recent[Model] = _Recent(model_mb * 10**6, lambda model: model.bundle.size)
        self._enrichers: _Recent[DocumentEnricher] = _Recent(MAX_ENRICHERS)
        self.is_warm = False
        self._checked: tuple[float, list[str]] = (float("-inf"), [])
        self.maps = Maps(configuration)
        self._libraries: _Recent[Library] = _Recent(1)
        self.searcher = Searcher(engine, self.model, configuration, self.library)

    # ------------------------------------------------------------------ models

    def model(self, version: str | None = None) -> Model:
        """A version, or the active one. The versions that were used last stay open, up to `model_mb`."""
        name = version or self._active()
        return self._open.get(name, lambda: load(self.models, name))

    def library(self) -> Library:
        """The active library of items. Raises ModelNotFound."""
        version = library_store(self.models).active_version()
        return self._libraries.get(version or "", lambda: load_library(self.models, version))

    def _active(self) -> str:
        """The active version. Raises ModelNotFound."""
        return self.store.active_version() or self.store.open().version

    def unknown(self, words: Sequence[str], index: str) -> int:
        """How many of the words the model of an index does not know; 0 if the index is not open."""
        model = self.searcher.model_of(index)
        return 0 if model is None else sum(word not in model.word2vec.index for word in words)

    def open_models(self) -> int:
        """How many versions are open."""
        return len(self._open)

    def models_answer(self, request: requests.EmptyRequest) -> Json:
        """The models of the folder."""
        active = self.store.active_version()
        return {
            "models": [
                {"version": version, "active": version == active} | self.store.summary(version)
                for version in self.store.versions()
            ]
        }

    def warm_up(self) -> None:
        """Do every kind of work once, so that no request waits for machine code that is not compiled yet.

        Numba compiles when a function is first called, for seconds, and keeps the result in a folder if it
        can write one. Without a model nothing is done.
        """
        try:
            model = self.model()
            word = model.words[0]
            self.enrich(self.enricher(None), [Document("", {"title": word, "text": WARM_UP_TEXT})])
            model.keywords(WARM_UP_TEXT)
            model.expand(word)
            model.suggest(word[:1])
            model.neighbors(word)
            model.senses(word)
        except EnricherError:
            return  # requests and `readyz` say it too
        finally:
            gc.collect()
            gc.freeze()  # what is open now stays: collections need not look at it again
            self.is_warm = True

    # ------------------------------------------------------------------ searches

    def search(self, request: requests.SearchRequest) -> Json:
        """The answer to a search, as `enricher search --json` prints it."""
        question = Question(
            request.query,
            request.in_,
            request.top,
            tuple(map(parse_filter, request.filter)),
            request.facet,
            expansion=request.expansion,
            from_=request.from_,
            sort=None if request.sort is None else parse_sort(request.sort),
            native=request.native,
            co_reading=CoReading(request.also_read, request.alike),
        )
        with profiling() as steps:
            answer = self.searcher.search(question)
        return search_answer(
            answer,
            explain=request.explain,
            escape=request.encoder == "html",
            profile=steps if request.profile else None,
            tags=request.highlight_tags,
            fields=request.fields,
        )

    def expand(self, request: requests.ExpandRequest) -> Json:
        """The terms of a query, by the model alone or by a search of an index."""
        if request.in_ is None:
            query = self.model().expand(request.query)
        else:
            query = self.searcher.expand(request.query, request.in_)
        if not query.terms and query.vector is None:
            raise UsageError(f"The query {request.query!r} has no word to expand.")
        return expand_answer(request.query, query, of_index=request.in_ is not None)

    def explain(self, request: requests.ExplainRequest) -> Json:
        """All words that were considered for a query, and why each is added or not."""
        if request.in_ is None:
            model = self.model()
            query = model.expand(request.query)
            typed = replace(query, terms=tuple(term for term in query.terms if term.is_typed))
            return explain_answer(request.query, query, model.candidates(typed), model.word2vec, None)
        found = self.searcher.explain(request.query, request.in_)
        word2vec = None if found.index.model is None else found.index.model.word2vec
        return explain_answer(request.query, found.query, found.candidates, word2vec, found.documents)

    def evaluate(self, request: requests.EvaluateRequest) -> Json:
        """What enrichment changes for a few judged queries."""
        return evaluate(self.searcher.search, request)

    def query(self, index: str, request: requests.QueryRequest) -> Json:
        """What an enriched search of an index sends, for a client that searches itself."""
        question = Question(request.query, index, request.top)
        query, body = self.searcher.words_body(question)
        vector = query.vector
        return {
            "query": request.query,
            "tokens": query.typed,
            "terms": query.terms_as_json(),
            "vector": None if vector is None else np.frombuffer(vector.codes, np.int8).tolist(),
            "shares": query.vector_as_json(),
            "body": body,
        }

    # ------------------------------------------------------------------ words

    def keywords(self, request: requests.KeywordsRequest) -> Json:
        """The keywords of a text."""
        return keywords_answer(None, self.model().keywords(request.text, request.top, request.method))

    def neighbors(self, request: requests.NeighborsRequest) -> Json:
        """The nearest words of a word."""
        model = self.model()
        found = model.neighbors(request.word, request.top)
        return neighbors_answer(request.word, found, model.parts(request.word))

    def related(self, request: requests.RelatedRequest) -> Json:
        """The related words of a word, and its senses."""
        model, groups = self.model(), None
        if request.senses or request.context is not None:
            groups = model.senses(
                request.word, request.top, request.alpha, request.shrinkage, context=request.context
            )
        found = model.related(request.word, request.top, request.alpha, request.shrinkage)
        alpha = model.formula(request.alpha, request.shrinkage).alpha
        return related_answer(request.word, alpha, found, groups, model.parts(request.word))

    def suggest(self, request: requests.SuggestRequest) -> Json:
        """Known words for a beginning, or for a typing error."""
        return suggest_answer(request.text, self.model().suggest(request.text, request.top))

    def similar(self, request: requests.SimilarRequest) -> Json:
        """The items that are read together with an item, and those that are alike."""
        library = self.library()
        together = library.read_together(request.item, request.top, request.alpha)
        return similar_answer(request.item, together, library.alike(request.item, request.top))

    def map_names(self, request: requests.EmptyRequest) -> Json:
        """The maps that the console shows."""
        return self.maps.names()

    # ------------------------------------------------------------------ documents

    def enricher(self, index: str | None) -> DocumentEnricher:
        """The enricher of an index as its layout records it, or that of the active model.

        Raises UsageError if the configuration of the index has changed.
        """
        if index is None:
            configuration = self._configuration().for_index("")
            version, fields = self._active(), tuple(configuration.fields or ("title", "text"))
            key = repr((version, fields, configuration))
            return self._enrichers.get(
                key, lambda: open_enricher(self.models, version, fields, configuration, self._load)
            )
        opened = self.searcher.open(index)
        return self._enrichers.get(
            repr((opened.name, opened.layout)),
            lambda: enricher_like(
                self.engine, index, index, opened.layout, self.models, self._configuration, self._load
            ),
        )

    def _load(self, models: Path, version: str) -> Model:
        """A version that is open already, if it is."""
        return self.model(version)

    def enrich(self, enricher: DocumentEnricher, documents: Sequence[Document]) -> list[Json]:
        """The `id` and the `enrichment` of each document, in order."""
        added = enricher.enrich(documents)
        return [
            {"id": document.id, "enrichment": one} for document, one in zip(documents, added, strict=True)
        ]

    # ------------------------------------------------------------------ state

    def indexes(self, request: requests.EmptyRequest) -> Json:
        """The enriched indexes and the aliases of the engine."""
        return {
            "indexes": [self._index(name) for name in self.engine.indexes()],
            "aliases": {name: list(behind) for name, behind in self.engine.aliases().items()},
        }

    def jobs(self, request: requests.EmptyRequest) -> Json:
        """The reindex jobs of the engine, the newest first."""
        return {"jobs": self._jobs()}

    def jobs_without_clock(self) -> Json:
        """The reindex jobs without what changes while they rest."""
        return {"jobs": [job | {CLOCK: None} for job in self._jobs()]}

    def _index(self, name: str) -> Json:
        found: Json = {"name": name, "documents": None, "model": None, "fields": [], "fault": None}
        try:
            layout = self.engine.layout(name)
            found |= {"model": layout.model_version, "fields": list(layout.fields)}
            found |= {"documents": self.engine.count(name)}
        except EnricherError as error:
            found["fault"] = str(error)
        return found

    def ready(self) -> Json:
        """Whether searches can be answered. The engine is asked at most every READY_SECONDS."""
        version, reasons = self.state()
        if not self.is_warm:
            reasons.append("The service is warming up.")
        return {"ready": not reasons, "model": version, "engine": self.engine.name, "reasons": reasons}

    def state(self) -> tuple[str | None, list[str]]:
        """The active model, and the reasons why searches cannot be answered."""
        version: str | None = None
        reasons: list[str] = []
        try:
            version = self.store.open().version
            self.model(version)
        except EnricherError as error:
            reasons.append(str(error))
        at, faults = self._checked
        if time.monotonic() - at > READY_SECONDS:
            try:
                faults = [check.detail for check in self.engine.check() if not check.passed]
            except EnricherError as error:
                faults = [str(error)]
            self._checked = time.monotonic(), faults
        return version, [*reasons, *faults]
