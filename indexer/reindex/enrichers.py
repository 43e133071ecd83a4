"""The enricher of a job: which model version, which fields and which configuration enrich its documents."""

from enricher.enrichment import DocumentEnricher
from enricher.loaded_model import load
from enricher.recipe.configuration import configuration_for, keeping_fields, recorded_layout
from enricher.recipe.reopening import enricher_like, open_enricher, refuse_difference, storable
from enricher.vocabulary.affected import AffectedDocuments
from indexer.reindex.job import Job, JobKind, Phase
from indexer.reindex.jobs import EnrichmentSettings, Jobs


def affected_by(
    job: Job, enricher: DocumentEnricher | None, settings: EnrichmentSettings
) -> AffectedDocuments | None:
    """What decides which documents a job is restricted to, because only these are enriched differently.

    enricher: of the job. None if the job has no such restriction. Raises ModelNotFound, BundleInvalid.
    """
    if not job.options.former or job.model_version is None or enricher is None:
        return None
    strips_html = enricher.analyzer.strips_html
    *former, present = (
        load(settings.models, version).stripping_html(strips_html)
        for version in (*job.options.former, job.model_version)
    )
    return AffectedDocuments(former, present, job.fields)


def enricher_of(jobs: Jobs, job: Job, settings: EnrichmentSettings) -> DocumentEnricher | None:
    """Open the enricher of a job; None for a rollback to an index that was never enriched.

    Raises UsageError if the configuration has changed since the target was created.
    """
    if job.kind is JobKind.ROLLBACK and not job.fields:
        return None
    engine = jobs.engine_of_target(job)
    target = recorded_layout(engine, job.target)
    if job.kind is JobKind.ROLLBACK and target is not None:
        return enricher_like(jobs.engine, job.target, job.alias, target, *settings.sources)
    recorded = recorded_layout(jobs.engine, job.source)
    names = (job.alias, job.source, job.target)
    configuration = configuration_for(jobs.engine, settings.configuration(), *names, recorded=recorded)
    configuration = keeping_fields(configuration, target)
    enricher = open_enricher(settings.models, job.model_version, job.fields, configuration)
    existing = job.target if job.kind is JobKind.IN_PLACE else None
    enricher = storable(enricher, engine, existing)
    is_made = job.kind is not JobKind.IN_PLACE or job.phase is not Phase.PREPARING
    if is_made and target is not None:
        refuse_difference(job.target, target, enricher)
    return enricher
