"""`enricher follow`: enrich what applications write to an index, soon after they have written it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.app import Command, Json, app, context_of, index_name
from indexer.cli.job_runs import settings_of
from indexer.cli.output import counted, print_json, print_line, say
from indexer.reindex.following import DEFAULT_LAG_SECONDS, MIN_LAG_SECONDS
from indexer.reindex.ledger import LEASE_SECONDS

if TYPE_CHECKING:
    from indexer.reindex.following import FollowStatus

Alias = Annotated[
    str,
    typer.Argument(metavar="ALIAS", callback=index_name, help="The alias of an enriched index, or its name."),
]
Lag = Annotated[
    float,
    typer.Option(
        min=MIN_LAG_SECONDS,
        metavar="SECONDS",
        help="Enrich a document within so many seconds of its last change.",
    ),
]
Workers = Annotated[
    int,
    typer.Option(min=1, help="Number of processes that enrich. More than one if a shard gets many writes."),
]
Once = Annotated[
    bool, typer.Option("--once", help="End when everything written so far is enriched; for cron.")
]
FailAt = Annotated[str | None, typer.Option("--fail-at", hidden=True)]
LeaseSeconds = Annotated[float, typer.Option("--lease-seconds", min=0.2, hidden=True)]


@app.command(cls=Command)
def follow(
    context: typer.Context,
    alias: Alias,
    lag: Lag = DEFAULT_LAG_SECONDS,
    workers: Workers = 1,
    once: Once = False,
    as_json: Json = False,
    fail_at: FailAt = None,
    lease_seconds: LeaseSeconds = LEASE_SECONDS,
) -> None:
    """Enrich what applications write to an index of a cluster.

    New documents are enriched, and those whose text has changed, until the command is stopped. Several
    instances share the work. A status is printed once a minute: a line on stderr, or with --json a line of
    JSON on stdout. SIGTERM and Ctrl-C end the command with exit code 0.

    Example: enricher --engine http://localhost:9200 follow articles
    """
    from indexer.reindex.failpoints import arm
    from indexer.reindex.opening import open_following

    arm(fail_at)
    shared = context_of(context)
    following = open_following(shared.engine(), alias, settings_of(shared), lag, lease_seconds, workers)

    def show(status: "FollowStatus") -> None:
        if as_json:
            print_json(asdict(status))
        else:
            say(_line(status))

    try:
        status = following.run(once=once, on_status=show, say=say)
    except KeyboardInterrupt:
        if once:
            raise
        show(following.status())
        return
    if as_json:
        print_json(asdict(status))
    else:
        print_line(f"{counted(status.enriched, 'document')} of {status.index} enriched{_rest(status)}.")
    if status.refused:
        say(_refused(status))
        raise typer.Exit(1)


def _line(status: "FollowStatus") -> str:
    """A status as a sentence."""
    where = f"{status.alias} ({status.index})" if status.index else status.alias
    parts = f"{counted(status.enriched, 'document')} enriched{_rest(status)}"
    left = counted(status.behind, "operation")
    return f"{where}: {parts}. Longest wait {status.lag_seconds:.1f} s, {left} left."


def _refused(status: "FollowStatus") -> str:
    """What to do about documents that cannot be enriched."""
    return (
        f"{counted(status.refused, 'document')} could not be enriched: {status.rejects} holds the reasons. "
        "They are tried again when they have changed."
    )


def _rest(status: "FollowStatus") -> str:
    """The counts that are not always there."""
    parts = [f", {status.unchanged:,} up to date"] if status.unchanged else []
    if status.refused:
        parts.append(f", {status.refused:,} refused")
    if status.errors:
        parts.append(f", {counted(status.errors, 'failed attempt')}")
    return "".join(parts)
