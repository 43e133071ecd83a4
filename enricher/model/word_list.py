"""A memory-mapped list of words: opening a large vocabulary takes no time, words are read one at a time.

words.utf8: the words in the order of the model, concatenated. words_ends.npy: int64 (V,), the end offset of
each word. words_order.npy: int32 (V,), the rows sorted by the bytes of the words. Other lists of strings
use another prefix than `words`.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from enricher.errors import BundleInvalid
from enricher.model.arrays import IntArray, mapped, save

WORDS = "words"
ERRORS = "surrogatepass"
"""Error handler for encoding: imported words are stored unchanged, even with lone surrogates."""


class WordList(Sequence[str]):
    """A mapped vocabulary. Strings are decoded on access; a damaged one raises BundleInvalid."""

    def __init__(self, text: NDArray[np.uint8], ends: NDArray[np.int64], order: NDArray[np.int32]) -> None:
        self._text, self._ends, self._order = text, ends, order

    @classmethod
    def open(cls, folder: Path, name: str = WORDS) -> "WordList":
        """Map the files in a folder. Raises OSError or ValueError if they are damaged or inconsistent."""
        text = np.asarray(np.memmap(folder / f"{name}.utf8", np.uint8, "r"))
        ends = mapped(folder / f"{name}_ends.npy", np.integer, 1)
        order = mapped(folder / f"{name}_order.npy", np.integer, 1)
        if not len(ends) or len(ends) != len(order) or ends[-1] != len(text):
            raise ValueError("The files of the words differ in length.")
        return cls(text, ends, order)

    @staticmethod
    def write(folder: Path, words: Sequence[str], name: str = WORDS) -> None:
        """Write one or more words to files in a folder."""
        encoded = [word.encode("utf-8", ERRORS) for word in words]
        (folder / f"{name}.utf8").write_bytes(b"".join(encoded))
        save(folder / f"{name}_ends.npy", np.cumsum([len(word) for word in encoded], dtype=np.int64))
        order = sorted(range(len(encoded)), key=encoded.__getitem__)
        save(folder / f"{name}_order.npy", np.array(order, np.int32))

    def find(self, word: str) -> int | None:
        """The row of a word by binary search; None if it is unknown."""
        wanted = word.encode("utf-8", ERRORS)
        place = bisect_left(self._order, wanted, key=self._bytes)
        if place < len(self._order) and self._bytes(row := int(self._order[place])) == wanted:
            return row
        return None

    def starting_with(self, prefix: str) -> IntArray:
        """The rows of the words that begin with `prefix`, int32 (n,), in the order of their bytes."""
        wanted = prefix.encode("utf-8", ERRORS)
        first = bisect_left(self._order, wanted, key=self._bytes)
        # No byte of UTF-8 is as large as 0xFF.
        end = bisect_left(self._order, wanted + b"\xff", lo=first, key=self._bytes)
        return np.asarray(self._order[first:end], np.int32)

    def _bytes(self, row: int) -> bytes:
        start = self._ends[row - 1] if row else 0
        return self._text[start : self._ends[row]].tobytes()

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[row] for row in range(*at.indices(len(self)))]
        row = at + len(self) if at < 0 else at
        if not 0 <= row < len(self):
            raise IndexError(f"There is no word {at}: the model has {len(self)}.")
        return _decoded(self._bytes(row))

    def __iter__(self) -> Iterator[str]:
        text = _decoded(self._text.tobytes())
        begins_character = (self._text & 0xC0) != 0x80
        ends = np.cumsum(begins_character)[self._ends - 1].tolist()
        start = 0
        for end in ends:
            yield text[start:end]
            start = end

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.find(word) is not None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8", ERRORS)
    except UnicodeDecodeError as error:
        raise BundleInvalid("The words of the model are damaged.") from error
