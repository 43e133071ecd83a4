"""The command `enricher`: parse, call one function, print."""

from indexer.cli.main import main

__all__ = ["main"]
