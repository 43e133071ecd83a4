"""Cosine neighbours by faiss: words that can replace each other."""

from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from enricher.errors import BundleInvalid, UsageError
from enricher.model.huffman import FloatArray
from enricher.records import Neighbor


class NeighborIndex:
    """An exact index over unit vectors: inner product is cosine."""

    def __init__(self, index: faiss.Index) -> None:
        self._index = index

    @classmethod
    def build(cls, vectors: FloatArray) -> "NeighborIndex":
        """Index the rows of vectors, float32 (V, d)."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(unit(vectors))
        return cls(index)

    @classmethod
    def open(cls, path: Path) -> "NeighborIndex":
        """Open a saved index, memory-mapped; BundleInvalid when faiss cannot read it."""
        try:
            return cls(faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY))
        except RuntimeError as error:
            raise BundleInvalid(f"The neighbour index {path.name} cannot be read.") from error

    def save(self, path: Path) -> None:
        faiss.write_index(self._index, str(path))

    def search(self, vectors: FloatArray, top: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """Nearest rows of each vector: cosines float32 (n, top), rows int64 (n, top), −1 where none."""
        cosines, rows = self._index.search(unit(vectors), top)
        return cosines, rows


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
