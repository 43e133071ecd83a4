"""The folder of model bundles: which there are, which is active, and the way back.

models/<version>/     the bundles
models/active         the name of the active one; replaced by one atomic rename
models/history        the versions that were active before it, oldest first
models/.building-*    half-made bundles, never visible under a version
models/.scratch-*     segmented text while a training runs
"""

import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from enricher.bundle.bundle import Bundle, open_bundle
from enricher.bundle.manifest import MANIFEST
from enricher.errors import ModelError, ModelNotFound
from enricher.files import file_lock, locked, sync, user_path, why_not_written, write_atomically

ACTIVE = "active"
HISTORY = "history"
BUILDING = ".building-"
SCRATCH = ".scratch-"
OWNER = ".owner"


class BundleStore:
    """The bundles of one folder. Every change of what is active takes the folder's lock."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = user_path(folder)

    def versions(self) -> list[str]:
        """The versions that are there, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(p.name for p in self.folder.iterdir() if (p / MANIFEST).is_file() and p.name[0] != ".")

    def active_version(self) -> str | None:
        """The active version, None where none has been activated."""
        lines = self._lines(ACTIVE)
        return lines[0] if lines else None

    def open(self, version: str | None = None) -> Bundle:
        """Open a version, or the active one. Raises ModelNotFound, BundleInvalid."""
        name = self.active_version() if version is None else version
        if name is None:
            raise ModelNotFound(
                f"No model is active in {str(self.folder)!r}: train one with `enricher train SOURCE`."
            )
        if not _is_name(name) or not (self.folder / name).is_dir():
            there = ", ".join(self.versions()) or "none"
            raise ModelNotFound(f"There is no model {name!r} in {str(self.folder)!r} (there: {there}).")
        return open_bundle(self.folder / name)

    def summary(self, version: str) -> dict[str, object]:
        """What a list of models says of one. `fault` is the reason if it cannot be opened."""
        try:
            manifest = self.open(version).manifest
        except ModelError as error:
            return {"created": None, "language": None, "words": None, "documents": None, "fault": str(error)}
        return {
            "created": manifest.created,
            "language": manifest.language,
            "words": manifest.counts.words,
            "documents": manifest.counts.documents,
            "fault": None,
        }

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        """A scratch folder on the same disk, removed at the end; those of killed processes go first."""
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
            for left in self._abandoned(SCRATCH):
                shutil.rmtree(left, ignore_errors=True)
            scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=self.folder))
            with _owned(scratch):
                yield scratch

    @contextmanager
    def building(self, key: str) -> Iterator[Path]:
        """The folder of a half-made bundle, removed at the end; only a kill leaves it.

        `key` is a hash of all that goes into the bundle: the next who makes the same finds what a
        killed process had made. Raises ModelError when another process is making it now.
        """
        with self._writing():
            building = self.folder / f"{BUILDING}{key[:16]}"
            building.mkdir(parents=True, exist_ok=True)
            with _owned(building):
                yield building

    def publish(self, folder: Path, version: str) -> None:
        """Give a complete bundle its name, by one rename."""
        folder.rename(self.folder / version)
        sync(self.folder)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except BlockingIOError as error:
            raise ModelError(
                "Another process is making the same model now; wait until it is done."
            ) from error
        except OSError as error:
            reason = why_not_written(error)
            raise ModelError(f"The model could not be written to {str(self.folder)!r}: {reason}.") from error

    def activate(self, version: str) -> None:
        """Make a version the active one after verifying every file of it.

        Raises ModelNotFound, BundleInvalid.
        """
        self.open(version).verify()
        with self._lock():
            self.open(version)  # it may have been removed while it was verified
            try:
                previous, history = self.active_version(), self._history()
            except ModelError:  # a damaged file is replaced
                previous, history = None, []
            if previous == version:
                return
            if previous is not None:
                self._replace(HISTORY, [*history, previous])
            self._replace(ACTIVE, [version])

    def rollback(self) -> str:
        """Go back to the version that was active before; returns it.

        Raises ModelNotFound when there is none, BundleInvalid when it is damaged.
        """
        if not self.folder.is_dir():
            raise ModelNotFound(f"No model is active in {str(self.folder)!r}.")
        with self._lock():
            if self.active_version() is None:
                raise ModelNotFound(f"No model is active in {str(self.folder)!r}.")
            version, rest = self._previous()
            if version is None:
                raise ModelNotFound(
                    "No model was active before the present one. Use: enricher models activate VERSION."
                )
            self.open(version).verify()
            self._replace(ACTIVE, [version])
            self._replace(HISTORY, rest)
            return version

    def prune(self, needed: Callable[[], Collection[str]] = tuple) -> list[str]:
        """Remove all versions that nothing calls for; returns what went.

        The active one, the one before it, those made after it and not yet activated, and those
        that `needed` answers stay. Half-made bundles that a killed training left go too. All of it is
        asked under the lock of the folder: no other process activates a version meanwhile.
        """
        if not self.folder.is_dir():
            raise ModelNotFound(f"No model is active in {str(self.folder)!r}: nothing was removed.")
        with self._lock():
            active, wanted = self.active_version(), needed()
            if active is None:
                raise ModelNotFound(f"No model is active in {str(self.folder)!r}: nothing was removed.")
            keep = self._kept(active, wanted)
            removed = self.prunable(wanted)
            leftovers = self._abandoned(BUILDING) + self._abandoned(SCRATCH)
            for folder in [*(self.folder / version for version in removed), *leftovers]:
                shutil.rmtree(folder)
            self._replace(HISTORY, [v for v in self._history() if v in keep])
            return removed

    def prunable(self, needed: Collection[str] = ()) -> list[str]:
        """The versions that `prune` would remove."""
        active = self.active_version()
        if active is None:
            return []
        keep = self._kept(active, needed)
        return [version for version in self.versions() if version not in keep and version < active]

    def _kept(self, active: str, needed: Collection[str]) -> set[str | None]:
        """Versions that are in use, or named as such."""
        return {active, self._previous()[0], *needed}

    def _abandoned(self, prefix: str) -> list[Path]:
        """The half-made folders whose process is gone."""
        return [path for path in self.folder.glob(f"{prefix}*") if _is_abandoned(path)]

    def _previous(self) -> tuple[str | None, list[str]]:
        """The version to go back to and the history that is left then; removed versions are skipped."""
        history, active = self._history(), self.active_version()
        while history:
            version = history.pop()
            if version != active and (self.folder / version).is_dir():
                return version, history
        return None, []

    def _history(self) -> list[str]:
        return self._lines(HISTORY)

    def _lines(self, name: str) -> list[str]:
        """The versions that a small file of the folder names; none where it is missing."""
        path = self.folder / name
        try:
            return [line for line in path.read_text(encoding="utf-8").split() if _is_name(line)]
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(
                f"The file {str(path)!r} cannot be read ({error}); "
                "`enricher models activate V` writes it anew."
            ) from error

    def _replace(self, name: str, lines: list[str]) -> None:
        write_atomically(self.folder / name, "".join(line + "\n" for line in lines).encode())

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """One process at a time changes what is active; a killed one's lock is gone with it."""
        try:
            with locked(self.folder):
                yield
        except OSError as error:
            reason = why_not_written(error)
            raise ModelError(
                f"The models folder {str(self.folder)!r} cannot be written: {reason}."
            ) from error


def _is_name(version: str) -> bool:
    """Whether it can be the name of a bundle: not empty, hidden, or a path."""
    return bool(version) and "/" not in version and not version.startswith(".")


@contextmanager
def _owned(building: Path) -> Iterator[None]:
    """Hold the lock of a half-made bundle, which is gone when its process is, and remove it at the end."""
    with file_lock(building / OWNER, wait=False):
        try:
            yield
        finally:
            shutil.rmtree(building, ignore_errors=True)


def _is_abandoned(building: Path) -> bool:
    """Whether the process that made this half-made bundle is gone."""
    try:
        with file_lock(building / OWNER, wait=False):
            return True
    except BlockingIOError:
        return False
