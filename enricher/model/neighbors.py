"""Nearest neighbors by cosine with faiss: words that can replace each other.

A small vocabulary has an exact index. In a larger one, vectors are clustered into inverted lists and stored
as codes of 4 bits for every two dimensions. A search reads only the lists nearest to the word, and then
computes the exact cosines of their candidates. The number of lists to read is chosen when the index is
built, by comparison with brute force on a sample of the words, and stored in the index file.

Vectors of documents, in 8 bits per dimension, are indexed in the same two ways (`CodeIndex`). Their lists
contain the vectors themselves, so the dot products are exact, and the index is memory-mapped.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import faiss
import numpy as np
from numpy.typing import NDArray

from enricher.errors import BundleInvalid, UsageError
from enricher.model.arrays import FloatArray
from enricher.model.text_vectors.vectors import Codes
from enricher.records import Neighbor

MIN_LIST_WORDS = 20_000
"""Minimum vocabulary size for an index with lists. A smaller exact index needs at most 3 ms per search."""
TARGET_RECALL = 0.994
"""Recall that the sample must reach. The documented recall is 0.99; the rest is a margin for other words."""
SAMPLE_WORDS = 1000
"""Words compared with brute force. The standard error of their recall is about 0.001."""
RECALL_NEIGHBORS = 10
"""Number of neighbors for which recall is measured. A search for more neighbors reads more lists."""
MAX_CENTER_POINTS = 64
"""Maximum vectors per center from which the centers are computed."""
LIST_SHARES = (1 / 64, 1 / 48, 1 / 32, 1 / 24, 1 / 16, 1 / 12, 1 / 10, 1 / 8, 1 / 6, 1 / 5, 1 / 4)
"""Shares of the lists to try, in this order. If a quarter is not enough, the index is exact."""
EXTRA_CANDIDATES_PER_LIST = 4
"""Candidates per list read, in addition to twice the number requested, because codes are imprecise."""
DIMENSIONS_PER_CODE = 2
"""Dimensions per 4-bit code. With four, 400 candidates would miss 7 % of the nearest words."""
CODE_DIMENSIONS = 16
"""8-bit vectors are padded to a multiple of this: faiss decodes other lengths five times slower."""
RECALL_CODES = 200
"""Number of nearest 8-bit vectors for which recall is measured. A search for more reads more lists."""
TARGET_CODE_RECALL = 0.985
"""Recall that a sample of 8-bit vectors must reach."""
SAMPLE_CODES = 200
BLOCK_CODES = 16_384
"""Number of 8-bit vectors that are converted at a time."""
TIE_TOLERANCE = 1e-6
"""Cosines that differ by less are equal; either word is a correct answer."""


class NeighborIndex:
    """A faiss index of unit vectors, whose inner products are cosines.

    vectors: float32 (V, d), from which exact cosines are computed; need not be unit vectors, may be mapped.
    """

    def __init__(self, index: faiss.Index, vectors: FloatArray) -> None:
        self._index: Any = index  # the type stubs of faiss lack the attributes of lists
        self._vectors = np.asarray(vectors)

    @classmethod
    def build(cls, vectors: FloatArray) -> "NeighborIndex":
        """Index the rows of vectors, float32 (V, d)."""
        points = unit(vectors)
        if len(points) >= MIN_LIST_WORDS:
            found = cls(_divide(points), points)
            if found._reach(TARGET_RECALL):
                return cls(found._index, vectors)
        exact = faiss.IndexFlatIP(points.shape[1])
        exact.add(points)
        return cls(exact, vectors)

    @classmethod
    def open(cls, path: Path, vectors: FloatArray) -> "NeighborIndex":
        """Open a saved index. Raises BundleInvalid if it cannot be read or belongs to other vectors.

        An exact index is mapped, like the lists with 8-bit codes that older versions saved. Lists with 4-bit
        codes are read into memory: about d/4 + 8 bytes per word.
        """
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY)
        except (RuntimeError, MemoryError) as error:
            raise BundleInvalid(f"The neighbor index {path.name} cannot be read.") from error
        if index.ntotal != len(vectors) or index.d < vectors.shape[1]:
            raise BundleInvalid(f"The neighbor index {path.name} belongs to other vectors.")
        return cls(index, vectors)

    @classmethod
    def extended(cls, path: Path, rows: int, vectors: FloatArray) -> "NeighborIndex":
        """A saved index of the first `rows` rows of vectors, float32 (V, d), with the other rows added.

        Rows of the saved index after these are removed. Raises BundleInvalid if it cannot be read.
        """
        try:
            index: Any = faiss.read_index(str(path))
        except (RuntimeError, MemoryError) as error:
            raise BundleInvalid(f"The neighbor index {path.name} cannot be read.") from error
        if index.ntotal > rows:
            index.remove_ids(np.arange(rows, index.ntotal, dtype=np.int64))
        if len(vectors) > rows:
            index.add(_widen(unit(vectors[rows:]), index.d))
        return cls(index, vectors)

    def save(self, path: Path) -> None:
        """Write the index to a file. Raises OSError with the reason, which faiss would lose."""
        with path.open("wb") as file:
            _write(self._index, file)

    @property
    def exact(self) -> bool:
        """Whether a search compares with every vector."""
        return not isinstance(self._index, faiss.IndexIVF)

    def search(self, vectors: FloatArray, top: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """The nearest rows of n vectors: cosines float32 (n, top), rows int64 (n, top), −1 if fewer."""
        queries = unit(vectors)
        with _threads_for(len(queries)):
            if self.exact:
                cosines, rows = self._index.search(queries, top)
                return cosines, rows
            return self._search_lists(queries, top)

    def _search_lists(self, queries: FloatArray, top: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """Search the inverted lists for candidates, then rank them by exact cosines."""
        wider = max(1.0, top / (RECALL_NEIGHBORS + 1)) ** 0.5
        lists = min(self._index.nlist, round(self._index.nprobe * wider))
        number = min(self._index.ntotal, 2 * top + EXTRA_CANDIDATES_PER_LIST * lists)
        effort: Any = faiss.SearchParametersIVF()
        effort.nprobe = lists
        _, candidates = self._index.search(_widen(queries, self._index.d), number, params=effort)
        cosines = np.full((len(queries), top), -np.inf, np.float32)
        rows = np.full((len(queries), top), -1, np.int64)
        for at, query in enumerate(queries):
            offered = candidates[at][candidates[at] >= 0]
            scores = _cosines(self._vectors[offered], query)
            best = np.argsort(-scores, kind="stable")[:top]
            cosines[at, : len(best)], rows[at, : len(best)] = scores[best], offered[best]
        return cosines, rows

    def _reach(self, target: float) -> bool:
        """Choose the smallest share of lists that reaches a recall on a sample; False if none does."""
        number = min(SAMPLE_WORDS, len(self._vectors))
        sample = np.random.default_rng(0).choice(len(self._vectors), number, replace=False)
        queries = self._vectors[sample]
        true, rows = faiss.knn(
            queries, self._vectors, RECALL_NEIGHBORS + 1, metric=faiss.METRIC_INNER_PRODUCT
        )
        tenth = _without(sample, true, rows)[:, RECALL_NEIGHBORS - 1 :]
        for share in LIST_SHARES:
            self._index.nprobe = max(1, round(share * self._index.nlist))
            found = _without(sample, *self.search(queries, RECALL_NEIGHBORS + 1))[:, :RECALL_NEIGHBORS]
            if np.mean(found >= tenth - TIE_TOLERANCE) >= target:
                return True
        return False


class _Writer:
    """Writes the output of faiss to a file, and stores an error, which must not be raised inside faiss."""

    def __init__(self, file: BinaryIO) -> None:
        self.error: OSError | None = None
        self._file = file

    def __call__(self, data: bytes) -> None:
        if self.error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.error = error


def _write(index: Any, file: BinaryIO) -> None:
    writer = _Writer(file)
    faiss.write_index(index, faiss.PyCallbackIOWriter(writer))  # type: ignore[attr-defined]
    if writer.error is not None:
        raise writer.error


class CodeIndex:
    """An index of 8-bit vectors, int8 (n, d), by their dot products, which are integers.

    Each vector has an id, an integer from 0. An exact index compares a query with every vector. An index with
    lists divides the vectors around √n centers, and compares a query with the lists of the nearest centers.
    """

    def __init__(self, index: faiss.Index) -> None:
        self._index: Any = index  # the type stubs of faiss lack the attributes of lists

    @classmethod
    def exact(cls, codes: Codes) -> "CodeIndex":
        """Index all rows of codes. The ids are the row numbers."""
        width = _padded(codes.shape[1], CODE_DIMENSIONS)
        kind = faiss.ScalarQuantizer.QT_8bit_direct_signed
        index = faiss.IndexScalarQuantizer(width, kind, faiss.METRIC_INNER_PRODUCT)
        for start in range(0, len(codes), BLOCK_CODES):
            index.add(_widen(codes[start : start + BLOCK_CODES], width))
        return cls(index)

    @classmethod
    def with_lists(cls, codes: Codes, rows: NDArray[np.int64]) -> "CodeIndex":
        """Divide some rows of codes into lists. The ids are the row numbers. Deterministic.

        The number of lists that a search reads is chosen by comparison with all lists on a sample.
        """
        width, number = _padded(codes.shape[1], CODE_DIMENSIONS), round(len(rows) ** 0.5)
        generator = np.random.default_rng(0)
        drawn = generator.choice(rows, min(len(rows), number * MAX_CENTER_POINTS), replace=False)
        centers = _centers(unit(_widen(codes[drawn], width)), number)
        kind, metric = faiss.ScalarQuantizer.QT_8bit_direct_signed, faiss.METRIC_INNER_PRODUCT
        index: Any = faiss.IndexIVFScalarQuantizer(centers, width, number, kind, metric, False)
        index.is_trained = True  # codes are stored as they are: there is nothing to learn
        for start in range(0, len(rows), BLOCK_CODES):
            block = rows[start : start + BLOCK_CODES]
            index.add_with_ids(_widen(codes[block], width), block)
        found = cls(index)
        sample = generator.choice(rows, min(len(rows), SAMPLE_CODES), replace=False)
        found._reach(_widen(codes[sample], width))
        return found

    @classmethod
    def open(cls, path: Path) -> "CodeIndex":
        """Memory-map a saved index. Raises OSError if it cannot be read."""
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY))
        except (RuntimeError, MemoryError) as error:
            raise OSError(f"The vector index {path.name} cannot be read.") from error

    def write(self, file: BinaryIO) -> None:
        """Write the index to a file. Raises OSError with the reason, which faiss would lose."""
        _write(self._index, file)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def nearest(
        self, query: Codes, top: int, allowed: NDArray[np.bool_] | None = None
    ) -> tuple[FloatArray, NDArray[np.int64]]:
        """The largest dot products with a query, int8 (d,), and the ids of their vectors, in falling order.

        allowed: whether each id may be found, (largest id + 1,); None if all may.
        """
        wide = _widen(query[np.newaxis], self._index.d)
        effort: Any = faiss.SearchParameters()
        if isinstance(self._index, faiss.IndexIVF):
            effort = self._reading(self._index.nprobe * max(1.0, top / RECALL_CODES) ** 0.5)
        if allowed is not None:
            bits = np.packbits(allowed, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)  # type: ignore[call-arg, arg-type]
            effort.sel = (
                selector  # faiss keeps no reference to it: both names must live until the search ends
            )
        with _threads_for(1):
            products, ids = self._index.search(wide, min(top, self._index.ntotal), params=effort)
        found = ids[0] >= 0
        return products[0][found], ids[0][found]

    def _reading(self, lists: float) -> Any:
        """The parameters of a search that reads so many lists."""
        effort: Any = faiss.SearchParametersIVF()
        effort.nprobe = min(self._index.nlist, max(1, round(lists)))
        return effort

    def _reach(self, queries: FloatArray) -> None:
        """Choose the smallest share of lists with which the queries reach TARGET_CODE_RECALL."""
        lists, number = self._index.nlist, min(RECALL_CODES, self._index.ntotal)
        last = self._index.search(queries, number, params=self._reading(lists))[0][:, -1:]
        for share in (*LIST_SHARES, 1.0):
            self._index.nprobe = max(1, round(share * lists))
            products, _ = self._index.search(queries, number)
            if np.mean(products >= last) >= TARGET_CODE_RECALL:
                return


@contextmanager
def _threads_for(queries: int) -> Iterator[None]:
    """Use one thread for a single query: on a busy machine, waiting for other threads takes longer.

    OpenMP stores the number per calling thread, so other searches are not affected.
    """
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1 if queries == 1 else threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _divide(points: FloatArray) -> faiss.IndexIVF:
    """Build inverted lists around 2·√V centers of spherical k-means. Deterministic.

    A code encodes the difference between a vector and the center of its list.
    """
    wide = _widen(points, _padded(points.shape[1], DIMENSIONS_PER_CODE))
    centers = _centers(wide, round(2 * len(wide) ** 0.5))
    codes, bits = wide.shape[1] // DIMENSIONS_PER_CODE, 4
    kind = faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexIVFPQFastScan(centers, centers.d, centers.ntotal, codes, bits, kind)
    index.by_residual = True
    index.pq.cp.min_points_per_centroid = 1
    with _threads_for(1):  # the work per code is too small for several threads
        index.train(wide)
    index.add(wide)
    return index


def _centers(points: FloatArray, number: int) -> faiss.IndexFlatIP:
    """Cluster unit vectors into `number` centers by spherical k-means."""
    means: Any = faiss.Kmeans(
        points.shape[1],
        number,
        niter=10,
        spherical=True,
        max_points_per_centroid=MAX_CENTER_POINTS,
        min_points_per_centroid=1,
    )
    means.train(points)
    centers: faiss.IndexFlatIP = means.index
    return centers


def _padded(dimensions: int, multiple: int) -> int:
    return -(-dimensions // multiple) * multiple


def _widen(vectors: NDArray[Any], width: int) -> FloatArray:
    """Convert to float32, and pad every row with zeros to `width` columns."""
    wide = np.zeros((len(vectors), width), np.float32)
    wide[:, : vectors.shape[1]] = vectors
    return wide


def _without(sample: NDArray[np.int64], cosines: FloatArray, rows: NDArray[np.int64]) -> FloatArray:
    """The RECALL_NEIGHBORS best cosines of each word of a sample, without the word itself."""
    others = np.where(rows == sample[:, np.newaxis], -np.inf, cosines)
    return -np.sort(-others, axis=1)[:, :RECALL_NEIGHBORS]


def _cosines(vectors: FloatArray, query: FloatArray) -> FloatArray:
    """The cosines of rows, float32 (n, d), with a unit vector (d,): float32 (n,); 0 for a zero row."""
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    return np.asarray(vectors @ query / np.where(lengths > 0, lengths, 1), np.float32)


def unit(vectors: FloatArray) -> FloatArray:
    """Scale rows to length 1, float32; a zero row stays zero."""
    dense = np.ascontiguousarray(vectors, np.float32)
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    return np.asarray(dense / np.where(lengths > 0, lengths, 1), np.float32)


def neighbors(
    index: NeighborIndex, words: Sequence[str], vectors: FloatArray, row: int, top: int = 10
) -> list[Neighbor]:
    """The `top` nearest words of the word in `row` by cosine, best first, without the word itself.

    Raises UsageError if `top` is below 1.
    """
    return neighbors_of_mean(index, words, vectors, [row], top)


def neighbors_of_mean(
    index: NeighborIndex, words: Sequence[str], vectors: FloatArray, rows: Sequence[int], top: int = 10
) -> list[Neighbor]:
    """The `top` nearest words of the mean of the unit vectors of some words, without these words.

    Raises UsageError if `top` is below 1.
    """
    if top < 1:
        raise UsageError(f"The number of words must be 1 or more, not {top}.")
    mean = unit(vectors[rows]).mean(axis=0, keepdims=True)
    cosines, found = index.search(mean, min(top + len(rows), len(words)))
    nearest = [
        Neighbor(words[int(y)], min(1.0, float(cosine)))
        for cosine, y in zip(cosines[0], found[0], strict=True)
        if y >= 0 and int(y) not in rows
    ]
    return nearest[:top]
