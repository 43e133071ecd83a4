"""The jobs of an engine, as commands and other doors use them."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol

from enricher.enrichment import DocumentEnricher
from enricher.records import IndexLayout, SearchEngine
from enricher.settings import Configuration, read_configuration
from indexer.reindex.job import Job, JobOptions
from indexer.reindex.ledger import Ledger
from indexer.reindex.removal import Confirm

Progress = Callable[[Job], None]
"""Is called with a job whenever it has changed."""
OpenTarget = Callable[[str], SearchEngine]
"""Opens the engine of a cluster, given its addresses without user and password."""
Say = Callable[[str], None]
"""Shows a sentence to the user."""


class EnrichmentSettings(NamedTuple):
    """The folder of models, and the configuration file; None for enricher.toml, if it exists."""

    models: Path
    config: Path | None

    def configuration(self) -> Configuration:
        """Read the configuration file. Raises ConfigurationError."""
        return read_configuration(self.config)

    @property
    def sources(self) -> tuple[Path, Callable[[], Configuration]]:
        """The folder of models, and what reads the configuration."""
        return self.models, self.configuration


class Replayed(NamedTuple):
    """What became of rejects.

    written: documents that the target took now. settled: documents that are gone, or that clients have
    written to the target since. refused: documents that the target refused again.
    """

    written: int = 0
    settled: int = 0
    refused: int = 0


class Jobs(Protocol):
    """The jobs of an engine: how they are planned, worked on, ended and rolled back."""

    @property
    def ledger(self) -> Ledger: ...

    @property
    def engine(self) -> SearchEngine: ...

    def layout(self, index: str) -> IndexLayout | None:
        """The layout of an index of any name; None if it was never enriched. Raises IndexNotFound."""

    def plan(self, source: str, alias: str, enricher: DocumentEnricher, options: JobOptions, say: Say) -> Job:
        """Check and plan a job that fills a new index and moves an alias to it.

        Raises UsageError or EngineError, before anything is written, if the job is impossible.
        """

    def plan_migration(
        self,
        source: str,
        alias: str,
        target: SearchEngine,
        enricher: DocumentEnricher,
        options: JobOptions,
        say: Say,
    ) -> Job:
        """Check and plan a job that fills a new index of another cluster, and gives it an alias there.

        target: the engine of that cluster. Raises UsageError or EngineError, before anything is written, if
        the job is impossible.
        """

    def engine_of_target(self, job: Job) -> SearchEngine:
        """The engine of the index that a job fills. Raises UsageError if it is not known."""

    def plan_in_place(
        self, index: str, alias: str, enricher: DocumentEnricher, options: JobOptions, say: Say
    ) -> Job:
        """Check and plan a job that enriches documents where they are.

        Raises UsageError or EngineError, before anything is written, if the job is impossible.
        """

    def to_roll_back(self) -> list[Job]:
        """The jobs that can be rolled back: for every alias, the one whose target it points to."""

    def plan_rollback(self, undone: Job) -> Job:
        """Plan the rollback of a job."""

    def cancel(self, name: str) -> Job:
        """End a job before its swap. Raises UsageError if it has ended or has swapped its alias."""

    def remove(self, job: Job, *, old_index: bool, confirm: Confirm) -> None:
        """Forget a job that has ended; with old_index, remove the index that it has replaced, once confirmed.

        Raises UsageError if something still needs what would be removed.
        """

    def replay(self, job: Job, enricher: DocumentEnricher | None) -> Replayed:
        """Write the rejects of a job again."""

    def reasons(self, job: Job) -> list[str]:
        """Why the first documents were refused, one sentence each."""

    def work(
        self,
        job: Job,
        enricher: DocumentEnricher | None,
        on_progress: Progress,
        settings: EnrichmentSettings,
        is_ending: Callable[[], bool] = lambda: False,
    ) -> Job:
        """Work on a job until it has ended, and return it. Raises EngineError, GateClosed.

        settings: for the gate, which opens the models of both indexes. is_ending: whether the user has ended
        a job that goes on until then.
        """

    def is_blocking(self, job: Job) -> bool:
        """Whether an index refuses writes because of a job."""
