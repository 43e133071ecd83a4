"""`enricher doctor`: one line per check."""

import typer

from indexer.cli.app import Command, Json, app, context_of
from indexer.cli.output import print_json, print_line
from indexer.doctor import examine
from indexer.engines.addresses import masked


@app.command(cls=Command)
def doctor(context: typer.Context, as_json: Json = False) -> None:
    """Check the models, the engine and the indexes.

    The exit code is 1 when a check fails.

    Example: enricher --engine http://localhost:9200 doctor
    """
    shared = context_of(context)
    checks = examine(shared.models, shared.engine_url, shared.config)
    for check in checks:
        detail = masked(check.detail)
        if as_json:
            print_json({"check": check.name, "passed": check.passed, "detail": detail})
        else:
            print_line(f"{'ok    ' if check.passed else 'FAILED'}  {check.name}: {detail}")
    if not all(check.passed for check in checks):
        raise typer.Exit(1)
