"""Reading documents: files of JSON lines or plain text, folders of them, standard input.

Documents stream: nothing here holds more than one line. A line that cannot be used becomes a
Rejection in the same stream, so that the good lines around it are never lost.
"""

import hashlib
import json
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

import numpy as np
import orjson

from enricher.errors import SourceError, UsageError
from enricher.lines import file_lines, stream_lines
from enricher.records import RESERVED, Document, Rejection, values_at
from enricher.source_files import FileFinder, Format, SourceFile

INDEX_PREFIX = "index:"
"""How a source that is an index of the engine begins."""

EXTENDED_JSON_IDS = frozenset({"$oid", "$numberLong", "$numberInt", "$uuid"})
"""How MongoDB's JSON writes an id that is no string."""
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
"""What may stand beside an action of Elasticsearch's bulk API."""
BULK_TO_DOCUMENTS = (
    "make documents of such lines and those that follow them, as with: "
    "jq -c '.{}._id as $id | input | if $id then .id = $id else . end' FILE"
)

SHOWN_KEYS = 5
"""Fields of an object that a message names."""

JSON_KINDS: dict[type, str] = {
    type(None): "null",
    bool: "a truth value",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """How documents are written: the names of their fields, and JSON lines or plain text.

    `enriched` are the fields that hold text where they are others than title and text.
    """

    id_field: str = "id"
    title_field: str = "title"
    text_field: str = "text"
    format: Format = "auto"
    enriched: tuple[str, ...] | None = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that hold text, the title first."""
        return self.enriched or tuple(dict.fromkeys((self.title_field, self.text_field)))


def find_files(sources: Sequence[str], source_format: SourceFormat) -> list[SourceFile]:
    """The files that the sources name, folders searched through and sorted (see `FileFinder`).

    Raises SourceError, before anything is read, when one is missing, unreadable, empty of
    documents, or of a format that its name does not tell.
    """
    finder = FileFinder(source_format.format)
    return [file for source in sources for file in finder.find(source)]


def read_files(files: Iterable[SourceFile], source_format: SourceFormat) -> Iterator[Document | Rejection]:
    """The documents of files, one after the other; a bad line is a Rejection in its place.

    A file that is not UTF-8 text is one Rejection.
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
    """One line as a document, or the reason why it is none."""
    where = f"{file.name}:{number}"
    if b"\0" in line:
        shown = line.decode("utf-8", "backslashreplace")
        return Rejection(
            where, f"The line holds a NUL byte, which no text has (byte {line.index(0) + 1}).", shown
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
    """A JSON text as a value; lone surrogates become U+FFFD. Raises ValueError in a sentence."""
    try:
        return cast(object, orjson.loads(text))
    except orjson.JSONDecodeError as error:
        fault = error
    try:
        return _without_surrogates(json.loads(text, parse_constant=_refuse_constant))
    except (json.JSONDecodeError, RecursionError):
        raise ValueError(f"The line is not valid JSON: {fault.msg} (column {fault.colno}).") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"The line is not valid JSON: {name} is no JSON number.")


def _without_surrogates(value: object) -> object:
    """The value with every lone surrogate replaced, which no UTF-8 can carry."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {cast(str, _without_surrogates(k)): _without_surrogates(v) for k, v in value.items()}
    return value


def document_of(value: object, where: str, source_format: SourceFormat) -> Document:
    """A JSON value as a document; its id is `where` if it has none. Raises ValueError in a sentence."""
    if not isinstance(value, dict):
        raise ValueError(f"The line holds no JSON object but {JSON_KINDS[type(value)]}.")
    identity, value = _take_id(value, where, source_format.id_field)
    check_texts(value, source_format.fields)
    return Document(identity, value)


def _take_id(value: dict[str, object], where: str, field: str) -> tuple[str, dict[str, object]]:
    """The id of a document, `where` if it has none, and its fields.

    An id field whose name a server keeps for itself (`_id`) is no field of the document. ValueError where
    it holds no id.
    """
    identity = value.get(field)
    if isinstance(identity, dict) and len(identity) == 1 and identity.keys() <= EXTENDED_JSON_IDS:
        (identity,) = identity.values()  # as mongoexport writes them
    if identity is None or identity == "":
        identity = where
    elif isinstance(identity, bool) or not isinstance(identity, str | int):
        raise ValueError(f"The id in field {field!r} is neither text nor a whole number.")
    if field in RESERVED:
        value = {name: inner for name, inner in value.items() if name != field}
    return str(identity), value


def _why_no_text(value: Mapping[str, object], fields: Sequence[str]) -> str:
    """Why an object has none of the fields that hold text, and the way out where it is a known form."""
    if isinstance(value.get("_source"), dict):
        return (
            "The line is a hit of Elasticsearch, whose document is under '_source'; make documents of the "
            "hits, as with: jq -c '{id: ._id} + ._source' FILE"
        )
    ((name, inner), *others) = value.items() if value else [("", None)]
    if not others and name in BULK_ACTIONS and isinstance(inner, dict) and inner.keys() <= BULK_KEYS:
        how = f"; {BULK_TO_DOCUMENTS.format(name)}" if name in ("index", "create") else ""
        return f"The line is the action {name!r} of a bulk request, no document{how or '; leave it out.'}"
    return f"The document has no field {' or '.join(map(repr, fields))}."


def check_texts(source: Mapping[str, object], fields: Sequence[str]) -> None:
    """See that a document has any of the fields, and text in each that it has; ValueError in a sentence."""
    found = False
    for name in fields:
        for value in values_at(source, name):
            found = found or value is not None
            if not isinstance(value, str):
                _check_text(name, value)
    if not found:
        raise ValueError(_why_no_text(source, fields))


def _check_text(name: str, value: object) -> None:
    """ValueError where a value is no text, no number, and no array of them."""
    for item in value if isinstance(value, list | tuple) else (value,):
        if isinstance(item, list | tuple):
            _check_text(name, item)
        elif isinstance(item, Mapping):
            below = ", ".join(f"{name}.{key}" for key in islice(item, SHOWN_KEYS))
            inside = f"; name a field inside it ({below})" if below else ""
            raise ValueError(f"The field {name!r} holds no text but an object{inside}.")
        elif isinstance(item, bool):
            raise ValueError(f"The field {name!r} holds no text but a truth value.")


def source_format(id_field: str, fields: Sequence[str], name: str) -> SourceFormat:
    """A SourceFormat from options; UsageError when the format's name is unknown."""
    if name not in ("auto", "jsonl", "text"):
        raise UsageError(f"The format must be auto, jsonl or text, not {name!r}.")
    return SourceFormat(id_field, format=cast(Format, name), enriched=tuple(fields))


def accepted(
    stream: Iterable[Document | Rejection], on_rejection: Callable[[Rejection], None]
) -> Iterator[Document]:
    """The documents of a stream; what could not be used goes to `on_rejection`."""
    for item in stream:
        if isinstance(item, Rejection):
            on_rejection(item)
        else:
            yield item


def noting_fields(stream: Iterator[Document | Rejection], absent: set[str]) -> Iterator[Document | Rejection]:
    """The same stream; fields in which a document has text are taken from the set."""
    for item in stream:
        if absent and isinstance(item, Document):
            absent -= {name for name in absent if item.text(name)}
        yield item


class SeenIds:
    """Counts the ids that come again, in eight bytes an id."""

    def __init__(self) -> None:
        self._hashes = array("Q")

    def add(self, identity: str) -> None:
        """Take the next id."""
        digest = hashlib.blake2b(identity.encode("utf-8", "replace"), digest_size=8).digest()
        self._hashes.append(int.from_bytes(digest))

    def watch(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The documents as they are; their ids are taken on the way."""
        for document in documents:
            self.add(document.id)
            yield document

    @property
    def distinct(self) -> int:
        """How many different ids there were."""
        return self.distinct_among(len(self._hashes))

    def distinct_among(self, first: int) -> int:
        """How many different ids the first so many are."""
        return len(np.unique(np.frombuffer(self._hashes, np.uint64)[:first])) if self._hashes else 0

    @property
    def repeated(self) -> int:
        """How many came with an id that had come before."""
        return len(self._hashes) - self.distinct


def index_names(sources: Sequence[str]) -> list[str]:
    """The names of the indexes among sources."""
    return [source.removeprefix(INDEX_PREFIX) for source in sources if source.startswith(INDEX_PREFIX)]
