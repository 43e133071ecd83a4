"""Read documents from files, standard input, or an index of the engine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from enricher.errors import SourceError, UsageError
from enricher.recipe.text_fields import SAMPLE, check_fields, string_leaves
from enricher.records import Document, Rejection, SearchEngine, values_at
from enricher.source_files import FileFinder, SourceFile
from enricher.sources import INDEX_PREFIX, SourceFormat, accepted, check_texts, index_names, read_files
from indexer.engines.fields import as_text

SAMPLE_CHARACTERS = 20_000_000
"""Text length of a sample after which no more documents are added to it."""


def read_sources(
    sources: Sequence[str],
    source_format: SourceFormat,
    open_engine: Callable[[], SearchEngine],
    named: Sequence[str] = (),
    written: Iterable[Path] = (),
    note: Callable[[str], None] = lambda sentence: None,
) -> Iterator[Document | Rejection]:
    """Yield the documents of all sources, in order. An unusable input is a Rejection in its place.

    All sources are checked before the first document is read. Raises SourceError for a missing file,
    IndexNotFound for a missing index, and UsageError for an index whose text is not in `fields`
    (see `enricher.recipe.text_fields`) or for a file that this command writes.
    open_engine: called only if a source is an index. named: the fields that the user has typed.
    written, note: see `FileFinder`.
    """
    if not sources:
        raise SourceError("No source was given: name a file, a folder, `-` or `index:NAME`.")
    names = index_names(sources)
    engine = open_engine() if names else None
    for name in names:
        assert engine is not None
        sample = engine.sample(name, SAMPLE)
        for sentence in check_fields(sample, source_format.fields, named, f"the index {name!r}"):
            note(sentence)
    finder = FileFinder(source_format.format, written, note)
    plan = [(source, [] if source.startswith(INDEX_PREFIX) else finder.find(source)) for source in sources]
    return _read(plan, source_format, engine)


def _read(
    plan: Sequence[tuple[str, list[SourceFile]]], source_format: SourceFormat, engine: SearchEngine | None
) -> Iterator[Document | Rejection]:
    for source, files in plan:
        if source.startswith(INDEX_PREFIX):
            assert engine is not None
            for document in engine.read(source.removeprefix(INDEX_PREFIX)):
                yield _checked(document, source_format.fields)
        else:
            yield from read_files(files, source_format)


def _checked(document: Document, fields: Sequence[str]) -> Document | Rejection:
    """Return a document of an index, or a Rejection if a text field holds something else than text."""
    try:
        check_texts(document.source, fields)
    except ValueError as error:
        return Rejection(document.id, str(error), as_text(document.source))
    return document


def looked_at(
    stream: Iterator[Document | Rejection],
    fields: Sequence[str],
    named: Sequence[str],
    where: str,
    on_rejection: Callable[[Rejection], None],
    note: Callable[[str], None] = lambda sentence: None,
    id_field: str | None = None,
) -> Iterator[Document | Rejection]:
    """Check the fields of the first documents of a stream, and return the whole stream.

    id_field: the field of the ids if the user has named it. note: called with each sentence that the user
    should read. Raises UsageError if no document has a field that the user has named.
    """
    sample: list[Document] = []
    characters = 0
    for document in accepted(stream, on_rejection):
        sample.append(document)
        characters += sum(len(text) for _, text in string_leaves(document.source))
        if len(sample) == SAMPLE or characters > SAMPLE_CHARACTERS:
            break
    for sentence in check_fields(sample, fields, named, where, is_decided=True):
        note(sentence)
    if id_field is not None and sample and not any(_has(document, id_field) for document in sample):
        raise UsageError(
            f"No document of {where} has the field {id_field!r}: omit --id-field to number the documents by "
            "file and line."
        )
    return chain(sample, stream)


def named_id_field(sources: Sequence[str], id_field: str) -> str | None:
    """The field of the ids if the user has named it, and all sources are files whose documents need it."""
    return id_field if id_field != SourceFormat().id_field and not index_names(sources) else None


def _has(document: Document, field: str) -> bool:
    return any(value is not None for value in values_at(document.source, field))
