"""How jobs are started: what is asked for is checked and completed, and the job is planned.

Every function returns the planned job and the enricher with which `Jobs.work` works on it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from enricher.bundle.store import BundleStore
from enricher.enrichment import DocumentEnricher
from enricher.errors import UsageError
from enricher.recipe.configuration import configuration_for, keeping_fields, recorded_layout
from enricher.recipe.fields import NOTHING_NAMED, NamedFields, chosen_fields, field_notes, fields_of_index
from enricher.recipe.reopening import enricher_like, open_enricher, storable
from enricher.recipe.text_fields import SAMPLE, check_fields
from enricher.records import SearchEngine
from enricher.settings import Configuration, IndexConfiguration
from indexer.engines.names import SAMPLE_ENDING, index_name_for
from indexer.reindex.choosing import job_to_roll_back, job_with_rejects
from indexer.reindex.enrichers import enricher_of
from indexer.reindex.gate import read_judged
from indexer.reindex.job import Job, JobOptions
from indexer.reindex.jobs import EnrichmentSettings, Jobs, Say

ALL_DOCUMENTS = JobOptions()


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A request for a job.

    source: an index, or an alias of one. alias: the name that searches and writers use; None only in place,
    where it is the source. target: the engine of another cluster, in which the new index is made; None for
    that of the source. in_place: implied by options that select documents. named: the text fields.
    """

    source: str
    alias: str | None
    options: JobOptions = ALL_DOCUMENTS
    in_place: bool = False
    named: NamedFields = NOTHING_NAMED
    target: SearchEngine | None = None

    @property
    def is_in_place(self) -> bool:
        """Whether the documents stay in their index."""
        options = self.options
        selecting = options.only or options.query is not None or options.ids or options.former
        return self.in_place or bool(selecting)


def start(
    jobs: Jobs, request: StartRequest, settings: EnrichmentSettings, say: Say
) -> tuple[Job, DocumentEnricher]:
    """Plan a job that enriches the documents of an index again. Raises UsageError, EngineError."""
    if request.target is None and request.options.follow:
        raise UsageError("--follow goes on copying into another cluster: name it with --target-engine.")
    if request.target is not None and request.is_in_place:
        raise UsageError(
            "--target-engine makes a new index in another cluster: omit --in-place, --only, --query, --ids."
        )
    if request.target is not None and request.options.gate:
        raise UsageError("The gate compares two indexes of one cluster: omit --gate, or --target-engine.")
    if not request.is_in_place:
        if request.alias is None:
            raise UsageError("Name the alias that searches and writers use with --to, or add --in-place.")
        return _start_copy(jobs, request, request.alias, settings, say)
    if request.options.write_block or request.options.gate:
        raise UsageError("A job in place has no swap: omit --write-block and --gate.")
    if request.alias is not None:
        say("In place: no new index is created. Only another job with the old model undoes it.")
    return _start_in_place(jobs, request, request.alias or request.source, settings, say)


def start_rollback(
    jobs: Jobs, name: str | None, settings: EnrichmentSettings, say: Say
) -> tuple[Job, DocumentEnricher | None]:
    """Plan the rollback of a job: of that name, or of the only one that can be rolled back."""
    undone = job_to_roll_back(jobs, name)
    layout = jobs.layout(undone.source)
    enricher = None
    if layout is None:
        say(
            f"The index {undone.source!r} was never enriched: documents are written back without enrichment, "
            f"and searches of {undone.alias!r} with enrichment will fail."
        )
    else:
        enricher = enricher_like(jobs.engine, undone.source, undone.alias, layout, *settings.sources)
    job = jobs.plan_rollback(undone)
    say(f"The alias {undone.alias} moves back from {undone.target} to {undone.source}.")
    return job, enricher


def rejects_to_replay(
    jobs: Jobs, name: str | None, settings: EnrichmentSettings
) -> tuple[Job, DocumentEnricher | None]:
    """The job whose rejects `Jobs.replay` writes again: of that name, or the only one that has rejects."""
    job = job_with_rejects(jobs.ledger, name)
    return job, enricher_of(jobs, job, settings)


def _start_copy(
    jobs: Jobs, request: StartRequest, alias: str, settings: EnrichmentSettings, say: Say
) -> tuple[Job, DocumentEnricher]:
    """Plan a job that fills a new index, with the active model."""
    source, options = request.source, request.options
    active = BundleStore(settings.models).open().version
    recorded = recorded_layout(jobs.engine, source)
    names = (alias, source, index_name_for(alias, SAMPLE_ENDING))
    configuration = configuration_for(jobs.engine, settings.configuration(), *names, recorded=recorded)
    if recorded is not None and recorded.model_version is not None:
        _say_left_out(settings.configuration(), names, configuration, say)
    fields = _chosen_fields(jobs, request, configuration, say, partial=False)
    enricher = open_enricher(settings.models, active, fields, configuration)
    enricher = storable(enricher, request.target or jobs.engine, None, say)
    if options.gate is not None:
        read_judged(Path(options.gate))
    if request.target is not None:
        return jobs.plan_migration(source, alias, request.target, enricher, options, say), enricher
    return jobs.plan(source, alias, enricher, options, say), enricher


def _say_left_out(
    tables: Configuration, names: Sequence[str], configuration: IndexConfiguration, say: Say
) -> None:
    """Say which usual plug-ins a copy lacks because its source does, and how to add them."""
    usual = IndexConfiguration().enrichments
    lacking = [name for name in usual if name not in configuration.enrichments]
    if lacking and tables.table_of(*names) is None:
        say(
            f"Like its source, the new index is enriched without {', '.join(lacking)}. To add that, name all "
            f"plug-ins in `enrichments` of enricher.toml: {', '.join(usual)}."
        )


def _start_in_place(
    jobs: Jobs, request: StartRequest, alias: str, settings: EnrichmentSettings, say: Say
) -> tuple[Job, DocumentEnricher]:
    """Plan a job in place: with the model of the index if it enriches some documents, else the active one."""
    index, options = request.source, request.options
    present, active = jobs.layout(index), BundleStore(settings.models).open().version
    keeps_model = present is not None and options.is_partial and not options.former
    model = present.model_version if present is not None and keeps_model else active
    configuration = configuration_for(jobs.engine, settings.configuration(), alias, index, recorded=present)
    configuration = keeping_fields(configuration, present)
    fields = _chosen_fields(jobs, request, configuration, say, partial=bool(options.only))
    enricher = open_enricher(settings.models, model, fields, configuration)
    enricher = storable(enricher, jobs.engine, index, say)
    return jobs.plan_in_place(index, alias, enricher, options, say), enricher


def _chosen_fields(
    jobs: Jobs, request: StartRequest, configuration: IndexConfiguration, say: Say, *, partial: bool
) -> tuple[str, ...]:
    """The text fields that a job enriches. Raises UsageError if documents would lose their text.

    partial: whether the job enriches some documents of an index whose fields cannot change.
    """
    found = fields_of_index(jobs.engine, request.source)
    fields = chosen_fields(request.named, found, configuration.fields)
    for note in field_notes(fields, found):
        say(note)
    sample = jobs.engine.sample(request.source, SAMPLE)
    decided = partial or configuration.fields is not None
    where = f"the index {request.source!r}"
    for note in check_fields(sample, fields, request.named.names, where, is_decided=decided):
        say(note)
    return fields
