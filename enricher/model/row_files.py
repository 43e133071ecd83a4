"""Tables of one row a word, written in batches on all cores; one that a killed process began is completed.

A table is a plain .npy file whose head tells its whole shape from the start: until the last row is
there, it is too short to be opened.
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
"""From some rows, int32 (n,), to their part of each table."""


@dataclass(frozen=True, slots=True)
class RowFile:
    """One table to be written: its file, and the kind and number of its values."""

    path: Path
    kind: type[np.generic]
    rows: int
    columns: int

    @property
    def head(self) -> bytes:
        """What the file begins with."""
        written = BytesIO()
        description = np.lib.format.dtype_to_descr(np.dtype(self.kind))
        np.lib.format.write_array_header_1_0(
            written, {"descr": description, "fortran_order": False, "shape": (self.rows, self.columns)}
        )
        return written.getvalue()

    def begun(self, file: BinaryIO) -> int:
        """How many whole rows the opened file holds already."""
        held = file.seek(0, os.SEEK_END) - len(self.head)
        return max(0, held // self._row_bytes) if self.columns else 0

    def cut(self, file: BinaryIO, rows: int) -> None:
        """Leave so many rows of the opened file, and begin one that holds none."""
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
    """Write what is missing of some tables of as many rows, so many rows at a time, a batch in each thread.

    The bytes are the same however often it was interrupted, where `work` answers the same for the
    same batch. Raises OSError when the disk is full.
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
    """The answers of work in the order of the batches, a few of them under way at a time."""
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads) as pool:
        ahead = threads * 4
        waiting = [pool.submit(work, batch) for batch in batches[:ahead]]
        for batch in [*batches[ahead:], *([None] * min(ahead, len(batches)))]:
            answer = waiting.pop(0).result()
            if batch is not None:
                waiting.append(pool.submit(work, batch))
            yield answer
