"""The lines of JSON that a job writes for documents, with or without enrichment."""

from collections.abc import Sequence

from enricher.enrichment import DocumentEnricher
from enricher.records import EnrichedDocument
from indexer.engines.elasticsearch.jobs.versioned import Line, Refused, VersionedDocument
from indexer.engines.elasticsearch.mapping import line_of
from indexer.engines.fields import encode, prepare


def lines_of(
    enricher: DocumentEnricher | None, documents: Sequence[VersionedDocument], *, with_codes: bool
) -> tuple[list[Line], list[Refused]]:
    """A line for every document that an index can hold, and the documents that it cannot hold.

    Without an enricher a line is the document as its owner wrote it. with_codes: for an index with
    `vector_codes`.
    """
    if enricher is None:
        return [Line(one, encode(one.source) + b"\n") for one in documents], []
    layout = enricher.layout()
    lines: list[Line] = []
    refused: list[Refused] = []
    added = enricher.enrich([one.as_document() for one in documents])
    for document, more in zip(documents, added, strict=True):
        prepared, rejections = prepare([EnrichedDocument(document.id, document.source, more)], layout)
        lines += [Line(document, line_of(one, with_codes=with_codes)) for one in prepared]
        refused += [Refused(document, rejection.reason) for rejection in rejections]
    return lines, refused
