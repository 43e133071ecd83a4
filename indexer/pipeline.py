"""Read, enrich, write: the way of documents into an index."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from enricher.enricher import load
from enricher.errors import EngineError, IndexConflict
from enricher.parallel import document_batches, map_in_order
from enricher.plugins import PluginContext, load_enrichments
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
from enricher.settings import IndexConfiguration
from enricher.sources import SeenIds, accepted
from enricher.text import Analyzer, open_analyzer
from enricher.text.analysis import STRIP_HTML
from indexer.engines.fields import clean

STAMP_MAPPING = {"model": FieldKind.KEYWORD, "fingerprint": FieldKind.KEYWORD}


@dataclass(slots=True)
class IndexReport:
    """What became of the documents: read = written + rejected.

    `ids` are those that were written. Of equal ids the last was kept, so that the index got
    `distinct` = written − `duplicates` documents.
    """

    written: int = 0
    rejected: int = 0
    truncated: int = 0
    ids: SeenIds = field(default_factory=SeenIds)

    @property
    def distinct(self) -> int:
        """Documents written, each id counted once."""
        return self.ids.distinct

    @property
    def duplicates(self) -> int:
        """Documents written whose id had come before; of equal ids the last was kept."""
        return self.ids.repeated

    def add(self, batch: Sequence[Document], refused: Sequence[Rejection]) -> None:
        """Count a batch as written, but for those that the engine refused."""
        left_out = Counter(clean(rejection.where) for rejection in refused)
        for document in batch:
            name = clean(document.id)
            if left_out[name]:
                left_out[name] -= 1
            else:
                self.ids.add(name)
                self.written += 1


@dataclass(frozen=True, slots=True)
class EnricherRecipe:
    """What the enrichments of an index are made from, while nothing of it is open.

    models: the folder of the bundles. model: the version, None where the text is only cut into words.
    """

    models: Path
    model: str | None
    fields: tuple[str, ...]
    configuration: IndexConfiguration

    def open(self) -> "DocumentEnricher":
        """Open the model and build the plug-ins.

        Raises ModelNotFound, BundleInvalid, PluginError, ConfigurationError.
        """
        strip_html = self.configuration.strip_html
        model = None
        if self.model is not None:
            model = load(self.models, self.model).stripping_html(strip_html)
        analyzer = model.analyzer if model is not None else open_analyzer(strip_html=strip_html)
        enrichments = load_enrichments(self.configuration, PluginContext(self.fields, analyzer, model))
        return DocumentEnricher(analyzer, self.fields, enrichments, self.model, self)


@dataclass(frozen=True, slots=True)
class DocumentEnricher:
    """The enrichments of an index as one step: what a document gets under `enrichment`.

    A copy in another process is opened anew by the recipe; one without it cannot be copied.
    """

    analyzer: Analyzer
    fields: tuple[str, ...]
    enrichments: Sequence[Enrichment]
    model: str | None
    recipe: EnricherRecipe | None = None

    def __reduce__(self) -> tuple[Callable[[EnricherRecipe], "DocumentEnricher"], tuple[EnricherRecipe]]:
        if self.recipe is None:
            raise TypeError("Only an enricher that was opened by a recipe can work in other processes.")
        return EnricherRecipe.open, (self.recipe,)

    def layout(self) -> IndexLayout:
        """The layout of an index that this fills. Raises IndexConflict when two plug-ins add one field."""
        mapping: dict[str, FieldKind] = dict(STAMP_MAPPING)
        for enrichment in self.enrichments:
            for name, kind in enrichment.mapping.items():
                if name in mapping:
                    raise IndexConflict(f"The plug-in {enrichment.name!r} adds the field {name!r} once more.")
                mapping[name] = kind
        return IndexLayout(self.fields, mapping, self.model, segmenter=self.analyzer.describe())

    def enrich(self, documents: Sequence[Document]) -> list[dict[str, object]]:
        """What the documents get under `enrichment`, in order."""
        analyzed = [self.analyzer.analyze(document, self.fields) for document in documents]
        parts = [enrichment.enrich(analyzed) for enrichment in self.enrichments]
        return [self._enrichment(document, added) for document, *added in zip(analyzed, *parts, strict=True)]

    def _enrichment(
        self, document: AnalyzedDocument, added: Sequence[Mapping[str, object]]
    ) -> dict[str, object]:
        merged: dict[str, object] = {"fingerprint": fingerprint(document, self.fields)}
        if self.model is not None:
            merged["model"] = self.model
        for part in added:
            _merge(merged, part)
        return merged


def _merge(into: dict[str, object], part: Mapping[str, object]) -> None:
    """Add the fields of a part, those of nested objects one by one."""
    for name, value in part.items():
        present = into.get(name)
        if isinstance(present, dict) and isinstance(value, Mapping):
            _merge(present, value)
        else:
            into[name] = dict(value) if isinstance(value, Mapping) else value


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
        try:
            engine.create(index, layout)
            return
        except IndexConflict:  # another process may have been quicker
            if not engine.exists(index):
                raise
    present = engine.layout(index)
    if present.model != layout.model:
        raise _other_model(index, present.model, layout.model)
    if (present.fields, dict(present.mapping)) != (layout.fields, dict(layout.mapping)):
        raise IndexConflict(
            f"The index {index!r} was made with other fields or plug-ins: index into a new name."
        )
    if (STRIP_HTML in present.segmenter) != (STRIP_HTML in layout.segmenter):
        made = "true" if STRIP_HTML in present.segmenter else "false"
        raise IndexConflict(
            f"The index {index!r} was made with strip_html = {made}: "
            "set that for it in enricher.toml, or index into a new name."
        )


def _other_model(index: str, present: str | None, active: str | None) -> IndexConflict:
    """The error for an index whose documents another model enriched, or none."""
    if present is None:
        return IndexConflict(
            f"The index {index!r} was made without a model: add --no-enrichment, or index into a new name."
        )
    if active is None:
        return IndexConflict(
            f"The index {index!r} was enriched by the model {present}: "
            "leave --no-enrichment away, or index into a new name."
        )
    return IndexConflict(
        f"The index {index!r} was enriched by the model {present}, now {active} is active: "
        "index into a new name, or activate that model (`enricher models activate`)."
    )


def index_documents(
    engine: SearchEngine,
    index: str,
    documents: Iterable[Document | Rejection],
    enricher: DocumentEnricher,
    on_rejection: Callable[[Rejection], None],
    on_progress: Callable[[int], None] = lambda written: None,
    workers: int = 1,
) -> IndexReport:
    """Enrich documents and write them to an index, in their order and in batches.

    With several workers batches are enriched in processes of their own and written in this one: see
    `map_in_order`. Nothing is held but the few batches that they have.

    `on_rejection` gets every line and document that could not be used; the others are written.
    What was written stays when the call is interrupted, or the documents cannot be read further.
    """
    report = IndexReport()

    def reject(rejection: Rejection) -> None:
        report.rejected += 1
        on_rejection(rejection)

    batches = document_batches(accepted(documents, reject), enricher.fields)
    with _kept(engine, index), closing(map_in_order(enricher.enrich, batches, workers)) as enriched:
        for batch, added in enriched:
            for document in batch:
                texts = (document.text(name) for name in enricher.fields)
                report.truncated += any(enricher.analyzer.truncates(text) for text in texts)
            written = [EnrichedDocument(d.id, d.source, more) for d, more in zip(batch, added, strict=True)]
            refused = engine.write(index, written)
            for rejection in refused:
                reject(rejection)
            report.add(batch, refused)
            on_progress(report.written)
    engine.refresh(index)
    return report


@contextmanager
def _kept(engine: SearchEngine, index: str) -> Iterator[None]:
    """Make durable what was written when anything but the engine ends the block early."""
    try:
        yield
    except EngineError:
        raise
    except BaseException:
        with suppress(EngineError):
            engine.refresh(index)
        raise
