"""The words near words by cosine, looked up when they are first needed, and kept.

A word is compared with all others exactly, many words at a time: so a product of matrices takes a
quarter of a millisecond for each in a vocabulary of 60,000, and no index has to be opened.
"""

import numpy as np

from enricher.model.huffman import FloatArray, IntArray

NEAR = 50
"""The most words that count as near to one."""
LEAST_COSINE = 0.3
"""The least cosine of a word that counts as near."""
KEPT = 2**16
"""Words whose lists are kept, 26 MB at most; when there is no more room all are forgotten."""
TOGETHER = 512
"""Words looked up together, ..."""
BLOCK = 2048
"""... and vectors they are compared with at a time: their products, 4 MB, stay near the processor."""


class NearWords:
    """The lists of the words that were looked up, each the nearest first, of equal cosines the lower row.

    vectors: float32 (V, d), of any length and perhaps mapped. most: how many lists are kept.
    """

    def __init__(self, vectors: FloatArray, most: int = KEPT) -> None:
        room = min(len(vectors), most)
        lengths = np.sqrt(np.einsum("vd,vd->v", vectors, vectors))
        self._vectors = vectors
        self._scales: FloatArray = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        self._places = np.full(len(vectors), -1, np.int32)
        self._rows, self._cosines = np.empty((room, NEAR), np.int32), np.empty((room, NEAR), np.float32)
        self._numbers = np.zeros(room, np.int32)
        self._filled = 0

    @property
    def lists(self) -> tuple[IntArray, IntArray, IntArray, FloatArray]:
        """The place of the list of each word, int32 (V,), −1 where it was not looked up; and by place
        how long it is, int32 (K,), its rows, int32 (K, NEAR), and its cosines, float32 (K, NEAR).
        """
        return self._places, self._numbers, self._rows, self._cosines

    def look_up(self, words: IntArray) -> None:
        """Have the lists of some words: int32 (n,), each once and no more than are kept."""
        new = words[self._places[words] < 0]
        if self._filled + len(new) > len(self._rows):
            self._places[:] = -1
            self._filled, new = 0, words
        for start in range(0, len(new), TOGETHER):
            self._add(new[start : start + TOGETHER])

    def _add(self, words: IntArray) -> None:
        """Fill in the next lists with those of some words."""
        from enricher.model import kernels  # compiled code is loaded only where it is needed

        least = np.float32(LEAST_COSINE)
        places = slice(self._filled, self._filled + len(words))
        lists = self._numbers[places], self._rows[places], self._cosines[places]
        self._numbers[places] = 0
        vectors = self._vectors[words] * self._scales[words, np.newaxis]
        for start in range(0, len(self._vectors), BLOCK):
            block = slice(start, start + BLOCK)
            products = vectors @ self._vectors[block].T
            kernels.keep_nearest(products, self._scales[block], start, words, least, *lists)
        self._places[words] = np.arange(places.start, places.stop, dtype=np.int32)
        self._filled = places.stop
