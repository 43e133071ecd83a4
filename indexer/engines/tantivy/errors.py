"""Translate errors of the Tantivy library into EngineErrors."""

import re
import shutil
from pathlib import Path

from enricher.errors import EngineError, EngineUnavailable
from indexer.engines.names import no_such_index

_FULL_DISK = ("os error 28", "os error 122", "os error 27", "No space left", "quota exceeded")
_FORBIDDEN = ("PermissionDenied", "Permission denied", "ReadOnlyFilesystem", "Read-only file system")
_NO_TEMPORARY = "No usable temporary directory"
_DAMAGE = ("Data corrupted", "corrupt", "buffer")
_MISSING_FILE = re.compile(r"FileDoesNotExist\(\"([^\"]+)\"\)|No such file or directory: '([^']+)'")
_BROKEN_FILE = re.compile(r'in file `"([^"]+)"`|filepath: "([^"]+)"')


def is_lock_refused(message: str) -> bool:
    """Whether the library could not create its lock file, for example in a read-only folder."""
    return "Failed to acquire Lockfile" in message and "IoError" in message


def explain(message: str, index: str, segments: Path) -> EngineError:
    """The EngineError for an error message of the library or of the file system."""
    folder = segments.parent
    if "LockBusy" in message:
        return EngineError(
            f"The index {index!r} is being written by another process; wait until it has finished."
        )
    if not segments.exists():
        return no_such_index(index)
    if any(sign in message for sign in _FULL_DISK) or shutil.disk_usage(segments).free < 1_000_000:
        return EngineUnavailable(f"The disk with the index {index!r} is full; free disk space and try again.")
    if _NO_TEMPORARY in message:
        return EngineError(
            f"The index {index!r} is in a read-only folder. To search it, a temporary folder is needed: set "
            "TMPDIR to a writable folder."
        )
    if any(sign in message for sign in _FORBIDDEN):
        return not_allowed(index, segments, "written" if "Lockfile" in message else "read or written")
    damage = _damage(message)
    if damage is not None:
        return EngineError(
            f"The index {index!r} is damaged: {damage}. Restore the folder {folder} from a backup, or remove "
            "it and index the documents again."
        )
    return EngineError(f"The index {index!r} failed: {message.splitlines()[0] if message else 'no reason'}.")


def not_allowed(index: str, segments: Path, what: str = "written") -> EngineError:
    """The error for missing file permissions. what: the forbidden action, "written" or "read or written"."""
    return EngineError(
        f"The index {index!r} cannot be {what} by this user; change the permissions of the folder "
        f"{segments.parent} and of its files."
    )


def _damage(message: str) -> str | None:
    """Which file is missing or unreadable; None if the message is about something else."""
    for pattern, trouble in ((_MISSING_FILE, "is missing"), (_BROKEN_FILE, "cannot be read")):
        found = pattern.search(message)
        if found is not None:
            return f"its file {Path(found[1] or found[2]).name} {trouble}"
    return "one of its files cannot be read" if any(sign in message for sign in _DAMAGE) else None
