"""Open an index of the embedded engine that is in a read-only folder.

The library creates a lock file beside the segments whenever it opens them, also to read. In a read-only
folder this fails. Then the index is opened through a temporary folder with symbolic links to the segments.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from enricher.files import file_lock

META = "meta.json"
_LOCK = ".tantivy-meta.lock"


class LinkedSegments:
    """A temporary folder with symbolic links to the segments of an index. Removed with this object."""

    def __init__(self, segments: Path) -> None:
        self._segments = segments.absolute()
        self._temporary = tempfile.TemporaryDirectory(prefix="enricher-index-", ignore_cleanup_errors=True)
        self.path = Path(self._temporary.name)

    @contextmanager
    def updated(self) -> Iterator[Path]:
        """Update the links to the last commit. Its files are not removed while the block runs."""
        with self._shared_lock():
            # Copy the meta file first: the files that it lists already exist.
            (self.path / META).write_bytes((self._segments / META).read_bytes())
            for link in self.path.iterdir():
                if link.is_symlink() and not link.exists():
                    link.unlink()
            for file in self._segments.iterdir():
                link = self.path / file.name
                if file.name != META and not file.name.startswith(".") and not link.is_symlink():
                    link.symlink_to(file)
            yield self.path

    @contextmanager
    def _shared_lock(self) -> Iterator[None]:
        """Hold the lock file of the library in shared mode, so that no writer removes files.

        Needs no write permission.
        """
        with ExitStack() as stack:
            with suppress(OSError):
                stack.enter_context(file_lock(self._segments / _LOCK, shared=True))
            yield

    def remove(self) -> None:
        """Remove the temporary folder."""
        self._temporary.cleanup()
