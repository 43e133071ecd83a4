"""What the commands ask of the jobs of an engine."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from enricher.records import IndexLayout, SearchEngine
from enricher.settings import Configuration, read_configuration
from indexer.pipeline import DocumentEnricher
from indexer.reindex.job import Job, JobOptions
from indexer.reindex.ledger import Ledger
from indexer.reindex.removal import Confirm

Progress = Callable[[Job], None]
Say = Callable[[str], None]
"""Tells the user a sentence."""


class EnrichmentSettings(NamedTuple):
    """The folder of models and the configuration file; None for enricher.toml where there is one."""

    models: Path
    config: Path | None

    def configuration(self) -> Configuration:
        """Read the configuration file. Raises ConfigurationError."""
        return read_configuration(self.config)


class Replayed(NamedTuple):
    """What became of rejects: written now; left alone, because they are gone or clients have written them
    since; refused again.
    """

    written: int = 0
    settled: int = 0
    refused: int = 0


class Jobs(Protocol):
    """The jobs of an engine: how they are planned, worked on, ended and taken back."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def engine(self) -> SearchEngine: ...

    def layout(self, index: str) -> IndexLayout | None:
        """The layout of an index of ours by any name, None for somebody else's. Raises IndexNotFound."""

    def plan(self, source: str, alias: str, enricher: DocumentEnricher, options: JobOptions, say: Say) -> Job:
        """Plan a job that makes a new index, after looking at all that could be wrong.

        Raises UsageError, EngineError in a sentence before anything is written.
        """

    def plan_in_place(
        self, index: str, alias: str, enricher: DocumentEnricher, options: JobOptions, say: Say
    ) -> Job:
        """The same for a job that enriches documents where they are."""

    def to_roll_back(self) -> list[Job]:
        """The jobs that can be taken back: of each alias the one that has put its index there."""

    def plan_rollback(self, undone: Job) -> Job:
        """Plan the way back."""

    def cancel(self, name: str) -> Job:
        """End a job before its swap. Raises UsageError where it has ended."""

    def remove(self, job: Job, *, old_index: bool, confirm: Confirm) -> None:
        """Forget a job that has ended, and on request remove the index that it has replaced, once confirmed.

        Raises UsageError where anything needs it still.
        """

    def replay(self, job: Job, enricher: DocumentEnricher | None) -> Replayed:
        """Try again what a job could not write."""

    def reasons(self, job: Job) -> list[str]:
        """Why some of the documents were refused, a sentence each."""

    def work(
        self,
        job: Job,
        enricher: DocumentEnricher | None,
        on_progress: Progress,
        settings: EnrichmentSettings,
    ) -> Job:
        """Work on a job until it has ended, and answer it. Raises EngineError."""

    def is_blocking(self, job: Job) -> bool:
        """Whether writes are refused because of a job."""
