"""`enricher doctor`: check models, engine and indexes, one line per check."""

from typing import Annotated

import typer

from enricher.errors import UsageError
from indexer.cli.app import Command, Json, app, context_of
from indexer.cli.output import print_json, print_line
from indexer.engines.addresses import masked


@app.command(cls=Command)
def doctor(
    context: typer.Context,
    max_unenriched: Annotated[
        str,
        typer.Option(
            metavar="SHARE",
            help="Maximum share of documents in an index without up-to-date enrichment: 0.05 or 5%.",
        ),
    ] = "5%",
    as_json: Json = False,
) -> None:
    """Check the models, the engine and the indexes.

    Prints one line per check. The exit code is 1 if a check fails. Counts the documents of each index that
    other programs have written, or changed since they were enriched. The check of the index fails if their
    share is larger than --max-unenriched.

    Example: enricher --engine http://localhost:9200 doctor
    """
    from indexer.doctor import examine

    shared = context_of(context)
    checks = examine(shared.models, shared.open_engine, shared.config, _share(max_unenriched))
    for check in checks:
        detail = masked(check.detail)
        if as_json:
            print_json({"check": check.name, "passed": check.passed, "detail": detail})
        else:
            print_line(f"{'ok    ' if check.passed else 'FAILED'}  {check.name}: {detail}")
    if not all(check.passed for check in checks):
        raise typer.Exit(1)


def _share(text: str) -> float:
    """Parse a share from 0 to 1, written as a number or in percent. Raises UsageError."""
    number, percent = text.strip().removesuffix("%"), text.strip().endswith("%")
    try:
        share = float(number) / (100 if percent else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"--max-unenriched must be from 0 to 1, or from 0% to 100%, not {text!r}.")
    return share
