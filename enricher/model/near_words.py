"""The table of near words: the nearest words of every word by cosine, computed once in training.

Two memory-mapped files of a bundle: near_words.npy, uint16 (V, MAX_NEAR_WORDS), the rows of the nearest
words of every word, nearest first, ties by row; near_cosines.npy, uint8 (V, MAX_NEAR_WORDS), their cosines
in 255ths, 0 after the end of a list. Every word has a list, but only the most frequent words occur in
lists. This bounds the work for a word, and a row number fits into 16 bits.

All pairs are compared exactly, in blocks, by matrix products.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from enricher.errors import BundleInvalid
from enricher.model.arrays import FloatArray, IntArray, mapped
from enricher.model.row_files import RowFile, complete_rows

WORDS_FILE = "near_words.npy"
COSINES_FILE = "near_cosines.npy"
MAX_NEAR_WORDS = 50
"""Maximum near words of a word."""
MIN_COSINE = 0.3
"""Minimum cosine of a near word."""
MAX_TARGET_WORDS = 2**16
"""Maximum number of words that can occur in lists: the most frequent ones."""
COSINE_STEPS = 255
"""The stored value of a cosine of 1."""
BATCH_WORDS = 512
"""Words whose lists are computed together."""
BLOCK_VECTORS = 2048
"""Vectors with which a batch is compared at a time: the products, 4 MB, fit in the processor cache."""


@dataclass(frozen=True)
class NearWords:
    """The opened table.

    words: uint16 (V, MAX_NEAR_WORDS). cosines: uint8 (V, MAX_NEAR_WORDS), in 255ths, 0 after the end of a
    list.
    """

    words: NDArray[np.uint16]
    cosines: NDArray[np.uint8]

    @classmethod
    def open(cls, folder: Path, vocabulary: int) -> "NearWords":
        """Map the files of a bundle. Raises BundleInvalid if they cannot be read or belong to other words."""
        try:
            words = mapped(folder / WORDS_FILE)
            cosines = mapped(folder / COSINES_FILE)
        except (OSError, ValueError, EOFError) as error:
            raise BundleInvalid(f"The near words of the model {folder.name} cannot be read.") from error
        kinds = words.dtype == np.uint16 and cosines.dtype == np.uint8
        if not kinds or not words.shape == cosines.shape == (vocabulary, MAX_NEAR_WORDS):
            raise BundleInvalid(f"The near words of the model {folder.name} were made for another model.")
        if vocabulary < MAX_TARGET_WORDS and words.max(initial=0) >= vocabulary:
            raise BundleInvalid(f"The near words of the model {folder.name} are no words of it.")
        return cls(words, cosines)

    def of(self, row: int) -> tuple[IntArray, FloatArray]:
        """The near words of a word, nearest first: rows, int32 (n,), and cosines, float32 (n,)."""
        number = int(np.count_nonzero(self.cosines[row]))
        steps = self.cosines[row, :number].astype(np.float32)
        return self.words[row, :number].astype(np.int32), steps / np.float32(COSINE_STEPS)


def build_near_words(
    folder: Path,
    vectors: FloatArray,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write the table of all words to a folder, on all cores. An interrupted build is resumed.

    vectors: float32 (V, d), the most frequent words first; need not be unit vectors, may be mapped. The files
    are identical even if the build was interrupted. Raises OSError if the disk is full.
    """
    from enricher.model.neighbors import unit  # load faiss only if needed

    targets = unit(vectors[:MAX_TARGET_WORDS])
    files = [
        RowFile(folder / WORDS_FILE, np.uint16, len(vectors), MAX_NEAR_WORDS),
        RowFile(folder / COSINES_FILE, np.uint8, len(vectors), MAX_NEAR_WORDS),
    ]
    with threadpool_limits(1):  # each batch has its own thread; BLAS must not start more
        complete_rows(files, BATCH_WORDS, lambda rows: _lists(rows, unit(vectors[rows]), targets), progress)


def near_lists(
    rows: IntArray, vectors: FloatArray, targets: FloatArray
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """The lists of n more words in the format of the files, both (n, MAX_NEAR_WORDS).

    rows: int32 (n,). vectors: float32 (n, d). targets: float32 (t, d), of the words that occur in lists.
    """
    from enricher.model.neighbors import unit  # load faiss only if needed

    if not len(rows):
        return np.empty((0, MAX_NEAR_WORDS), np.uint16), np.empty((0, MAX_NEAR_WORDS), np.uint8)
    return _lists(rows, unit(vectors), unit(targets))


def _lists(
    rows: IntArray, vectors: FloatArray, targets: FloatArray
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """The lists of n rows in the format of the files, both (n, MAX_NEAR_WORDS).

    vectors: float32 (n, d), the vectors of the rows. targets: float32 (t, d). All are unit vectors or zero.
    """
    from enricher.model import near_kernels  # compiled code is loaded only where it is needed

    numbers = np.zeros(len(rows), np.int32)
    near, cosines = (
        np.zeros((len(rows), MAX_NEAR_WORDS), np.int32),
        np.zeros((len(rows), MAX_NEAR_WORDS), np.float32),
    )
    for start in range(0, len(targets), BLOCK_VECTORS):
        products = vectors @ targets[start : start + BLOCK_VECTORS].T
        near_kernels.keep_nearest(products, start, rows, np.float32(MIN_COSINE), numbers, near, cosines)
    return near.astype(np.uint16), np.rint(cosines * COSINE_STEPS).astype(np.uint8)
