"""Files that are whole after a crash: written beside their place, synced, renamed into it.

And paths as users write them.
"""

import errno
import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Open a new file, which replaces the one at `path` when the block ends.

    A reader, or a crash, sees the old one or the new one. A link stays, and the file that it leads to is
    replaced; a device or a pipe cannot be replaced, and is written to. `mode` is that of the new file before
    the umask is taken from it. Raises OSError; then, and after an error in the block, nothing is left of the
    new file.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        with path.open("wb") as stream:
            yield stream
        return
    path = path.resolve() if path.is_symlink() else path
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def write_atomically(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file by `atomic_file`. Raises OSError."""
    with atomic_file(path, mode) as file:
        file.write(data)


@contextmanager
def file_lock(path: Path, *, wait: bool = True, shared: bool = False) -> Iterator[None]:
    """Hold the lock of a file; the lock of a killed process is gone with it.

    The file is made where it is missing. shared: with others that share it, and the file must be there: no
    right to write it is needed. Raises OSError; without `wait`, BlockingIOError where the lock is taken.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with path.open("rb" if shared else "ab") as file:
        fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
        yield


@contextmanager
def replaced_file_lock(path: Path) -> Iterator[None]:
    """Hold the lock of a file that is written by replacing it: the file at this path, not a former one.

    The file must be there. Raises OSError.
    """
    while True:
        with path.open("r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                yield
                return


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made where it is missing. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with file_lock(folder / ".lock"):
        yield


def sync(path: Path) -> None:
    """Wait until a file, or the list of names that a folder is, is on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_state(path: Path) -> object:
    """What changes when a file is written or replaced, for comparison; None if it cannot be looked at."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def user_path(path: str | Path) -> Path:
    """The path that a user means: ~ is the home folder also where no shell has replaced it.

    A ~ before a name that is no user's stays as it is.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111  (Path.expanduser fails where there is no such user)


WAYS_OUT = {
    errno.ENOSPC: "make room on the disk",
    errno.EDQUOT: "make room, or have the disk quota raised",
    errno.EFBIG: "the system, or `ulimit -f`, allows no larger file",
    errno.EROFS: "name a folder that can be written",
    errno.EACCES: "change the permissions of the folder, or name another",
    errno.EPERM: "change the permissions of the folder, or name another",
}
"""What to do when a file cannot be written, by the number of the error."""


def why_not_written(error: OSError) -> str:
    """Why a file could not be written and the way out, without a full stop."""
    reason = error.strerror or str(error)
    way_out = WAYS_OUT.get(error.errno or 0)
    return f"{reason}; {way_out}" if way_out else reason
