"""Cosine neighbours by faiss: words that can replace each other.

A small vocabulary has an exact index. A larger one is divided into lists of like vectors, 4 bits for
every two numbers, and only the lists nearest to a word are read; the cosines of what they offer are
then computed exactly. How many lists are read is measured when the index is built, against brute
force on the model's own words, and kept in the index file.
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
from enricher.records import Neighbor

EXACT_BELOW = 20_000
"""Vocabularies under this size are compared with whole, which takes 3 ms at most."""
TARGET = 0.994
"""Recall that the sample must reach; .99 is promised, the rest is margin for other words."""
SAMPLE = 1000
"""Words compared with brute force; the standard error of their recall is about .001."""
NEAREST = 10
"""Neighbours of a word that recall counts; `search` reads more lists for more of them."""
SHARES = (1 / 64, 1 / 48, 1 / 32, 1 / 24, 1 / 16, 1 / 12, 1 / 10, 1 / 8, 1 / 6, 1 / 5, 1 / 4)
"""Shares of the lists to try, in turn; where a quarter is not enough, the index is exact."""
SPARE = 4
"""Candidates a list read, beyond twice the number asked for: codes confuse cosines that differ little."""
PAIR = 2
"""Dimensions of one 4-bit code; where it is four, 400 candidates miss 7 % of the nearest words."""
LANES = 16
"""8-bit vectors are filled with zeros to a multiple: faiss decodes others one by one, five times slower."""
TIE = 1e-6
"""Cosines closer than this are equal: either word is a right answer."""


class NeighborIndex:
    """An index over unit vectors, where inner product is cosine.

    vectors: float32 (V, d), of any length and perhaps mapped, from which cosines are computed.
    """

    def __init__(self, index: faiss.Index, vectors: FloatArray) -> None:
        self._index: Any = index  # faiss's own types know nothing of lists
        self._vectors = np.asarray(vectors)

    @classmethod
    def build(cls, vectors: FloatArray) -> "NeighborIndex":
        """Index the rows of vectors, float32 (V, d)."""
        points = unit(vectors)
        if len(points) >= EXACT_BELOW:
            found = cls(_divide(points), points)
            if found._reach(TARGET):
                return cls(found._index, vectors)
        exact = faiss.IndexFlatIP(points.shape[1])
        exact.add(points)
        return cls(exact, vectors)

    @classmethod
    def open(cls, path: Path, vectors: FloatArray) -> "NeighborIndex":
        """Open the saved index of these vectors; BundleInvalid when it cannot be theirs.

        An exact index is mapped, and so are lists of 8 bits a number, which older versions saved. Lists
        of 4-bit codes are read into memory: about d/4 + 8 bytes a word.
        """
        try:
            index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC | faiss.IO_FLAG_READ_ONLY)
        except (RuntimeError, MemoryError) as error:
            raise BundleInvalid(f"The neighbour index {path.name} cannot be read.") from error
        if index.ntotal != len(vectors) or index.d < vectors.shape[1]:
            raise BundleInvalid(f"The neighbour index {path.name} belongs to other vectors.")
        return cls(index, vectors)

    def save(self, path: Path) -> None:
        """Write the index to a file. Raises OSError with its reason, which faiss does not tell."""
        with path.open("wb") as file:
            writer = _Writer(file)
            faiss.write_index(self._index, faiss.PyCallbackIOWriter(writer))  # type: ignore[attr-defined]
            if writer.error is not None:
                raise writer.error

    @property
    def exact(self) -> bool:
        """Whether every vector is compared with."""
        return not isinstance(self._index, faiss.IndexIVF)

    def search(self, vectors: FloatArray, top: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """Nearest rows of each vector: cosines float32 (n, top), rows int64 (n, top), −1 where none."""
        queries = unit(vectors)
        with _threads_for(len(queries)):
            if self.exact:
                cosines, rows = self._index.search(queries, top)
                return cosines, rows
            return self._search_lists(queries, top)

    def _search_lists(self, queries: FloatArray, top: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """The same through the lists: candidates first, then their cosines; more lists for many words."""
        wider = max(1.0, top / (NEAREST + 1)) ** 0.5
        lists = min(self._index.nlist, round(self._index.nprobe * wider))
        number = min(self._index.ntotal, 2 * top + SPARE * lists)
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
        """Read as few lists as reach a recall on a sample of the rows; False where none of SHARES does."""
        number = min(SAMPLE, len(self._vectors))
        sample = np.random.default_rng(0).choice(len(self._vectors), number, replace=False)
        queries = self._vectors[sample]
        true, rows = faiss.knn(queries, self._vectors, NEAREST + 1, metric=faiss.METRIC_INNER_PRODUCT)
        tenth = _without(sample, true, rows)[:, NEAREST - 1 :]
        for share in SHARES:
            self._index.nprobe = max(1, round(share * self._index.nlist))
            found = _without(sample, *self.search(queries, NEAREST + 1))[:, :NEAREST]
            if np.mean(found >= tenth - TIE) >= target:
                return True
        return False


class _Writer:
    """Takes what faiss writes to a file; keeps the error of it, which must not pass through faiss."""

    def __init__(self, file: BinaryIO) -> None:
        self.error: OSError | None = None
        self._file = file

    def __call__(self, data: bytes) -> None:
        if self.error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self.error = error


class CodeIndex:
    """Vectors of 8 bits, int8 (n, d), each compared with every query: products are whole numbers."""

    def __init__(self, codes: NDArray[np.int8]) -> None:
        width = _padded(codes.shape[1], LANES)
        kind = faiss.ScalarQuantizer.QT_8bit_direct_signed
        self._index: Any = faiss.IndexScalarQuantizer(width, kind, faiss.METRIC_INNER_PRODUCT)
        self._index.add(_widen(codes, width))

    def nearest(self, query: NDArray[np.int8], top: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """The largest products with a query, int8 (d,), and their rows, the largest first."""
        wide = _widen(query[np.newaxis], self._index.d)
        with _threads_for(1):
            products, rows = self._index.search(wide, min(top, self._index.ntotal))
        return products[0], rows[0]


@contextmanager
def _threads_for(queries: int) -> Iterator[None]:
    """One thread for one query: on a busy machine threads wait for each other longer than they work.

    OpenMP keeps the number for the calling thread alone, so other searches are not concerned.
    """
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1 if queries == 1 else threads)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _divide(points: FloatArray) -> faiss.IndexIVF:
    """Lists of like vectors around 2·√V centres, found by spherical k-means; the same every time.

    A code stands for the difference of a vector from the centre of its list.
    """
    wide = _widen(points, _padded(points.shape[1], PAIR))
    centres = _centres(wide, round(2 * len(wide) ** 0.5))
    codes, bits = wide.shape[1] // PAIR, 4
    kind = faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexIVFPQFastScan(centres, centres.d, centres.ntotal, codes, bits, kind)
    index.by_residual = True
    index.pq.cp.min_points_per_centroid = 1
    with _threads_for(1):  # each code is too little work to share
        index.train(wide)
    index.add(wide)
    return index


def _centres(points: FloatArray, number: int) -> faiss.IndexFlatIP:
    """So many centres of unit vectors, by spherical k-means."""
    means: Any = faiss.Kmeans(
        points.shape[1],
        number,
        niter=10,
        spherical=True,
        max_points_per_centroid=64,
        min_points_per_centroid=1,
    )
    means.train(points)
    centres: faiss.IndexFlatIP = means.index
    return centres


def _padded(dimensions: int, multiple: int) -> int:
    return -(-dimensions // multiple) * multiple


def _widen(vectors: NDArray[Any], width: int) -> FloatArray:
    """As float32, with zeros behind every row, up to a number of columns."""
    wide = np.zeros((len(vectors), width), np.float32)
    wide[:, : vectors.shape[1]] = vectors
    return wide


def _without(sample: NDArray[np.int64], cosines: FloatArray, rows: NDArray[np.int64]) -> FloatArray:
    """NEAREST cosines of each word of a sample, best first, the word itself left out."""
    others = np.where(rows == sample[:, np.newaxis], -np.inf, cosines)
    return -np.sort(-others, axis=1)[:, :NEAREST]


def _cosines(vectors: FloatArray, query: FloatArray) -> FloatArray:
    """Of rows of any length, float32 (n, d), with a unit vector (d,): float32 (n,), 0 for a zero row."""
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    return np.asarray(vectors @ query / np.where(lengths > 0, lengths, 1), np.float32)


def unit(vectors: FloatArray) -> FloatArray:
    """Rows scaled to length 1, float32; a zero row stays zero."""
    dense = np.ascontiguousarray(vectors, np.float32)
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    return np.asarray(dense / np.where(lengths > 0, lengths, 1), np.float32)


def neighbors(
    index: NeighborIndex, words: Sequence[str], vectors: FloatArray, row: int, top: int = 10
) -> list[Neighbor]:
    """The words nearest to the word in `row` by cosine, itself left out, best first."""
    if top < 1:
        raise UsageError(f"The number of words must be 1 or more, not {top}.")
    cosines, rows = index.search(vectors[row : row + 1], min(top + 1, len(words)))
    found = [
        Neighbor(words[int(y)], min(1.0, float(cosine)))
        for cosine, y in zip(cosines[0], rows[0], strict=True)
        if y >= 0 and int(y) != row
    ]
    return found[:top]
