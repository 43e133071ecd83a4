"""One run of a job of the embedded engine that enriches again what another model version changes."""

import time
from collections.abc import Callable

from enricher.enrichment import DocumentEnricher, enriched
from enricher.parallel import document_batches
from enricher.records import EnrichedDocument
from enricher.vocabulary.affected import AffectedDocuments
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.reindex.failpoints import reached
from indexer.reindex.job import Job, Phase
from indexer.reindex.jobs import Progress
from indexer.reindex.ledger import Ledger
from indexer.reindex.pace import Pace


class AffectedRun:
    """One run of a job. A killed one is repeated: writing a document twice changes nothing."""

    def __init__(
        self,
        engine: TantivyEngine,
        ledger: Ledger,
        enricher: DocumentEnricher,
        affected: AffectedDocuments,
        job: str,
        on_progress: Progress,
    ) -> None:
        self._engine, self._ledger, self._enricher = engine, ledger, enricher
        self._affected, self._job, self._on_progress = affected, job, on_progress

    def to_the_end(self) -> Job:
        """Work until the job has ended, and return it. Raises EngineError."""
        job = self._ledger.load(self._job)
        if job.phase.ended:
            return job
        self._stamp(job)
        reached("target-ready")
        self._enrich(job)
        self._engine.refresh(job.source)
        reached("before-end")
        documents = self._engine.count(job.source)

        def ended(job: Job) -> None:
            job.phase, job.documents, job.rejected = Phase.DONE, documents, job.counters.refused

        return self._note(ended)

    def _stamp(self, job: Job) -> None:
        """Record the new model version; documents of the former ones stay valid."""
        layout = self._engine.layout(job.source)
        if job.model_version is not None and layout.model_version != job.model_version:
            others = [one for one in layout.valid_versions if one != job.model_version]
            self._engine.stamp(job.source, job.model_version, others)

    def _enrich(self, job: Job) -> None:
        def begin(job: Job) -> None:
            job.phase, job.passes = Phase.COPYING, 1
            job.counters.read = job.counters.written = job.counters.refused = 0

        self._note(begin)
        found = self._engine.read_containing(job.source, self._affected.subwords())
        documents, pace = filter(self._affected, found), Pace(job.options.rate)
        for batch, added in self._enricher.apply(
            enriched, document_batches(documents, self._enricher.fields)
        ):
            pace.begin()
            lines = [
                EnrichedDocument(one.id, one.source, more) for one, more in zip(batch, added, strict=True)
            ]
            refused = len(self._engine.write(job.source, lines))
            reached("page-written")
            self._note(_counted(len(batch), refused))
            time.sleep(pace.rest(len(batch), 0, 0, 0.0))

    def _note(self, change: Callable[[Job], None]) -> Job:
        job = self._ledger.update(self._job, change)
        self._on_progress(job)
        return job


def _counted(read: int, refused: int) -> Callable[[Job], None]:
    def noted(job: Job) -> None:
        job.counters.read += read
        job.counters.written += read - refused
        job.counters.refused += refused

    return noted
