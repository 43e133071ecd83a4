"""Read documents from files, folders and standard input, as JSON lines or as plain text.

Documents are streamed: only one line is in memory at a time. An invalid line becomes a Rejection in the
same stream, so that the valid lines around it are never lost.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

import orjson

from enricher.errors import SourceError, UsageError
from enricher.lines import file_lines, stream_lines
from enricher.records import RESERVED, Document, Rejection, values_at
from enricher.source_files import FileFinder, Format, SourceFile

INDEX_PREFIX = "index:"
"""Prefix of a source that is an index of the engine, not a file."""

EXTENDED_JSON_IDS = frozenset({"$oid", "$numberLong", "$numberInt", "$uuid"})
"""Keys with which MongoDB's Extended JSON writes ids that are not strings."""
BULK_ACTIONS = frozenset({"index", "create", "update", "delete"})
BULK_KEYS = frozenset(
    {"_index", "_id", "_type", "routing", "_routing", "version", "_version", "version_type"}
) | {
    "if_seq_no",
    "if_primary_term",
    "op_type",
    "pipeline",
    "require_alias",
    "require_data_stream",
    "retry_on_conflict",
    "dynamic_templates",
    "list_executed_pipelines",
}
"""Keys that an action line of Elasticsearch's bulk API may have."""
BULK_TO_DOCUMENTS = (
    "convert the file to documents, for example: "
    "jq -c '.{}._id as $id | input | if $id then .id = $id else . end' FILE"
)

MAX_SHOWN_KEYS = 5
"""Maximum keys of an object that a message lists."""

JSON_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "a Boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """The format of documents: JSON lines or plain text, and the names of the fields.

    enriched: the fields that contain text; None for `title_field` and `text_field`.
    """

    id_field: str = "id"
    title_field: str = "title"
    text_field: str = "text"
    format: Format = "auto"
    enriched: tuple[str, ...] | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that contain text, the title first."""
        return self.enriched or tuple(dict.fromkeys((self.title_field, self.text_field)))


def find_files(sources: Sequence[str], source_format: SourceFormat) -> list[SourceFile]:
    """The files of the sources. Folders are searched recursively; their files are sorted (`FileFinder`).

    Raises SourceError, before anything is read, if a source is missing or not readable, if a folder
    contains no document file, or if the format of a file is unknown.
    """
    finder = FileFinder(source_format.format)
    return [file for source in sources for file in finder.find(source)]


def read_files(files: Iterable[SourceFile], source_format: SourceFormat) -> Iterator[Document | Rejection]:
    """Yield the documents of files in order. An invalid line becomes a Rejection in its place.

    A file that is not UTF-8 text becomes a single Rejection.
    """
    for file in files:
        try:
            for number, line in enumerate(_lines(file), start=1):
                if line.strip():
                    yield _parse(line, file, number, source_format)
        except SourceError as error:
            yield Rejection(file.name, str(error), "")
        except OSError as error:
            yield Rejection(file.name, f"The file cannot be read to its end: {error}.", "")


def _lines(file: SourceFile) -> Iterator[bytes]:
    if file.path is None:
        return stream_lines(sys.stdin.buffer, "Standard input")
    return file_lines(file.path, packed=True if file.path.name.lower().endswith(".gz") else None)


def _parse(line: bytes, file: SourceFile, number: int, source_format: SourceFormat) -> Document | Rejection:
    """Parse one line to a document, or to a Rejection with the reason."""
    where = f"{file.name}:{number}"
    if b"\0" in line:
        shown = line.decode("utf-8", "backslashreplace")
        return Rejection(
            where, f"The line contains a NUL byte (byte {line.index(0) + 1}); it is not text.", shown
        )
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        shown = line.decode("utf-8", "backslashreplace")
        return Rejection(where, f"The line is not UTF-8 (byte {error.start + 1}).", shown)
    if not file.json_lines:
        return Document(where, {source_format.fields[-1]: text})
    try:
        value = parse_json(text)
        return document_of(value, where, source_format)
    except (ValueError, RecursionError) as error:
        return Rejection(where, str(error), text)


def parse_json(text: str) -> object:
    """Parse JSON; lone surrogates become U+FFFD. Raises ValueError with a sentence for the user."""
    try:
        return cast(object, orjson.loads(text))
    except orjson.JSONDecodeError as error:
        fault = error
    try:
        return _without_surrogates(json.loads(text, parse_constant=_refuse_constant))
    except (json.JSONDecodeError, RecursionError):
        raise ValueError(f"The line is not valid JSON: {fault.msg} (column {fault.colno}).") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"The line is not valid JSON: {name} is not a JSON number.")


def _without_surrogates(value: object) -> object:
    """Replace every lone surrogate in a JSON value. UTF-8 cannot encode lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {cast(str, _without_surrogates(k)): _without_surrogates(v) for k, v in value.items()}
    return value


def document_of(value: object, where: str, source_format: SourceFormat) -> Document:
    """Convert a JSON value to a document. Its id is `where` if the id field is missing or empty.

    Raises ValueError with a sentence for the user.
    """
    if not isinstance(value, dict):
        raise ValueError(f"The line is {JSON_KINDS[type(value)]}, not a JSON object.")
    identity, value = _take_id(value, where, source_format.id_field)
    check_texts(value, source_format.fields)
    return Document(identity, value)


def _take_id(value: dict[str, object], where: str, field: str) -> tuple[str, dict[str, object]]:
    """The id of a document and its other fields. The id is `where` if the id field is missing or empty.

    An id field with a name that Elasticsearch reserves (`_id`) is removed from the fields. Raises
    ValueError if the id is neither a string nor an integer.
    """
    identity = value.get(field)
    if isinstance(identity, dict) and len(identity) == 1 and identity.keys() <= EXTENDED_JSON_IDS:
        (identity,) = identity.values()  # mongoexport writes {"$oid": "…"}
    if identity is None or identity == "":
        identity = where
    elif isinstance(identity, bool) or not isinstance(identity, str | int):
        raise ValueError(f"The id in field {field!r} is neither a string nor an integer.")
    if field in RESERVED:
        value = {name: inner for name, inner in value.items() if name != field}
    return str(identity), value


def _why_no_text(value: Mapping[str, object], fields: Sequence[str]) -> str:
    """Why an object has no text field, and how to convert it if its form is known."""
    if isinstance(value.get("_source"), dict):
        return (
            "The line is a hit of Elasticsearch with the document under '_source'; convert the hits to "
            "documents, for example: jq -c '{id: ._id} + ._source' FILE"
        )
    ((name, inner), *others) = value.items() if value else [("", None)]
    if not others and name in BULK_ACTIONS and isinstance(inner, dict) and inner.keys() <= BULK_KEYS:
        how = f"; {BULK_TO_DOCUMENTS.format(name)}" if name in ("index", "create") else ""
        return f"The line is the action {name!r} of a bulk request, not a document{how or '; remove it.'}"
    return f"The document has no field {' or '.join(map(repr, fields))}."


def check_texts(source: Mapping[str, object], fields: Sequence[str]) -> None:
    """Check that a document has at least one of the fields, and that each of them contains text.

    Raises ValueError with a sentence for the user.
    """
    found = False
    for name in fields:
        for value in values_at(source, name):
            found = found or value is not None
            if not isinstance(value, str):
                _check_text(name, value)
    if not found:
        raise ValueError(_why_no_text(source, fields))


def _check_text(name: str, value: object) -> None:
    """Raise ValueError unless a value is a string, a number, null, or an array of these."""
    for item in value if isinstance(value, list | tuple) else (value,):
        if isinstance(item, list | tuple):
            _check_text(name, item)
        elif isinstance(item, Mapping):
            below = ", ".join(f"{name}.{key}" for key in islice(item, MAX_SHOWN_KEYS))
            inside = f"; name a field inside it ({below})" if below else ""
            raise ValueError(f"The field {name!r} contains an object, not text{inside}.")
        elif isinstance(item, bool):
            raise ValueError(f"The field {name!r} contains a Boolean, not text.")


def source_format(id_field: str, fields: Sequence[str], name: str) -> SourceFormat:
    """Build a SourceFormat from the options of a command. Raises UsageError for an unknown format."""
    if name not in ("auto", "jsonl", "text"):
        raise UsageError(f"The format must be auto, jsonl or text, not {name!r}.")
    return SourceFormat(id_field, format=cast(Format, name), enriched=tuple(fields))


def accepted(
    stream: Iterable[Document | Rejection], on_rejection: Callable[[Rejection], None]
) -> Iterator[Document]:
    """Yield the documents of a stream and pass its rejections to `on_rejection`."""
    for item in stream:
        if isinstance(item, Rejection):
            on_rejection(item)
        else:
            yield item


def noting_fields(stream: Iterator[Document | Rejection], absent: set[str]) -> Iterator[Document | Rejection]:
    """Pass a stream through, and remove from `absent` every field in which a document has text."""
    for item in stream:
        if absent and isinstance(item, Document):
            absent -= {name for name in absent if item.text(name)}
        yield item


def index_names(sources: Sequence[str]) -> list[str]:
    """The names of the indexes among the sources, without the prefix `index:`."""
    return [source.removeprefix(INDEX_PREFIX) for source in sources if source.startswith(INDEX_PREFIX)]
