"""Which files a source is: those that were named, and the documents of folders.

A folder is searched through like one that a person looks at: hidden files and folders, our own folders
and what this command writes itself are passed over. A file or folder that is named is taken, whatever
its name; only what this command writes cannot be read as well.
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
"""What every folder of a model has (`enricher.bundle.bundle`)."""
REJECT_KEYS = frozenset({"where", "reason", "content"})
"""The keys of every line of a file of rejects."""
STANDARD_STREAMS = (1, 2)
"""The descriptors of standard output and standard error."""
SHOWN_NAMES = 3

Format = Literal["auto", "jsonl", "text"]
Identity = tuple[int, int]
"""Device and inode: what tells a regular file, by whatever name."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file (or standard input), its name as it goes into ids and messages, and its format."""

    path: Path | None
    name: str
    json_lines: bool


class FileFinder:
    """Finds the files of sources: of folders each file once, whatever else leads to it, and what is named.

    A file that is named twice is read twice, since it was asked for.

    written: files that this command writes, beside its standard output and error. note: takes a sentence
    on what a folder holds that is left out.
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
        self._singly: set[Identity] = set()
        self._in_folders: set[Identity] = set()
        self._note = note

    def find(self, source: str) -> list[SourceFile]:
        """The files of a source in their order.

        Raises SourceError where one is missing, unreadable, empty of documents, or of a format that its
        name does not tell; UsageError where a file is named that this command writes.
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
        """A file that was named, unless it was found in a folder before."""
        identity = identity_of(place)
        if identity is None:
            return [file]
        if identity in self._written:
            raise UsageError(f"{name} is written by this very command: let it write to another file.")
        if identity in self._in_folders:
            self._note(f"{name} was in a folder before: it is read once.")
            return []
        self._singly.add(identity)
        return [file]

    def _is_new(self, path: Path) -> bool:
        """Whether a file of a folder comes for the first time; the next time it does not."""
        identity = identity_of(path)
        if identity is None:
            return True
        known = identity in self._singly or identity in self._in_folders
        self._in_folders.add(identity)
        return not known

    def _in_folder(self, folder: Path) -> list[SourceFile]:
        """The document files of a folder; the queries of a judged collection are none."""
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
                    left_out.setdefault("the same file comes under another name", []).append(name)
        for reason, names in left_out.items():
            more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
            self._note(f"Left out of {str(folder)!r}: {', '.join(names[:SHOWN_NAMES])}{more}: {reason}.")
        if not any_file:
            raise SourceError(
                f"The folder {str(folder)!r} holds no .jsonl, .ndjson or .txt file (also as .gz)."
            )
        return found

    def _reason_against(self, path: Path) -> str | None:
        """Why a file of a folder is no source, None where it is one."""
        if not path.is_file():
            return "it is no regular file, or a link that leads nowhere"
        if identity_of(path) in self._written:
            return "this command writes it"
        if holds_rejects(path):
            return "what an earlier run could not use; name the file to read it"
        return None

    def _is_json_lines(self, path: Path) -> bool:
        if self._format != "auto":
            return self._format == "jsonl"
        if _stem(path).endswith(JSON_SUFFIXES):
            return True
        if _stem(path).endswith(TEXT_SUFFIXES):
            return False
        raise SourceError(
            f"The name of {str(path)!r} does not tell its format: "
            "give --format jsonl (one JSON object a line) or --format text (one document a line)."
        )


def identity_of(file: Path | int) -> Identity | None:
    """What tells a regular file, given by path or descriptor; None for anything else, or nothing."""
    try:
        found = os.stat(file)  # noqa: PTH116  (a descriptor has no Path)
    except (OSError, ValueError):
        return None
    return (found.st_dev, found.st_ino) if stat.S_ISREG(found.st_mode) and found.st_ino else None


def holds_rejects(path: Path) -> bool:
    """Whether the first line of a file is one of a file of rejects."""
    try:
        first = next(islice(file_lines(path), 1), b"")
        value = json.loads(first) if first.startswith(b"{") else None
    except (OSError, SourceError, ValueError, RecursionError):
        return False
    return isinstance(value, dict) and value.keys() == REJECT_KEYS


def _walk(folder: Path) -> list[Path]:
    """What may be documents in a folder and the folders under it, sorted, and links to other folders.

    SourceError where a folder cannot be read.
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
    """Why a link to a folder is left out; None where the folder is searched through anyway."""
    inside = link.resolve().is_relative_to(folder.resolve())
    return None if inside else "a link to another folder is not followed; name that folder as well"


def _is_bundle(folder: Path) -> bool:
    return all((folder / name).is_file() for name in BUNDLE_FILES)


def _stem(path: Path) -> str:
    return path.name.lower().removesuffix(".gz")
