"""Reading documents: files of JSON lines or plain text, folders of them, standard input.

Documents stream: nothing here holds more than one line. A line that cannot be used becomes a
Rejection in the same stream, so that the good lines around it are never lost.
"""

import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, cast

import orjson

from enricher.errors import SourceError, UsageError
from enricher.records import Document, Rejection

STDIN = "-"
INDEX_PREFIX = "index:"
JSON_SUFFIXES = (".jsonl", ".ndjson")
TEXT_SUFFIXES = (".txt",)
QUERY_FILES = ("queries.jsonl", "queries.jsonl.gz")
COLLECTION_FILES = ("docs.jsonl", "docs.jsonl.gz")

Format = Literal["auto", "jsonl", "text"]


@dataclass(frozen=True, slots=True)
class SourceFormat:
    """How documents are written: the names of their fields, and JSON lines or plain text."""

    id_field: str = "id"
    title_field: str = "title"
    text_field: str = "text"
    format: Format = "auto"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that hold text, the title first."""
        return tuple(dict.fromkeys((self.title_field, self.text_field)))


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
    files: list[SourceFile] = []
    for source in sources:
        if source == STDIN:
            files.append(SourceFile(None, "stdin", source_format.format != "text"))
            continue
        path = Path(source)
        if not path.exists():
            raise SourceError(f"There is no file or folder {source!r}.")
        if path.is_dir():
            files.extend(_files_in_folder(path, source_format))
        else:
            files.append(SourceFile(path, path.name, _is_json_lines(path, source_format)))
    for file in files:
        if file.path is not None and not os.access(file.path, os.R_OK):
            raise SourceError(f"The file {str(file.path)!r} cannot be read: permission denied.")
    return files


def _files_in_folder(folder: Path, source_format: SourceFormat) -> Iterator[SourceFile]:
    """The document files of a folder; the queries of a judged collection are none."""
    found = False
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or not _stem(path).endswith(JSON_SUFFIXES + TEXT_SUFFIXES):
            continue
        if path.name in QUERY_FILES and any((path.parent / name).exists() for name in COLLECTION_FILES):
            continue
        found = True
        yield SourceFile(path, path.relative_to(folder).as_posix(), _is_json_lines(path, source_format))
    if not found:
        raise SourceError(f"The folder {str(folder)!r} holds no .jsonl, .ndjson or .txt file (also as .gz).")


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
            with _open(file) as stream:
                for number, line in enumerate(stream, start=1):
                    if number == 1:
                        line = line.removeprefix(b"\xef\xbb\xbf")
                    if not line.strip():
                        continue
                    yield _parse(line.rstrip(b"\r\n"), file, number, source_format)
        except (OSError, EOFError, zlib.error) as error:
            yield Rejection(file.name, f"The file cannot be read to its end: {error}.", "")


def _open(file: SourceFile) -> AbstractContextManager[BinaryIO]:
    if file.path is None:
        return nullcontext(sys.stdin.buffer)
    if file.path.name.lower().endswith(".gz"):
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, gzip.open(file.path, "rb"))))
    return file.path.open("rb")


def _parse(line: bytes, file: SourceFile, number: int, source_format: SourceFormat) -> Document | Rejection:
    """One line as a document, or the reason why it is none."""
    where = f"{file.name}:{number}"
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        shown = line.decode("utf-8", "backslashreplace")
        return Rejection(where, f"The line is not UTF-8 (byte {error.start + 1}).", shown)
    if not file.json_lines:
        return Document(where, {source_format.text_field: text})
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
        raise ValueError(f"The line holds no JSON object but {type(value).__name__}.")
    identity = value.get(source_format.id_field)
    if identity is None or identity == "":
        identity = where
    elif isinstance(identity, bool) or not isinstance(identity, str | int):
        raise ValueError(f"The id in field {source_format.id_field!r} is neither text nor a whole number.")
    texts = {name: value[name] for name in source_format.fields if value.get(name) is not None}
    if not texts:
        raise ValueError(f"The document has no field {' or '.join(map(repr, source_format.fields))}.")
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"The field {name!r} holds no text but {type(text).__name__}.")
    return Document(str(identity), value)


def source_format(id_field: str, title_field: str, text_field: str, name: str) -> SourceFormat:
    """A SourceFormat from options; UsageError when the format's name is unknown."""
    if name not in ("auto", "jsonl", "text"):
        raise UsageError(f"The format must be jsonl or text, not {name!r}.")
    return SourceFormat(id_field, title_field, text_field, cast(Format, name))
