"""The vector file of an index of the embedded engine.

The file is append-only. It has a header and one record for every written document:

    key, uint64    hash of the document id; the index stores it as a field of the document
    codes, int8    d numbers (`enricher.model.text_vectors.vectors`); all 0 for a document without a
                   vector, all −128 for a deleted document

Every written document has a record, so a lost or truncated file is detected. Of several records with one
key, the last is valid. Records are durable before the index commits their documents, so every searchable
document has its vector. Records of uncommitted documents are never found in the index. When half of the
records are superseded, closing the index compacts the file.

A search compares the query with every vector, with faiss: 0.7 ms for 50,000 documents, 15 ms for a million.
"""

import hashlib
import os
import struct
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from enricher.errors import EngineError
from enricher.files import write_atomically
from enricher.model.arrays import FloatArray
from enricher.model.text_vectors.vectors import Codes
from enricher.search.fusion import least_product

if TYPE_CHECKING:  # it imports faiss, which only a vector search needs
    from enricher.model.neighbors import CodeIndex

FILE = "vectors.log"
_HEAD = struct.Struct("<8sI4x")
_MAGIC = b"vectors1"
_DELETED = -128
_MAX_DIMENSIONS = 65_536
_COMPACTION_MARGIN_RECORDS = 1000
"""The file is compacted if it has this many records more than twice the valid ones."""

Keys = NDArray[np.uint64]


def key_of(id_: str) -> int:
    """The 64-bit key of a document id, in the index and in the vector file."""
    return int.from_bytes(hashlib.blake2b(id_.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def _records_of(dimensions: int) -> np.dtype[Any]:
    return np.dtype([("key", "<u8"), ("codes", "i1", (dimensions,))])


def _mapped(path: Path) -> NDArray[Any]:
    """Memory-map all complete records of a file. Raises EngineError if it is not a vector file."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return np.empty(0, _records_of(0))
        magic, dimensions = _HEAD.unpack(head)
        if magic != _MAGIC or dimensions > _MAX_DIMENSIONS:
            raise EngineError(f"The file {path} is damaged; remove it and index the documents again.")
        kind = _records_of(dimensions)
        number = (os.fstat(file.fileno()).st_size - _HEAD.size) // kind.itemsize
        return np.memmap(file, kind, "r", _HEAD.size, (number,)) if number else np.empty(0, kind)


def _alive(records: NDArray[Any]) -> NDArray[np.int64]:
    """The rows of the last record of every key, sorted by key, without deleted documents."""
    order = np.argsort(records["key"], kind="stable")
    keys = records["key"][order]
    last: NDArray[np.int64] = order[np.append(keys[1:] != keys[:-1], True)] if len(keys) else order
    if records.dtype["codes"].shape[0]:
        last = last[records["codes"][:, 0][last] != _DELETED]
    return last


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
        records = _mapped(self._path)
        dimensions: int = records.dtype["codes"].shape[0]
        size = self._path.stat().st_size
        whole = _HEAD.size + records.nbytes if size >= _HEAD.size else 0
        if size > whole:
            os.truncate(self._path, whole)
        return dimensions

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
            self._waiting.append((key_of(id_), _DELETED))

    def _widen(self, dimensions: int) -> None:
        """Set the dimensions, and rewrite a file whose records contain only keys."""
        if self._path.exists() and self._path.stat().st_size >= _HEAD.size:
            records = np.zeros(len(keys := _mapped(self._path)["key"]), _records_of(dimensions))
            records["key"] = keys
            write_atomically(self._path, _HEAD.pack(_MAGIC, dimensions) + records.tobytes())
        self._dimensions = dimensions

    def sync(self) -> None:
        """Write all buffered records durably."""
        if not self._waiting:
            return
        records = np.zeros(len(self._waiting), _records_of(self._dimensions))
        for place, (key, codes) in enumerate(self._waiting):
            records[place] = key, codes if isinstance(codes, np.ndarray) else [codes] * self._dimensions
        with self._path.open("ab") as file:
            if not file.tell():
                file.write(_HEAD.pack(_MAGIC, self._dimensions))
            file.write(records.tobytes())
            file.flush()
            os.fsync(file.fileno())
        self._waiting.clear()

    def compact(self) -> None:
        """Rewrite the file without superseded records if they are more than half."""
        self.sync()
        if not self._dimensions:
            return
        records = _mapped(self._path)
        kept = _alive(records)
        if len(records) > 2 * len(kept) + _COMPACTION_MARGIN_RECORDS:
            write_atomically(self._path, _HEAD.pack(_MAGIC, self._dimensions) + records[kept].tobytes())


class Vectors:
    """The vectors of an index at one point in time.

    dimensions: 0 if there are no vectors. documents: number of documents, with or without a vector.
    """

    def __init__(self, records: NDArray[Any]) -> None:
        alive = _alive(records)
        self.documents = len(alive)
        records = records[alive]
        records = records[records["codes"].any(axis=1)]
        self.dimensions = records.dtype["codes"].shape[0] if len(records) else 0
        self._keys: Keys = np.ascontiguousarray(records["key"])
        self._codes: Codes = np.ascontiguousarray(records["codes"])

    def nearest(self, query: Codes, top: int) -> list[int]:
        """The keys of the nearest documents above the minimum similarity, largest inner product first."""
        if not len(self._keys) or len(query) != self.dimensions:
            return []
        products, rows = self._index.nearest(query, top)
        nearest: list[int] = self._keys[rows[products > least_product(self.dimensions)]].tolist()
        return nearest

    def load(self) -> None:
        """Build the search index of `nearest` now instead of in its first call."""
        if len(self._keys):
            self._index  # noqa: B018  (fills the cached property)

    @cached_property
    def _index(self) -> "CodeIndex":
        from enricher.model.neighbors import CodeIndex  # it imports faiss, which counting does not need

        return CodeIndex(self._codes)

    def codes(self, keys: Sequence[int]) -> list[Codes]:
        """The vectors of documents. Documents without a vector are omitted."""
        rows, _ = self._rows(keys)
        return list(self._codes[rows])

    def products(self, query: Codes, keys: Sequence[int]) -> FloatArray:
        """The inner products of a query with documents; 0 for a document without a vector."""
        found = np.zeros(len(keys), np.float32)
        rows, places = self._rows(keys)
        if len(rows) and len(query) == self.dimensions:
            # Not by BLAS: for so small a product, its threads wait for each other longer than they calculate.
            codes = self._codes[rows].astype(np.float32)
            found[places] = np.einsum("nd,d->n", codes, query.astype(np.float32))
        return found

    def _rows(self, keys: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows of the known keys, and the positions of these keys in `keys`."""
        wanted = np.array(keys, np.uint64)
        rows = np.searchsorted(self._keys, wanted)
        known = rows < len(self._keys)
        known[known] = self._keys[rows[known]] == wanted[known]
        return rows[known], np.flatnonzero(known)


class VectorReader:
    """Reads the vector file, and reads it again when it has changed. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._read: tuple[object, Vectors] = None, Vectors(np.empty(0, _records_of(0)))

    def current(self) -> Vectors:
        """The vectors that the file contains now."""
        try:
            state = self._path.stat()
        except FileNotFoundError:
            return self._read[1]
        seen = (state.st_ino, state.st_size)
        known, vectors = self._read
        if seen != known:
            vectors = Vectors(_mapped(self._path))
            self._read = seen, vectors
        return vectors
