"""Evaluating a recipe: scratch indexes are filled, every system asks them every query, and are dropped."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, runtime_checkable
from uuid import uuid4

from enricher.enricher import load
from enricher.errors import EngineError
from enricher.evaluation.baselines import WORDS, BaselineFields, System, plain_systems
from enricher.evaluation.collection import Collection, read_collection
from enricher.evaluation.metrics import DEPTH, ranked, score_ranking
from enricher.evaluation.report import (
    ENRICHED,
    IndexBytes,
    QueryResult,
    Report,
    Results,
    explain_hurt,
    most_hurt,
    strongest_plain,
    summarize,
)
from enricher.evaluation.rm3 import FeedbackQueries
from enricher.model.build import Progress, train_bundle
from enricher.model.store import BundleStore
from enricher.model.training import TrainingSettings
from enricher.records import (
    ALL,
    TOKENS,
    FieldKind,
    IndexLayout,
    Query,
    QueryTerm,
    Rejection,
    SearchEngine,
    SearchRequest,
)
from enricher.settings import Configuration, IndexConfiguration
from enricher.sources import SourceFormat, accepted
from enricher.text import open_analyzer
from indexer.engines import open_engine
from indexer.pipeline import STAMP_MAPPING, DocumentEnricher, EnricherRecipe, index_documents, prepare_index
from indexer.search import SearchableIndex, open_index
from indexer.sources import read_sources

SCRATCH = "enricher-evaluate-"
"""How the names of all scratch indexes begin."""
PLAIN, WORDS_ONLY = "plain", "words"
TANTIVY = "tantivy"
"""The embedded engine, by its name and the scheme of its URL."""
SHOWN_TOP = 10
"""Hits of the search whose time is taken: what a user asks for."""

OnRejection = Callable[[Rejection], None]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What is to be measured, and where.

    models: the folder of the bundles; its active model is used, or with `train` one that learns from
    the documents and the `backgrounds`. index: the name whose table of the configuration is the
    recipe, None for that of the scratch index.
    """

    collection: Path
    qrels: Path | None
    models: Path
    engine_url: str
    configuration: Configuration
    train: bool = False
    backgrounds: tuple[str, ...] = ()
    index: str | None = None
    workers: int = 1


@runtime_checkable
class KnowsSize(Protocol):
    """An engine that can tell how much disk an index takes."""

    def bytes_on_disk(self, index: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Scratch:
    """Names of indexes that nobody else has, on an engine."""

    url: str
    prefix: str

    def index(self, role: str) -> str:
        return f"{self.prefix}-{role}"


def evaluate(
    job: Evaluation, on_rejection: OnRejection, progress: Progress = lambda step, done, total: None
) -> Report:
    """Measure every system on a collection.

    Nothing stays behind, also when the call fails or is interrupted; indexes of others are not touched.
    Raises SourceError, ModelNotFound, ConfigurationError, EngineError, TrainingFailed.
    """
    with scratch(job.engine_url) as place, TemporaryDirectory(prefix=SCRATCH) as folder:
        recipe = job.configuration.for_index(job.index or place.index(ENRICHED))
        form = SourceFormat(enriched=recipe.fields)
        progress("reading the collection", 0, 0)
        collection = read_collection(job.collection, job.qrels, form, open_analyzer(), on_rejection)
        models = job.models
        if job.train:
            models = Path(folder)
            _train(job, collection, BundleStore(models), on_rejection, progress)
        version = BundleStore(models).open().version
        made = EnricherRecipe(models, version, form.fields, recipe)
        return _Run(job, place, collection, made, on_rejection, progress).report()


@contextmanager
def scratch(url: str) -> Iterator[Scratch]:
    """A place for scratch indexes, which are dropped at the end; of Tantivy a folder of its own."""
    prefix = f"{SCRATCH}{uuid4().hex[:12]}"
    engine = open_engine(url)
    if engine.name == TANTIVY:
        engine.close()
        with TemporaryDirectory(prefix=SCRATCH) as folder:
            yield Scratch(f"{TANTIVY}:{folder}", prefix)
        return
    place = Scratch(url, prefix)
    with closing(engine):
        engine.exists(place.index(ENRICHED))  # An engine that is not there is said before any work is done.
        try:
            yield place
        except BaseException:
            with suppress(EngineError):
                _drop(engine, place)
            raise
        _drop(engine, place)


def _drop(engine: SearchEngine, place: Scratch) -> None:
    for role in (PLAIN, WORDS_ONLY, ENRICHED):
        if engine.exists(place.index(role)):
            engine.drop(place.index(role))


def _train(
    job: Evaluation, collection: Collection, store: BundleStore, on_rejection: OnRejection, progress: Progress
) -> None:
    """Learn a model from the documents and the backgrounds, with the settings of `enricher train`."""
    settings = TrainingSettings(workers=job.workers)
    fields = collection.form.fields
    with closing(open_engine(job.engine_url)) as engine:
        sources = list(job.backgrounds)
        backgrounds = read_sources(sources, collection.form, lambda: engine) if sources else iter(())
        documents = chain(collection.documents(), accepted(backgrounds, on_rejection))
        version = train_bundle(
            store, documents, fields, open_analyzer(), settings, progress=progress, workers=job.workers
        )
    store.activate(version)


@dataclass(frozen=True, slots=True)
class _Run:
    """One evaluation: the indexes are filled, then searched by system after system."""

    job: Evaluation
    place: Scratch
    collection: Collection
    recipe: EnricherRecipe
    on_rejection: OnRejection
    progress: Progress

    def report(self) -> Report:
        enricher = self.recipe.open()
        self._fill(enricher)
        engine = open_engine(self.place.url)
        try:
            return self._measure(engine, enricher)
        finally:
            engine.close()

    def _fill(self, enricher: DocumentEnricher) -> None:
        """Write all scratch indexes; closing the engine lets it finish its merges."""
        collection = self.collection
        fields = BaselineFields(
            enricher.fields, collection.language, collection.titled, enricher.analyzer.limit
        )
        words = replace(self.recipe, model=None, configuration=IndexConfiguration(enrichments=(TOKENS,)))
        filled = {
            PLAIN: DocumentEnricher(enricher.analyzer, enricher.fields, [fields], None),
            WORDS_ONLY: words.open(),
            ENRICHED: enricher,
        }
        refused: set[str] = set()

        def reject(rejection: Rejection) -> None:
            if rejection.where not in refused:  # Every index refuses the same documents.
                refused.add(rejection.where)
                self.on_rejection(rejection)

        engine = open_engine(self.place.url)
        try:
            for role, step in filled.items():
                name = self.place.index(role)
                prepare_index(engine, name, step.layout())
                workers = self.job.workers if step.recipe is not None else 1
                index_documents(
                    engine, name, collection.documents(), step, reject, self._indexing(role), workers
                )
        finally:
            engine.close()

    def _indexing(self, role: str) -> Callable[[int], None]:
        total = self.collection.counts.documents
        return lambda written: self.progress(f"indexing ({role})", written, total)

    def _measure(self, engine: SearchEngine, enricher: DocumentEnricher) -> Report:
        collection = self.collection
        opened = open_index(
            engine, self.place.index(ENRICHED), lambda version: load(self.recipe.models, version)
        )
        systems = [*self._baselines(engine, enricher), *_recipe_systems(opened, self.recipe, enricher)]
        queries = collection.queries
        collection.counts.queries_without_words = sum(
            not opened.query(text).terms for text in queries.values()
        )
        results: dict[str, Results] = {}
        for system in systems:
            results[system.name] = self._results(engine, system)
        strongest = strongest_plain(results)
        plain, enriched = results[strongest], results[ENRICHED]
        rewritten = next(system.query for system in systems if system.name == ENRICHED)
        hurt = [
            explain_hurt(name, collection, plain, enriched, rewritten(queries[name]).terms)
            for name in most_hurt(plain, enriched)
        ]
        return Report(
            collection.name,
            len(queries),
            collection.language,
            self.recipe.model or "",
            summarize(results),
            strongest,
            tuple(hurt),
            collection.counts,
            self._bytes(engine),
        )

    def _baselines(self, engine: SearchEngine, enricher: DocumentEnricher) -> list[System]:
        """The plain systems and RM3."""
        collection, index = self.collection, self.place.index(PLAIN)
        plain = plain_systems(enricher.analyzer, collection.language, collection.titled, index)
        feedback = FeedbackQueries(
            enricher.analyzer,
            enricher.fields,
            plain[0].query,
            lambda query, top: engine.search(index, SearchRequest(query, top)).hits,
            lambda words: engine.frequencies(index, WORDS, words),
        )
        return [*plain, System("rm3", index, feedback.query)]

    def _results(self, engine: SearchEngine, system: System) -> Results:
        queries = self.collection.queries
        found: dict[str, QueryResult] = {}
        for name, text in queries.items():
            found[name] = _ask(engine, system, text, self.collection.judgements[name])
            self.progress(f"searching ({system.name})", len(found), len(queries))
        return found

    def _bytes(self, engine: SearchEngine) -> IndexBytes | None:
        if not isinstance(engine, KnowsSize):
            return None
        words, enriched = (engine.bytes_on_disk(self.place.index(role)) for role in (WORDS_ONLY, ENRICHED))
        return IndexBytes(words, enriched)


def _ask(engine: SearchEngine, system: System, text: str, grades: Mapping[str, int]) -> QueryResult:
    """One query on one system; the time is that of making it and of finding its ten best hits."""
    started = time.perf_counter()
    query = system.query(text)
    if query.terms:
        engine.search(system.index, SearchRequest(query, SHOWN_TOP))
    ms = (time.perf_counter() - started) * 1000
    hits = engine.search(system.index, SearchRequest(query, DEPTH)).hits if query.terms else ()
    scores = {hit.id: hit.score for hit in hits}
    places = {name: rank for rank, name in enumerate(ranked(scores), start=1)}
    ranks = {name: places[name] for name, grade in grades.items() if grade > 0 and name in places}
    return QueryResult(score_ranking(grades, scores), ms, ranks)


def _recipe_systems(
    opened: SearchableIndex, recipe: EnricherRecipe, enricher: DocumentEnricher
) -> list[System]:
    """The words alone, each rewriter alone, each searchable enrichment alone, and the whole recipe.

    They are called `words`, `words+NAME` and `enriched`.
    """

    def system(name: str, configuration: IndexConfiguration) -> System:
        rewrite = opened.rewriting(configuration)
        return System(name, opened.name, lambda text: rewrite(opened.query(text)))

    configuration = recipe.configuration
    systems = [System("words", opened.name, opened.query)]
    for name in configuration.rewriters:
        systems.append(system(f"words+{name}", replace(configuration, rewriters=(name,))))
    for family, fields in searchable_families(enricher.layout()).items():
        if family not in configuration.rewriters:
            systems.append(System(f"words+{family}", opened.name, _also_in(opened, family, fields)))
    return [*systems, system(ENRICHED, configuration)]


def searchable_families(layout: IndexLayout) -> dict[str, list[str]]:
    """What a query names to search each family of fields, but for the words and the stamp.

    That is the family itself where it is scored, else its fields of exact values one by one.
    """
    families: dict[str, list[str]] = {}
    for path, kind in layout.mapping.items():
        family = path.removeprefix(f"{ALL}.").split(".")[0]
        if family in (TOKENS, *STAMP_MAPPING) or kind is FieldKind.STORED:
            continue
        if kind.scored:
            families[family] = [family]
        elif not layout.family(family):
            families.setdefault(family, []).append(path)
    return families


def _also_in(opened: SearchableIndex, family: str, fields: Sequence[str]) -> Callable[[str], Query]:
    """Queries whose words are searched in a family too; what they score there is added."""

    def query(text: str) -> Query:
        typed = opened.query(text)
        added = (
            QueryTerm(term.term, 1.0, family, f"searched in {field} too", field=field)
            for field in fields
            for term in typed.terms
        )
        return Query(text, (*typed.terms, *added))

    return query
