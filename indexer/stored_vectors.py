"""Whether an engine holds the vectors that the model of an index gives: a few documents are enriched anew."""

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
from enricher.settings import IndexConfiguration
from enricher.text.analysis import STRIP_HTML
from indexer.engines.filters import other_vectors

SAMPLE = 3
"""Documents of an index that are looked at."""
EXACT = 512
"""Numbers of a vector up to which an engine's product is exact; it is off by one for so many more."""


def check_vectors(engine: SearchEngine, models: Path, indexes: Sequence[str]) -> list[Check]:
    """One line of `doctor` for each index whose vectors can be compared; never raises an EnricherError."""
    stored, checks = StoredVectors(engine, cache(partial(load, models))), []
    for index in indexes:
        try:
            detail, passed = stored.look(index), True
        except ModelNotFound:  # the line of the index itself reports it
            continue
        except EnricherError as error:
            detail, passed = str(error), False
        if detail is not None:
            checks.append(Check(f"vectors of {index}", passed, detail))
    return checks


@dataclass(frozen=True, slots=True)
class StoredVectors:
    """Compares the vectors of indexes with fresh ones. load: opens the model of a version."""

    engine: SearchEngine
    load: Callable[[str], Model]

    def look(self, index: str) -> str | None:
        """That an index holds the right vectors; None where its model gives none to compare with.

        Raises EngineError where it holds others, and says what to do.
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
            raise other_vectors(index, held, dimensions)
        documents = [
            one
            for one in self.engine.sample_enriched(index, SAMPLE)
            if one.enrichment.get(FINGERPRINT) == fingerprint(_original(one), layout.fields)
        ]
        added = fresh.enrich([_original(one) for one in documents])
        for document, enrichment in zip(documents, added, strict=True):
            self._compare(index, document, enrichment.get(VECTOR))
        compared = f"those of {len(documents)} documents as the model gives them" if documents else "none yet"
        return f"{dimensions} numbers each, {compared}"

    def _enricher(self, layout: IndexLayout) -> DocumentEnricher:
        """What gives the documents of an index their vectors, and nothing else."""
        assert layout.model_version is not None
        enricher = self.load(layout.model_version).stripping_html(STRIP_HTML in layout.segmenter)
        context = PluginContext(layout.fields, enricher.analyzer, enricher)
        plugins = load_enrichments(IndexConfiguration(enrichments=(VECTOR,)), context)
        return DocumentEnricher(enricher.analyzer, layout.fields, plugins, layout.model_version)

    def _compare(self, index: str, document: EnrichedDocument, given: object) -> None:
        """See that the engine answers the vector of a document, and calculates with it."""
        stored = document.enrichment.get(VECTOR)
        if stored != given:
            what = "is missing" if stored is None else "is not the one that the model of the index gives"
            raise _wrong(index, document.id, what)
        if given is None:
            return
        codes = from_numbers(given)
        product = self.engine.product(index, document.id, codes.tobytes())
        if product is None:
            raise _wrong(index, document.id, "cannot be searched")
        if abs(product - _square(codes)) > len(codes) // EXACT:
            raise _wrong(index, document.id, "was misread by the server")


def _original(document: EnrichedDocument) -> Document:
    return Document(document.id, document.source)


def _square(codes: Codes) -> int:
    return int(np.square(codes, dtype=np.int64).sum())


def _wrong(index: str, id_: str, what: str) -> IndexConflict:
    return IndexConflict(
        f"The vector of the document {id_!r} {what}: index into a new name, or run "
        f"`enricher reindex start {index} --to ALIAS`"
    )
