"""What enriches documents, opened from a recipe: in this process, and anew in each worker process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from enricher import plugins
from enricher.errors import IndexConflict
from enricher.loaded_model import Model, load
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


@dataclass(frozen=True, slots=True)
class EnricherRecipe:
    """What the enrichments of an index are made from, while nothing of it is open.

    models: the folder of the bundles. model_version: None where the text is only cut into words.
    """

    models: Path
    model_version: str | None
    fields: tuple[str, ...]
    configuration: IndexConfiguration

    def open(self) -> "DocumentEnricher":
        """Open the model and build the plug-ins.

        Raises ModelNotFound, BundleInvalid, PluginError, ConfigurationError.
        """
        strip_html = self.configuration.strip_html
        model = None
        if self.model_version is not None:
            model = load(self.models, self.model_version).stripping_html(strip_html)
        analyzer = model.analyzer if model is not None else open_analyzer(strip_html=strip_html)
        enrichments = load_enrichments(self.configuration, PluginContext(self.fields, analyzer, model))
        return DocumentEnricher(analyzer, self.fields, enrichments, self.model_version, self)


@dataclass(frozen=True, slots=True)
class DocumentEnricher:
    """The enrichments of an index as one step: what a document gets under `enrichment`.

    A copy in another process is opened anew by the recipe; one without it cannot be copied.
    """

    analyzer: Analyzer
    fields: tuple[str, ...]
    enrichments: Sequence[Enrichment]
    model_version: str | None
    recipe: EnricherRecipe | None = None

    def __reduce__(self) -> tuple[Callable[[EnricherRecipe], "DocumentEnricher"], tuple[EnricherRecipe]]:
        if self.recipe is None:
            raise TypeError("Only an enricher that was opened by a recipe can work in other processes.")
        return EnricherRecipe.open, (self.recipe,)

    def layout(self) -> IndexLayout:
        """The layout of an index that this fills. Raises IndexConflict when two plug-ins add one field."""
        mapping: dict[str, FieldKind] = dict(STAMP_MAPPING)
        dimensions: dict[str, int] = {}
        for enrichment in self.enrichments:
            for name, kind in enrichment.mapping.items():
                if name in mapping:
                    raise IndexConflict(f"The plug-in {enrichment.name!r} adds the field {name!r} once more.")
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
        """Each enrichment, by the name under which it is configured, with the settings of its documents."""
        if self.recipe is None:
            return {one.name: document_settings(one, {}) for one in self.enrichments}
        configuration = self.recipe.configuration
        return {
            name: document_settings(one, configuration.settings.get(name, {}))
            for name, one in zip(configuration.enrichments, self.enrichments, strict=True)
        }

    def enrich(self, documents: Sequence[Document]) -> list[dict[str, object]]:
        """What the documents get under `enrichment`, in order."""
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


def _merge(into: dict[str, object], part: Mapping[str, object]) -> None:
    """Add the fields of a part, those of nested objects one by one."""
    for name, value in part.items():
        present = into.get(name)
        if isinstance(present, dict) and isinstance(value, Mapping):
            _merge(present, value)
        else:
            into[name] = dict(value) if isinstance(value, Mapping) else value


@dataclass(frozen=True, slots=True)
class KeywordFinder:
    """Finds the keywords of documents; a copy in another process opens its model anew from `models`."""

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
