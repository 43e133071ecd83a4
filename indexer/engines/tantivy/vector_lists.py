"""Lists of near vectors beside the vector file of an index: `vectors.lists`.

With them, a search compares a query with a few of the vectors instead of all. The file is memory-mapped. It
describes the first records of the vector file; records that were appended later are not in it:

    index     a faiss index (`CodeIndex`) of the valid vectors; their ids are rows of the vector file
    keys      uint64 (n,), rising: the keys of all valid records, with or without a vector
    rows      uint32 (n,): the row of each key
    footer    magic; n; number of records; bytes of the index; digest of these records (`VectorLog.digest`)

The file only saves time. If it is missing, truncated, or does not fit the vector file, it is ignored, and
written again when a writer of the index is closed.
"""

import os
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from numpy.typing import NDArray

from enricher.files import atomic_file
from indexer.engines.tantivy.vector_log import (
    FILE,
    Keys,
    Rows,
    VectorLog,
    last_rows,
    open_log,
    with_vector,
    without_deleted,
)

LISTS = "vectors.lists"
MIN_LISTED_RECORDS = 100_000
"""Minimum number of records that are not in the lists, for which the lists are written again.

So many vectors are compared one by one in 2 ms.
"""
MAX_UNLISTED_SHARE = 1 / 8
"""The lists are written again if records of more than this share of the listed ones are not in them."""

if TYPE_CHECKING:  # it imports faiss, which counting documents does not need
    from enricher.model.neighbors import CodeIndex

_MAGIC = b"lists1\0\0"
_FOOTER = struct.Struct("<8sQQQ16s")
_ALIGNMENT_BYTES = 64


@dataclass(frozen=True, slots=True)
class Lists:
    """An opened file of lists. records: how many records of the vector file it describes."""

    records: int
    keys: Keys
    rows: NDArray[np.uint32]
    index: "CodeIndex"
    inode: int


def lists_inode(folder: Path) -> int:
    """The inode of the file of lists; 0 if there is none."""
    try:
        return (folder / LISTS).stat().st_ino
    except OSError:
        return 0


def open_lists(folder: Path, log: VectorLog) -> Lists | None:
    """Open the lists of a vector file; None if there are none that fit it."""
    path = folder / LISTS
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            file.seek(max(0, state.st_size - _FOOTER.size))
            magic, number, records, size, digest = _FOOTER.unpack(file.read(_FOOTER.size))
            if magic != _MAGIC or state.st_size != size + number * 12 + _FOOTER.size:
                return None
            if records > len(log.records) or digest != log.digest(records):
                return None
            keys = np.asarray(np.memmap(file, np.uint64, "r", size, (number,)))
            from enricher.model.neighbors import CodeIndex

            rows = np.asarray(np.memmap(file, np.uint32, "r", size + keys.nbytes, (number,)))
        index = CodeIndex.open(path)
        replaced = path.stat().st_ino != state.st_ino
    except (OSError, struct.error):
        return None
    return None if replaced else Lists(records, keys, rows, index, state.st_ino)


def update_lists(folder: Path) -> None:
    """Write the lists of a vector file if too many of its records are not in them. Raises OSError.

    Remove lists that do not fit it. Takes half a minute for a million vectors. The caller holds the write
    lock.
    """
    for left in folder.glob(f".{LISTS}.*"):  # from a killed process
        left.unlink(missing_ok=True)
    path = folder / LISTS
    with suppress(FileNotFoundError):
        log = open_log(folder / FILE)
        known = open_lists(folder, log)
        listed = 0 if known is None else known.records
        least = max(MIN_LISTED_RECORDS, listed * MAX_UNLISTED_SHARE)
        if known is None:
            path.unlink(missing_ok=True)
        if log.dimensions and len(log.records) - listed >= least:
            _write(path, log)


def _write(path: Path, log: VectorLog) -> None:
    from enricher.model.neighbors import CodeIndex

    rows = without_deleted(log.codes, last_rows(log.keys))
    listed: Rows = np.sort(with_vector(log.codes, rows))
    if not len(listed):
        return
    index = CodeIndex.with_lists(log.codes, listed)
    with atomic_file(path) as file:
        index.write(file)
        _pad(file)
        size = file.tell()
        file.write(log.keys[rows].tobytes())
        file.write(rows.astype(np.uint32).tobytes())
        number = len(log.records)
        file.write(_FOOTER.pack(_MAGIC, len(rows), number, size, log.digest(number)))


def _pad(file: BinaryIO) -> None:
    file.write(bytes(-file.tell() % _ALIGNMENT_BYTES))
