"""The program's edge: every failure becomes one sentence and an exit code."""

import sys

from enricher.errors import EnricherError
from indexer.cli import commands as _commands  # noqa: F401  (registers them)
from indexer.cli.app import app
from indexer.cli.output import say

INTERRUPTED = 130


def main() -> None:
    """Run the command line; typer itself answers wrong usage with 2."""
    try:
        app()
    except EnricherError as error:
        say(str(error))
        sys.exit(error.exit_code)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            say("Interrupted.")
        raise
    except OSError as error:
        say(f"The system refused: {error}.")
        sys.exit(1)
    except MemoryError:
        say("There is not enough memory for this.")
        sys.exit(1)
