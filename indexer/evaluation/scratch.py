"""The temporary indexes of an evaluation: create, fill, measure and drop them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.errors import EngineError
from enricher.evaluation.baselines import BaselineFields
from enricher.evaluation.collection import Collection
from enricher.evaluation.report import ENRICHED, IndexBytes
from enricher.records import TOKENS, Rejection, SearchEngine
from enricher.settings import IndexConfiguration
from enricher.training.stages import Progress
from indexer.engines import Connection, kind_of, open_engine
from indexer.pipeline import index_documents, prepare_index

SCRATCH = "enricher-evaluate-"
"""Prefix of the names of temporary indexes and folders."""
PLAIN, WORDS_ONLY = "plain", "words"
OnRejection = Callable[[Rejection], None]


@dataclass(frozen=True, slots=True)
class Scratch:
    """An engine, and a unique prefix for the names of temporary indexes."""

    connection: Connection
    prefix: str

    def index(self, role: str) -> str:
        return f"{self.prefix}-{role}"


@contextmanager
def scratch(connection: Connection) -> Iterator[Scratch]:
    """Yield a place for temporary indexes, and drop them at the end.

    Uses a new engine in a temporary folder if this kind of engine needs no server.
    """
    prefix = f"{SCRATCH}{uuid4().hex[:12]}"
    url_of_folder = kind_of(connection.url).url_of_folder
    if url_of_folder is not None:
        with TemporaryDirectory(prefix=SCRATCH) as folder:
            yield Scratch(Connection(url_of_folder(Path(folder))), prefix)
        return
    place = Scratch(connection, prefix)
    with closing(open_engine(connection)) as engine:
        engine.exists(place.index(ENRICHED))  # An unreachable engine fails here, before any work is done.
        try:
            yield place
        except BaseException:
            with suppress(EngineError):
                _drop(engine, place)
            raise
        _drop(engine, place)


def _drop(engine: SearchEngine, place: Scratch) -> None:
    for role in (PLAIN, WORDS_ONLY, ENRICHED):
        if engine.exists(place.index(role)):
            engine.drop(place.index(role))


def steps_of(
    recipe: EnricherRecipe, enricher: DocumentEnricher, collection: Collection
) -> dict[str, DocumentEnricher]:
    """Role of a temporary index → the enricher of its documents. enricher: the opened recipe."""
    fields = BaselineFields(enricher.fields, collection.language, collection.titled, enricher.analyzer.limit)
    words = replace(recipe, model_version=None, configuration=IndexConfiguration(enrichments=(TOKENS,)))
    return {
        PLAIN: DocumentEnricher(enricher.analyzer, enricher.fields, [fields], None),
        WORDS_ONLY: words.open(),
        ENRICHED: enricher,
    }


def fill(
    place: Scratch,
    collection: Collection,
    steps: Mapping[str, DocumentEnricher],
    on_rejection: OnRejection,
    progress: Progress,
    workers: int,
) -> None:
    """Write the documents to every temporary index with its enricher (see `steps_of`).

    Closes the engine at the end, so that it finishes its merges.
    """
    refused: set[str] = set()

    def reject(rejection: Rejection) -> None:
        if rejection.where not in refused:  # Every index refuses the same documents.
            refused.add(rejection.where)
            on_rejection(rejection)

    with closing(open_engine(place.connection)) as engine:
        for role, step in steps.items():
            name = place.index(role)
            prepare_index(engine, name, step.layout())
            index_documents(
                engine,
                name,
                collection.documents(),
                step,
                reject,
                _written(progress, role, collection.counts.documents),
                workers if step.recipe is not None else 1,
            )


def _written(progress: Progress, role: str, total: int) -> Callable[[int], None]:
    return lambda written: progress(f"indexing ({role})", min(written, total), total)


def index_bytes(engine: SearchEngine, place: Scratch) -> IndexBytes:
    """The sizes of the index with words only and of the enriched index, in bytes."""
    words, enriched = (engine.bytes_on_disk(place.index(role)) for role in (WORDS_ONLY, ENRICHED))
    return IndexBytes(words, enriched)
