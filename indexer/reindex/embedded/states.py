"""The states of jobs, kept as files in one folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from enricher.errors import EngineError, IndexConflict
from enricher.files import locked, write_atomically


class FileStates:
    """Keeps one file per state, replaced by rename, and only if it is still as it was read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep a new state. Raises IndexConflict if there is one of that name."""
        with locked(self._folder):
            if self._path(name).exists():
                raise IndexConflict(f"A job {name!r} already exists.")
            self._write(name, value, 1)

    def load(self, name: str) -> tuple[dict[str, Any], tuple[int, int]] | None:
        """A state and its version, which `save` takes; None if there is none of that name.

        Raises EngineError if the file is damaged.
        """
        path = self._path(name)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return dict(found["state"]), (int(found["changes"]), 0)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise EngineError(f"The file {path} is damaged; remove it to forget the job.") from error

    def save(self, name: str, value: Mapping[str, Any], seen: tuple[int, int]) -> tuple[int, int] | None:
        """Write a changed state and return its new version; None, and nothing is written, if it has changed.

        seen: the version that `load` or `save` returned: the number of changes, and 0.
        """
        with locked(self._folder):
            found = self.load(name)
            if found is None or found[1] != seen:
                return None
            self._write(name, value, seen[0] + 1)
            return seen[0] + 1, 0

    def names(self) -> list[str]:
        """The names of the states, the newest first."""
        found = {path.stem: self.load(path.stem) for path in self._folder.glob("[!.]*.json")}
        kept = [(str(state[0].get("created")), name) for name, state in found.items() if state is not None]
        return [name for _, name in sorted(kept, reverse=True)]

    def remove(self, name: str) -> None:
        """Remove a state if it exists."""
        with locked(self._folder):
            self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name.replace('/', '_')}.json"

    def _write(self, name: str, value: Mapping[str, Any], changes: int) -> None:
        text = json.dumps({"changes": changes, "state": value}, ensure_ascii=False)
        write_atomically(self._path(name), text.encode())
