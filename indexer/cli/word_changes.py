"""Change the added words of the active model, and bring its indexes to the new version."""

from collections.abc import Callable, Sequence

import typer

from enricher.records import SearchEngine
from indexer.cli.app import Context
from indexer.cli.job_runs import jobs_of, pooled, settings_of
from indexer.cli.jobs import JobView, JsonView
from indexer.cli.output import counted, print_json, print_line, progress_display, say
from indexer.reindex.enrichers import enricher_of
from indexer.reindex.job import Job
from indexer.reindex.jobs import Jobs
from indexer.vocabulary.applying import ChangedModel, Step, changing, check_indexes, jobs_to_do


def change_words(
    shared: Context,
    change: Callable[[SearchEngine, Step], ChangedModel],
    indexes: Sequence[str] | None,
    workers: int,
    as_json: bool,
) -> None:
    """Change the active model, enrich again the documents that are affected, and print what has changed.

    change: makes and activates the version. indexes: names; None for all that the model has enriched. Raises
    typer.Exit if a document was rejected, and EnricherError.
    """
    with changing(shared.store):
        engine = shared.engine()
        check_indexes(shared.store, engine, indexes)
        with progress_display() as progress:
            changed = change(engine, lambda what: progress(what, 0, 0))
        if not as_json:
            _print_change(changed)
        jobs = jobs_of(shared)
        due = jobs_to_do(shared.store, jobs, settings_of(shared), say, indexes)
        ended = [_worked(shared, jobs, job, workers, as_json) for job in due]
    if as_json:
        print_json(_report(changed, ended))
    else:
        _print_jobs(ended)
    if any(job.rejected for job in ended):
        for job in ended:
            for reason in jobs.reasons(job):
                say(reason)
        raise typer.Exit(1)


def _worked(shared: Context, jobs: Jobs, job: Job, workers: int, as_json: bool) -> Job:
    """Work on a job to its end."""
    settings = settings_of(shared)
    enricher = enricher_of(jobs, job, settings)
    with progress_display() as progress, pooled(enricher, workers) as enricher:
        return jobs.work(job, enricher, JsonView() if as_json else JobView(progress), settings)


def _report(changed: ChangedModel, ended: Sequence[Job]) -> dict[str, object]:
    indexes = [
        {
            "index": job.source,
            "job": job.id,
            "documents": job.documents,
            "enriched": job.counters.written,
            "rejected": job.rejected,
        }
        for job in ended
    ]
    return {
        "version": changed.version,
        "added": changed.added,
        "removed": changed.removed,
        "indexes": indexes,
    }


def _print_change(changed: ChangedModel) -> None:
    if changed.added:
        print_line(f"{counted(len(changed.added), 'word')} added: the model {changed.version} is active.")
    elif changed.removed:
        print_line(f"{counted(len(changed.removed), 'word')} removed: the model {changed.version} is active.")
    else:
        print_line(f"The active model {changed.version} stays as it is.")


def _print_jobs(ended: Sequence[Job]) -> None:
    for job in ended:
        enriched = counted(job.counters.written, "document")
        print_line(f"{job.source}: {enriched} of {job.documents:,} enriched again.")
    if not ended:
        print_line("No index had to be changed.")
