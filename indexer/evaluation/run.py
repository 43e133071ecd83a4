"""Run an evaluation: fill the temporary indexes, then search them with one system after the other."""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from enricher.bundle.store import BundleStore
from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.evaluation.baselines import System
from enricher.evaluation.collection import Collection, read_collection
from enricher.evaluation.metrics import MAX_SCORED_HITS, ranked, score_ranking
from enricher.evaluation.report import (
    ENRICHED,
    QueryResult,
    Report,
    Results,
    explain_hurt,
    most_hurt,
    strongest_plain,
    summarize,
)
from enricher.loaded_model import load
from enricher.records import SearchEngine, SearchRequest
from enricher.search.opened import open_index
from enricher.settings import Configuration, IndexConfiguration
from enricher.sources import SourceFormat, accepted
from enricher.text import open_analyzer
from enricher.training.stages import Progress
from enricher.training.train import train_bundle
from enricher.training.word2vec import TrainingSettings
from indexer.engines import Connection, open_engine
from indexer.evaluation.scratch import (
    PLAIN,
    SCRATCH,
    OnRejection,
    Scratch,
    fill,
    index_bytes,
    scratch,
    steps_of,
)
from indexer.evaluation.systems import baseline_systems, check_names, recipe_systems
from indexer.sources import read_sources

SHOWN_TOP = 10
"""Number of hits of the timed search, as a user requests them."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The parameters of an evaluation.

    models: the folder of model bundles. Measures its active model, or with `train` a new model that learns
    from the documents and the `backgrounds`. index: name of the index whose configuration table is used; None
    for the name of the temporary index. others: name → a further configuration, measured as a system on the
    same index. Only its rewriters and their settings have an effect.
    """

    collection: Path
    qrels: Path | None
    models: Path
    connection: Connection
    configuration: Configuration
    train: bool = False
    backgrounds: tuple[str, ...] = ()
    index: str | None = None
    workers: int = 1
    others: Mapping[str, IndexConfiguration] = field(default_factory=dict)


def evaluate(
    job: Evaluation, on_rejection: OnRejection, progress: Progress = lambda step, done, total: None
) -> Report:
    """Measure every system on a collection.

    Removes its temporary indexes and models, also after an error or interrupt. Other indexes do not change.
    Raises SourceError, ModelNotFound, ConfigurationError, EngineError, TrainingFailed.
    """
    check_names(job.others)
    with scratch(job.connection) as place, TemporaryDirectory(prefix=SCRATCH) as folder:
        configuration = job.configuration.for_index(job.index or place.index(ENRICHED))
        form = SourceFormat(enriched=configuration.fields)
        progress("reading the collection", 0, 0)
        collection = read_collection(job.collection, job.qrels, form, open_analyzer(), on_rejection)
        models = job.models
        if job.train:
            models = Path(folder)
            _train(job, collection, BundleStore(models), on_rejection, progress)
        recipe = EnricherRecipe(models, BundleStore(models).open().version, form.fields, configuration)
        enricher = recipe.open()
        steps = steps_of(recipe, enricher, collection)
        fill(place, collection, steps, on_rejection, progress, job.workers)
        with closing(open_engine(place.connection)) as engine:
            return _Measurement(engine, place, collection, recipe, enricher, job.others, progress).report()


def _train(
    job: Evaluation, collection: Collection, store: BundleStore, on_rejection: OnRejection, progress: Progress
) -> None:
    """Train a model on the documents and the backgrounds, with the defaults of `enricher train`."""
    settings = TrainingSettings(workers=job.workers)
    fields = collection.form.fields
    with closing(open_engine(job.connection)) as engine:
        sources = list(job.backgrounds)
        backgrounds = read_sources(sources, collection.form, lambda: engine) if sources else iter(())
        version = train_bundle(
            store,
            collection.documents(),
            fields,
            open_analyzer(),
            settings,
            progress=progress,
            workers=job.workers,
            backgrounds=accepted(backgrounds, on_rejection),
        )
    store.activate(version)


@dataclass(frozen=True, slots=True)
class _Measurement:
    """Filled temporary indexes, and everything needed to search them."""

    engine: SearchEngine
    place: Scratch
    collection: Collection
    recipe: EnricherRecipe
    enricher: DocumentEnricher
    others: Mapping[str, IndexConfiguration]
    progress: Progress

    def report(self) -> Report:
        collection = self.collection
        systems = self._systems()
        results = {system.name: self._results(system) for system in systems}
        strongest = strongest_plain(results)
        plain, enriched = results[strongest], results[ENRICHED]
        rewritten = next(system.query for system in systems if system.name == ENRICHED)
        hurt = [
            explain_hurt(name, collection, plain, enriched, rewritten(collection.queries[name]).terms)
            for name in most_hurt(plain, enriched)
        ]
        return Report(
            collection.name,
            len(collection.queries),
            collection.language,
            self.recipe.model_version or "",
            summarize(results),
            strongest,
            tuple(hurt),
            collection.counts,
            index_bytes(self.engine, self.place),
        )

    def _systems(self) -> list[System]:
        """All systems. Also counts the queries without words, which no system can answer."""
        collection = self.collection
        opened = open_index(
            self.engine, self.place.index(ENRICHED), lambda version: load(self.recipe.models, version)
        )
        collection.counts.queries_without_words = sum(
            not opened.query(text).terms for text in collection.queries.values()
        )
        baselines = baseline_systems(self.engine, self.place.index(PLAIN), self.enricher, collection)
        return [*baselines, *recipe_systems(opened, self.recipe.configuration, self.others)]

    def _results(self, system: System) -> Results:
        queries = self.collection.queries
        found: dict[str, QueryResult] = {}
        for name, text in queries.items():
            found[name] = _ask(self.engine, system, text, self.collection.judgements[name])
            self.progress(f"searching ({system.name})", len(found), len(queries))
        return found


def _ask(engine: SearchEngine, system: System, text: str, grades: Mapping[str, int]) -> QueryResult:
    """Run one query on one system. The time includes building the query and finding the ten best hits."""
    started = time.perf_counter()
    query = system.query(text)
    if query.terms:
        engine.search(system.index, SearchRequest(query, SHOWN_TOP))
    ms = (time.perf_counter() - started) * 1000
    deep = SearchRequest(query, MAX_SCORED_HITS, source=False)
    scores = {hit.id: hit.score for hit in engine.search(system.index, deep).hits} if query.terms else {}
    places = {name: rank for rank, name in enumerate(ranked(scores), start=1)}
    ranks = {name: places[name] for name, grade in grades.items() if grade > 0 and name in places}
    return QueryResult(score_ranking(grades, scores), ms, ranks)
