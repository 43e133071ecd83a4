"""`enricher reindex`: jobs that enrich the documents of an index again and lose none."""

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from msgspec.structs import replace

from enricher.errors import EngineUnavailable, EnricherError, SourceError, UsageError
from enricher.lines import read_text
from enricher.records import IndexLayout
from enricher.settings import WORDS, IndexConfiguration
from indexer.cli.app import (
    Command,
    Commands,
    Context,
    Json,
    TextField,
    TitleField,
    app,
    context_of,
    index_name,
)
from indexer.cli.jobs import JobView, JsonView, ago, print_jobs, print_outcome, report_of, silence
from indexer.cli.output import counted, is_interactive, print_json, print_line, progress_display, say
from indexer.engines.names import SAMPLE_ENDING, index_name_for
from indexer.pipeline import DocumentEnricher, EnricherRecipe, difference
from indexer.recipe import (
    NOTHING_NAMED,
    NamedFields,
    chosen_fields,
    configuration_for,
    field_notes,
    fields_of_index,
    recorded_configuration,
    recorded_layout,
)
from indexer.reindex.failpoints import arm
from indexer.reindex.job import ONLY, Job, JobKind, JobOptions, Phase
from indexer.reindex.ledger import LEASE_SECONDS, Ledger
from indexer.text_fields import SAMPLE, check_fields

if TYPE_CHECKING:
    from indexer.reindex.jobs import Jobs

reindex = typer.Typer(
    cls=Commands, help="Enrich an index again, beside the old one or in place.", no_args_is_help=True
)
app.add_typer(reindex, name="reindex")

JobName = Annotated[
    str | None, typer.Argument(metavar="JOB", help="A job; left out where only one qualifies.")
]
FailAt = Annotated[str | None, typer.Option("--fail-at", hidden=True)]
LeaseSeconds = Annotated[float, typer.Option("--lease-seconds", min=0.2, hidden=True)]
Yes = Annotated[bool, typer.Option("--yes", help="Remove the index without being asked.")]
MOST_IDS = 10_000
SHOWN_ENDED = 10
"""Ended jobs that people see; --all and JSON have every one."""


@reindex.command("start", cls=Command)
def start_job(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE_INDEX", callback=index_name, help="An index, or an alias of one."),
    ],
    to: Annotated[
        str | None,
        typer.Option(metavar="ALIAS", callback=index_name, help="The name that searches and writers use."),
    ] = None,
    write_block: Annotated[
        bool,
        typer.Option(
            "--write-block", help="Strict: refuse writes (403) for the last moment before the swap."
        ),
    ] = False,
    block_limit: Annotated[
        float, typer.Option(min=0.1, help="Seconds after which the block is lifted and tried again later.")
    ] = 60.0,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Enrich the documents where they are; no second index.")
    ] = False,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="missing|stale",
            help="In place, only documents without enrichment, or whose text is not that of their "
            "enrichment or whose model is not the active one; repeated.",
        ),
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="In place, only what this query of Elasticsearch finds."),
    ] = None,
    ids: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=f"In place, only these ids, one a line, at most {MOST_IDS:,}."),
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Documents a second at most.")] = None,
    gate: Annotated[
        Path | None,
        typer.Option(
            metavar="COLLECTION", help="Swap only where nDCG@10 by this collection falls by 1 % at most."
        ),
    ] = None,
    title_field: TitleField = None,
    text_field: TextField = None,
    as_json: Json = False,
    fail_at: FailAt = None,
    lease_seconds: LeaseSeconds = LEASE_SECONDS,
) -> None:
    """Enrich all documents by the active model, in a new index that takes the place of the old one.

    Writers may go on meanwhile. The old index stays, for `reindex rollback`. Runs until the job has ended;
    after a crash, or from another machine to help, `reindex resume`. --only, --query and --ids work in place.

    Example: enricher --engine http://localhost:9200 reindex start articles-v1 --to articles --write-block
    """
    arm(fail_at)
    shared = context_of(context)
    options = JobOptions(
        write_block=write_block,
        block_limit=block_limit,
        rate=rate,
        gate=str(gate.absolute()) if gate is not None else None,
        only=_only(only or []),
        query=_query(query),
        ids=_ids(ids),
    )
    jobs = _jobs(shared, lease_seconds)
    named = NamedFields(title_field, text_field)
    if in_place or only or query is not None or ids is not None:
        if write_block or gate:
            raise UsageError("In place there is no swap: leave --write-block and --gate away.")
        if to is not None:
            say("In place: no new index is made, and there is no way back but the old model.")
        job, enricher = _planned_in_place(shared, jobs, source, to or source, options, named)
    else:
        if to is None:
            raise UsageError("Name the alias that searches and writers use with --to, or add --in-place.")
        job, enricher = _planned(shared, jobs, source, to, options, named)
    _begin(shared, jobs, enricher, job, as_json)


@reindex.command(cls=Command)
def resume(
    context: typer.Context,
    job: JobName = None,
    as_json: Json = False,
    fail_at: FailAt = None,
    lease_seconds: LeaseSeconds = LEASE_SECONDS,
) -> None:
    """Go on with a job after a crash, or help a job that runs elsewhere; one that has ended is reported.

    Example: enricher --engine http://localhost:9200 reindex resume
    """
    arm(fail_at)
    shared = context_of(context)
    jobs = _jobs(shared, lease_seconds)
    chosen = _named(jobs.ledger, job)
    if chosen.phase.ended:  # others were faster
        _report(jobs, chosen, 0.0, as_json)
        return
    enricher = _enricher_of(shared, jobs, chosen)
    if chosen.workers:
        say(
            f"Workers hold leases of the job: {', '.join(chosen.workers)}; the last heartbeat was "
            f"{ago(chosen.noted, datetime.now(UTC))}. What a dead one holds is taken over after "
            f"{lease_seconds:g} s without a heartbeat."
        )
    _work(shared, jobs, enricher, chosen, as_json)


@reindex.command("rollback", cls=Command)
def roll_back(
    context: typer.Context,
    job: JobName = None,
    as_json: Json = False,
    fail_at: FailAt = None,
    lease_seconds: LeaseSeconds = LEASE_SECONDS,
) -> None:
    """Put the old index back, with all that was written and deleted since the swap.

    It is a job as well: writers may go on, and `reindex resume` goes on with it. The new index stays,
    and `reindex rollback` again goes back to it.

    Example: enricher --engine http://localhost:9200 reindex rollback
    """
    arm(fail_at)
    shared = context_of(context)
    jobs = _jobs(shared, lease_seconds)
    undone = _one_of(jobs.to_roll_back(), job, "that can be taken back")
    layout = jobs.layout(undone.source)
    enricher = None
    if layout is None:
        say(f"The index {undone.source!r} was never enriched, and what is written back to it is not.")
    else:
        enricher = _enricher_like(shared, jobs, undone.source, undone.alias, layout)
    back = jobs.plan_rollback(undone)
    say(f"{undone.alias} goes back from {undone.target} to {undone.source}.")
    _begin(shared, jobs, enricher, back, as_json)


@reindex.command("replay", cls=Command)
def replay_rejects(
    context: typer.Context, job: JobName = None, as_json: Json = False, fail_at: FailAt = None
) -> None:
    """Try again what a job could not copy, after the mapping or the documents were mended.

    Example: enricher --engine http://localhost:9200 reindex replay
    """
    arm(fail_at)
    shared = context_of(context)
    jobs = _jobs(shared)
    with_rejects = [one for one in jobs.ledger.jobs() if one.phase is Phase.DONE and one.rejected]
    chosen = _one_of(with_rejects, job, "with documents that were refused")
    done = jobs.replay(chosen, _enricher_of(shared, jobs, chosen))
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
def cancel_job(context: typer.Context, job: JobName = None, as_json: Json = False) -> None:
    """End a job before its swap: the new index is removed, the old one takes writes.

    Example: enricher --engine http://localhost:9200 reindex cancel
    """
    jobs = _jobs(context_of(context))
    ended = jobs.cancel(_named(jobs.ledger, job).id)
    if as_json:
        print_json(report_of(ended))
        return
    became = {
        JobKind.COPY: f"{ended.target} is removed, {ended.source} is as it was",
        JobKind.ROLLBACK: f"{ended.alias} stands for {ended.source} still",
        JobKind.IN_PLACE: f"what it has enriched in {ended.source} stays",
    }
    print_line(f"The job {ended.id} is cancelled: {became[ended.kind]}.")


@reindex.command("remove", cls=Command)
def remove_job(
    context: typer.Context,
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job that has ended.")],
    old_index: Annotated[
        bool,
        typer.Option("--old-index", help="The index that it has replaced, too; then there is no way back."),
    ] = False,
    yes: Yes = False,
) -> None:
    """Forget a job that has ended, and what it could not write.

    Before an index is removed its name is asked for; without a terminal only --yes removes it.

    Example: enricher --engine http://localhost:9200 reindex remove articles-20260101t120000-4f1c --old-index
    """
    jobs = _jobs(context_of(context))
    ended = jobs.ledger.load(job)
    confirm = _confirmed if yes else _ask_for_name
    jobs.remove(ended, old_index=old_index, confirm=confirm)
    if old_index:
        print_line(f"The job {job} is removed, with the index {ended.source}.")
    else:
        print_line(f"The job {job} is removed; of its indexes and aliases none has changed.")


@reindex.command(cls=Command)
def status(
    context: typer.Context,
    job: Annotated[str | None, typer.Argument(metavar="JOB", help="A job; all if left out.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help=f"All jobs that have ended, not the last {SHOWN_ENDED} alone.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the jobs, the newest first, or one.

    Workers that have given no heartbeat for 30 seconds are not counted. --json has all jobs.

    Example: enricher --engine http://localhost:9200 reindex status
    """
    ledger = _jobs(context_of(context)).ledger
    chosen = [ledger.load(job)] if job else ledger.jobs()
    if as_json:
        now = datetime.now(UTC)
        for one in chosen:
            print_json(report_of(one) | {"seconds_since_heartbeat": silence(one, now)})
        return
    ended = [one.id for one in chosen if one.phase.ended]
    hidden = set() if every else set(ended[SHOWN_ENDED:])
    print_jobs([one for one in chosen if one.id not in hidden], ledger.lease_seconds)
    if hidden:
        say(f"{counted(len(hidden), 'older job')} that ended: --all shows them.")


def _confirmed(index: str, documents: int) -> None:
    """Nothing is asked."""


def _ask_for_name(index: str, documents: int) -> None:
    """Let the user type the name of an index that is about to be removed; UsageError without a terminal."""
    what = f"The index {index!r} with {counted(documents, 'document')}"
    if not is_interactive():
        raise UsageError(f"{what} would be removed for good: add --yes where nobody can be asked.")
    say(f"{what} is removed for good, and there is no way back to it.")
    if typer.prompt("Type its name to remove it", default="", show_default=False, err=True) != index:
        say("Nothing was removed.")
        raise typer.Exit(1)


def _jobs(shared: Context, lease_seconds: float = LEASE_SECONDS) -> "Jobs":
    from indexer.reindex.opening import open_jobs  # the engine's library is loaded only where it is needed

    return open_jobs(shared.engine(), lease_seconds)


def _enricher(
    shared: Context, model: str | None, fields: tuple[str, ...], configuration: IndexConfiguration
) -> DocumentEnricher:
    """What enriches documents by a model, or cuts them into words alone."""
    if model is None:
        configuration = replace(configuration, enrichments=(WORDS,), settings={})
    return EnricherRecipe(shared.models, model, fields, configuration).open()


def _enricher_of(shared: Context, jobs: "Jobs", job: Job) -> DocumentEnricher | None:
    """What enriches the documents of a job; None where they go back into an index that never was."""
    if job.kind is JobKind.ROLLBACK and not job.fields:
        return None
    target = recorded_layout(jobs.engine, job.target)
    if job.kind is JobKind.ROLLBACK and target is not None:
        return _enricher_like(shared, jobs, job.target, job.alias, target)
    recorded = recorded_layout(jobs.engine, job.source)
    names = (job.alias, job.source, job.target)
    configuration = configuration_for(jobs.engine, shared.configuration(), *names, recorded=recorded)
    enricher = _enricher(shared, job.model, job.fields, configuration)
    is_made = job.kind is not JobKind.IN_PLACE or job.phase is not Phase.PREPARING
    if is_made and target is not None:
        _refuse_difference(job.target, target, enricher)
    return enricher


def _enricher_like(
    shared: Context, jobs: "Jobs", index: str, alias: str, layout: IndexLayout
) -> DocumentEnricher:
    """What has enriched the documents of an index, as it records; as configured where it records nothing."""
    configuration = recorded_configuration(layout)
    if layout.enrichments is None:
        configuration = configuration_for(jobs.engine, shared.configuration(), alias, index)
    enricher = _enricher(shared, layout.model_version, layout.fields, configuration)
    _refuse_difference(index, layout, enricher)
    return enricher


def _refuse_difference(index: str, layout: IndexLayout, enricher: DocumentEnricher) -> None:
    """UsageError where documents would be enriched otherwise than those that an index holds."""
    other = difference(layout, enricher.layout())
    if other is not None:
        raise UsageError(
            f"The index {index!r} was made in another way: {other}. What is written to it would differ from "
            "the rest. Configure it as it was, and try again."
        )


def _chosen(
    jobs: "Jobs", source: str, named: NamedFields, configuration: IndexConfiguration, *, partial: bool = False
) -> tuple[str, ...]:
    """The fields that a job enriches; UsageError where documents would lose their text.

    partial: whether the job is about some documents of an index whose fields are what they are.
    """
    found = fields_of_index(jobs.engine, source)
    fields = chosen_fields(named, found, configuration.fields)
    for note in field_notes(fields, found):
        say(note)
    sample = jobs.engine.sample(source, SAMPLE)
    decided = partial or configuration.fields is not None
    for note in check_fields(sample, fields, named.names, f"the index {source!r}", is_decided=decided):
        say(note)
    return fields


def _planned(
    shared: Context, jobs: "Jobs", source: str, alias: str, options: JobOptions, named: NamedFields
) -> tuple[Job, DocumentEnricher]:
    model = shared.store.open().version
    recorded = recorded_layout(jobs.engine, source)
    names = (alias, source, index_name_for(alias, SAMPLE_ENDING))
    configuration = configuration_for(jobs.engine, shared.configuration(), *names, recorded=recorded)
    enricher = _enricher(shared, model, _chosen(jobs, source, named, configuration), configuration)
    if options.gate is not None:
        from indexer.reindex.gate import read_judged

        read_judged(Path(options.gate))
    return jobs.plan(source, alias, enricher, options, say), enricher


def _planned_in_place(
    shared: Context, jobs: "Jobs", index: str, alias: str, options: JobOptions, named: NamedFields
) -> tuple[Job, DocumentEnricher]:
    """A job in place: by the model of the index where only some of its documents are enriched."""
    present, active = jobs.layout(index), shared.store.open().version
    model = present.model_version if present is not None and options.is_partial else active
    configuration = configuration_for(jobs.engine, shared.configuration(), alias, index, recorded=present)
    enricher = _enricher(
        shared, model, _chosen(jobs, index, named, configuration, partial=bool(options.only)), configuration
    )
    return jobs.plan_in_place(index, alias, enricher, options, say), enricher


def enrich_in_place(shared: Context, index: str) -> None:
    """All documents of an index by the active model, where they are; exit 1 with losses."""
    jobs = _jobs(shared)
    job, enricher = _planned_in_place(shared, jobs, index, index, JobOptions(), NOTHING_NAMED)
    _begin(shared, jobs, enricher, job, as_json=False)


def _only(values: list[str]) -> tuple[str, ...]:
    unknown = sorted(set(values) - set(ONLY))
    if unknown:
        raise UsageError(f"--only takes {' or '.join(ONLY)}, not {unknown[0]!r}.")
    return tuple(sorted(set(values)))


def _query(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"--query is no JSON: {error}.") from None
    if not isinstance(value, dict) or not value:
        raise UsageError('--query takes a query as an object, like {"term": {"year": 2024}}.')
    inner = value.get("query")
    return inner if len(value) == 1 and isinstance(inner, dict) else value


def _ids(file: Path | None) -> tuple[str, ...]:
    if file is None:
        return ()
    try:
        lines = read_text(file).split("\n")
    except SourceError as error:
        raise UsageError(str(error)) from None
    except OSError as error:
        raise UsageError(f"The file {str(file)!r} cannot be read: {error}.") from None
    found = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not found or len(found) > MOST_IDS:
        raise UsageError(f"The file {str(file)!r} holds {len(found):,} ids; a job takes 1 to {MOST_IDS:,}.")
    return found


def _named(ledger: Ledger, name: str | None) -> Job:
    """The job named, or the only one that has not ended."""
    return _one_of(ledger.under_way(), None, "under way") if name is None else ledger.load(name)


def _one_of(jobs: list[Job], name: str | None, which: str) -> Job:
    """The job named among those that qualify, or the only one."""
    found = [job for job in jobs if name in (None, job.id)]
    if len(found) != 1 and name is not None:
        raise UsageError(f"There is no job {name!r} {which}; `enricher reindex status` lists all.")
    if len(found) != 1:
        names = f" ({', '.join(job.id for job in found)}): name one" if found else ""
        raise UsageError(
            f"There {'are' if found else 'is'} {len(found) or 'no'} job{'s' * bool(found)} {which}{names}."
        )
    return found[0]


def _begin(shared: Context, jobs: "Jobs", enricher: DocumentEnricher | None, job: Job, as_json: bool) -> None:
    """Work on a new job."""
    say(f"The job {job.id} has begun; `enricher reindex resume {job.id}` goes on where it stops.")
    _work(shared, jobs, enricher, job, as_json)


def _work(shared: Context, jobs: "Jobs", enricher: DocumentEnricher | None, job: Job, as_json: bool) -> None:
    """Work on a job to its end, with a view of it, and say what became of it; exit 1 with losses."""
    from indexer.reindex.jobs import GateSettings

    started = time.monotonic()
    with progress_display() as progress:
        gate = GateSettings(shared.models, shared.configuration())
        try:
            ended = jobs.work(job, enricher, JsonView() if as_json else JobView(progress), gate)
        except KeyboardInterrupt:
            say(f"The job {job.id} waits: resume or cancel it.")
            _say_refusals(jobs, job)
            raise
        except EnricherError as error:
            say(
                f"The job {job.id} has not ended: `enricher reindex resume {job.id}` goes on with it, "
                "`cancel` ends it."
            )
            if not isinstance(error, EngineUnavailable):  # which would be asked in vain
                _say_refusals(jobs, job)
            raise
    _report(jobs, ended, time.monotonic() - started, as_json)


def _say_without_words(jobs: "Jobs", job: Job) -> None:
    """Say how many documents of the index that a job has filled hold no word in its enriched fields."""
    layout = recorded_layout(jobs.engine, job.target) if job.phase is Phase.DONE else None
    number = jobs.engine.without_words(job.target) if layout is not None else 0
    if layout is not None and number:
        fields = ", ".join(layout.fields)
        say(
            f"{counted(number, 'document')} without a word in the enriched fields ({fields}): not searchable."
        )


def _say_refusals(jobs: "Jobs", job: Job) -> None:
    """Say it where a job that waits keeps clients from writing."""
    with suppress(EnricherError):
        if jobs.is_blocking(jobs.ledger.load(job.id)):
            say(f"Writes to {job.source} are refused until then.")


def _report(jobs: "Jobs", ended: Job, seconds: float, as_json: bool) -> None:
    """Say what became of a job on which one has worked for so many seconds; exit 1 with losses."""
    if as_json:
        print_json(report_of(ended) | {"seconds": seconds})
    elif ended.phase is Phase.DONE:
        print_outcome(ended)
    _say_without_words(jobs, ended)
    if ended.phase is Phase.CANCELLED:
        say(f"The job {ended.id} was cancelled.")
        raise typer.Exit(1)
    if ended.rejected:
        for reason in jobs.reasons(ended):
            say(reason)
        say(
            f"{counted(ended.rejected, 'document')} could not be written; {ended.rejects} says why, and "
            f"`enricher reindex replay {ended.id}` tries again."
        )
        raise typer.Exit(1)
