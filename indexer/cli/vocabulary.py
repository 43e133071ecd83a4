"""`enricher vocabulary`: words of the domain, from the candidates to the documents already indexed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.app import Command, Commands, Context, Json, Workers, app, context_of, worker_count
from indexer.cli.job_runs import jobs_of, pooled, settings_of
from indexer.cli.jobs import JobView, JsonView
from indexer.cli.output import counted, print_json, print_line, progress_display, say

if TYPE_CHECKING:
    from indexer.reindex.job import Job
    from indexer.reindex.jobs import Jobs
    from indexer.vocabulary import ChangedModel

vocabulary = typer.Typer(
    cls=Commands,
    help="Add words of the domain to the model and to indexed documents.",
    no_args_is_help=True,
)
app.add_typer(vocabulary, name="vocabulary")

ReviewedFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="Candidates, tab-separated, as `vocabulary mine` writes them.")
]
Words = Annotated[list[str], typer.Argument(metavar="WORD...", help="Words that were applied.")]
In = Annotated[
    list[str] | None,
    typer.Option("--in", metavar="NAME", help="Only this index, or alias; repeatable. Without it, all."),
]
FailAt = Annotated[str | None, typer.Option("--fail-at", hidden=True)]


@vocabulary.command("apply", cls=Command)
def apply_file(
    context: typer.Context,
    file: ReviewedFile,
    indexes: In = None,
    workers: Workers = None,
    as_json: Json = False,
    fail_at: FailAt = None,
) -> None:
    """Add the accepted words of a file to the active model, and enrich again the documents that have them.

    A new version of the model is made and activated; it is not trained anew. Only documents that are affected
    are enriched again, in every index that this model has enriched. After a crash, run the command again.

    Example: enricher vocabulary apply words.tsv
    """
    from enricher.errors import UsageError
    from enricher.vocabulary.review_file import read_review
    from indexer.reindex.failpoints import arm
    from indexer.vocabulary import add_words

    arm(fail_at)
    words = read_review(file).accepted(date.today())
    if not words:
        raise UsageError(f"No word of {str(file)!r} has the state 'accept': review it first.")
    shared = context_of(context)
    with _changing(shared):
        with progress_display() as progress:
            changed = add_words(shared.store, shared.engine(), words, lambda what: progress(what, 0, 0))
        _bring(shared, changed, indexes, worker_count(workers), as_json)


@vocabulary.command("withdraw", cls=Command)
def withdraw(
    context: typer.Context,
    words: Words,
    indexes: In = None,
    workers: Workers = None,
    as_json: Json = False,
    fail_at: FailAt = None,
) -> None:
    """Remove words that were applied, and enrich again the documents that have them.

    Example: enricher vocabulary withdraw 量子芯片
    """
    from indexer.reindex.failpoints import arm
    from indexer.vocabulary import remove_words

    arm(fail_at)
    shared = context_of(context)
    with _changing(shared):
        with progress_display() as progress:
            changed = remove_words(shared.store, shared.engine(), words, lambda what: progress(what, 0, 0))
        _bring(shared, changed, indexes, worker_count(workers), as_json)


@vocabulary.command("status", cls=Command)
def status(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="WORD...", help="Words; all added ones if omitted.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Show which added words are live on which index.

    A word is live on an index if it is whole in all documents there.

    Example: enricher vocabulary status 量子芯片
    """
    from indexer.vocabulary import status_of_words

    shared = context_of(context)
    found = status_of_words(shared.store, jobs_of(shared), words)
    if as_json:
        for one in found:
            print_json({"word": one.word, "live": one.live, "not_live": one.not_live})
        return
    if not found:
        say("No word was added to the active model.")
    for one in found:
        parts = [f"live on {', '.join(one.live)}"] if one.live else []
        parts += [f"not on {', '.join(one.not_live)}"] if one.not_live else []
        print_line(f"{one.word}: {'; '.join(parts) or 'no index was enriched with this model'}")


def _changing(shared: Context) -> AbstractContextManager[None]:
    from indexer.vocabulary import changing

    return changing(shared.store)


def _bring(
    shared: Context, changed: ChangedModel, indexes: list[str] | None, workers: int, as_json: bool
) -> None:
    """Run the jobs that bring indexes to the active version, and print what has changed."""
    from indexer.vocabulary import jobs_to_do

    jobs, settings = jobs_of(shared), settings_of(shared)
    if not as_json:
        _print_change(changed)
    ended = [
        _worked(shared, jobs, job, workers, as_json)
        for job in jobs_to_do(shared.store, jobs, settings, say, indexes)
    ]
    if as_json:
        print_json(
            {
                "version": changed.version,
                "added": changed.added,
                "removed": changed.removed,
                "indexes": [
                    {
                        "index": job.source,
                        "job": job.id,
                        "documents": job.documents,
                        "enriched": job.counters.written,
                        "rejected": job.rejected,
                    }
                    for job in ended
                ],
            }
        )
    for job in ended:
        if not as_json:
            enriched = counted(job.counters.written, "document")
            print_line(f"{job.source}: {enriched} of {job.documents:,} enriched again.")
    if not ended and not as_json:
        print_line("No index had to be changed.")
    if any(job.rejected for job in ended):
        for job in ended:
            for reason in jobs.reasons(job):
                say(reason)
        raise typer.Exit(1)


def _worked(shared: Context, jobs: Jobs, job: Job, workers: int, as_json: bool) -> Job:
    """Work on a job to its end."""
    from indexer.reindex.enrichers import enricher_of

    settings = settings_of(shared)
    enricher = enricher_of(jobs, job, settings)
    with progress_display() as progress, pooled(enricher, workers) as enricher:
        return jobs.work(job, enricher, JsonView() if as_json else JobView(progress), settings)


def _print_change(changed: ChangedModel) -> None:
    if changed.added:
        print_line(f"{counted(len(changed.added), 'word')} added: the model {changed.version} is active.")
    elif changed.removed:
        print_line(f"{counted(len(changed.removed), 'word')} removed: the model {changed.version} is active.")
    else:
        print_line(f"The active model {changed.version} has all these words already.")
