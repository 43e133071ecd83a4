"""Train a model on documents of sources."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from enricher.bundle.store import BundleStore
from enricher.recipe.fields import NOTHING_NAMED, NamedFields, chosen_fields, field_notes, fields_of_sources
from enricher.records import Document, Rejection, SearchEngine
from enricher.seen_ids import SeenIds
from enricher.sources import accepted, source_format
from enricher.text import Analyzer
from enricher.training.stages import Progress
from enricher.training.train import train_bundle
from enricher.training.word2vec import TrainingSettings
from indexer.sources import looked_at, read_sources


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What a model learns from.

    sources, backgrounds: files, folders, `-` or `index:NAME`; of the backgrounds it learns words, but no text
    vectors. named: fields that the user has named. format: "auto", "jsonl" or "text".
    """

    sources: tuple[str, ...]
    backgrounds: tuple[str, ...] = ()
    named: NamedFields = NOTHING_NAMED
    id_field: str = "id"
    format: str = "auto"
    language: str = "auto"


@dataclass(frozen=True, slots=True)
class Trained:
    """A new model, which is not active yet.

    tokens: words of the documents and backgrounds. learned_tokens: words of the sample of them from which
    word vectors are learned. repeated: documents whose id had come before. truncated: documents with a field
    longer than is analysed.
    """

    version: str
    tokens: int
    learned_tokens: int
    repeated: int
    truncated: int


def train_on_sources(
    store: BundleStore,
    open_engine: Callable[[], SearchEngine],
    request: TrainingRequest,
    analyzer: Analyzer,
    settings: TrainingSettings,
    on_rejection: Callable[[Rejection], None],
    progress: Progress = lambda step, done, total: None,
    note: Callable[[str], None] = lambda sentence: None,
) -> Trained:
    """Train a model and add it to the store. The engine is opened only for sources that are indexes.

    Raises SourceError, TrainingFailed, UsageError, ModelError and EngineError.
    """
    source = fields_of_sources(open_engine, [*request.sources, *request.backgrounds])
    form = source_format(request.id_field, chosen_fields(request.named, source), request.format)
    for sentence in field_notes(form.fields, source):
        note(sentence)
    named, backgrounds = request.named.names, request.backgrounds
    stream = read_sources(request.sources, form, open_engine, named, note=note)
    others = read_sources(backgrounds, form, open_engine, note=note) if backgrounds else iter(())
    stream = looked_at(stream, form.fields, named, ", ".join(request.sources), on_rejection)
    seen, truncated = SeenIds(), _Truncated(analyzer, form.fields)
    version = train_bundle(
        store,
        truncated.watch(seen.watch(accepted(stream, on_rejection))),
        form.fields,
        analyzer,
        settings,
        request.language,
        progress,
        settings.workers,
        truncated.watch(accepted(others, on_rejection)),
    )
    facts = store.open(version).manifest.training
    return Trained(version, facts["tokens"], facts["learned_tokens"], seen.repeated, truncated.number)


class _Truncated:
    """Counts the documents that have more text in a field than is analysed."""

    def __init__(self, analyzer: Analyzer, fields: Sequence[str]) -> None:
        self.number = 0
        self._analyzer, self._fields = analyzer, fields

    def watch(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Pass the documents through, and count."""
        for document in documents:
            self.number += any(self._analyzer.truncates(document.text(field)) for field in self._fields)
            yield document
