"""The vector file of an index of the embedded engine.

The file is append-only. It has a header and one record for every written document:

    key, uint64    hash of the document id; the index stores it as a field of the document
    codes, int8    d numbers (`enricher.model.text_vectors.vectors`); all 0 for a document without a
                   vector, all −128 for a deleted document

Every written document has a record, so a lost or truncated file is detected. Of several records with one
key, the last is valid. Records are durable before the index commits their documents, so every searchable
document has its vector. Records of uncommitted documents are never found in the index. When half of the
records are superseded, closing the index compacts the file.

The header has a generation: a random number, which is new whenever the file is rewritten. It is 0 in files
of earlier versions.
"""

import hashlib
import os
import secrets
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.errors import EngineError
from enricher.files import atomic_file
from enricher.model.text_vectors.vectors import Codes

FILE = "vectors.log"
DELETED = -128
_HEAD = struct.Struct("<8sII")
_MAGIC = b"vectors1"
_MAX_DIMENSIONS = 65_536
_COMPACTION_MARGIN_RECORDS = 1000
"""The file is compacted if it has this many records more than twice the valid ones."""
_BLOCK_RECORDS = 65_536
"""Number of records that are copied at a time."""
_CHECKED_RECORDS = 64

Keys = NDArray[np.uint64]
Rows = NDArray[np.int64]


def key_of(id_: str) -> int:
    """The 64-bit key of a document id, in the index and in the vector file."""
    return int.from_bytes(hashlib.blake2b(id_.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def _records_of(dimensions: int) -> np.dtype[Any]:
    return np.dtype([("key", "<u8"), ("codes", "i1", (dimensions,))])


@dataclass(frozen=True, slots=True)
class VectorLog:
    """The complete records of a vector file, memory-mapped. inode: 0 if there is no file."""

    records: NDArray[Any]
    generation: int = 0
    inode: int = 0

    @property
    def dimensions(self) -> int:
        """0 before the first vector."""
        found: int = self.records.dtype["codes"].shape[0]
        return found

    @property
    def keys(self) -> Keys:
        """The key of each record, uint64 (n,)."""
        keys: Keys = self.records["key"]
        return keys

    @property
    def codes(self) -> Codes:
        """The codes of each record, int8 (n, d)."""
        codes: Codes = self.records["codes"]
        return codes

    def continues(self, earlier: "VectorLog") -> bool:
        """Whether an earlier state of the same file had the first of these records."""
        same = (self.inode, self.generation, self.dimensions)
        known = (earlier.inode, earlier.generation, earlier.dimensions)
        return same == known and len(self.records) >= len(earlier.records)

    def digest(self, number: int) -> bytes:
        """A hash that identifies the first `number` records, 16 bytes.

        It contains the generation and the last of these records: the records of a generation never change.
        """
        last = self.records[max(0, number - _CHECKED_RECORDS) : number].tobytes()
        head = struct.pack("<IIQ", self.dimensions, self.generation, number)
        return hashlib.blake2b(head + last, digest_size=16).digest()


EMPTY = VectorLog(np.empty(0, _records_of(0)))


def open_log(path: Path) -> VectorLog:
    """Memory-map a vector file. Raises EngineError if it is not one, FileNotFoundError if it is missing."""
    with path.open("rb") as file:
        state = os.fstat(file.fileno())
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return VectorLog(EMPTY.records, inode=state.st_ino)
        magic, dimensions, generation = _HEAD.unpack(head)
        if magic != _MAGIC or dimensions > _MAX_DIMENSIONS:
            raise EngineError(f"The file {path} is damaged; remove it and index the documents again.")
        kind = _records_of(dimensions)
        number = (state.st_size - _HEAD.size) // kind.itemsize
        records = np.empty(0, kind)
        if number:
            records = np.asarray(np.memmap(file, kind, "r", _HEAD.size, (number,)))
        return VectorLog(records, generation, state.st_ino)


def last_rows(keys: Keys) -> Rows:
    """The row of the last record of every key, sorted by key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    return order[np.append(ordered[1:] != ordered[:-1], True)] if len(order) else order


def without_deleted(codes: Codes, rows: Rows) -> Rows:
    """The rows whose documents are not deleted. codes: of all records."""
    return rows[codes[rows, 0] != DELETED] if codes.shape[1] else rows


def has_vector(codes: Codes) -> NDArray[np.bool_]:
    """Whether each row of codes, int8 (n, d), is a vector: neither 0 nor the mark of a deleted document."""
    if not codes.shape[1]:
        return np.zeros(len(codes), bool)
    found: NDArray[np.bool_] = codes.any(axis=1) & (codes[:, 0] != DELETED)
    return found


def with_vector(codes: Codes, rows: Rows) -> Rows:
    """The rows that have a vector. codes: of all records."""
    starts = range(0, len(rows), _BLOCK_RECORDS)
    blocks = [has_vector(codes[rows[start : start + _BLOCK_RECORDS]]) for start in starts]
    return rows[np.concatenate(blocks)] if blocks else rows


class VectorWriter:
    """Appends records to the vector file. The write lock of the index allows only one writer.

    The first vector decides the dimensions d. Before it, records contain only keys.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._dimensions = self._repair()
        self._waiting: list[tuple[int, Codes | int]] = []

    def _repair(self) -> int:
        """Truncate an incomplete record, as a killed process leaves it.

        Returns the dimensions; 0 before the first vector.
        """
        if not self._path.exists():
            return 0
        log = open_log(self._path)
        size = self._path.stat().st_size
        whole = _HEAD.size + log.records.nbytes if size >= _HEAD.size else 0
        if size > whole:
            os.truncate(self._path, whole)
        return log.dimensions

    def append(self, id_: str, codes: Codes | None) -> None:
        """Buffer the vector of a document, or None. `sync` writes it."""
        if codes is None:
            self._waiting.append((key_of(id_), 0))
            return
        if not self._dimensions:
            self._widen(len(codes))
        if len(codes) != self._dimensions:
            raise EngineError(
                f"The vector of the document {id_!r} has {len(codes)} dimensions, those of the index have "
                f"{self._dimensions}. Use the model of the index, or index into a new name."
            )
        self._waiting.append((key_of(id_), codes))

    def delete(self, id_: str) -> None:
        """Buffer the deletion of a document. Does nothing in an index without vectors."""
        if self._path.exists() or self._waiting:
            self._waiting.append((key_of(id_), DELETED))

    def _widen(self, dimensions: int) -> None:
        """Set the dimensions, and rewrite a file whose records contain only keys."""
        if self._path.exists() and self._path.stat().st_size >= _HEAD.size:
            records = np.zeros(len(keys := open_log(self._path).keys), _records_of(dimensions))
            records["key"] = keys
            self._rewrite([records], dimensions)
        self._dimensions = dimensions

    def _rewrite(self, blocks: Iterable[NDArray[Any]], dimensions: int) -> None:
        with atomic_file(self._path) as file:
            file.write(_new_head(dimensions))
            for records in blocks:
                file.write(records.tobytes())

    def sync(self) -> None:
        """Write all buffered records durably."""
        if not self._waiting:
            return
        records = np.zeros(len(self._waiting), _records_of(self._dimensions))
        for place, (key, codes) in enumerate(self._waiting):
            records[place] = key, codes if isinstance(codes, np.ndarray) else [codes] * self._dimensions
        with self._path.open("ab") as file:
            if not file.tell():
                file.write(_new_head(self._dimensions))
            file.write(records.tobytes())
            file.flush()
            os.fsync(file.fileno())
        self._waiting.clear()

    def compact(self) -> None:
        """Rewrite the file without superseded records if they are more than half."""
        self.sync()
        if not self._dimensions:
            return
        log = open_log(self._path)
        kept = without_deleted(log.codes, last_rows(log.keys))
        if len(log.records) > 2 * len(kept) + _COMPACTION_MARGIN_RECORDS:
            starts = range(0, len(kept), _BLOCK_RECORDS)
            blocks = (log.records[kept[start : start + _BLOCK_RECORDS]] for start in starts)
            self._rewrite(blocks, self._dimensions)


def _new_head(dimensions: int) -> bytes:
    return _HEAD.pack(_MAGIC, dimensions, 1 + secrets.randbelow(2**32 - 1))
