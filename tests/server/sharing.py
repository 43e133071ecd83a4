"""One server for all workers of a run of the tests."""

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol


class Server(Protocol):
    """What can be shared: it runs, and has a URL."""

    url: str

    def stop(self) -> None: ...


@contextmanager
def shared(folder: Path, start: Callable[[], Server]) -> Iterator[str]:
    """The URL of a server that whoever names the same folder uses too.

    Who comes first starts it; at its end it waits until nobody uses the server any more, and stops it.
    """
    named, started = folder / "url", None
    with _locked(folder):
        if not named.exists():
            try:
                started = start()
            except BaseException:
                _remove(folder)
                raise
            named.write_text(started.url)
        users = (folder / "users").open("a")
        fcntl.flock(users, fcntl.LOCK_SH)
    try:
        yield named.read_text()
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)
        if started is not None:
            with _locked(folder):
                fcntl.flock(users, fcntl.LOCK_EX)
                started.stop()
                _remove(folder)
        users.close()


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    _lock_of(folder).unlink()


def _lock_of(folder: Path) -> Path:
    """It stands beside the folder, which goes with the server."""
    return folder.with_name(f"{folder.name}.lock")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One at a time."""
    with _lock_of(folder).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir(mode=0o755, exist_ok=True)
        folder.chmod(0o755)  # for the user that the server runs as
        yield
