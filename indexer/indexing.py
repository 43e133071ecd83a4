"""Index documents of sources: choose what enriches them, create the index, write."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from enricher.bundle.store import BundleStore
from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.errors import SourceError
from enricher.recipe.configuration import configuration_for, keeping_fields, recorded_layout
from enricher.recipe.fields import NOTHING_NAMED, NamedFields, chosen_fields, field_notes, fields_of_sources
from enricher.recipe.reopening import storable
from enricher.records import Document, Rejection, SearchEngine
from enricher.settings import Configuration
from enricher.sources import accepted, noting_fields, source_format
from indexer.pipeline import IndexReport, index_documents, prepare_index
from indexer.sources import looked_at, named_id_field, read_sources


@dataclass(frozen=True, slots=True)
class IndexRequest:
    """Which documents are written to which index.

    sources: files, folders, `-` or `index:NAME`. named: fields that the user has named. format: "auto",
    "jsonl" or "text". enrichment: whether a model enriches the documents; without it they are only segmented.
    written: files that the command itself writes, which are no sources.
    """

    index: str
    sources: tuple[str, ...]
    named: NamedFields = NOTHING_NAMED
    id_field: str = "id"
    format: str = "auto"
    enrichment: bool = True
    workers: int = 1
    written: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Indexed:
    """What was written, and with which enrichments.

    absent: fields of the configuration in which no document has text.
    """

    report: IndexReport
    enricher: DocumentEnricher
    absent: frozenset[str]

    def as_json(self, index: str, rejected: int) -> dict[str, object]:
        """The counts as JSON. Applications rely on these keys. rejected: lines and documents."""
        return {
            "index": index,
            "written": self.report.written,
            "rejected": rejected,
            "duplicates": self.report.duplicates,
            "truncated": self.report.truncated,
            "without_text": self.report.without_text,
            "model": self.enricher.model_version,
        }


@dataclass(frozen=True, slots=True)
class Listeners:
    """What is called while documents are indexed.

    on_rejection: with every line and document that cannot be used. on_progress: with the number of documents
    written. on_failure: with the number of documents that stay in the index when the work ends early. note:
    with sentences for the user.
    """

    on_rejection: Callable[[Rejection], None]
    on_progress: Callable[[int], None] = lambda written: None
    on_failure: Callable[[int], None] = lambda documents: None
    note: Callable[[str], None] = lambda sentence: None


def index_sources(
    engine: SearchEngine,
    models: Path,
    configuration: Configuration,
    request: IndexRequest,
    listeners: Listeners,
) -> Indexed:
    """Index the documents of sources with the active model; the index is created if it is missing.

    Raises SourceError if there is no document, IndexConflict if the index was made in another way,
    ModelNotFound, ConfigurationError, PluginError, UsageError and EngineError.
    """
    index, named, note = request.index, request.named, listeners.note
    recipe = recipe_for(engine, models, configuration, request, note)
    form = source_format(request.id_field, recipe.fields, request.format)
    existing = index if engine.exists(index) else None
    enricher = storable(recipe.open(), engine, existing, note)
    absent = set(recipe.configuration.fields or ())
    stream = read_sources(request.sources, form, lambda: engine, named.names, request.written, note)
    shown = ", ".join(request.sources)
    id_field = named_id_field(request.sources, request.id_field)
    stream = looked_at(stream, recipe.fields, named.names, shown, listeners.on_rejection, note, id_field)
    documents = _not_empty(noting_fields(stream, absent), listeners.on_rejection)
    prepare_index(engine, index, enricher.layout())
    report = index_documents(
        engine,
        index,
        documents,
        enricher,
        listeners.on_rejection,
        listeners.on_progress,
        request.workers,
        listeners.on_failure,
        _refused_id(engine, request, form.fields, note),
    )
    return Indexed(report, enricher, frozenset(absent))


def recipe_for(
    engine: SearchEngine,
    models: Path,
    configuration: Configuration,
    request: IndexRequest,
    note: Callable[[str], None] = lambda sentence: None,
) -> EnricherRecipe:
    """The recipe that enriches the documents of a request, with the active model. Raises ModelNotFound."""
    recorded = recorded_layout(engine, request.index)
    chosen = configuration_for(engine, configuration, request.index, recorded=recorded)
    chosen = keeping_fields(chosen, recorded)
    source = fields_of_sources(lambda: engine, request.sources)
    fields = chosen_fields(request.named, source, chosen.fields, recorded.fields if recorded else None)
    for sentence in field_notes(fields, source):
        note(sentence)
    if not request.enrichment:
        return EnricherRecipe(models, None, fields, chosen.words_only())
    return EnricherRecipe(models, BundleStore(models).open().version, fields, chosen)


def _refused_id(
    engine: SearchEngine, request: IndexRequest, fields: tuple[str, ...], note: Callable[[str], None]
) -> str | None:
    """The field of the id if the mapping of the index refuses it, else None."""
    name = request.id_field
    if name in fields or not engine.refuses(request.index, name):
        return None
    note(f"The mapping of {request.index} is strict and has no field {name!r}: the id is stored as _id only.")
    return name


def _not_empty(
    stream: Iterator[Document | Rejection], on_rejection: Callable[[Rejection], None]
) -> Iterator[Document | Rejection]:
    """Return the stream. Raises SourceError if it has no document, before an index is created."""
    first = next(accepted(stream, on_rejection), None)
    if first is None:
        raise SourceError("The source contains no documents: nothing was indexed.")
    return chain((first,), stream)
