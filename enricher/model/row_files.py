"""Write tables with one row per word, in batches on all cores. An interrupted build is resumed.

A table is an .npy file. Its header has the final shape from the start, so an incomplete file is too short
to be opened.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import IntArray

Work = Callable[[IntArray], Sequence[NDArray[Any]]]
"""Computes the part of each table for some rows, int32 (n,)."""


@dataclass(frozen=True, slots=True)
class RowFile:
    """One table to write: its file, type and shape."""

    path: Path
    kind: type[np.generic]
    rows: int
    columns: int

    @property
    def head(self) -> bytes:
        """The .npy header of the file."""
        written = BytesIO()
        description = np.lib.format.dtype_to_descr(np.dtype(self.kind))
        np.lib.format.write_array_header_1_0(
            written, {"descr": description, "fortran_order": False, "shape": (self.rows, self.columns)}
        )
        return written.getvalue()

    def begun(self, file: BinaryIO) -> int:
        """The number of complete rows in the opened file."""
        held = file.seek(0, os.SEEK_END) - len(self.head)
        return max(0, held // self._row_bytes) if self.columns else 0

    def cut(self, file: BinaryIO, rows: int) -> None:
        """Truncate the opened file to `rows` rows; write the header if there are none."""
        if rows == 0:
            file.truncate(0)
            file.write(self.head)
        else:
            file.truncate(len(self.head) + rows * self._row_bytes)

    @property
    def _row_bytes(self) -> int:
        return self.columns * np.dtype(self.kind).itemsize


def complete_rows(
    files: Sequence[RowFile], batch: int, work: Work, progress: Callable[[int, int], None]
) -> None:
    """Write the missing rows of tables with the same number of rows, `batch` rows at a time, in threads.

    If `work` is deterministic, the files are identical even if the build was interrupted. Raises OSError if
    the disk is full.
    """
    total = files[0].rows
    with ExitStack() as stack:
        opened = [stack.enter_context(file.path.open("ab")) for file in files]
        done = min(file.begun(handle) for file, handle in zip(files, opened, strict=True))
        done -= done % batch if done < total else 0
        for file, handle in zip(files, opened, strict=True):
            file.cut(handle, done)
        starts = range(done, total, batch)
        batches = [np.arange(start, min(start + batch, total), dtype=np.int32) for start in starts]
        for parts in _in_order(work, batches):
            for file, handle, part in zip(files, opened, parts, strict=True):
                handle.write(np.asarray(part, file.kind).tobytes())
            done += len(parts[0])
            progress(done, total)


def _in_order(work: Work, batches: Sequence[IntArray]) -> Iterator[Sequence[NDArray[Any]]]:
    """Yield the results of `work` in the order of the batches; a few batches are processed at a time."""
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        ahead = threads * 4
        waiting = [pool.submit(work, batch) for batch in batches[:ahead]]
        for batch in [*batches[ahead:], *([None] * min(ahead, len(batches)))]:
            answer = waiting.pop(0).result()
            if batch is not None:
                waiting.append(pool.submit(work, batch))
            yield answer
