"""Vectors of queries and documents, quantized to 8 bits per dimension.

    text_features.utf8, text_features_*.npy   names of the features (`enricher.model.word_list`)
    text_query_codes.npy, text_codes.npy      int8 (F, d)
    text_query_weights.npy, text_weights.npy  float32 (F,): idf · e^r · the scale of the codes

A unit vector is multiplied by `scale_of(d)` and rounded to integers from −127 to 127 (codes). The dot
products of codes are integers too, so two engines compute exactly the same values.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import count
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
MAX_CODE = 127
MAX_CACHED_WORDS = 2**15
"""Maximum words whose features are cached, per process."""
MIN_WORDS_TO_READ_ALL = 500
"""Number of looked-up words after which reading all feature names is faster than single look-ups."""


def scale_of(dimensions: int) -> float:
    """The code of the value 1. Values up to 5/√d can be encoded: five times the typical value."""
    return float(MAX_CODE / min(1.0, 5 / dimensions**0.5))


def unit(vector: NDArray[Any]) -> FloatArray:
    """Scale a vector, (d,), to length 1; zero stays zero."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)


def quantize(vectors: FloatArray) -> Codes:
    """Quantize unit vectors, float32 (n, d) or (d,), to 8-bit integers."""
    steps = np.rint(vectors * scale_of(vectors.shape[-1]))
    return np.asarray(np.clip(steps, -MAX_CODE, MAX_CODE), np.int8)


def dequantize(codes: Codes) -> FloatArray:
    """Convert codes back to vectors, float32."""
    return np.asarray(codes / scale_of(codes.shape[-1]), np.float32)


def cosines_of(products: NDArray[Any], dimensions: int) -> NDArray[Any]:
    """Convert dot products of codes to cosines."""
    return np.asarray(products / scale_of(dimensions) ** 2)


def to_numbers(codes: Codes) -> list[int]:
    """Convert codes to a list of integers, the form in which they are stored in documents."""
    numbers: list[int] = codes.tolist()
    return numbers


def from_numbers(value: object) -> Codes:
    """Convert the vector in a document to codes, int8 (d,).

    Raises ValueError for anything but a list of integers from −127 to 127.
    """
    if not isinstance(value, list | tuple) or set(map(type, value)) != {int}:
        raise ValueError("It is not a list of integers.")
    try:
        codes = array("b", value)
    except OverflowError as error:
        raise ValueError(f"A number is not from −{MAX_CODE} to {MAX_CODE}.") from error
    if -MAX_CODE - 1 in codes:
        raise ValueError(f"A number is not from −{MAX_CODE} to {MAX_CODE}.")
    return np.frombuffer(codes, np.int8)


def from_stored(value: object) -> Codes:
    """Convert a vector stored in an index to codes, int8 (d,).

    value: a list of integers, or the string of hexadecimal digits that older versions wrote. Raises
    ValueError for anything else.
    """
    return np.frombuffer(bytes.fromhex(value), np.int8) if isinstance(value, str) else from_numbers(value)


class TextVectors:
    """Computes the vectors of documents and queries. Thread-safe."""

    def __init__(self, features: WordList, sides: dict[str, tuple[Codes, FloatArray]], mean_length: float):
        self._sides = sides
        self._mean_length = np.float32(mean_length)
        self._known = _KnownWords(features)

    @classmethod
    def open(cls, folder: Path, mean_length: float) -> "TextVectors":
        """Map the files in a folder. Raises BundleInvalid if they cannot be read or are inconsistent."""
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
        """The unit vectors of n documents, float32 (n, d); zero if no feature is known.

        texts: all words of each document, including stop words.
        """
        from enricher.model.text_vectors.kernels import encode_bags  # load compiled code only if needed

        numbers: dict[str, int] = defaultdict(count().__next__)
        starts, words, counts = [0], array("i"), array("i")
        for text in texts:
            times = Counter(text)
            words.extend(map(numbers.__getitem__, times))
            counts.extend(times.values())
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
        """The unit vector of a query, float32 (d,); zero if no feature is known. Repeated words count."""
        times = Counter(row for word in words for row in self._known[word])
        codes, weights = self._sides[QUERY]
        rows = np.fromiter(times, np.int64, len(times))
        shares = weights[rows] * np.fromiter(times.values(), np.float32, len(times))
        # Not by BLAS: starting its threads takes longer than this small product.
        return unit(np.einsum("f,fd->d", shares, codes[rows].astype(np.float32)))


class _KnownWords(dict[str, list[int]]):
    """A cache of the feature rows of words.

    The first look-ups use binary search in the mapped list. After MIN_WORDS_TO_READ_ALL words, all names are
    read into memory.
    """

    def __init__(self, features: WordList) -> None:
        self._features = features
        self._find: Callable[[str], int | None] = features.find
        self._asked = 0

    def __missing__(self, word: str) -> list[int]:
        if len(self) >= MAX_CACHED_WORDS:
            self.clear()
        self._asked += 1
        if self._asked >= MIN_WORDS_TO_READ_ALL and self._find == self._features.find:
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
    """Write the features with their vectors and weights to a folder.

    features: F names in row order. query, text: for queries and for documents, the vectors, float32 (F, d),
    and the weights, float32 (F,).
    """
    WordList.write(folder, features, FEATURES)
    sides = {QUERY: query, TEXT: text}
    for side, (vectors, weights) in sides.items():
        steps = np.maximum(np.abs(vectors).max(axis=1), 1e-9) / MAX_CODE
        save(folder / f"{side}_codes.npy", np.rint(vectors / steps[:, np.newaxis]).astype(np.int8))
        save(folder / f"{side}_weights.npy", np.asarray(weights * steps, np.float32))
