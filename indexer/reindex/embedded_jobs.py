"""The jobs of the embedded engine, each a file in its folder.

Nobody else writes to the source while a job runs: the job holds the lock of its writer. So there is nothing
to catch up with; what an earlier run has copied is known by the text, and not enriched again.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice

from enricher.errors import EngineError, EngineUnavailable, UsageError
from enricher.files import file_lock
from enricher.parallel import document_batches
from enricher.records import Document, EnrichedDocument, IndexLayout
from indexer.engines.names import check_new_alias
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.pipeline import DocumentEnricher
from indexer.reindex.failpoints import reached
from indexer.reindex.file_states import FileStates
from indexer.reindex.gate import CollectionGate, GateClosed, is_closed
from indexer.reindex.job import Interval, Job, JobKind, JobOptions, Phase
from indexer.reindex.jobs import GateSettings, Progress, Replayed, Say
from indexer.reindex.ledger import Ledger
from indexer.reindex.naming import keep_new, name_of, way_back
from indexer.reindex.pace import Pace
from indexer.reindex.removal import Confirm, remove

JOBS = ".jobs"
TOGETHER = 1_000
"""Documents that are deleted together."""


class EmbeddedJobs:
    """See `Jobs`."""

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
                f"{alias!r} is an index: an alias of that name cannot be made. Name another with --to."
            )
        concrete = self.engine.name_of(source)
        if aliases.get(alias, (concrete,)) != (concrete,):
            raise UsageError(f"The alias {alias!r} stands for another index than {concrete!r}.")
        if options.write_block:
            say("Nobody else can write to an index of the embedded engine while a job runs.")
        name, now = name_of(alias, self.engine.exists)
        job = Job(name, concrete, alias, name, enricher.model_version, enricher.fields, now, options)
        return keep_new(self.ledger, job)

    def plan_in_place(
        self, index: str, alias: str, enricher: DocumentEnricher, options: JobOptions, say: Say
    ) -> Job:
        raise UsageError(
            "On the embedded engine every document is written with its enrichment: make a new index by --to."
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
        return keep_new(self.ledger, way_back(undone, self.engine.layout(undone.source), named))

    def cancel(self, name: str) -> Job:
        def change(job: Job) -> None:
            if job.phase.ended or self.engine.aliases().get(job.alias) == (job.target,):
                raise UsageError(f"The job {name!r} is {job.phase}: there is nothing to cancel.")
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
        raise UsageError("On the embedded engine a new job tries all documents again.")

    def reasons(self, job: Job) -> list[str]:
        return []

    def work(
        self,
        job: Job,
        enricher: DocumentEnricher | None,
        on_progress: Progress,
        gate: GateSettings,
    ) -> Job:
        assert enricher is not None
        with self._alone(job.id), self.engine.held(job.source):
            run = _Run(self.engine, self.ledger, enricher, job.id, on_progress)
            return run.to_the_end(CollectionGate(self.engine, *gate))

    def is_blocking(self, job: Job) -> bool:
        return False

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Work on a job while no other process does; EngineUnavailable where one does."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            try:
                stack.enter_context(file_lock(self._folder / f"{name}.lock", wait=False))
            except BlockingIOError:
                raise EngineUnavailable(f"Another process works on the job {name!r} now.") from None
            yield


class _Run:
    """One run of a job, from whatever an earlier run has left."""

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
        """Write what the target lacks, or has with another text."""
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
        """Delete from the target what the source has not."""
        deleted, gone = 0, self._lacking(job)
        while some := [one.id for one in islice(gone, TOGETHER)]:
            deleted += self._engine.delete(job.target, some)
        self._engine.refresh(job.target)
        reached("deletes-sent")

        def noted(job: Job) -> None:
            job.counters.deleted += deleted

        self._ledger.update(self._job, noted)

    def _lacking(self, job: Job) -> Iterator[Document]:
        for document in self._engine.read(job.target):
            if self._engine.source(job.source, document.id) is None:
                yield document

    def _compared(self, job: Job) -> Job:
        """See that both indexes have the same number of documents, refused ones counted in."""
        documents, copies = (self._engine.count(name) for name in (job.source, job.target))
        rejected = documents - copies

        def noted(job: Job) -> None:
            job.documents, job.rejected = documents, rejected

        if rejected < 0 or (rejected and not self._ledger.load(self._job).counters.refused):
            raise EngineError(
                f"The indexes {job.source!r} and {job.target!r} have {documents:,} and {copies:,} documents, "
                f"which should be the same: nothing was swapped; cancel the job {job.id!r}."
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
