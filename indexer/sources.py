"""Documents from files, standard input, or an index of the engine."""

from collections.abc import Callable, Iterator, Sequence

from enricher.errors import SourceError
from enricher.records import Document, Rejection, SearchEngine
from enricher.sources import INDEX_PREFIX, SourceFile, SourceFormat, find_files, read_files


def read_sources(
    sources: Sequence[str], source_format: SourceFormat, open_engine: Callable[[], SearchEngine]
) -> Iterator[Document | Rejection]:
    """The documents of all sources, in order; what cannot be used is a Rejection in its place.

    Everything is checked before the first document is read: SourceError for a missing file,
    IndexNotFound for a missing index. The engine is opened only when a source needs it.
    """
    if not sources:
        raise SourceError("No source was given: name a file, a folder, `-` or `index:NAME`.")
    names = [source.removeprefix(INDEX_PREFIX) for source in sources if source.startswith(INDEX_PREFIX)]
    engine = open_engine() if names else None
    for name in names:
        assert engine is not None
        engine.count(name)
    plan = [
        (source, [] if source.startswith(INDEX_PREFIX) else find_files([source], source_format))
        for source in sources
    ]
    return _read(plan, source_format, engine)


def _read(
    plan: Sequence[tuple[str, list[SourceFile]]], source_format: SourceFormat, engine: SearchEngine | None
) -> Iterator[Document | Rejection]:
    for source, files in plan:
        if source.startswith(INDEX_PREFIX):
            assert engine is not None
            yield from engine.read(source.removeprefix(INDEX_PREFIX))
        else:
            yield from read_files(files, source_format)
