"""The lines that are written for documents: as they are, or with what enriches them."""

from collections.abc import Sequence

from enricher.records import EnrichedDocument
from indexer.engines.elasticsearch.copies import Line, Refused, VersionedDocument
from indexer.engines.fields import encode, prepare
from indexer.pipeline import DocumentEnricher


def lines_of(
    enricher: DocumentEnricher | None, documents: Sequence[VersionedDocument]
) -> tuple[list[Line], list[Refused]]:
    """A line for every document that an index can hold; without an enricher, as its owner wrote it."""
    if enricher is None:
        return [Line(one, encode(one.source) + b"\n") for one in documents], []
    layout = enricher.layout()
    lines: list[Line] = []
    refused: list[Refused] = []
    added = enricher.enrich([one.as_document() for one in documents])
    for document, more in zip(documents, added, strict=True):
        prepared, rejections = prepare([EnrichedDocument(document.id, document.source, more)], layout)
        lines += [Line(document, one.line()) for one in prepared]
        refused += [Refused(document, rejection.reason) for rejection in rejections]
    return lines, refused
