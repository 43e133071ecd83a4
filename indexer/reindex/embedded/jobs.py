"""The jobs of the embedded engine, each a file in the folder of the indexes.

Nobody else writes to the source while a job runs, because the job holds the lock of its writer. So there is
nothing to catch up with. Documents that an earlier run has copied are recognised by their text, and are not
enriched again.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from enricher.enrichment import DocumentEnricher
from enricher.errors import EngineUnavailable, UsageError
from enricher.files import file_lock
from enricher.records import IndexLayout, SearchEngine
from indexer.engines.names import check_new_alias
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.reindex.embedded.affected import AffectedRun
from indexer.reindex.embedded.run import Run
from indexer.reindex.embedded.states import FileStates
from indexer.reindex.enrichers import affected_by
from indexer.reindex.gate import CollectionGate
from indexer.reindex.job import Job, JobKind, JobOptions, Phase
from indexer.reindex.jobs import EnrichmentSettings, Progress, Replayed, Say
from indexer.reindex.ledger import Ledger
from indexer.reindex.naming import create_exclusive, name_of, rollback_of
from indexer.reindex.removal import Confirm, remove

JOBS = ".jobs"
"""The folder of the states, within the folder of the indexes."""


class EmbeddedJobs:
    """Implements `Jobs` for Tantivy."""

    def __init__(self, engine: TantivyEngine) -> None:
        self.engine = engine
        self._folder = engine.root / JOBS
        self.ledger = Ledger(FileStates(self._folder))

    def layout(self, index: str) -> IndexLayout | None:
        return self.engine.layout(index)

    def plan(self, source: str, alias: str, enricher: DocumentEnricher, options: JobOptions, say: Say) -> Job:
        aliases = self.engine.aliases()
        if alias not in aliases:
            check_new_alias(alias)
        if alias in self.engine.indexes():
            raise UsageError(
                f"{alias!r} is an index, so no alias can have that name. Name another one with --to."
            )
        concrete = self.engine.name_of(source)
        if aliases.get(alias, (concrete,)) != (concrete,):
            raise UsageError(f"The alias {alias!r} points to another index than {concrete!r}.")
        if options.write_block:
            say("Nobody else can write to an index of the embedded engine while a job runs.")
        name, now = name_of(alias, self.engine.exists)
        job = Job(name, concrete, alias, name, enricher.model_version, enricher.fields, now, options)
        return create_exclusive(self.ledger, job)

    def plan_in_place(
        self, index: str, alias: str, enricher: DocumentEnricher, options: JobOptions, say: Say
    ) -> Job:
        if not options.former:
            raise UsageError(
                "The embedded engine writes every document with its enrichment: make a new index with --to."
            )
        concrete = self.engine.name_of(index)
        name, now = name_of(alias, self.engine.exists)
        job = Job(name, concrete, alias, concrete, enricher.model_version, enricher.fields, now, options)
        job.kind = JobKind.IN_PLACE
        return create_exclusive(self.ledger, job)

    def plan_migration(
        self,
        source: str,
        alias: str,
        target: SearchEngine,
        enricher: DocumentEnricher,
        options: JobOptions,
        say: Say,
    ) -> Job:
        raise UsageError(
            "The embedded engine cannot be migrated from: index the documents in the other cluster instead."
        )

    def engine_of_target(self, job: Job) -> SearchEngine:
        return self.engine

    def to_roll_back(self) -> list[Job]:
        aliases, found = self.engine.aliases(), dict[str, Job]()
        for job in self.ledger.jobs():
            swapped = job.phase is Phase.DONE and aliases.get(job.alias) == (job.target,)
            if swapped and self.engine.exists(job.source):
                found.setdefault(job.alias, job)
        return list(found.values())

    def plan_rollback(self, undone: Job) -> Job:
        named = name_of(undone.alias, self.engine.exists)
        return create_exclusive(self.ledger, rollback_of(undone, self.engine.layout(undone.source), named))

    def cancel(self, name: str) -> Job:
        def change(job: Job) -> None:
            is_swapped = self.engine.aliases().get(job.alias) == (job.target,)
            if job.phase.ended or (is_swapped and job.kind is not JobKind.IN_PLACE):
                raise UsageError(f"The job {name!r} cannot be cancelled: it is {job.phase}.")
            job.phase = Phase.CANCELLED

        with self._alone(name):
            job = self.ledger.update(name, change)
            if job.kind is JobKind.COPY and self.engine.exists(job.target):
                self.engine.drop(job.target)
        return job

    def remove(self, job: Job, *, old_index: bool, confirm: Confirm) -> None:
        aliases = [alias for alias, behind in self.engine.aliases().items() if job.source in behind]
        with self._alone(job.id):
            remove(self.ledger, self.engine, job, aliases, old_index=old_index, confirm=confirm)
        (self._folder / f"{job.id}.lock").unlink(missing_ok=True)

    def replay(self, job: Job, enricher: DocumentEnricher | None) -> Replayed:
        raise UsageError(
            "The embedded engine keeps no rejects: start a new job, which tries all documents again."
        )

    def reasons(self, job: Job) -> list[str]:
        return []

    def work(
        self,
        job: Job,
        enricher: DocumentEnricher | None,
        on_progress: Progress,
        settings: EnrichmentSettings,
        is_ending: Callable[[], bool] = lambda: False,
    ) -> Job:
        assert enricher is not None
        affected = affected_by(job, enricher, settings)
        with self._alone(job.id), self.engine.held(job.source):
            if affected is not None:
                changed = AffectedRun(self.engine, self.ledger, enricher, affected, job.id, on_progress)
                return changed.to_the_end()
            run = Run(self.engine, self.ledger, enricher, job.id, on_progress)
            return run.to_the_end(CollectionGate(self.engine, settings.models, settings.configuration))

    def is_blocking(self, job: Job) -> bool:
        return False

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Hold the lock of a job. Raises EngineUnavailable if another process holds it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            try:
                stack.enter_context(file_lock(self._folder / f"{name}.lock", wait=False))
            except BlockingIOError:
                raise EngineUnavailable(f"Another process is working on the job {name!r}.") from None
            yield
