"""Vectors of texts, of queries and of documents: 8 bits a number, the same on every engine.

    text_features.utf8, text_features_*.npy   names of the features (`enricher.model.word_list`)
    text_query_codes.npy, text_codes.npy      int8 (F, d)
    text_query_weights.npy, text_weights.npy  float32 (F,): idf · e^r · the scale of the codes

A vector of length 1 is rounded to whole numbers from −127 to 127, of which `scale` make up 1: the
products of two such vectors are whole numbers too, and two engines agree on them to the last bit.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.errors import BundleInvalid
from enricher.model.arrays import FloatArray, mapped, save
from enricher.model.text_vectors.features import WordFeatures, features_of
from enricher.model.word_list import WordList

Codes = NDArray[np.int8]

FEATURES = "text_features"
QUERY, TEXT = "text_query", "text"
LARGEST = 127
KEPT_WORDS = 2**15
"""Words whose features are remembered, by each process."""
MANY_WORDS = 500
"""Words after which it is quicker to read all names of features than to look for each."""


def scale_of(dimensions: int) -> float:
    """How many steps make 1: numbers up to 5/√d fit, which is five times the usual one."""
    return float(LARGEST / min(1.0, 5 / dimensions**0.5))


def unit(vector: NDArray[Any]) -> FloatArray:
    """A vector of numbers, (d,), as one of length 1; zero stays zero."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def quantize(vectors: FloatArray) -> Codes:
    """Vectors of length 1, float32 (n, d) or (d,), as whole numbers of 8 bits."""
    steps = np.rint(vectors * scale_of(vectors.shape[-1]))
    return np.asarray(np.clip(steps, -LARGEST, LARGEST), np.int8)


def dequantize(codes: Codes) -> FloatArray:
    """The vectors that `quantize` has rounded."""
    return np.asarray(codes / scale_of(codes.shape[-1]), np.float32)


def cosines_of(products: NDArray[Any], dimensions: int) -> NDArray[Any]:
    """The cosines that products of codes stand for."""
    return np.asarray(products / scale_of(dimensions) ** 2)


def to_numbers(codes: Codes) -> list[int]:
    """Codes as a document carries them: a list of whole numbers, which every server reads alike."""
    numbers: list[int] = codes.tolist()
    return numbers


def from_numbers(value: object) -> Codes:
    """Codes that a document carries, int8 (d,). ValueError for anything but a list of whole numbers from −127
    to 127.
    """
    if not isinstance(value, list | tuple) or set(map(type, value)) != {int}:
        raise ValueError("It is no list of whole numbers.")
    try:
        codes = array("b", value)
    except OverflowError as error:
        raise ValueError(f"A number is not from −{LARGEST} to {LARGEST}.") from error
    if -LARGEST - 1 in codes:
        raise ValueError(f"A number is not from −{LARGEST} to {LARGEST}.")
    return np.frombuffer(codes, np.int8)


def from_stored(value: object) -> Codes:
    """Codes as an index answers them, int8 (d,): numbers, or the two hexadecimal digits a number that older
    versions wrote. ValueError for anything else.
    """
    return np.frombuffer(bytes.fromhex(value), np.int8) if isinstance(value, str) else from_numbers(value)


class TextVectors:
    """Gives texts their vectors; safe for several threads."""

    def __init__(self, features: WordList, sides: dict[str, tuple[Codes, FloatArray]], mean_length: float):
        self._sides = sides
        self._mean_length = np.float32(mean_length)
        self._known = _KnownWords(features)

    @classmethod
    def open(cls, folder: Path, mean_length: float) -> "TextVectors":
        """Map the files of a folder; BundleInvalid where they cannot be read."""
        try:
            features = WordList.open(folder, FEATURES)
            sides = {
                side: (
                    mapped(folder / f"{side}_codes.npy", np.int8, 2),
                    mapped(folder / f"{side}_weights.npy", np.floating, 1),
                )
                for side in (QUERY, TEXT)
            }
        except (OSError, ValueError) as error:
            raise BundleInvalid(f"The text vectors of the model {folder.name} cannot be read.") from error
        if any(len(part) != len(features) for side in sides.values() for part in side):
            raise BundleInvalid(f"The text vectors of the model {folder.name} differ in length.")
        return cls(features, sides, mean_length)

    @property
    def dimensions(self) -> int:
        return int(self._sides[TEXT][0].shape[1])

    def documents(self, texts: Sequence[Iterable[str]]) -> FloatArray:
        """Vectors of documents, given by all their words, stop words too: float32 (n, d), of length 1;
        zero where no feature is known.
        """
        from enricher.model.text_vectors.kernels import encode_bags  # it imports the compiler

        numbers: dict[str, int] = {}
        starts, words, counts = [0], [], []
        for text in texts:
            for word, count in Counter(text).items():
                words.append(numbers.setdefault(word, len(numbers)))
                counts.append(count)
            starts.append(len(words))
        features = WordFeatures(numbers, self._known.__getitem__)
        codes, weights = self._sides[TEXT]
        vectors: FloatArray = encode_bags(
            np.array(starts, np.int64),
            np.array(words, np.int32),
            np.array(counts, np.float32),
            features.starts,
            features.rows,
            weights,
            codes,
            self._mean_length,
        )
        return vectors

    def query(self, words: Iterable[str]) -> FloatArray:
        """The vector of a query, float32 (d,), of length 1 or zero; every occurrence of a word counts."""
        times = Counter(row for word in words for row in self._known[word])
        codes, weights = self._sides[QUERY]
        rows = np.fromiter(times, np.int64, len(times))
        shares = weights[rows] * np.fromiter(times.values(), np.float32, len(times))
        # No BLAS: its threads wait for each other longer than so small a product takes.
        return unit(np.einsum("f,fd->d", shares, codes[rows].astype(np.float32)))


class _KnownWords(dict[str, list[int]]):
    """The rows of the features of words, remembered once they were looked up.

    A few are found in the mapped list, by halves; who asks for many has all names read into memory.
    """

    def __init__(self, features: WordList) -> None:
        self._features = features
        self._find: Callable[[str], int | None] = features.find
        self._asked = 0

    def __missing__(self, word: str) -> list[int]:
        if len(self) >= KEPT_WORDS:
            self.clear()
        self._asked += 1
        if self._asked >= MANY_WORDS and self._find == self._features.find:
            self._find = dict(zip(self._features, range(len(self._features)), strict=True)).get
        found = map(self._find, features_of(word))
        rows = self[word] = [row for row in found if row is not None]
        return rows


def write_text_vectors(
    folder: Path,
    features: Sequence[str],
    query: tuple[FloatArray, FloatArray],
    text: tuple[FloatArray, FloatArray],
) -> None:
    """Write features and their vectors to a folder.

    features: F names in row order. query, text: the vectors of each side, float32 (F, d), and its weights,
    float32 (F,).
    """
    WordList.write(folder, features, FEATURES)
    sides = {QUERY: query, TEXT: text}
    for side, (vectors, weights) in sides.items():
        steps = np.maximum(np.abs(vectors).max(axis=1), 1e-9) / LARGEST
        save(folder / f"{side}_codes.npy", np.rint(vectors / steps[:, np.newaxis]).astype(np.int8))
        save(folder / f"{side}_weights.npy", np.asarray(weights * steps, np.float32))
