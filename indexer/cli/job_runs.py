"""What commands do with a planned job: work on it, show its progress, and print its outcome."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from threading import Event
from typing import TYPE_CHECKING

import typer

from enricher.errors import EngineUnavailable, EnricherError, UsageError
from indexer.cli.app import Context
from indexer.cli.jobs import JobView, JsonView, print_outcome
from indexer.cli.output import counted, is_interactive, print_json, progress_display, say
from indexer.reindex.ledger import LEASE_SECONDS

if TYPE_CHECKING:
    from enricher.enrichment import DocumentEnricher
    from enricher.records import SearchEngine
    from indexer.reindex.job import Job
    from indexer.reindex.jobs import EnrichmentSettings, Jobs


def jobs_of(shared: Context, lease_seconds: float = LEASE_SECONDS, target_engine: str | None = None) -> Jobs:
    """Open the jobs of the engine that the command names.

    target_engine: the URL of the cluster of the target of a migration; None for the addresses that the job
    has noted, without user and password.
    """
    from indexer.reindex.opening import open_jobs

    def open_target(destination: str) -> SearchEngine:
        return shared.target_engine(target_engine or destination)

    return open_jobs(shared.engine(), lease_seconds, open_target)


def settings_of(shared: Context) -> EnrichmentSettings:
    """The models and the configuration that the command names."""
    from indexer.reindex.jobs import EnrichmentSettings

    return EnrichmentSettings(shared.models, shared.config)


def begin(
    shared: Context, jobs: Jobs, enricher: DocumentEnricher | None, job: Job, workers: int, as_json: bool
) -> None:
    """Work on a new job to its end, and print its outcome. Exits with code 1 if documents were refused."""
    say(
        f"The job {job.id} has started. `enricher reindex resume {job.id}` continues it if it is interrupted."
    )
    work(shared, jobs, enricher, job, workers, as_json)


def work(
    shared: Context, jobs: Jobs, enricher: DocumentEnricher | None, job: Job, workers: int, as_json: bool
) -> None:
    """Work on a job to its end, and print its outcome. Exits with code 1 if documents were refused.

    workers: number of processes that enrich.
    """
    started = time.monotonic()
    with progress_display() as progress, pooled(enricher, workers) as enricher:
        view = JsonView() if as_json else JobView(progress)
        try:
            with ending_by_signal(job) as is_ending:
                ended = jobs.work(job, enricher, view, settings_of(shared), is_ending)
        except KeyboardInterrupt:
            say(f"The job {job.id} waits: resume or cancel it.")
            _say_blocked(jobs, job)
            raise
        except EnricherError as error:
            say(
                f"The job {job.id} has not ended: `enricher reindex resume {job.id}` continues it, "
                "`cancel` ends it."
            )
            if not isinstance(error, EngineUnavailable):  # the engine would not answer
                _say_blocked(jobs, job)
            raise
    print_end(jobs, ended, time.monotonic() - started, as_json)


@contextmanager
def ending_by_signal(job: Job) -> Iterator[Callable[[], bool]]:
    """Yield whether the user has ended a job that goes on until then; the next signal interrupts it."""
    ending = Event()
    if not job.options.follow:
        yield ending.is_set
        return
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, frame: object) -> None:
        ending.set()
        for sign, handler in before.items():
            signal.signal(sign, handler)
        say(f"The job {job.id} ends: it copies what is left, and gives {job.alias} to {job.target}.")

    try:
        for sign in before:
            signal.signal(sign, end)
        yield ending.is_set
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def pooled(
    enricher: DocumentEnricher | None, workers: int
) -> AbstractContextManager[DocumentEnricher | None]:
    """An enricher that works in several processes until the block ends; None for none."""
    from enricher.enrichment import in_processes

    return nullcontext() if enricher is None else in_processes(enricher, workers)


def print_end(jobs: Jobs, ended: Job, seconds: float, as_json: bool) -> None:
    """Print the outcome of a job. Exits with code 1 if it was cancelled or documents were refused.

    seconds: how long this command has worked on it.
    """
    from indexer.reindex.job import Phase
    from indexer.reindex.report import documents_without_words, report_of

    if as_json:
        print_json(report_of(ended) | {"seconds": seconds})
    elif ended.phase is Phase.DONE:
        print_outcome(ended)
    number, fields = documents_without_words(jobs, ended)
    if number:
        documents = counted(number, "document")
        say(f"{documents} without a word in the enriched fields ({', '.join(fields)}): not searchable.")
    if ended.phase is Phase.CANCELLED:
        say(f"The job {ended.id} was cancelled.")
        raise typer.Exit(1)
    if ended.rejected:
        for reason in jobs.reasons(ended):
            say(reason)
        say(
            f"{counted(ended.rejected, 'document')} could not be written. {ended.rejects} holds the reasons; "
            f"`enricher reindex replay {ended.id}` tries again."
        )
        raise typer.Exit(1)


def ask_for_name(index: str, documents: int) -> None:
    """Let the user type the name of an index before it is removed.

    Raises UsageError without a terminal. Exits with code 1 if another name was typed.
    """
    what = f"The index {index!r} with {counted(documents, 'document')}"
    if not is_interactive():
        raise UsageError(f"{what} would be removed permanently. There is no terminal to ask: add --yes.")
    say(f"{what} will be removed permanently, and a rollback to it becomes impossible.")
    if typer.prompt("Type its name to remove it", default="", show_default=False, err=True) != index:
        say("Nothing was removed.")
        raise typer.Exit(1)


def _say_blocked(jobs: Jobs, job: Job) -> None:
    """Report that a job that waits has left a write block."""
    with suppress(EnricherError):
        if jobs.is_blocking(jobs.ledger.load(job.id)):
            say(f"Writes to {job.source} are refused until then.")
