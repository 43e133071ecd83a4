"""Blue/green reindexing that loses nothing: see docs/operations.md."""

from indexer.reindex.job import Job, JobOptions, Phase
from indexer.reindex.ledger import Ledger
from indexer.reindex.preflight import check
from indexer.reindex.worker import Worker, cancel, start

__all__ = ["Job", "JobOptions", "Ledger", "Phase", "Worker", "cancel", "check", "start"]
