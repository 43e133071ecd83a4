"""The entry point of the program: streams, signals and the exit code. It imports almost nothing.

`main` imports the commands after it has set the signal handlers, so that Ctrl-C during the imports prints no
traceback.
"""

import sys

from indexer.cli.signals import StopSignals


def main() -> None:
    """Run the command line and exit. Every failure prints one sentence."""
    signals = StopSignals()
    signals.end_at_once()
    from indexer.cli.streams import prepare_streams

    prepare_streams()
    from indexer.cli.running import run  # all commands

    sys.exit(run(signals))
