"""The folder of the embedded engine: indexes, their layouts, aliases, and who may change them.

    ROOT/.lock                  held while indexes or aliases are changed
    ROOT/.aliases.json          {alias: index}
    ROOT/INDEX/layout.json      the layout
    ROOT/INDEX/segments/        what the library writes

Names that begin with a dot are never names of indexes.
"""

import errno
import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from enricher.decoding import DecodingError, decode_json
from enricher.errors import EngineError, EngineUnavailable
from enricher.files import locked, sync, write_atomically
from enricher.records import IndexLayout
from enricher.records.layout_json import layout_as_json, layout_from_json
from indexer.engines.names import check_name, name_taken, no_such_index

T = TypeVar("T")

_TEMPORARY = ".temporary-"


class IndexFolder:
    """The indexes below one root; every change is one atomic rename under a file lock."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._layouts: dict[str, tuple[tuple[int, int], IndexLayout]] = {}

    def segments(self, name: str) -> Path:
        """Where the library keeps an index, by the index's own name."""
        return self.root / name / "segments"

    def names(self) -> list[str]:
        """The names of the indexes, sorted."""
        return sorted(path.parent.name for path in self.root.glob("[!.]*/layout.json"))

    def has(self, name: str) -> bool:
        """Whether there is an index, not an alias, of that name."""
        return (self.root / check_name(name) / "layout.json").is_file()

    def resolve(self, name: str) -> str:
        """The index that a name or alias means; IndexNotFound where there is none."""
        if self.has(name):
            return name
        target = self.aliases().get(name)
        if target is None or not self.has(target):
            raise no_such_index(name)
        return target

    def create(self, name: str, layout: IndexLayout, build: Callable[[Path], None]) -> None:
        """Make an index: `build` fills its segments in a temporary folder."""
        with self._locked():
            if self.has(name) or name in self.aliases():
                raise name_taken(name)
            temporary = self._temporary()
            segments = temporary / "segments"
            segments.mkdir(parents=True)
            build(segments)
            write_json(temporary / "layout.json", layout_as_json(layout))
            temporary.rename(self.root / name)
            sync(self.root)

    def drop(self, name: str) -> None:
        """Remove an index and the aliases that mean it."""
        with self._locked():
            if not self.has(name):
                raise no_such_index(name)
            kept = {alias: index for alias, index in self.aliases().items() if index != name}
            if kept != self.aliases():
                write_json(self.root / ".aliases.json", kept)
            temporary = self._temporary()
            (self.root / name).rename(temporary)
            sync(self.root)
            shutil.rmtree(temporary)

    def layout(self, name: str) -> IndexLayout:
        """The layout of an index, by the index's own name."""
        path = self.root / name / "layout.json"
        state = path.stat()
        seen = (state.st_ino, state.st_mtime_ns)
        known = self._layouts.get(name)
        if known is None or known[0] != seen:  # it is replaced by rename, which gives it another inode
            known = self._layouts[name] = seen, layout_from_json(name, _read_json(path, dict[str, Any]))
        return known[1]

    def change_layout(self, name: str, change: Callable[[IndexLayout], IndexLayout]) -> None:
        """Replace the layout of an index by what `change` makes of it."""
        with self._locked():
            if not self.has(name):
                raise no_such_index(name)
            write_json(self.root / name / "layout.json", layout_as_json(change(self.layout(name))))

    def aliases(self) -> dict[str, str]:
        """Alias → index."""
        path = self.root / ".aliases.json"
        if not path.exists():
            return {}
        return _read_json(path, dict[str, str], " Write {} into it to lose the aliases.")

    def set_alias(self, alias: str, index: str) -> None:
        """Point an alias at an index; IndexConflict where an index has the alias's name."""
        with self._locked():
            target = self.resolve(index)
            if self.has(alias):
                raise name_taken(alias)
            write_json(self.root / ".aliases.json", {**self.aliases(), alias: target})

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Turn errors of the file system into ours."""
        try:
            yield
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
                sentence = f"The disk of {self.root} is full; make room and do it again."
                raise EngineUnavailable(sentence) from error
            reason = error.strerror or error
            raise EngineError(f"The folder {self.root} cannot be used: {reason}.") from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with locked(self.root):
            for left in self.root.glob(f"{_TEMPORARY}*"):
                shutil.rmtree(left)
            yield

    def _temporary(self) -> Path:
        return self.root / f"{_TEMPORARY}{uuid.uuid4().hex}"


def write_json(path: Path, value: object) -> None:
    """Write a JSON file so that a reader, or a crash, sees the old one or the new one."""
    write_atomically(path, json.dumps(value, ensure_ascii=False, indent=1).encode())


def _read_json(path: Path, kind: type[T], way_out: str = "") -> T:
    """The content of a JSON file. Raises EngineError with a way out, where there is one."""
    try:
        return decode_json(kind, path.read_bytes())
    except DecodingError as error:
        raise EngineError(f"The file {path} is damaged: {error}{way_out}") from error
