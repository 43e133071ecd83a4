"""Open the enricher that has enriched an index, for more documents of it."""

from collections.abc import Callable
from pathlib import Path

from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.errors import UsageError
from enricher.loaded_model import Model, load
from enricher.recipe.configuration import configuration_for, keeping_fields, recorded_configuration
from enricher.recipe.differences import difference
from enricher.records import FieldKind, IndexLayout, SearchEngine
from enricher.settings import Configuration, IndexConfiguration

KINDS_SAID = {kind: f"fields of the kind {kind.name}" for kind in FieldKind} | {FieldKind.VECTOR: "vectors"}
"""What documents lack, in messages."""

Load = Callable[[Path, str], Model]
"""Opens a version of a folder of models."""


def open_enricher(
    models: Path,
    model_version: str | None,
    fields: tuple[str, ...],
    configuration: IndexConfiguration,
    load_model: Load = load,
) -> DocumentEnricher:
    """Open the enricher of a model version; without one it only segments documents into words."""
    if model_version is None:
        configuration = configuration.words_only()
    return EnricherRecipe(models, model_version, fields, configuration).open(load_model)


def enricher_like(
    engine: SearchEngine,
    index: str,
    alias: str,
    layout: IndexLayout,
    models: Path,
    configuration: Callable[[], Configuration],
    load_model: Load = load,
) -> DocumentEnricher:
    """Open the enricher that has enriched an index, as its layout records it.

    A layout that records no enrichments is completed from the configuration. Raises UsageError if the result
    differs from the layout.
    """
    recorded = recorded_configuration(layout)
    if layout.enrichments is None:
        recorded = configuration_for(engine, configuration(), alias, index)
    recorded = keeping_fields(recorded, layout)
    enricher = open_enricher(models, layout.model_version, layout.fields, recorded, load_model)
    refuse_difference(index, layout, enricher)
    return enricher


def storable(
    enricher: DocumentEnricher,
    engine: SearchEngine,
    index: str | None,
    note: Callable[[str], None] = lambda sentence: None,
) -> DocumentEnricher:
    """The enricher without the plug-ins whose fields an engine cannot store; `note` gets a sentence for each.

    index: an existing index; None for a new one.
    """
    kinds = set(enricher.layout().mapping.values())
    missing = {kind: why for kind, why in engine.missing_kinds(index).items() if kind in kinds}
    for kind, why in missing.items():
        where = f"the index {index!r}" if index is not None else "a new index"
        note(f"Without {KINDS_SAID[kind]}: {where} cannot have them, because {why}.")
    return enricher.without_kinds(missing) if missing else enricher


def refuse_difference(index: str, layout: IndexLayout, enricher: DocumentEnricher) -> None:
    """Raise UsageError if an enricher would enrich documents differently from those of an index."""
    other = difference(layout, enricher.layout())
    if other is not None:
        raise UsageError(
            f"The index {index!r} was enriched differently: {other}. New documents would differ from the "
            "rest. Restore the configuration of the index, and try again."
        )
