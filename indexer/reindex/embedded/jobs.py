"""The jobs of the embedded engine, each a file in the folder of the indexes.

Nobody else writes to the source while a job runs, because the job holds the lock of its writer. So there is
nothing to catch up with. Documents that an earlier run has copied are recognised by their text, and are not
enriched again.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from enricher.errors import EngineError, EngineUnavailable, UsageError
from enricher.parallel import document_batches
from enricher.records import Document, EnrichedDocument, IndexLayout
from indexer.engines.names import check_new_alias
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.pipeline import DocumentEnricher
from indexer.reindex.embedded.states import FileStates
from indexer.reindex.failpoints import reached
from indexer.reindex.gate import CollectionGate, GateClosed, is_closed
from indexer.reindex.job import Interval, Job, JobKind, JobOptions, Phase
from indexer.reindex.jobs import EnrichmentSettings, Progress, Replayed, Say
from indexer.reindex.ledger import Ledger
from indexer.reindex.naming import create_exclusive, name_of, rollback_of
from indexer.reindex.pace import Pace
from indexer.reindex.removal import Confirm, remove

JOBS = ".jobs"
DELETE_BATCH_DOCUMENTS = 1_000
"""Documents that are deleted together."""


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
        raise UsageError(
            "The embedded engine writes every document with its enrichment: make a new index with --to."
        )

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
            if job.phase.ended or self.engine.aliases().get(job.alias) == (job.target,):
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
    ) -> Job:
        assert enricher is not None
        with self._alone(job.id), self.engine.held(job.source):
            run = _Run(self.engine, self.ledger, enricher, job.id, on_progress)
            return run.to_the_end(CollectionGate(self.engine, settings.models, settings.configuration()))

    def is_blocking(self, job: Job) -> bool:
        return False

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Hold the lock of a job. Raises EngineUnavailable if another process holds it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{name}.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise EngineUnavailable(f"Another process is working on the job {name!r}.") from None
            yield


class _Run:
    """One run of a job, from whatever state an earlier run has left."""

    def __init__(
        self,
        engine: TantivyEngine,
        ledger: Ledger,
        enricher: DocumentEnricher,
        job: str,
        on_progress: Progress,
    ) -> None:
        self._engine, self._ledger, self._enricher = engine, ledger, enricher
        self._job, self._on_progress = job, on_progress

    def to_the_end(self, gate: CollectionGate) -> Job:
        job = self._ledger.load(self._job)
        if job.phase.ended:
            return job
        if self._engine.aliases().get(job.alias) != (job.target,):
            if not self._engine.exists(job.target):
                self._engine.create(job.target, self._enricher.layout())
            reached("target-ready")
            self._copy(job)
            self._delete(job)
            job = self._compared(job)
            self._measure(job, gate)
            reached("swap-unsent")
            self._engine.set_alias(job.alias, job.target)
            reached("swap-sent")
        reached("before-end")
        return self._note(Phase.DONE)

    def _copy(self, job: Job) -> None:
        """Write the documents that the target lacks, or holds with another text."""
        total, done, pace = self._engine.count(job.source), 0, Pace(job.options.rate)
        documents = self._engine.read(job.source)
        for batch in document_batches(documents, self._enricher.fields):
            others = [one for one in batch if self._engine.source(job.target, one.id) != one.source]
            added = self._enricher.enrich(others)
            lines = [
                EnrichedDocument(one.id, one.source, more) for one, more in zip(others, added, strict=True)
            ]
            refused = self._engine.write(job.target, lines)
            reached("page-written")
            done += len(batch)
            self._note(Phase.COPYING, len(batch), len(others) - len(refused), len(refused), (done, total))
            time.sleep(pace.rest(len(batch), 0, 0, 0.0))
            pace.begin()
        self._engine.refresh(job.target)
        reached("pass-done")

    def _delete(self, job: Job) -> None:
        """Delete from the target the documents that the source does not have."""
        deleted, gone = 0, self._deleted_documents(job)
        while some := [one.id for one in islice(gone, DELETE_BATCH_DOCUMENTS)]:
            deleted += self._engine.delete(job.target, some)
        self._engine.refresh(job.target)
        reached("deletes-sent")

        def noted(job: Job) -> None:
            job.counters.deleted += deleted

        self._ledger.update(self._job, noted)

    def _deleted_documents(self, job: Job) -> Iterator[Document]:
        for document in self._engine.read(job.target):
            if self._engine.source(job.source, document.id) is None:
                yield document

    def _compared(self, job: Job) -> Job:
        """Check that both indexes have the same number of documents, refused ones included.

        Raises EngineError if they do not.
        """
        documents, copies = (self._engine.count(name) for name in (job.source, job.target))
        rejected = documents - copies

        def noted(job: Job) -> None:
            job.documents, job.rejected = documents, rejected

        if rejected < 0 or (rejected and not self._ledger.load(self._job).counters.refused):
            raise EngineError(
                f"The index {job.source!r} has {documents:,} documents, but its copy {job.target!r} has "
                f"{copies:,}. The alias was not moved: cancel the job {job.id!r}."
            )
        return self._ledger.update(self._job, noted)

    def _measure(self, job: Job, gate: CollectionGate) -> None:
        if job.options.gate is None:
            return
        gates = gate(job)

        def measured(job: Job) -> None:
            job.gates, job.phase = gates, Phase.GATING

        self._ledger.update(self._job, measured)
        if is_closed(gates):
            raise GateClosed(job.id, gates)

    def _note(
        self, phase: Phase, read: int = 0, written: int = 0, refused: int = 0, at: tuple[int, int] = (0, 0)
    ) -> Job:
        def noted(job: Job) -> None:
            job.phase, job.passes = phase, max(job.passes, 1)
            job.counters.read += read
            job.counters.written += written
            job.counters.present += read - written - refused
            job.counters.refused += refused
            job.intervals = [] if phase.ended else [Interval(0, 0, at[1], at[0])]

        job = self._ledger.update(self._job, noted)
        self._on_progress(job)
        return job
