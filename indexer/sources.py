"""Documents from files, standard input, or an index of the engine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from enricher.errors import SourceError
from enricher.records import Document, Rejection, SearchEngine
from enricher.source_files import FileFinder, SourceFile
from enricher.sources import INDEX_PREFIX, SourceFormat, read_files


def read_sources(
    sources: Sequence[str],
    source_format: SourceFormat,
    open_engine: Callable[[], SearchEngine],
    written: Iterable[Path] = (),
    note: Callable[[str], None] = lambda sentence: None,
) -> Iterator[Document | Rejection]:
    """The documents of all sources, in order; what cannot be used is a Rejection in its place.

    Everything is checked before the first document is read: SourceError for a missing file,
    IndexNotFound for a missing index, UsageError for a file that this command writes. The engine is
    opened only when a source needs it. written, note: see `FileFinder`.
    """
    if not sources:
        raise SourceError("No source was given: name a file, a folder, `-` or `index:NAME`.")
    names = [source.removeprefix(INDEX_PREFIX) for source in sources if source.startswith(INDEX_PREFIX)]
    engine = open_engine() if names else None
    for name in names:
        assert engine is not None
        engine.count(name)
    finder = FileFinder(source_format.format, written, note)
    plan = [(source, [] if source.startswith(INDEX_PREFIX) else finder.find(source)) for source in sources]
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
