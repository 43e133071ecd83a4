"""Find the files of a source: a named file, or the document files in a folder.

A folder is searched recursively. Hidden files and folders, folders of models, and the files that the command
itself writes are skipped. A named file or folder is always read, even if it is hidden; only a file that the
command itself writes is refused.
"""

import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal, NoReturn

from enricher.errors import SourceError, UsageError
from enricher.files import user_path
from enricher.lines import file_lines

STDIN = "-"
JSON_SUFFIXES = (".jsonl", ".ndjson")
TEXT_SUFFIXES = (".txt",)
QUERY_FILES = ("queries.jsonl", "queries.jsonl.gz")
COLLECTION_FILES = ("docs.jsonl", "docs.jsonl.gz")
BUNDLE_FILES = ("manifest.json", "words.utf8")
"""Files that every model folder contains (`enricher.bundle.bundle`)."""
REJECT_KEYS = frozenset({"where", "reason", "content"})
"""Keys of every line in a file of rejected documents."""
STANDARD_STREAMS = (1, 2)
"""File descriptors of standard output and standard error."""
MAX_SHOWN_NAMES = 3
"""Maximum file names that a message lists."""

Format = Literal["auto", "jsonl", "text"]
Identity = tuple[int, int]
"""Device and inode number. They identify a regular file under any name."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read: its path (None for standard input), its name in ids and messages, and its format."""

    path: Path | None
    name: str
    json_lines: bool


class FileFinder:
    """Finds the files of the sources of one command.

    A file in a folder is read once, even if links or other sources lead to it. A file that is named twice is
    read twice.

    file_format: the format of all files; "auto" takes it from the file name. written: files that the command
    writes, in addition to standard output and error. note: is called with a sentence about files that are
    skipped.
    """

    def __init__(
        self,
        file_format: Format = "auto",
        written: Iterable[Path] = (),
        note: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self._format = file_format
        files: list[Path | int] = [*STANDARD_STREAMS, *written]
        self._written = {identity_of(file) for file in files} - {None}
        self._named_files: set[Identity] = set()
        self._in_folders: set[Identity] = set()
        self._note = note

    def find(self, source: str) -> list[SourceFile]:
        """The files of a source, in order.

        Raises SourceError if a file is missing or not readable, if a folder contains no document file, or if
        the format of a file is unknown; UsageError if the command itself writes a named file.
        """
        try:
            files = self._find(source)
        except PermissionError as error:
            raise SourceError(f"{str(error.filename)!r} cannot be read: permission denied.") from error
        for file in files:
            if file.path is not None and not os.access(file.path, os.R_OK):
                raise SourceError(f"The file {str(file.path)!r} cannot be read: permission denied.")
        return files

    def _find(self, source: str) -> list[SourceFile]:
        if source == STDIN:
            return self._named(SourceFile(None, "stdin", self._format != "text"), 0, "Standard input")
        path = user_path(source)
        if not path.exists():
            raise SourceError(f"There is no file or folder {source!r}.")
        if path.is_dir():
            return self._in_folder(path)
        return self._named(
            SourceFile(path, path.name, self._is_json_lines(path)), path, f"The file {source!r}"
        )

    def _named(self, file: SourceFile, place: Path | int, name: str) -> list[SourceFile]:
        """A named file; empty if it was already found in a folder."""
        identity = identity_of(place)
        if identity is None:
            return [file]
        if identity in self._written:
            raise UsageError(f"{name} is also the output of this command. Write to another file.")
        if identity in self._in_folders:
            self._note(f"{name} is also in a folder named before; it is read once.")
            return []
        self._named_files.add(identity)
        return [file]

    def _is_new(self, path: Path) -> bool:
        """Whether a file of a folder is found for the first time. Records the file."""
        identity = identity_of(path)
        if identity is None:
            return True
        known = identity in self._named_files or identity in self._in_folders
        self._in_folders.add(identity)
        return not known

    def _in_folder(self, folder: Path) -> list[SourceFile]:
        """The document files of a folder, without the queries of a test collection."""
        left_out: dict[str, list[str]] = {}
        found: list[SourceFile] = []
        any_file = False
        for path in _walk(folder):
            if path.name in QUERY_FILES and any((path.parent / name).exists() for name in COLLECTION_FILES):
                continue
            name = path.relative_to(folder).as_posix()
            reason = _link_out_of(path, folder) if path.is_dir() else self._reason_against(path)
            if reason:
                left_out.setdefault(reason, []).append(name)
            elif not path.is_dir():
                any_file = True
                if self._is_new(path):
                    found.append(SourceFile(path, name, self._is_json_lines(path)))
                else:
                    left_out.setdefault("the same file has another name", []).append(name)
        for reason, names in left_out.items():
            more = f" and {len(names) - MAX_SHOWN_NAMES:,} more" if len(names) > MAX_SHOWN_NAMES else ""
            shown = ", ".join(names[:MAX_SHOWN_NAMES])
            self._note(f"Skipped in {str(folder)!r}: {shown}{more} ({reason}).")
        if not any_file:
            raise SourceError(
                f"The folder {str(folder)!r} contains no .jsonl, .ndjson or .txt file (plain or .gz)."
            )
        return found

    def _reason_against(self, path: Path) -> str | None:
        """Why a file of a folder is skipped; None if it is read."""
        if not path.is_file():
            return "not a regular file, or a broken link"
        if identity_of(path) in self._written:
            return "an output of this command"
        if holds_rejects(path):
            return "rejected documents of an earlier run; name the file to read it"
        return None

    def _is_json_lines(self, path: Path) -> bool:
        if self._format != "auto":
            return self._format == "jsonl"
        if _stem(path).endswith(JSON_SUFFIXES):
            return True
        if _stem(path).endswith(TEXT_SUFFIXES):
            return False
        raise SourceError(
            f"The format of {str(path)!r} is not clear from its name. "
            "Add --format jsonl (one JSON object per line) or --format text (one document per line)."
        )


def identity_of(file: Path | int) -> Identity | None:
    """Device and inode of a regular file, given by path or descriptor; None for anything else."""
    try:
        found = os.stat(file)  # noqa: PTH116  (a descriptor has no Path)
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) and found.st_ino else None


def holds_rejects(path: Path) -> bool:
    """Whether a file contains rejected documents, judged by its first line."""
    try:
        first = next(islice(file_lines(path), 1), b"")
        value = json.loads(first) if first.startswith(b"{") else None
    except (OSError, SourceError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and value.keys() == REJECT_KEYS


def _walk(folder: Path) -> list[Path]:
    """The possible document files in a folder and its subfolders, and the links to folders, sorted.

    Raises SourceError if a folder cannot be read.
    """

    def refuse(error: OSError) -> NoReturn:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"The folder {str(error.filename)!r} cannot be read: {reason}.") from error

    found: list[Path] = []
    for top, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [
            name for name in folders if not name.startswith(".") and not _is_bundle(Path(top, name))
        ]
        found += _links(top, folders)
        found += (Path(top, name) for name in names if _may_be_document(name))
    return sorted(found)


def _links(top: str, folders: Iterable[str]) -> Iterator[Path]:
    return (path for path in (Path(top, name) for name in folders) if path.is_symlink())


def _may_be_document(name: str) -> bool:
    return not name.startswith(".") and _stem(Path(name)).endswith(JSON_SUFFIXES + TEXT_SUFFIXES)


def _link_out_of(link: Path, folder: Path) -> str | None:
    """Why a link to a folder is not followed; None if its target is inside `folder` and searched anyway."""
    inside = link.resolve().is_relative_to(folder.resolve())
    return None if inside else "links to other folders are not followed; name the folder to read it"


def _is_bundle(folder: Path) -> bool:
    return all((folder / name).is_file() for name in BUNDLE_FILES)


def _stem(path: Path) -> str:
    return path.name.lower().removesuffix(".gz")
