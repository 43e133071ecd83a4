"""Texts as numbers: the tokens of a corpus in one file, from which n-grams are counted.

A token is a word or a character. BREAK stands wherever no term can go on: at punctuation, at the end of a
field, and around text that holds no words.
"""

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import IntArray
from enricher.text import Segmenter, normalize
from enricher.text.scripts import HAN

BREAK = -1
MAX_VOCABULARY = 3_000_000
"""Distinct tokens that are kept. Later ones are rare, and count as breaks."""
MAX_LATIN_CHARACTERS = 24
"""Maximum characters of a token in Latin letters and digits. Longer ones are codes and encoded data."""
PART_TOKENS = 4_000_000
"""Tokens that are read together: 16 MB."""

_PARTS = re.compile(
    rf"([{HAN}]+)|([^\W_{HAN}](?:[^\W{HAN}]|[-+#.](?=[^\W_{HAN}])|[+#])*)|( )|(\S|\s)", re.UNICODE
)
_NUMBER = re.compile(r"[\d.,]+")


@dataclass(frozen=True, slots=True)
class TokenStream:
    """The tokens of documents, int32 (N,), mapped from a file.

    ends: int64 (D,), where each document ends. path: the file; None for tokens in memory.
    """

    tokens: IntArray
    ends: NDArray[np.int64]
    path: Path | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def number(self) -> int:
        """The number of tokens without breaks."""
        return sum(int(np.count_nonzero(part >= 0)) for _, part in self.parts(PART_TOKENS))

    def part(self, start: int, end: int) -> IntArray:
        """The tokens from `start` to `end`, int32; fewer at the end of the stream.

        They are read, not mapped: mapped pages would stay in the memory of the process.
        """
        if self.path is None:
            return self.tokens[start:end]
        size = max(0, min(end, len(self)) - start)
        return np.fromfile(self.path, np.int32, size, offset=start * 4) if size else np.empty(0, np.int32)

    def parts(self, size: int) -> Iterator[tuple[int, IntArray]]:
        """All tokens in parts of `size`, each with its start."""
        for start in range(0, len(self), size):
            yield start, self.part(start, start + size)


class Vocabulary:
    """Numbers distinct tokens in the order in which they come."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.words)

    def number(self, word: str) -> int:
        """The number of a word, which is added; BREAK for a new word after MAX_VOCABULARY others."""
        found = self._numbers.get(word)
        if found is not None:
            return found
        if len(self.words) >= MAX_VOCABULARY:
            return BREAK
        self.words.append(word)
        self._numbers[word] = found = len(self.words) - 1
        return found

    def find(self, word: str) -> int | None:
        return self._numbers.get(word)


class WordSplitter:
    """Splits texts into the words of which terms consist.

    Runs of Han characters are segmented. A word in other letters may contain digits and the signs - . + #
    within it: sars-cov-2, 19-9, c++. A single space between Han characters and other letters is ignored, and
    so is one between other letters if `joins_latin`. Bare numbers are breaks.
    """

    def __init__(self, segmenter: Segmenter, *, joins_latin: bool) -> None:
        self._segmenter, self._joins_latin = segmenter, joins_latin

    def __call__(self, text: str) -> list[str | None]:
        """The words of a text, None for each break."""
        parts = [(match.lastindex, match.group()) for match in _PARTS.finditer(normalize(text))]
        runs = [part for kind, part in parts if kind == 1]
        cut = iter(self._segmenter.cut(" ".join(runs))) if runs else iter(())
        words: list[str | None] = []
        before = gap = 0
        for kind, part in parts:
            if kind == 3:
                gap += 1
                continue
            if gap and not (gap == 1 and self._joins(before, kind or 0)):
                words.append(None)
            gap = 0
            if kind == 1:
                words += _until_space(cut)
            elif kind == 2 and len(part) <= MAX_LATIN_CHARACTERS and not _NUMBER.fullmatch(part):
                words.append(part)
            else:
                words.append(None)
            before = kind or 0
        words.append(None)
        return [
            word for place, word in enumerate(words) if word is not None or place == 0 or words[place - 1]
        ]

    def _joins(self, before: int, after: int) -> bool:
        return {before, after} == {1, 2} or (self._joins_latin and before == after == 2)


def _until_space(cut: Iterator[str]) -> list[str]:
    """The words of the next run."""
    found: list[str] = []
    for word in cut:
        if word == " ":
            break
        found.append(word)
    return found


def characters_of(text: str) -> list[str | None]:
    """The Han characters of a text, None for each break; other words are one token each."""
    found: list[str | None] = []
    for match in _PARTS.finditer(normalize(text)):
        if match.lastindex == 1:
            found += match.group()
        elif not found or found[-1] is not None:
            found.append(None)
    found.append(None)
    return found


class StreamWriter:
    """Writes the tokens of documents to a file; several streams may share a vocabulary."""

    def __init__(self, path: Path, vocabulary: Vocabulary) -> None:
        self._path, self._vocabulary = path, vocabulary
        self._file = path.open("wb")
        self._ends = array("q")
        self._written = 0

    def add(self, texts: Iterable[Sequence[str | None]]) -> None:
        """Add a document: the words of each of its fields, with None for breaks."""
        number = self._vocabulary.number
        numbers = array("i", [BREAK])
        for words in texts:
            numbers.extend([BREAK if word is None else number(word) for word in words])
            numbers.append(BREAK)
        numbers.tofile(self._file)
        self._written += len(numbers)
        self._ends.append(self._written)

    def close(self) -> TokenStream:
        """Close the file, and map it."""
        self._file.close()
        return open_stream(self._path, np.array(self._ends, np.int64))


def open_stream(path: Path, ends: NDArray[np.int64]) -> TokenStream:
    """Map the tokens of a file. ends: int64 (D,), where each document ends."""
    tokens = np.memmap(path, np.int32, "r") if path.stat().st_size else np.empty(0, np.int32)
    return TokenStream(np.asarray(tokens), ends, path)
