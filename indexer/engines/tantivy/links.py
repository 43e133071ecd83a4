"""Reading an index of the embedded engine in a folder that cannot be written.

The library locks a file beside the segments whenever it opens them, also to read. Where that file
cannot be made, the segments are opened by way of a temporary folder of links to them.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from enricher.files import file_lock

META = "meta.json"
_LOCK = ".tantivy-meta.lock"


class LinkedSegments:
    """A temporary folder of links to the segments of one index; gone with this object."""

    def __init__(self, segments: Path) -> None:
        self._segments = segments.absolute()
        self._temporary = tempfile.TemporaryDirectory(prefix="enricher-index-", ignore_cleanup_errors=True)
        self.path = Path(self._temporary.name)

    @contextmanager
    def updated(self) -> Iterator[Path]:
        """The folder as of the last commit, whose files stay while the block opens them."""
        with self._kept_by_the_writer():
            # First what names the files: those that it names are there before it.
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
    def _kept_by_the_writer(self) -> Iterator[None]:
        """Hold the library's own lock, under which a writer removes files; needs no right to write."""
        with ExitStack() as stack:
            with suppress(OSError):
                stack.enter_context(file_lock(self._segments / _LOCK, shared=True))
            yield

    def remove(self) -> None:
        """Remove the temporary folder."""
        self._temporary.cleanup()
