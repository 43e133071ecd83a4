"""One run of a job of the embedded engine: copy, delete, compare, measure, move the alias."""

import time
from collections import deque
from collections.abc import Iterator
from itertools import islice

from enricher.enrichment import DocumentEnricher, enriched
from enricher.errors import EngineError
from enricher.parallel import document_batches
from enricher.records import Document, EnrichedDocument
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.reindex.failpoints import reached
from indexer.reindex.gate import CollectionGate, GateClosed, is_closed
from indexer.reindex.job import Interval, Job, Phase
from indexer.reindex.jobs import Progress
from indexer.reindex.ledger import Ledger
from indexer.reindex.pace import Pace

DELETE_BATCH_DOCUMENTS = 1_000
"""Documents that are deleted together."""


class Run:
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
        """Work until the job has ended, and return it. Raises EngineError, GateClosed."""
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
        read: deque[int] = deque()

        def lacking() -> Iterator[list[Document]]:
            for batch in document_batches(self._engine.read(job.source), self._enricher.fields):
                read.append(len(batch))
                yield [one for one in batch if self._engine.source(job.target, one.id) != one.source]

        for others, added in self._enricher.apply(enriched, lacking()):
            lines = [
                EnrichedDocument(one.id, one.source, more) for one, more in zip(others, added, strict=True)
            ]
            refused = self._engine.write(job.target, lines)
            reached("page-written")
            size = read.popleft()
            done += size
            self._note(Phase.COPYING, size, len(others) - len(refused), len(refused), (done, total))
            time.sleep(pace.rest(size, 0, 0, 0.0))
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
