"""Read, enrich, write: the way of documents into an index."""

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from enricher.errors import IndexConflict
from enricher.records import (
    AnalyzedDocument,
    Document,
    EnrichedDocument,
    Enrichment,
    FieldKind,
    IndexLayout,
    Rejection,
    SearchEngine,
)
from enricher.text import Analyzer

BATCH_DOCUMENTS = 256
BATCH_CHARACTERS = 4_000_000

STAMP_MAPPING = {"model": FieldKind.KEYWORD, "fingerprint": FieldKind.KEYWORD}


@dataclass(slots=True)
class IndexReport:
    """What became of the documents: read = written + rejected."""

    written: int = 0
    rejected: int = 0
    truncated: int = 0
    ids: "array[int]" = field(default_factory=lambda: array("Q"))

    @property
    def duplicates(self) -> int:
        """Documents whose id had come before; of equal ids the last was kept."""
        return len(self.ids) - len(np.unique(np.frombuffer(self.ids, np.uint64))) if self.ids else 0


@dataclass(frozen=True, slots=True)
class DocumentEnricher:
    """The enrichments of an index as one step: what an analysed document gets under `enrichment`."""

    analyzer: Analyzer
    fields: tuple[str, ...]
    enrichments: Sequence[Enrichment]
    model: str | None

    def layout(self) -> IndexLayout:
        """The layout of an index that this fills. Raises IndexConflict when two plug-ins add one field."""
        mapping: dict[str, FieldKind] = dict(STAMP_MAPPING)
        for enrichment in self.enrichments:
            for name, kind in enrichment.mapping.items():
                if name in mapping:
                    raise IndexConflict(f"The plug-in {enrichment.name!r} adds the field {name!r} once more.")
                mapping[name] = kind
        return IndexLayout(self.fields, mapping, self.model, segmenter=self.analyzer.describe())

    def enrich(self, documents: Sequence[Document]) -> list[EnrichedDocument]:
        """The documents with their enrichment, in order."""
        analyzed = [self.analyzer.analyze(document, self.fields) for document in documents]
        parts = [enrichment.enrich(analyzed) for enrichment in self.enrichments]
        return [
            EnrichedDocument(document.id, document.source, self._merge(document, added))
            for document, *added in zip(analyzed, *parts, strict=True)
        ]

    def _merge(self, document: AnalyzedDocument, added: Sequence[Mapping[str, object]]) -> dict[str, object]:
        merged: dict[str, object] = {"fingerprint": fingerprint(document, self.fields)}
        if self.model is not None:
            merged["model"] = self.model
        for part in added:
            merged.update(part)
        return merged


def fingerprint(document: Document | AnalyzedDocument, fields: Sequence[str]) -> str:
    """A hash of the original text of the enriched fields, 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for name in fields:
        text = document.source.get(name)
        digest.update(text.encode("utf-8", "replace") if isinstance(text, str) else b"")
        digest.update(b"\0")
    return digest.hexdigest()


def prepare_index(engine: SearchEngine, index: str, layout: IndexLayout) -> None:
    """Create the index, or see that the one there was made in the same way (IndexConflict)."""
    if not engine.exists(index):
        engine.create(index, layout)
        return
    present = engine.layout(index)
    if present.model != layout.model:
        raise IndexConflict(
            f"The index {index!r} was enriched by the model {present.model or 'none'}, "
            f"now {layout.model or 'none'} is active: "
            "index into a new name, or activate that model (`enricher models activate`)."
        )
    if (present.fields, dict(present.mapping)) != (layout.fields, dict(layout.mapping)):
        raise IndexConflict(
            f"The index {index!r} was made with other fields or plug-ins: index into a new name."
        )


def index_documents(
    engine: SearchEngine,
    index: str,
    documents: Iterable[Document | Rejection],
    enricher: DocumentEnricher,
    on_rejection: Callable[[Rejection], None],
    on_progress: Callable[[int], None] = lambda written: None,
) -> IndexReport:
    """Enrich documents and write them to an index, in batches; nothing is held beyond a batch.

    `on_rejection` gets every line and document that could not be used; the others are written.
    """
    report = IndexReport()

    def reject(rejection: Rejection) -> None:
        report.rejected += 1
        on_rejection(rejection)

    for batch in _batches(_accepted(documents, reject), enricher.fields):
        for document in batch:
            report.ids.append(_id_hash(document.id))
            report.truncated += any(enricher.analyzer.truncates(document.text(f)) for f in enricher.fields)
        refused = engine.write(index, enricher.enrich(batch))
        for rejection in refused:
            reject(rejection)
        report.written += len(batch) - len(refused)
        on_progress(report.written)
    engine.refresh(index)
    return report


def _accepted(
    documents: Iterable[Document | Rejection], reject: Callable[[Rejection], None]
) -> Iterator[Document]:
    for document in documents:
        if isinstance(document, Rejection):
            reject(document)
        else:
            yield document


def _batches(documents: Iterable[Document], fields: Sequence[str]) -> Iterator[list[Document]]:
    """Batches bounded in documents and in characters of text."""
    batch: list[Document] = []
    characters = 0
    for document in documents:
        batch.append(document)
        characters += sum(len(document.text(name)) for name in fields)
        if len(batch) >= BATCH_DOCUMENTS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _id_hash(identity: str) -> int:
    """64 bits of an id, to count duplicates in eight bytes a document."""
    return int.from_bytes(hashlib.blake2b(identity.encode("utf-8", "replace"), digest_size=8).digest())
