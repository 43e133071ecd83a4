"""The program's outermost edge: streams, signals and the exit code. It imports next to nothing.

The commands are imported inside `main`, so that Ctrl-C during that second is no traceback either.
"""

import sys

from indexer.cli.signals import StopSignals


def main() -> None:
    """Run the command line and exit: every failure is one sentence and an exit code."""
    signals = StopSignals()
    signals.end_at_once()
    from indexer.cli.streams import prepare_streams

    prepare_streams()
    from indexer.cli.running import run  # all commands

    sys.exit(run(signals))
