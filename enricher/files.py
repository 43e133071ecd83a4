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


def write_atomically(path: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file so that a reader, or a crash, sees the old one or the new one.

    `mode` is that of the new file before the umask is taken from it. Raises OSError; nothing is
    left of the new file then.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made where it is missing; a killed process's lock is gone with it.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sync(path: Path) -> None:
    """Wait until a file, or the list of names that a folder is, is on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def user_path(path: str | Path) -> Path:
    """The path that a user means: ~ is the home folder also where no shell has replaced it.

    A ~ before a name that is no user's stays as it is.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111  (Path.expanduser fails where there is no such user)


NO_ROOM = {
    errno.ENOSPC: "there is no space left on the disk; make room",
    errno.EDQUOT: "the disk quota is used up; make room, or have it raised",
    errno.EFBIG: "a file would be larger than the system, or `ulimit -f`, allows",
    errno.EROFS: "the disk can only be read; name a folder that can be written",
    errno.EACCES: "permission denied; change the permissions of the folder, or name another",
    errno.EPERM: "permission denied; change the permissions of the folder, or name another",
}
"""Why files cannot be written, and the way out, by the number of the error."""


def why_not_written(error: OSError) -> str:
    """Why a file could not be written, without a full stop."""
    return NO_ROOM.get(error.errno or 0) or error.strerror or str(error)
