"""Vectors of documents beside an index of the embedded engine.

A file to which is only ever appended: a head, then a record for every vector written,

    key, uint64    a hash of the document's id, which the index keeps as a number of the document
    codes, int8    d numbers (`enricher.model.text_vectors.vectors`), all 0 for a document without a
                   vector, all −128 for one that was deleted

Every document that was written has a record, so that a file that was lost or cut is noticed. Of records
with one key the last counts. Records are made durable before the index commits their
documents, so every document that a search sees has its vector; one of a document that was never
committed is not found in the index, and harms nothing. When half of the records are superseded, the
file is written anew at the next closing.

Searching compares with every vector, by faiss: .7 ms for 50,000 documents, 15 ms for a million.
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

if TYPE_CHECKING:  # it imports faiss, which only those need who search by vectors
    from enricher.model.neighbors import CodeIndex

FILE = "vectors.log"
_HEAD = struct.Struct("<8sI4x")
_MAGIC = b"vectors1"
_DELETED = -128
_MOST_DIMENSIONS = 65_536
_SPARE = 1000
"""Records beyond twice those that count, from which on the file is written anew."""

Keys = NDArray[np.uint64]


def key_of(id_: str) -> int:
    """The number by which index and file know a document, of 64 bits."""
    return int.from_bytes(hashlib.blake2b(id_.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def _records_of(dimensions: int) -> np.dtype[Any]:
    return np.dtype([("key", "<u8"), ("codes", "i1", (dimensions,))])


def _mapped(path: Path) -> NDArray[Any]:
    """All whole records of a file, mapped and not read; EngineError where it is none."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return np.empty(0, _records_of(0))
        magic, dimensions = _HEAD.unpack(head)
        if magic != _MAGIC or dimensions > _MOST_DIMENSIONS:
            raise EngineError(f"The file {path} is damaged; remove it and index the documents again.")
        kind = _records_of(dimensions)
        number = (os.fstat(file.fileno()).st_size - _HEAD.size) // kind.itemsize
        return np.memmap(file, kind, "r", _HEAD.size, (number,)) if number else np.empty(0, kind)


def _alive(records: NDArray[Any]) -> NDArray[np.int64]:
    """The places of the last record of every key, sorted by key, but for those of deleted documents."""
    order = np.argsort(records["key"], kind="stable")
    keys = records["key"][order]
    last: NDArray[np.int64] = order[np.append(keys[1:] != keys[:-1], True)] if len(keys) else order
    if records.dtype["codes"].shape[0]:
        last = last[records["codes"][:, 0][last] != _DELETED]
    return last


class VectorWriter:
    """Appends vectors; one writer at a time, which the index's own lock sees to.

    The length of the vectors, d, is that of the first; until there is one, records are keys alone.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._dimensions = self._mend()
        self._waiting: list[tuple[int, Codes | int]] = []

    def _mend(self) -> int:
        """Cut off what a kill has left of a record; answers the number of dimensions, 0 before the first."""
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
        """Note the vector of a document, None for none; it is written by `sync`."""
        if codes is None:
            self._waiting.append((key_of(id_), 0))
            return
        if not self._dimensions:
            self._widen(len(codes))
        if len(codes) != self._dimensions:
            raise EngineError(
                f"The vector of the document {id_!r} has {len(codes)} numbers, those of the index have "
                f"{self._dimensions}: index with one model."
            )
        self._waiting.append((key_of(id_), codes))

    def delete(self, id_: str) -> None:
        """Note that a document is deleted, in an index that has vectors."""
        if self._path.exists() or self._waiting:
            self._waiting.append((key_of(id_), _DELETED))

    def _widen(self, dimensions: int) -> None:
        """Give the records of a file that holds keys alone their codes."""
        if self._path.exists() and self._path.stat().st_size >= _HEAD.size:
            records = np.zeros(len(keys := _mapped(self._path)["key"]), _records_of(dimensions))
            records["key"] = keys
            write_atomically(self._path, _HEAD.pack(_MAGIC, dimensions) + records.tobytes())
        self._dimensions = dimensions

    def sync(self) -> None:
        """Make all that was appended durable."""
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
        """Write the file anew where half of it is superseded."""
        self.sync()
        if not self._dimensions:
            return
        records = _mapped(self._path)
        kept = _alive(records)
        if len(records) > 2 * len(kept) + _SPARE:
            write_atomically(self._path, _HEAD.pack(_MAGIC, self._dimensions) + records[kept].tobytes())


class Vectors:
    """The vectors of an index at one time; d is 0 where there are none. documents: how many are known."""

    def __init__(self, records: NDArray[Any]) -> None:
        alive = _alive(records)
        self.documents = len(alive)
        records = records[alive]
        records = records[records["codes"].any(axis=1)]
        self.dimensions = records.dtype["codes"].shape[0] if len(records) else 0
        self._keys: Keys = np.ascontiguousarray(records["key"])
        self._codes: Codes = np.ascontiguousarray(records["codes"])

    def nearest(self, query: Codes, top: int) -> list[int]:
        """The keys of the vectors with the largest products with a query that suffice, the largest first."""
        if not len(self._keys) or len(query) != self.dimensions:
            return []
        products, rows = self._index.nearest(query, top)
        nearest: list[int] = self._keys[rows[products > least_product(self.dimensions)]].tolist()
        return nearest

    def load(self) -> None:
        """Make ready what `nearest` needs, which else the first call does."""
        if len(self._keys):
            self._index  # noqa: B018  (it is kept from now on)

    @cached_property
    def _index(self) -> "CodeIndex":
        from enricher.model.neighbors import CodeIndex  # it imports faiss, which counting does not need

        return CodeIndex(self._codes)

    def codes(self, keys: Sequence[int]) -> list[Codes]:
        """The vectors of those of some documents that have one."""
        rows, _ = self._rows(keys)
        return list(self._codes[rows])

    def products(self, query: Codes, keys: Sequence[int]) -> FloatArray:
        """The products of a query with the vectors of some documents, 0 where one has none."""
        found = np.zeros(len(keys), np.float32)
        rows, places = self._rows(keys)
        if len(rows) and len(query) == self.dimensions:
            # No BLAS: its threads wait for each other longer than so small a product takes.
            codes = self._codes[rows].astype(np.float32)
            found[places] = np.einsum("nd,d->n", codes, query.astype(np.float32))
        return found

    def _rows(self, keys: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows of the keys that are known, and the places of those keys."""
        wanted = np.array(keys, np.uint64)
        rows = np.searchsorted(self._keys, wanted)
        known = rows < len(self._keys)
        known[known] = self._keys[rows[known]] == wanted[known]
        return rows[known], np.flatnonzero(known)


class VectorReader:
    """Reads the file again when it has changed; safe for several threads."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self._read: tuple[object, Vectors] = None, Vectors(np.empty(0, _records_of(0)))

    def current(self) -> Vectors:
        """The vectors that are in the file now."""
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
