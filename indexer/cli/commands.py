"""All commands, in the order in which `--help` lists them."""

from indexer.cli import train  # noqa: I001  (the order of help)
from indexer.cli import models
from indexer.cli import words
from indexer.cli import expand
from indexer.cli import index
from indexer.cli import search
from indexer.cli import reindex
from indexer.cli import evaluate
from indexer.cli import doctor

__all__ = ["doctor", "evaluate", "expand", "index", "models", "reindex", "search", "train", "words"]
