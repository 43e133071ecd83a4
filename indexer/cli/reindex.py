"""`enricher reindex`: jobs that make a new enriched index and put it in the place of the old one."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from enricher.errors import UsageError
from indexer.cli.app import Command, Context, Json, app, context_of
from indexer.cli.output import counted, print_json, print_line, print_table, progress_display, say
from indexer.pipeline import DocumentEnricher, EnricherRecipe
from indexer.reindex.failpoints import arm
from indexer.reindex.job import Job, JobOptions, Phase
from indexer.reindex.ledger import LEASE_SECONDS, Ledger

if TYPE_CHECKING:
    from indexer.reindex.opening import Opened

reindex = typer.Typer(help="Make a new enriched index beside the old one, and swap.", no_args_is_help=True)
app.add_typer(reindex, name="reindex")

JobName = Annotated[
    str | None, typer.Argument(metavar="JOB", help="A job; left out where only one qualifies.")
]
FailAt = Annotated[str | None, typer.Option("--fail-at", hidden=True)]
LeaseSeconds = Annotated[float, typer.Option("--lease-seconds", min=0.2, hidden=True)]
TITLE_AND_TEXT = ("title", "text")


@reindex.command("start", cls=Command)
def start_job(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE_INDEX", help="An index, or an alias of one.")],
    to: Annotated[str, typer.Option(metavar="ALIAS", help="The name that searches and writers use.")],
    write_block: Annotated[
        bool,
        typer.Option(
            "--write-block", help="Strict: refuse writes (403) for the last moment before the swap."
        ),
    ] = False,
    block_limit: Annotated[
        float, typer.Option(min=0.1, help="Seconds after which the block is lifted and tried again later.")
    ] = 60.0,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Documents a second at most.")] = None,
    as_json: Json = False,
    fail_at: FailAt = None,
    lease_seconds: LeaseSeconds = LEASE_SECONDS,
) -> None:
    """Copy an index with enrichment by the active model, and point the alias at the copy.

    Writers may go on meanwhile. The old index stays. Runs until the job has ended; after a crash, or from
    another machine to help, `reindex resume`.

    Example: enricher --engine http://localhost:9200 reindex start articles-v1 --to articles --write-block
    """
    from indexer.reindex.preflight import check
    from indexer.reindex.worker import start

    arm(fail_at)
    shared = context_of(context)
    opened = _opened(shared, lease_seconds)
    enricher = _recipe(shared, to, shared.store.open().version).open()
    for note in check(opened.copies, source, to, enricher.layout()):
        say(note)
    options = JobOptions(write_block, block_limit, rate)
    job = start(opened.ledger, opened.copies, source, to, enricher, options)
    say(f"The job {job.id} has begun; `enricher reindex resume {job.id}` goes on where it stops.")
    _work(opened, enricher, job, as_json)


@reindex.command(cls=Command)
def resume(
    context: typer.Context,
    job: JobName = None,
    as_json: Json = False,
    fail_at: FailAt = None,
    lease_seconds: LeaseSeconds = LEASE_SECONDS,
) -> None:
    """Go on with a job after a crash, or help a job that runs elsewhere.

    Example: enricher --engine http://localhost:9200 reindex resume
    """
    arm(fail_at)
    shared = context_of(context)
    opened = _opened(shared, lease_seconds)
    chosen = _under_way(opened.ledger, job)
    _work(opened, _recipe(shared, chosen.alias, chosen.model).open(), chosen, as_json)


@reindex.command("cancel", cls=Command)
def cancel_job(context: typer.Context, job: JobName = None) -> None:
    """End a job before its swap: the new index is removed, the old one takes writes.

    Example: enricher --engine http://localhost:9200 reindex cancel
    """
    from indexer.reindex.worker import cancel

    opened = _opened(context_of(context))
    chosen = _under_way(opened.ledger, job)
    cancel(opened.ledger, opened.copies, chosen.id)
    print_line(f"The job {chosen.id} is cancelled: {chosen.target} is removed, {chosen.source} is as it was.")


@reindex.command(cls=Command)
def status(
    context: typer.Context,
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="A job; all if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Show the jobs, the newest first, or one.

    Example: enricher --engine http://localhost:9200 reindex status
    """
    ledger = _opened(context_of(context)).ledger
    jobs = [ledger.load(job)] if job else ledger.jobs()
    if as_json:
        for one in jobs:
            print_json(_report(one))
        return
    counters = ("read", "refused", "deleted")
    rows = [
        (one.id, one.source, str(one.phase), one.passes, *(getattr(one.counters, name) for name in counters))
        for one in jobs
    ]
    print_table(("job", "source", "phase", "passes", *counters), rows)


def _opened(shared: Context, lease_seconds: float = LEASE_SECONDS) -> "Opened":
    from indexer.reindex.opening import open_jobs  # the engine's library is loaded only where it is needed

    return open_jobs(shared.engine(), lease_seconds)


def _recipe(shared: Context, alias: str, model: str | None) -> EnricherRecipe:
    configuration = shared.configuration().for_index(alias)
    fields = configuration.fields or TITLE_AND_TEXT
    return EnricherRecipe(shared.models, model, fields, configuration)


def _under_way(ledger: Ledger, name: str | None) -> Job:
    """The job named, or the only one that has not ended."""
    if name is not None:
        job = ledger.load(name)
        if job.phase.ended:
            raise UsageError(f"The job {name!r} is {job.phase}, and not under way.")
        return job
    found = [job for job in ledger.jobs() if not job.phase.ended]
    if len(found) != 1:
        names = f" ({', '.join(job.id for job in found)}): name one" if found else ""
        raise UsageError(f"There are {len(found) or 'no'} jobs under way{names}.")
    return found[0]


def _work(opened: "Opened", enricher: DocumentEnricher, job: Job, as_json: bool) -> None:
    """Work on a job to its end, with a view of it, and say what became of it; exit 1 with losses."""
    from indexer.reindex.worker import Worker

    with progress_display() as progress:

        def show(now: Job) -> None:
            total = sum(interval.upto - interval.after for interval in now.intervals)
            done = sum(interval.at - interval.after for interval in now.intervals)
            progress(f"{now.phase}, pass {now.passes}", done, total)

        worker = Worker(opened.ledger, opened.copies, enricher, job.id, show)
        started = time.monotonic()
        ended = worker.run()
    if as_json:
        print_json(_report(ended) | {"seconds": time.monotonic() - started})
    elif ended.phase is Phase.DONE:
        print_line(
            f"{counted(ended.documents, 'document')} of {ended.source} compared: "
            f"{ended.alias} stands for {ended.target} now."
        )
    if ended.phase is Phase.CANCELLED:
        say(f"The job {ended.id} was cancelled.")
        raise typer.Exit(1)
    if ended.rejected:
        say(f"{counted(ended.rejected, 'document')} could not be copied; {ended.target}-rejects says why.")
        raise typer.Exit(1)


def _report(job: Job) -> dict[str, object]:
    """What a machine wants to know of a job."""
    return {
        "job": job.id,
        "phase": str(job.phase),
        "source": job.source,
        "alias": job.alias,
        "target": job.target,
        "model": job.model,
        "created": job.created,
        "passes": job.passes,
        **asdict(job.counters),
        "documents": job.documents,
        "rejected": job.rejected,
        "block_seconds": job.block_seconds,
        "swap_seconds": job.swap_seconds,
    }
