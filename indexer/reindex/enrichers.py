"""The enricher of a job: which model version, which fields and which configuration enrich its documents."""

from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.errors import UsageError
from enricher.recipe.configuration import (
    configuration_for,
    keeping_fields,
    recorded_configuration,
    recorded_layout,
)
from enricher.records import IndexLayout, SearchEngine
from enricher.settings import IndexConfiguration
from indexer.pipeline import difference
from indexer.reindex.job import Job, JobKind, Phase
from indexer.reindex.jobs import EnrichmentSettings, Jobs


def open_enricher(
    settings: EnrichmentSettings,
    model_version: str | None,
    fields: tuple[str, ...],
    configuration: IndexConfiguration,
) -> DocumentEnricher:
    """Open the enricher of a model version; without one it only segments documents into words."""
    if model_version is None:
        configuration = configuration.words_only()
    return EnricherRecipe(settings.models, model_version, fields, configuration).open()


def enricher_of(jobs: Jobs, job: Job, settings: EnrichmentSettings) -> DocumentEnricher | None:
    """Open the enricher of a job; None for a rollback to an index that was never enriched.

    Raises UsageError if the configuration has changed since the target was created.
    """
    if job.kind is JobKind.ROLLBACK and not job.fields:
        return None
    target = recorded_layout(jobs.engine, job.target)
    if job.kind is JobKind.ROLLBACK and target is not None:
        return enricher_like(jobs.engine, job.target, job.alias, target, settings)
    recorded = recorded_layout(jobs.engine, job.source)
    names = (job.alias, job.source, job.target)
    configuration = configuration_for(jobs.engine, settings.configuration(), *names, recorded=recorded)
    configuration = keeping_fields(configuration, target)
    enricher = open_enricher(settings, job.model_version, job.fields, configuration)
    is_made = job.kind is not JobKind.IN_PLACE or job.phase is not Phase.PREPARING
    if is_made and target is not None:
        _refuse_difference(job.target, target, enricher)
    return enricher


def enricher_like(
    engine: SearchEngine, index: str, alias: str, layout: IndexLayout, settings: EnrichmentSettings
) -> DocumentEnricher:
    """Open the enricher that has enriched an index, as its layout records it.

    A layout that records no enrichments is completed from the configuration. Raises UsageError if the result
    differs from the layout.
    """
    configuration = recorded_configuration(layout)
    if layout.enrichments is None:
        configuration = configuration_for(engine, settings.configuration(), alias, index)
    configuration = keeping_fields(configuration, layout)
    enricher = open_enricher(settings, layout.model_version, layout.fields, configuration)
    _refuse_difference(index, layout, enricher)
    return enricher


def _refuse_difference(index: str, layout: IndexLayout, enricher: DocumentEnricher) -> None:
    """Raise UsageError if an enricher would enrich documents differently from those of an index."""
    other = difference(layout, enricher.layout())
    if other is not None:
        raise UsageError(
            f"The index {index!r} was enriched differently: {other}. New documents would differ from the "
            "rest. Restore the configuration of the index, and try again."
        )
