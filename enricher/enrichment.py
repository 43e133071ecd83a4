"""The enrichment step of indexing. It is opened from a recipe, once in each process."""

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from enricher import plugins
from enricher.errors import IndexConflict
from enricher.loaded_model import Model, load
from enricher.parallel import WorkerPool
from enricher.plugins import PluginContext, document_settings, load_enrichments
from enricher.records import (
    FINGERPRINT,
    MODEL,
    STAMP_MAPPING,
    AnalyzedDocument,
    Document,
    Enrichment,
    FieldKind,
    IndexLayout,
    Keyword,
    VectorEnrichment,
    fingerprint,
)
from enricher.settings import IndexConfiguration
from enricher.text import Analyzer, open_analyzer

MIN_SHARE_DOCUMENTS = 16
"""Minimum documents that `enrich` gives to a process."""

R = TypeVar("R")
Step = Callable[["DocumentEnricher", Sequence[Document]], R]
"""What is done with a batch of documents."""


@dataclass(frozen=True, slots=True)
class EnricherRecipe:
    """The settings from which a `DocumentEnricher` is opened. It can be pickled.

    models: the folder of the bundles. model_version: None if the text is only segmented.
    """

    models: Path
    model_version: str | None
    fields: tuple[str, ...]
    configuration: IndexConfiguration

    def open(self, load_model: Callable[[Path, str], Model] = load) -> "DocumentEnricher":
        """Open the model and create the plug-ins.

        load_model: gives a version of the folder, opened. Raises ModelNotFound, BundleInvalid, PluginError,
        ConfigurationError.
        """
        strip_html = self.configuration.strip_html
        model = None
        if self.model_version is not None:
            model = load_model(self.models, self.model_version).stripping_html(strip_html)
        analyzer = model.analyzer if model is not None else open_analyzer(strip_html=strip_html)
        context = PluginContext(self.fields, analyzer, model, per_field=self.configuration.per_field or False)
        enrichments = load_enrichments(self.configuration, context)
        return DocumentEnricher(analyzer, self.fields, enrichments, self.model_version, self)


@dataclass(frozen=True, slots=True)
class DocumentEnricher:
    """Runs the enrichment plug-ins of an index, and builds the `enrichment` object of each document.

    Pickling it copies only the recipe; the other process opens its own model and plug-ins. Without a recipe
    it cannot be pickled.
    """

    analyzer: Analyzer
    fields: tuple[str, ...]
    enrichments: Sequence[Enrichment]
    model_version: str | None
    recipe: EnricherRecipe | None = None

    def __reduce__(self) -> tuple[Callable[[EnricherRecipe], "DocumentEnricher"], tuple[EnricherRecipe]]:
        if self.recipe is None:
            raise TypeError("Only a DocumentEnricher that was opened from a recipe can be pickled.")
        return EnricherRecipe.open, (self.recipe,)

    def layout(self) -> IndexLayout:
        """The layout of the index to create. Raises IndexConflict if two plug-ins add the same field."""
        mapping: dict[str, FieldKind] = dict(STAMP_MAPPING)
        dimensions: dict[str, int] = {}
        for enrichment in self.enrichments:
            for name, kind in enrichment.mapping.items():
                if name in mapping:
                    raise IndexConflict(
                        f"The plug-in {enrichment.name!r} adds the field {name!r}, "
                        "which another plug-in adds too. Remove one of them."
                    )
                mapping[name] = kind
            if isinstance(enrichment, VectorEnrichment):
                dimensions |= enrichment.dimensions
        return IndexLayout(
            self.fields,
            mapping,
            self.model_version,
            segmenter=self.analyzer.describe(),
            enrichments=self._document_settings(),
            dimensions=dimensions,
        )

    def _document_settings(self) -> dict[str, dict[str, object]]:
        """The document settings of each plug-in, by the name under which it is configured."""
        if self.recipe is None:
            return {one.name: document_settings(one, {}) for one in self.enrichments}
        configuration = self.recipe.configuration
        return {
            name: document_settings(one, configuration.settings.get(name, {}))
            for name, one in zip(configuration.enrichments, self.enrichments, strict=True)
        }

    def without_kinds(self, kinds: Collection[FieldKind]) -> "DocumentEnricher":
        """The same enricher without the plug-ins that add a field of one of those kinds."""
        kept = [set(one.mapping.values()).isdisjoint(kinds) for one in self.enrichments]
        if all(kept):
            return self
        recipe = self.recipe
        if recipe is not None:
            names = tuple(compress(recipe.configuration.enrichments, kept))
            recipe = replace(
                recipe, configuration=msgspec.structs.replace(recipe.configuration, enrichments=names)
            )
        return replace(self, enrichments=tuple(compress(self.enrichments, kept)), recipe=recipe)

    def apply(
        self, function: Step[R], batches: Iterable[Sequence[Document]]
    ) -> Iterator[tuple[Sequence[Document], R]]:
        """Yield each batch with function(enricher, batch), in order.

        function: it may run in another process (`in_processes`), so it must be one of a module.
        """
        for batch in batches:
            yield batch, function(self, batch)

    def enrich(self, documents: Sequence[Document]) -> list[dict[str, object]]:
        """The `enrichment` object of each document, in order."""
        with _paused_collection():
            return self._enrich(documents)

    def _enrich(self, documents: Sequence[Document]) -> list[dict[str, object]]:
        analyzed = [self.analyzer.analyze(document, self.fields) for document in documents]
        parts = [plugins.enrich(enrichment, analyzed) for enrichment in self.enrichments]
        return [self._enrichment(document, added) for document, *added in zip(analyzed, *parts, strict=True)]

    def _enrichment(
        self, document: AnalyzedDocument, added: Sequence[Mapping[str, object]]
    ) -> dict[str, object]:
        merged: dict[str, object] = {FINGERPRINT: fingerprint(document, self.fields)}
        if self.model_version is not None:
            merged[MODEL] = self.model_version
        for part in added:
            _merge(merged, part)
        return merged


@dataclass(frozen=True, slots=True)
class PooledEnricher(DocumentEnricher):
    """A DocumentEnricher that works in several processes. For one thread at a time."""

    pool: WorkerPool[tuple[Step[Any], Sequence[Document]], Any] | None = None

    def apply(
        self, function: Step[R], batches: Iterable[Sequence[Document]]
    ) -> Iterator[tuple[Sequence[Document], R]]:
        """Yield each batch with function(enricher, batch), in order; a few batches are read ahead.

        Raises WorkerLost if a process is killed.
        """
        assert self.pool is not None
        with closing(self.pool.map((function, batch) for batch in batches)) as results:
            for (_, batch), result in results:
                yield batch, result

    def enrich(self, documents: Sequence[Document]) -> list[dict[str, object]]:
        """The `enrichment` object of each document, in order. Raises WorkerLost if a process is killed."""
        assert self.pool is not None
        share = max(MIN_SHARE_DOCUMENTS, -(-len(documents) // self.pool.workers))
        batches = [documents[start : start + share] for start in range(0, len(documents), share)]
        return [one for _, added in self.apply(enriched, batches) for one in added]


def enriched(enricher: DocumentEnricher, documents: Sequence[Document]) -> list[dict[str, object]]:
    """The `enrichment` object of each document, in order: the step of `apply` that only enriches."""
    return enricher.enrich(documents)


@contextmanager
def in_processes(enricher: DocumentEnricher, workers: int) -> Iterator[DocumentEnricher]:
    """Yield an enricher that works in several processes, which end with the block.

    The processes are started after a second of work, and each opens its own model. With one worker, or
    without a recipe, the enricher itself is yielded.
    """
    if workers == 1 or enricher.recipe is None:
        yield enricher
        return
    pool: WorkerPool[tuple[Step[Any], Sequence[Document]], Any] = WorkerPool(_Steps(enricher), workers)
    with pool:
        yield PooledEnricher(
            enricher.analyzer,
            enricher.fields,
            enricher.enrichments,
            enricher.model_version,
            enricher.recipe,
            pool,
        )


@dataclass(frozen=True, slots=True)
class _Steps:
    """Runs steps with the enricher of a process."""

    enricher: DocumentEnricher

    def __call__(self, task: tuple[Step[R], Sequence[Document]]) -> R:
        function, documents = task
        return function(self.enricher, documents)


@contextmanager
def _paused_collection() -> Iterator[None]:
    """Pause the search for cyclic garbage: the many tokens of a batch are no garbage before it is done."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _merge(into: dict[str, object], part: Mapping[str, object]) -> None:
    """Merge the fields of `part` into a dict, recursively for nested objects."""
    for name, value in part.items():
        present = into.get(name)
        if isinstance(present, dict) and isinstance(value, Mapping):
            _merge(present, value)
        else:
            into[name] = dict(value) if isinstance(value, Mapping) else value


@dataclass(frozen=True, slots=True)
class KeywordFinder:
    """Extracts the keywords of documents. After pickling, it opens its own model from the folder `models`."""

    models: Path
    model: Model
    fields: tuple[str, ...]
    title_field: str | None
    top: int
    method: str

    def __call__(self, documents: Sequence[Document]) -> list[list[Keyword]]:
        analyzed = [self.model.analyzer.analyze(document, self.fields) for document in documents]
        return self.model.document_keywords(analyzed, self.top, self.method, self.title_field)

    def __reduce__(self) -> tuple[Callable[..., "KeywordFinder"], tuple[object, ...]]:
        return _open_finder, (
            self.models,
            self.model.version,
            self.fields,
            self.title_field,
            self.top,
            self.method,
        )


def _open_finder(models: Path, version: str, *settings: Any) -> KeywordFinder:
    return KeywordFinder(models, load(models, version), *settings)
