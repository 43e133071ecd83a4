"""Reading documents: files of JSON lines or plain text, folders of them, standard input.

Documents stream: nothing here holds more than one line. A line that cannot be used becomes a
Rejection in the same stream, so that the good lines around it are never lost.
"""

import hashlib
import json
import os
import sys
import zlib
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from gzip import BadGzipFile
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Literal, NoReturn, cast

import numpy as np
import orjson

from enricher.errors import SourceError, UsageError
from enricher.records import Document, Rejection, values_at

STDIN = "-"
INDEX_PREFIX = "index:"
JSON_SUFFIXES = (".jsonl", ".ndjson")
TEXT_SUFFIXES = (".txt",)
QUERY_FILES = ("queries.jsonl", "queries.jsonl.gz")
COLLECTION_FILES = ("docs.jsonl", "docs.jsonl.gz")

GZIP_MAGIC = b"\x1f\x8b"
GZIP_WINDOW = 31
"""zlib's number for a header and a checksum of gzip."""
COMPRESSED_PIECE = 1 << 16
PIECE = 1 << 18

Format = Literal["auto", "jsonl", "text"]

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


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file (or standard input), its name as it goes into ids and messages, and its format."""

    path: Path | None
    name: str
    json_lines: bool


def find_files(sources: Sequence[str], source_format: SourceFormat) -> list[SourceFile]:
    """The files that the sources name, folders searched through and sorted.

    Raises SourceError, before anything is read, when one is missing, unreadable, empty of
    documents, or of a format that its name does not tell.
    """
    try:
        files = [file for source in sources for file in _files_of(source, source_format)]
    except PermissionError as error:
        raise SourceError(f"{str(error.filename)!r} cannot be read: permission denied.") from error
    for file in files:
        if file.path is not None and not os.access(file.path, os.R_OK):
            raise SourceError(f"The file {str(file.path)!r} cannot be read: permission denied.")
    return files


def _files_of(source: str, source_format: SourceFormat) -> Iterable[SourceFile]:
    if source == STDIN:
        return [SourceFile(None, "stdin", source_format.format != "text")]
    path = Path(source)
    if not path.exists():
        raise SourceError(f"There is no file or folder {source!r}.")
    if path.is_dir():
        return _files_in_folder(path, source_format)
    return [SourceFile(path, path.name, _is_json_lines(path, source_format))]


def _files_in_folder(folder: Path, source_format: SourceFormat) -> Iterator[SourceFile]:
    """The document files of a folder; the queries of a judged collection are none."""
    found = False
    for path in _walk(folder):
        if not _stem(path).endswith(JSON_SUFFIXES + TEXT_SUFFIXES) or not path.is_file():
            continue
        if path.name in QUERY_FILES and any((path.parent / name).exists() for name in COLLECTION_FILES):
            continue
        found = True
        yield SourceFile(path, path.relative_to(folder).as_posix(), _is_json_lines(path, source_format))
    if not found:
        raise SourceError(f"The folder {str(folder)!r} holds no .jsonl, .ndjson or .txt file (also as .gz).")


def _walk(folder: Path) -> list[Path]:
    """All that is in a folder and the folders under it, sorted; SourceError where one cannot be read."""

    def refuse(error: OSError) -> NoReturn:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"The folder {str(error.filename)!r} cannot be read: {reason}.") from error

    return sorted(Path(top, name) for top, _, names in os.walk(folder, onerror=refuse) for name in names)


def _stem(path: Path) -> str:
    return path.name.lower().removesuffix(".gz")


def _is_json_lines(path: Path, source_format: SourceFormat) -> bool:
    if source_format.format != "auto":
        return source_format.format == "jsonl"
    if _stem(path).endswith(JSON_SUFFIXES):
        return True
    if _stem(path).endswith(TEXT_SUFFIXES):
        return False
    raise SourceError(
        f"The name of {str(path)!r} does not tell its format: "
        "give --format jsonl (one JSON object a line) or --format text (one document a line)."
    )


def read_files(files: Iterable[SourceFile], source_format: SourceFormat) -> Iterator[Document | Rejection]:
    """The documents of files, one after the other; a bad line is a Rejection in its place."""
    for file in files:
        try:
            for number, line in enumerate(_lines(file), start=1):
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line.strip():
                    yield _parse(line.rstrip(b"\r\n"), file, number, source_format)
        except (OSError, EOFError, zlib.error) as error:
            yield Rejection(file.name, f"The file cannot be read to its end: {error}.", "")


def _lines(file: SourceFile) -> Iterator[bytes]:
    """The lines of a file; of a damaged archive all that are whole before the error is raised."""
    if file.path is None:
        yield from sys.stdin.buffer
        return
    with file.path.open("rb") as stream:
        packed = file.path.name.lower().endswith(".gz")
        yield from _split(_decompressed(stream)) if packed else stream


def _split(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a text that comes in pieces, without their line feeds."""
    begun: list[bytes] = []
    for piece in pieces:
        *whole, rest = piece.split(b"\n")
        if whole:
            yield b"".join((*begun, whole[0]))
            yield from whole[1:]
            begun.clear()
        begun.append(rest)
    yield b"".join(begun)


def _decompressed(stream: BinaryIO) -> Iterator[bytes]:
    """The contents of a gzip file in pieces: all that there is before an error is raised.

    gzip.open loses what it had already decompressed. As in gzip, members follow one another and
    zeros after the last are padding.
    """
    data = stream.read(COMPRESSED_PIECE)
    if data and not data.startswith(GZIP_MAGIC):
        raise BadGzipFile("it is no gzip file")
    while data:
        data = yield from _member(stream, data)
        if data and not data.startswith(GZIP_MAGIC):
            yield b"\n"  # What came before is whole, its last line too.
            raise BadGzipFile("after its end come bytes that are no gzip data")


def _member(stream: BinaryIO, data: bytes) -> Generator[bytes, None, bytes]:
    """The contents of one member, which begins with `data`; returns what was read beyond it."""
    member = zlib.decompressobj(GZIP_WINDOW)
    while True:
        yield from _inflated(member, data)
        if member.eof:
            break
        data = stream.read(COMPRESSED_PIECE)
        if not data:
            yield member.flush()
            raise EOFError("it ends too early")
    rest = member.unused_data.lstrip(b"\0")
    while len(rest) < len(GZIP_MAGIC) and (more := stream.read(COMPRESSED_PIECE)):
        rest = (rest + more).lstrip(b"\0")
    return rest


def _inflated(member: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    """What compressed data hold, in pieces of bounded size; before an error all up to the very byte."""
    while data and not member.eof:
        before = member.copy()
        try:
            piece = member.decompress(data, PIECE)
        except zlib.error:
            for place in range(len(data)):
                yield before.decompress(data[place : place + 1])
            raise
        yield piece
        data = member.unconsumed_tail


def _parse(line: bytes, file: SourceFile, number: int, source_format: SourceFormat) -> Document | Rejection:
    """One line as a document, or the reason why it is none."""
    where = f"{file.name}:{number}"
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
    identity = value.get(source_format.id_field)
    if identity is None or identity == "":
        identity = where
    elif isinstance(identity, bool) or not isinstance(identity, str | int):
        raise ValueError(f"The id in field {source_format.id_field!r} is neither text nor a whole number.")
    check_texts(value, source_format.fields)
    return Document(str(identity), value)


def check_texts(source: Mapping[str, object], fields: Sequence[str]) -> None:
    """See that a document has any of the fields, and text in each that it has; ValueError in a sentence."""
    found = False
    for name in fields:
        for value in values_at(source, name):
            found = found or value is not None
            if not isinstance(value, str):
                _check_text(name, value)
    if not found:
        raise ValueError(f"The document has no field {' or '.join(map(repr, fields))}.")


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
