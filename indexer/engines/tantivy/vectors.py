"""The vectors of an index of the embedded engine, as searches read them.

A search reads the vector file (`vector_log`), which is memory-mapped. The first records may be in lists of
near vectors (`vector_lists`). Later records are compared with the query one by one. When records were
appended, only these are read. The largest inner products of a query with 1,000,000 vectors take 2 ms with
lists and 20 ms without.
"""

import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import FloatArray
from enricher.model.text_vectors.vectors import Codes
from enricher.search.fusion import least_product
from indexer.engines.tantivy.vector_lists import Lists, lists_inode, open_lists
from indexer.engines.tantivy.vector_log import (
    EMPTY,
    FILE,
    Keys,
    Rows,
    VectorLog,
    has_vector,
    last_rows,
    open_log,
    with_vector,
    without_deleted,
)

if TYPE_CHECKING:  # it imports faiss, which only a vector search needs
    from enricher.model.neighbors import CodeIndex


class _Part:
    """Consecutive records of a vector file, from the row `start` to before `stop`."""

    def __init__(self, log: VectorLog, start: int, stop: int) -> None:
        self.start, self.stop = start, stop
        self._log = log

    @cached_property
    def index(self) -> "CodeIndex":
        """An exact index of the records. The ids are counted from `start`."""
        from enricher.model.neighbors import CodeIndex

        return CodeIndex.exact(self._log.codes[self.start : self.stop])


class Vectors:
    """The vectors of an index at one point in time. Immutable.

    dimensions: 0 if there are no vectors. documents: number of documents, with or without a vector.
    """

    def __init__(self, log: VectorLog, lists: Lists | None = None) -> None:
        """Only the records in the lists. `grown` reads the others."""
        self.log, self.lists = log, lists
        self._read = 0 if lists is None else lists.records
        """Number of records that were read."""
        self._keys: Keys = np.empty(0, np.uint64)
        """The keys of the records that are not in the lists, rising."""
        self._rows: Rows = np.empty(0, np.int64)
        """The row of each of these keys."""
        self._live = np.ones(self._read, bool)
        """Whether a record may be found: of each key, the last record, if it has a vector."""
        self._parts: tuple[_Part, ...] = ()
        self.documents = 0 if lists is None else len(lists.keys)
        self._vectors = 0 if lists is None else len(lists.index)
        """Number of documents with a vector."""

    def grown(self, log: VectorLog) -> "Vectors":
        """These vectors with the records that were appended since. log: the same file, opened again."""
        found, first, codes = Vectors(log, self.lists), self._read, log.codes
        rows = first + last_rows(log.keys[first:])
        keys = log.keys[rows]
        superseded = self._find(keys)
        superseded = superseded[superseded >= 0]
        kept = without_deleted(codes, rows)
        vectors = with_vector(codes, kept)
        found._read = len(log.records)
        found._live = np.append(self._live, np.zeros(found._read - first, bool))
        found._live[superseded] = False
        found._live[vectors] = True
        found.documents = self.documents + len(kept) - len(without_deleted(codes, superseded))
        found._vectors = self._vectors + len(vectors) - len(with_vector(codes, superseded))
        older = ~np.isin(self._keys, keys, assume_unique=True)
        merged = np.append(self._keys[older], keys)
        order = np.argsort(merged, kind="stable")
        found._keys, found._rows = merged[order], np.append(self._rows[older], rows)[order]
        found._parts = self._grown_parts(log, first)
        return found

    def _grown_parts(self, log: VectorLog, start: int) -> tuple[_Part, ...]:
        """The parts with the new records. Small parts are joined, so that there are always few."""
        parts, stop = list(self._parts), len(log.records)
        while parts and parts[-1].stop - parts[-1].start < 2 * (stop - start):
            start = parts.pop().start
        return (*parts, _Part(log, start, stop)) if stop > start else tuple(parts)

    @property
    def dimensions(self) -> int:
        return self.log.dimensions if self._vectors else 0

    def nearest(self, query: Codes, top: int) -> list[int]:
        """The keys of the nearest documents above the minimum similarity, largest inner product first.

        With lists, some of the nearest may be missing (`CodeIndex.with_lists`).
        """
        if not self._vectors or len(query) != self.dimensions:
            return []
        products, rows = [], []
        for start, stop, index in self._indexes():
            live = self._live[start:stop]
            found, ids = index.nearest(query, top, None if live.all() else live)
            products.append(found)
            rows.append(ids + start)
        values = np.concatenate(products)
        best = np.argsort(-values, kind="stable")[:top]
        best = best[values[best] > least_product(self.dimensions)]
        nearest: list[int] = self.log.keys[np.concatenate(rows)[best]].tolist()
        return nearest

    def _indexes(self) -> list[tuple[int, int, "CodeIndex"]]:
        """The indexes of all records, and the rows of each."""
        found = [(part.start, part.stop, part.index) for part in self._parts]
        return found if self.lists is None else [(0, self.lists.records, self.lists.index), *found]

    def load(self) -> None:
        """Build the search index of `nearest` now instead of in its first call."""
        if self._vectors:
            self._indexes()

    def codes(self, keys: Sequence[int]) -> list[Codes]:
        """The vectors of documents. Documents without a vector are omitted."""
        return list(self._known(keys)[0])

    def products(self, query: Codes, keys: Sequence[int]) -> FloatArray:
        """The inner products of a query with documents; 0 for a document without a vector."""
        found = np.zeros(len(keys), np.float32)
        codes, places = self._known(keys)
        if len(codes) and len(query) == self.dimensions:
            # Not by BLAS: for so small a product, its threads wait for each other longer than they calculate.
            found[places] = np.einsum("nd,d->n", codes.astype(np.float32), query.astype(np.float32))
        return found

    def _known(self, keys: Sequence[int]) -> tuple[Codes, Rows]:
        """The vectors of the keys that have one, and the positions of these keys in `keys`."""
        rows = self._find(np.array(keys, np.uint64))
        places = np.flatnonzero(rows >= 0)
        codes = self.log.codes[rows[places]]
        held = has_vector(codes)
        return codes[held], places[held]

    def _find(self, keys: Keys) -> Rows:
        """The row of the last record of each key, −1 if there is none."""
        rows = np.full(len(keys), -1, np.int64)
        if self.lists is not None:
            _look_up(keys, self.lists.keys, self.lists.rows, rows)
        _look_up(keys, self._keys, self._rows, rows)
        return rows


def _look_up(wanted: Keys, keys: Keys, rows: NDArray[np.integer], found: Rows) -> None:
    """Put the row of each wanted key that is among rising keys into `found`."""
    places = np.searchsorted(keys, wanted)
    known = places < len(keys)
    known[known] = keys[places[known]] == wanted[known]
    found[known] = rows[places[known]]


class VectorReader:
    """Reads the vector file, and what was appended to it since. Thread-safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._read: tuple[object, Vectors] = None, Vectors(EMPTY)

    def current(self) -> Vectors:
        """The vectors that the file contains now."""
        with self._lock:
            known, vectors = self._read
            try:
                state = (self._folder / FILE).stat()
            except FileNotFoundError:
                return vectors
            seen = (state.st_ino, state.st_size, lists_inode(self._folder))
            if seen != known:
                vectors = self._updated(vectors, seen[2])
                self._read = seen, vectors
            return vectors

    def _updated(self, vectors: Vectors, lists: int) -> Vectors:
        log = open_log(self._folder / FILE)
        used = 0 if vectors.lists is None else vectors.lists.inode
        if not log.continues(vectors.log) or used != lists:
            found = open_lists(self._folder, log)
            if not log.continues(vectors.log) or found is not None or used:
                vectors = Vectors(log, found)
        return vectors.grown(log)
