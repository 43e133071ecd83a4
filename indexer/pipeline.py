"""The indexing pipeline: read documents, enrich them, write them to an index."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from enricher.enrichment import DocumentEnricher, in_processes
from enricher.errors import AccessDenied, EngineError, IndexConflict
from enricher.parallel import document_batches
from enricher.recipe.differences import difference
from enricher.records import (
    Document,
    EnrichedDocument,
    IndexLayout,
    Rejection,
    SearchEngine,
    clean,
)
from enricher.seen_ids import SeenIds
from enricher.sources import accepted
from indexer.engines.fields import as_text


@dataclass(slots=True)
class IndexReport:
    """Counts of an indexing run, in documents. Documents read = written + rejected.

    truncated: documents with more text in a field than the analyzer reads. without_text: documents without
    text in the enriched fields. ids: the ids of written documents. For repeated ids the index keeps the last
    document, so it holds `distinct` = written − `duplicates` documents. durable: how many of the written
    documents, from the first on, are safe on disk.
    """

    written: int = 0
    rejected: int = 0
    truncated: int = 0
    without_text: int = 0
    durable: int = 0
    ids: SeenIds = field(default_factory=SeenIds)

    @property
    def distinct(self) -> int:
        """Documents written, each id counted once."""
        return self.ids.distinct

    @property
    def duplicates(self) -> int:
        """Documents written with an id that was written before. The index keeps the last document."""
        return self.ids.repeated

    def add(self, batch: Sequence[Document], refused: Sequence[Rejection]) -> None:
        """Count the documents of a batch that the engine did not refuse as written."""
        left_out = Counter(clean(rejection.where) for rejection in refused)
        for document in batch:
            name = clean(document.id)
            if left_out[name]:
                left_out[name] -= 1
            else:
                self.ids.add(name)
                self.written += 1


def prepare_index(engine: SearchEngine, index: str, layout: IndexLayout) -> None:
    """Create the index, or check that the existing index has an equal layout. Raises IndexConflict."""
    if not engine.exists(index):
        try:
            engine.create(index, layout)
            return
        except IndexConflict:  # another process may have created it just now
            if not engine.exists(index):
                raise
    present = engine.layout(index)
    if present.model_version != layout.model_version:
        raise _other_model(index, present.model_version, layout.model_version)
    other = difference(present, layout)
    if other is not None:
        raise IndexConflict(
            f"The index {index!r} has another configuration: {other}. Restore its configuration, or index "
            "into a new name."
        )


def _other_model(index: str, present: str | None, active: str | None) -> IndexConflict:
    """The error for an index that was enriched with another model, or without a model."""
    if present is None:
        return IndexConflict(
            f"The index {index!r} was made without a model: add --no-enrichment, or index into a new name."
        )
    if active is None:
        return IndexConflict(
            f"The index {index!r} was enriched with the model {present}: "
            "omit --no-enrichment, or index into a new name."
        )
    return IndexConflict(
        f"The index {index!r} was enriched with the model {present}, but {active} is active. "
        f"Index into a new name, or run: enricher models activate {present}"
    )


def _without_id(document: Document, field: str | None) -> Mapping[str, object]:
    """The source without the field `field`, if its value is the id of the document."""
    if field is None or str(document.source.get(field)) != document.id:
        return document.source
    return {name: value for name, value in document.source.items() if name != field}


@dataclass(frozen=True, slots=True)
class _Prepare:
    """The step of an indexing run that other processes can do: enrich a batch, and prepare it for the engine.

    prepare: `SearchEngine.preparation`. unwritten: of `index_documents`.
    """

    prepare: Callable[[Sequence[EnrichedDocument]], Any]
    unwritten: str | None

    def __call__(self, enricher: DocumentEnricher, documents: Sequence[Document]) -> Any:
        added = enricher.enrich(documents)
        return self.prepare(
            [
                EnrichedDocument(one.id, _without_id(one, self.unwritten), more)
                for one, more in zip(documents, added, strict=True)
            ]
        )


def index_documents(
    engine: SearchEngine,
    index: str,
    documents: Iterable[Document | Rejection],
    enricher: DocumentEnricher,
    on_rejection: Callable[[Rejection], None],
    on_progress: Callable[[int], None] = lambda written: None,
    workers: int = 1,
    on_failure: Callable[[int], None] = lambda documents: None,
    unwritten: str | None = None,
) -> IndexReport:
    """Enrich documents and write them to an index, in order and in batches.

    workers: with several, worker processes enrich and encode the batches, and this process writes them (see
    `in_processes`). Only a few batches are in memory at a time.
    unwritten: the id field, if the index does not accept it (see `SearchEngine.refuses`).
    on_rejection: called with every line or document that cannot be used. The others are written.
    on_failure: called if the call fails or is interrupted, with the number of distinct ids in the index.
    Documents that were written before a failure stay in the index.
    """
    report = IndexReport()

    def reject(rejection: Rejection) -> None:
        report.rejected += 1
        on_rejection(rejection)

    batches = document_batches(accepted(documents, reject), enricher.fields)

    with _kept(engine, index, report, on_failure):
        step = _Prepare(engine.preparation(index), unwritten)
        with in_processes(enricher, workers) as pooled:
            for batch, prepared in pooled.apply(step, batches):
                for document in batch:
                    texts = [document.text(name) for name in enricher.fields]
                    report.truncated += any(enricher.analyzer.truncates(text) for text in texts)
                    report.without_text += not any(text.strip() for text in texts)
                refused = engine.write_prepared(index, prepared)
                whole = {} if unwritten is None else {clean(d.id): as_text(d.source) for d in batch}
                for rejection in refused:
                    content = whole.get(clean(rejection.where), rejection.content)
                    reject(replace(rejection, content=content))
                report.add(batch, refused)
                if not engine.uncommitted(index):
                    report.durable = report.written
                on_progress(report.written)
        _refresh(engine, index)
    return report


def _refresh(engine: SearchEngine, index: str) -> None:
    """Make documents searchable now. Without the privilege, the engine does so by itself a little later."""
    with suppress(AccessDenied):
        engine.refresh(index)


@contextmanager
def _kept(
    engine: SearchEngine, index: str, report: IndexReport, on_failure: Callable[[int], None]
) -> Iterator[None]:
    """If the block fails, commit what was written and report the count to `on_failure`.

    Does not commit if the engine itself has failed.
    """
    try:
        yield
    except BaseException as error:
        if not isinstance(error, EngineError):
            with suppress(EngineError):
                engine.refresh(index)
                report.durable = report.written
        on_failure(report.ids.distinct_among(report.durable))
        raise
