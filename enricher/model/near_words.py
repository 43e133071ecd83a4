"""The words near words by cosine: found once, when a model is made, and looked up ever after.

Two files of a bundle, memory-mapped: near_words.npy, uint16 (V, NEAR), the rows of the words nearest
to every word, the nearest first, of equal cosines the lower row; and near_cosines.npy, uint8 (V, NEAR),
their cosines in 255ths, 0 where a list has ended. Every word has a list, but only the most frequent
words are in lists: that bounds what a word costs, and a row fits into 16 bits.

All pairs are compared, many words at a time, by products of matrices.
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
NEAR = 50
"""The most words that count as near to one."""
LEAST_COSINE = 0.3
"""The least cosine of a word that counts as near."""
TARGETS = 2**16
"""The words that can be near to others: so many of the most frequent."""
STEPS = 255
"""The steps that a cosine of 1 has."""
BATCH = 512
"""Words whose lists are made together, ..."""
BLOCK = 2048
"""... and vectors they are compared with at a time: their products, 4 MB, stay near the processor."""


@dataclass(frozen=True)
class NearWords:
    """The opened lists. words: uint16 (V, NEAR); cosines: uint8 (V, NEAR), in 255ths, 0 where a list ends."""

    words: NDArray[np.uint16]
    cosines: NDArray[np.uint8]

    @classmethod
    def open(cls, folder: Path, vocabulary: int) -> "NearWords":
        """Map the files of a bundle; BundleInvalid where they cannot be read or do not fit its vocabulary."""
        try:
            words = mapped(folder / WORDS_FILE)
            cosines = mapped(folder / COSINES_FILE)
        except (OSError, ValueError, EOFError) as error:
            raise BundleInvalid(f"The near words of the model {folder.name} cannot be read.") from error
        kinds = words.dtype == np.uint16 and cosines.dtype == np.uint8
        if not kinds or not words.shape == cosines.shape == (vocabulary, NEAR):
            raise BundleInvalid(f"The near words of the model {folder.name} were made for another model.")
        if vocabulary < TARGETS and words.max(initial=0) >= vocabulary:
            raise BundleInvalid(f"The near words of the model {folder.name} are no words of it.")
        return cls(words, cosines)

    def of(self, row: int) -> tuple[IntArray, FloatArray]:
        """The list of a word, the nearest first: rows, int32 (n,), and cosines, float32 (n,)."""
        number = int(np.count_nonzero(self.cosines[row]))
        steps = self.cosines[row, :number].astype(np.float32)
        return self.words[row, :number].astype(np.int32), steps / np.float32(STEPS)


def build_near_words(
    folder: Path,
    vectors: FloatArray,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write the lists of all words into a folder, on all cores; what a killed process began is completed.

    vectors: float32 (V, d), of any length and perhaps mapped, those of frequent words first. The bytes
    are the same however often it was interrupted. Raises OSError when the disk is full.
    """
    from enricher.model.neighbors import unit  # faiss is loaded only where it is needed

    targets = unit(vectors[:TARGETS])
    files = [
        RowFile(folder / WORDS_FILE, np.uint16, len(vectors), NEAR),
        RowFile(folder / COSINES_FILE, np.uint8, len(vectors), NEAR),
    ]
    with threadpool_limits(1):  # every batch has a thread; those of a product would wait for each other
        complete_rows(files, BATCH, lambda rows: _lists(rows, unit(vectors[rows]), targets), progress)


def _lists(
    rows: IntArray, vectors: FloatArray, targets: FloatArray
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """The lists of some rows, as they are in the files: (n, NEAR) both.

    vectors: float32 (n, d), those of the rows; targets: float32 (t, d); all of length 1 or 0.
    """
    from enricher.model import near_kernels  # compiled code is loaded only where it is needed

    numbers = np.zeros(len(rows), np.int32)
    near, cosines = np.zeros((len(rows), NEAR), np.int32), np.zeros((len(rows), NEAR), np.float32)
    for start in range(0, len(targets), BLOCK):
        products = vectors @ targets[start : start + BLOCK].T
        near_kernels.keep_nearest(products, start, rows, np.float32(LEAST_COSINE), numbers, near, cosines)
    return near.astype(np.uint16), np.rint(cosines * STEPS).astype(np.uint8)
