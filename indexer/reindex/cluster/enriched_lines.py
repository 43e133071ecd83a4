"""The lines of JSON that a job writes for documents, with or without enrichment."""

from collections.abc import Generator, Sequence
from functools import partial

from enricher.enrichment import DocumentEnricher
from enricher.records import Document, EnrichedDocument
from indexer.engines.cluster.jobs.versioned import Line, Refused, VersionedDocument
from indexer.engines.cluster.mapping import line_of
from indexer.engines.fields import encode, prepare

BATCH_DOCUMENTS = 100
"""Documents that are enriched and encoded together."""


def lines_of(
    enricher: DocumentEnricher | None, documents: Sequence[VersionedDocument], *, with_codes: bool
) -> tuple[list[Line], list[Refused]]:
    """A line for every document that an index can hold, and the documents that it cannot hold.

    Without an enricher a line is the document as its owner wrote it. with_codes: for an index with
    `vector_codes`.
    """
    lines: list[Line] = []
    refused: list[Refused] = []
    for some, others in lines_in_batches(enricher, documents, with_codes=with_codes):
        lines += some
        refused += others
    return lines, refused


def lines_in_batches(
    enricher: DocumentEnricher | None, documents: Sequence[VersionedDocument], *, with_codes: bool
) -> Generator[tuple[list[Line], list[Refused]], None, None]:
    """Yield the answer of `lines_of` for at most BATCH_DOCUMENTS documents at a time, in order."""
    batches = [
        documents[start : start + BATCH_DOCUMENTS] for start in range(0, len(documents), BATCH_DOCUMENTS)
    ]
    if enricher is None:
        for batch in batches:
            yield [Line(one, encode(one.source) + b"\n") for one in batch], []
        return
    encode_all = partial(_encoded, with_codes=with_codes)
    plain = ([one.as_document() for one in batch] for batch in batches)
    for batch, (_, encoded) in zip(batches, enricher.apply(encode_all, plain), strict=True):
        pairs = list(zip(batch, encoded, strict=True))
        lines = [Line(document, line) for document, line in pairs if isinstance(line, bytes)]
        yield lines, [Refused(document, reason) for document, reason in pairs if isinstance(reason, str)]


def _encoded(
    enricher: DocumentEnricher, documents: Sequence[Document], *, with_codes: bool
) -> list[bytes | str]:
    """The line of each document, or the reason why no index can hold it."""
    layout = enricher.layout()
    encoded: list[bytes | str] = []
    for document, added in zip(documents, enricher.enrich(documents), strict=True):
        prepared, rejections = prepare([EnrichedDocument(document.id, document.source, added)], layout)
        encoded += [line_of(one, with_codes=with_codes) for one in prepared] or [
            one.reason for one in rejections
        ]
    return encoded
