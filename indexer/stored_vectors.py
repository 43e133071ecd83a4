"""Check the vectors in an index: compare those of a few documents with fresh vectors of the model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from enricher.enrichment import DocumentEnricher
from enricher.errors import EnricherError, IndexConflict, ModelNotFound
from enricher.loaded_model import Model, load
from enricher.model.text_vectors.vectors import Codes, from_numbers
from enricher.plugins import PluginContext, load_enrichments
from enricher.records import (
    FINGERPRINT,
    VECTOR,
    Check,
    Document,
    EnrichedDocument,
    IndexLayout,
    SearchEngine,
    fingerprint,
)
from enricher.sentences import counted
from enricher.settings import IndexConfiguration
from enricher.text.analysis import STRIP_HTML
from indexer.engines.filters import dimensions_conflict

SAMPLE_DOCUMENTS = 3
"""Number of documents that are compared in each index."""
EXACT_DIMENSIONS = 512
"""Dimensions up to which the inner product of an engine is exact. Every further 512 add an error of 1."""


def check_vectors(engine: SearchEngine, models: Path, indexes: Sequence[str]) -> list[Check]:
    """One check for each index whose vectors can be compared. Never raises an EnricherError."""
    stored, checks = StoredVectors(engine, cache(partial(load, models))), []
    for index in indexes:
        try:
            detail, passed = stored.look(index), True
        except ModelNotFound:  # the check of the index itself reports it
            continue
        except EnricherError as error:
            detail, passed = str(error), False
        if detail is not None:
            checks.append(Check(f"vectors of {index}", passed, detail))
    return checks


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """Compares the vectors in indexes with fresh ones. load: returns the model of a version."""

    engine: SearchEngine
    load: Callable[[str], Model]

    def look(self, index: str) -> str | None:
        """Describe the vectors of an index; None if its model creates no vectors.

        Raises IndexConflict if the index holds wrong vectors.
        """
        layout = self.engine.layout(index)
        if layout.model_version is None or not layout.has_vectors:
            return None
        fresh = self._enricher(layout)
        dimensions = fresh.layout().dimensions.get(VECTOR)
        if dimensions is None:
            return None
        held = self.engine.dimensions(index)
        if held not in (0, dimensions):
            raise dimensions_conflict(index, held, dimensions)
        documents = [
            one
            for one in self.engine.sample_enriched(index, SAMPLE_DOCUMENTS)
            if one.enrichment.get(FINGERPRINT) == fingerprint(_original(one), layout.fields)
        ]
        added = fresh.enrich([_original(one) for one in documents])
        for document, enrichment in zip(documents, added, strict=True):
            self._compare(index, document, enrichment.get(VECTOR))
        compared = "no document of this version yet"
        if documents:
            compared = f"those of {counted(len(documents), 'document')} are correct"
        return f"{dimensions} dimensions, {compared}"

    def _enricher(self, layout: IndexLayout) -> DocumentEnricher:
        """An enricher that adds only vectors, with the model and the settings of an index."""
        assert layout.model_version is not None
        enricher = self.load(layout.model_version).stripping_html(STRIP_HTML in layout.segmenter)
        context = PluginContext(layout.fields, enricher.analyzer, enricher)
        plugins = load_enrichments(IndexConfiguration(enrichments=(VECTOR,)), context)
        return DocumentEnricher(enricher.analyzer, layout.fields, plugins, layout.model_version)

    def _compare(self, index: str, document: EnrichedDocument, given: object) -> None:
        """Check that the engine returns and searches the vector of a document. Raises IndexConflict."""
        stored = document.enrichment.get(VECTOR)
        if stored != given:
            what = "is missing" if stored is None else "is not the vector that the model creates"
            raise _wrong(index, document.id, what)
        if given is None:
            return
        codes = from_numbers(given)
        product = self.engine.product(index, document.id, codes.tobytes())
        if product is None:
            raise _wrong(index, document.id, "cannot be searched")
        if abs(product - _square(codes)) > len(codes) // EXACT_DIMENSIONS:
            raise _wrong(index, document.id, "was misread by the server")


def _original(document: EnrichedDocument) -> Document:
    return Document(document.id, document.source)


def _square(codes: Codes) -> int:
    return int(np.square(codes, dtype=np.int64).sum())


def _wrong(index: str, id_: str, what: str) -> IndexConflict:
    return IndexConflict(
        f"The vector of the document {id_!r} {what}. Index into a new name, or run "
        f"`enricher reindex start {index} --to ALIAS`"
    )
