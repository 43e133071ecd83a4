"""`enricher reindex`: jobs that enrich the documents of an index again and lose none."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from indexer.cli.app import (
    Command,
    Commands,
    Context,
    Json,
    TextField,
    TitleField,
    Workers,
    app,
    context_of,
    worker_count,
)
from indexer.cli.job_options import (
    BlockLimit,
    Follow,
    Gate,
    Ids,
    InPlace,
    Only,
    Query,
    Rate,
    SourceIndex,
    TargetAgain,
    TargetEngine,
    ToAlias,
    WriteBlock,
    parse_only,
    parse_query,
    read_ids,
)
from indexer.cli.job_runs import ask_for_name, begin, jobs_of, pooled, print_end, settings_of, work
from indexer.cli.jobs import ago, print_jobs
from indexer.cli.output import counted, print_json, print_line, say
from indexer.reindex.ledger import LEASE_SECONDS

reindex = typer.Typer(
    cls=Commands, help="Enrich an index again, beside the old one or in place.", no_args_is_help=True
)
app.add_typer(reindex, name="reindex")

JobName = Annotated[
    str | None, typer.Argument(metavar="JOB", help="A job; may be omitted if only one qualifies.")
]
FailAt = Annotated[str | None, typer.Option("--fail-at", hidden=True)]
LeaseSeconds = Annotated[float, typer.Option("--lease-seconds", min=0.2, hidden=True)]
Yes = Annotated[bool, typer.Option("--yes", help="Remove the index without confirmation.")]
MAX_ENDED_SHOWN = 10
"""Ended jobs in the table of `status`; --all and --json have every one."""


@reindex.command("start", cls=Command)
def start_job(
    context: typer.Context,
    source: SourceIndex,
    to: ToAlias = None,
    write_block: WriteBlock = False,
    block_limit: BlockLimit = 60.0,
    in_place: InPlace = False,
    only: Only = None,
    query: Query = None,
    ids: Ids = None,
    rate: Rate = None,
    gate: Gate = None,
    target_engine: TargetEngine = None,
    follow: Follow = False,
    title_field: TitleField = None,
    text_field: TextField = None,
    workers: Workers = None,
    as_json: Json = False,
    fail_at: FailAt = None,
    lease_seconds: LeaseSeconds = LEASE_SECONDS,
) -> None:
    """Enrich all documents with the active model, in a new index that replaces the old one.

    Clients can go on writing. The old index stays, for `reindex rollback`. The command runs until the job has
    ended; after a crash, or to help from another machine, run `reindex resume`. --only, --query and --ids
    work in place. With --target-engine the new index is made in another cluster, of either family, or in a
    folder of the embedded engine, and gets the alias there.

    Example: enricher --engine http://localhost:9200 reindex start articles-v1 --to articles --write-block
    """
    from enricher.recipe.fields import NamedFields
    from indexer.reindex.failpoints import arm
    from indexer.reindex.job import JobOptions
    from indexer.reindex.starting import StartRequest, start

    arm(fail_at)
    shared = context_of(context)
    options = JobOptions(
        write_block=write_block,
        block_limit=block_limit,
        rate=rate,
        gate=str(gate.absolute()) if gate is not None else None,
        only=parse_only(only or []),
        query=parse_query(query),
        ids=read_ids(ids),
        follow=follow,
    )
    jobs = jobs_of(shared, lease_seconds)
    target = None if target_engine is None else shared.target_engine(target_engine)
    named = NamedFields(title_field, text_field)
    request = StartRequest(source, to, options, in_place, named, target)
    job, enricher = start(jobs, request, settings_of(shared), say)
    begin(shared, jobs, enricher, job, worker_count(workers), as_json)


@reindex.command(cls=Command)
def resume(
    context: typer.Context,
    job: JobName = None,
    target_engine: TargetAgain = None,
    workers: Workers = None,
    as_json: Json = False,
    fail_at: FailAt = None,
    lease_seconds: LeaseSeconds = LEASE_SECONDS,
) -> None:
    """Continue a job after a crash, or help one that runs elsewhere. If it has ended, print its outcome.

    Example: enricher --engine http://localhost:9200 reindex resume
    """
    from indexer.reindex.choosing import job_under_way
    from indexer.reindex.enrichers import enricher_of
    from indexer.reindex.failpoints import arm

    arm(fail_at)
    shared = context_of(context)
    jobs = jobs_of(shared, lease_seconds, target_engine)
    chosen = job_under_way(jobs.ledger, job)
    if chosen.phase.ended:  # other workers have finished it
        print_end(jobs, chosen, 0.0, as_json)
        return
    enricher = enricher_of(jobs, chosen, settings_of(shared))
    if chosen.workers:
        say(
            f"Workers hold leases of the job: {', '.join(chosen.workers)}. The last heartbeat was "
            f"{ago(chosen.noted, datetime.now(UTC))}. Leases of a dead worker are taken over after "
            f"{lease_seconds:g} s without a heartbeat."
        )
    work(shared, jobs, enricher, chosen, worker_count(workers), as_json)


@reindex.command("rollback", cls=Command)
def roll_back(
    context: typer.Context,
    job: JobName = None,
    workers: Workers = None,
    as_json: Json = False,
    fail_at: FailAt = None,
    lease_seconds: LeaseSeconds = LEASE_SECONDS,
) -> None:
    """Put the old index back, with everything that was written and deleted since the swap.

    A rollback is a job too: clients can go on writing, and `reindex resume` continues it. The new index
    stays; a second `reindex rollback` returns to it.

    Example: enricher --engine http://localhost:9200 reindex rollback
    """
    from indexer.reindex.failpoints import arm
    from indexer.reindex.starting import start_rollback

    arm(fail_at)
    shared = context_of(context)
    jobs = jobs_of(shared, lease_seconds)
    back, enricher = start_rollback(jobs, job, settings_of(shared), say)
    begin(shared, jobs, enricher, back, worker_count(workers), as_json)


@reindex.command("replay", cls=Command)
def replay_job(
    context: typer.Context,
    job: JobName = None,
    target_engine: TargetAgain = None,
    workers: Workers = None,
    as_json: Json = False,
    fail_at: FailAt = None,
) -> None:
    """Write rejected documents again, after the mapping or the documents were corrected.

    Example: enricher --engine http://localhost:9200 reindex replay
    """
    from indexer.reindex.failpoints import arm
    from indexer.reindex.starting import rejects_to_replay

    arm(fail_at)
    shared = context_of(context)
    jobs = jobs_of(shared, target_engine=target_engine)
    chosen, enricher = rejects_to_replay(jobs, job, settings_of(shared))
    with pooled(enricher, worker_count(workers)) as enricher:
        done = jobs.replay(chosen, enricher)
    if as_json:
        print_json({"job": chosen.id, **done._asdict()})
    else:
        print_line(
            f"{counted(done.written, 'document')} written to {chosen.target}, {done.settled:,} gone or "
            f"written by others since, {done.refused:,} refused again."
        )
    if done.refused:
        for reason in jobs.reasons(chosen):
            say(reason)
        raise typer.Exit(1)


@reindex.command("cancel", cls=Command)
def cancel_job(
    context: typer.Context, job: JobName = None, target_engine: TargetAgain = None, as_json: Json = False
) -> None:
    """End a job before its swap: remove the new index, and accept writes to the old one.

    Example: enricher --engine http://localhost:9200 reindex cancel
    """
    from indexer.reindex.choosing import job_under_way
    from indexer.reindex.job import JobKind
    from indexer.reindex.report import report_of

    jobs = jobs_of(context_of(context), target_engine=target_engine)
    ended = jobs.cancel(job_under_way(jobs.ledger, job).id)
    if as_json:
        print_json(report_of(ended))
        return
    became = {
        JobKind.COPY: f"{ended.target} is removed, {ended.source} is unchanged",
        JobKind.MIGRATION: f"{ended.target} is removed from {ended.destination}",
        JobKind.ROLLBACK: f"{ended.alias} still points to {ended.source}",
        JobKind.IN_PLACE: f"documents of {ended.source} that it has enriched stay enriched",
    }
    print_line(f"The job {ended.id} is cancelled: {became[ended.kind]}.")


@reindex.command("remove", cls=Command)
def remove_job(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job that has ended.")],
    old_index: Annotated[
        bool,
        typer.Option("--old-index", help="Remove the replaced index too; then no rollback is possible."),
    ] = False,
    yes: Yes = False,
) -> None:
    """Forget a job that has ended, and its rejects.

    Before an index is removed, the command asks for its name. Without a terminal, --yes is required.

    Example: enricher --engine http://localhost:9200 reindex remove articles-20260101t120000-4f1c --old-index
    """
    jobs = jobs_of(context_of(context))
    ended = jobs.ledger.load(job)
    jobs.remove(ended, old_index=old_index, confirm=_confirmed if yes else ask_for_name)
    if old_index:
        print_line(f"The job {job} and the index {ended.source} are removed.")
    else:
        print_line(f"The job {job} is removed; its indexes and aliases are unchanged.")


@reindex.command(cls=Command)
def status(
    context: typer.Context,
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="A job; all if omitted.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help=f"Every ended job, not only the last {MAX_ENDED_SHOWN}.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show one job, or all of them, the newest first.

    Workers without a heartbeat for 30 seconds are not counted. --json shows every job.

    Example: enricher --engine http://localhost:9200 reindex status
    """
    from indexer.reindex.report import status_of

    ledger = jobs_of(context_of(context)).ledger
    chosen = [ledger.load(job)] if job else ledger.jobs()
    if as_json:
        now = datetime.now(UTC)
        for one in chosen:
            print_json(status_of(one, now))
        return
    ended = [one.id for one in chosen if one.phase.ended]
    hidden = set() if every else set(ended[MAX_ENDED_SHOWN:])
    print_jobs([one for one in chosen if one.id not in hidden], ledger.lease_seconds)
    if hidden:
        say(f"{counted(len(hidden), 'older job')} that ended: --all shows them.")


def _confirmed(index: str, documents: int) -> None:
    """Confirm without asking."""


def enrich_in_place(shared: Context, index: str) -> None:
    """Enrich all documents of an index in place with the active model, as `reindex start --in-place` does."""
    from indexer.reindex.starting import StartRequest, start

    jobs = jobs_of(shared)
    job, enricher = start(jobs, StartRequest(index, None, in_place=True), settings_of(shared), say)
    begin(shared, jobs, enricher, job, worker_count(None), as_json=False)
