"""A random sample of the lines of a corpus, on disk, in random order.

Documents often come sorted by source, date or subject. In that order, the nodes near the root of the tree,
which every word passes, would be fitted to the last documents. And the first words of a sorted corpus are no
sample of it.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

PILES = 64
SEED = 1
KEY_BITS, KEY_DIGITS = 64, 16


class LineSample:
    """Keeps lines with at most `max_tokens` words (0: all lines), and writes them in random order.

    Every line draws a random number, its key. The sample is the lines with the smallest keys, in the order
    of their keys: every line of the corpus is equally likely to be in it, whatever its place. The keys depend
    only on the order of the lines.

    A pile is a file with the lines of one range of keys. When the lower piles hold `max_tokens` words, the
    pile with the largest keys is deleted, and lines with such keys are no longer written. So the disk holds
    at most twice the sample and the lines of a pile, however long the corpus is. One pile is in memory at a
    time.
    """

    def __init__(self, folder: Path, max_tokens: int = 0) -> None:
        self._folder = folder
        self._max_tokens = max_tokens
        self._random = random.Random(SEED)
        self._width = 2**KEY_BITS // PILES
        self._piles: list[_Pile] = []
        self._tokens = self._made = 0

    def __enter__(self) -> Self:
        self._piles = [self._new_pile() for _ in range(PILES)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        for pile in self._piles:
            pile.file.close()

    def add(self, line: str) -> None:
        """Add the next line of the corpus: words with a space between them, without a line break."""
        key = self._random.getrandbits(KEY_BITS)
        place = key // self._width
        if place >= len(self._piles):
            return
        self._tokens += self._piles[place].write(f"{key:0{KEY_DIGITS}x} {line}\n")
        while self._max_tokens and self._tokens - self._piles[-1].tokens >= self._max_tokens:
            self._drop_last()

    def join(self) -> "JoinedLines":
        """Write the sample to one file, and remove the piles. A first line that is too long is kept."""
        path = self._folder / "corpus.txt"
        lines = tokens = 0
        with path.open("w", encoding="utf-8") as file:
            for keyed in self._sorted_lines():
                words = keyed.count(" ")
                if self._max_tokens and lines and tokens + words > self._max_tokens:
                    break
                file.write(keyed[KEY_DIGITS + 1 :])
                lines, tokens = lines + 1, tokens + words
        for pile in self._piles:
            pile.remove()
        self._piles = []
        return JoinedLines(path, lines, tokens)

    def _sorted_lines(self) -> Iterator[str]:
        for pile in self._piles:
            yield from sorted(pile.take())

    def _new_pile(self) -> "_Pile":
        path = self._folder / f"pile-{self._made}"
        self._made += 1
        return _Pile(path, path.open("w", encoding="utf-8"))

    def _drop_last(self) -> None:
        """Delete the pile with the largest keys. When half of the piles are left, split each in two."""
        dropped = self._piles.pop()
        self._tokens -= dropped.tokens
        dropped.remove()
        if len(self._piles) > PILES // 2:
            return
        self._width //= 2
        halves: list[_Pile] = []
        for pile in self._piles:
            lower, upper = self._new_pile(), self._new_pile()
            first_of_upper = f"{(len(halves) + 1) * self._width:0{KEY_DIGITS}x}"
            for keyed in pile.take():
                (upper if keyed >= first_of_upper else lower).write(keyed)
            halves += [lower, upper]
        self._piles = halves


@dataclass(frozen=True, slots=True)
class JoinedLines:
    """The file of a sample, with the number of its lines and words."""

    path: Path
    lines: int
    tokens: int


@dataclass(slots=True)
class _Pile:
    """A file of lines, each after its key and a space, and the number of their words."""

    path: Path
    file: TextIO
    tokens: int = 0

    def write(self, keyed: str) -> int:
        """Append a line. Returns the number of its words."""
        self.file.write(keyed)
        words = keyed.count(" ")
        self.tokens += words
        return words

    def take(self) -> list[str]:
        """Read all lines, and delete the file."""
        self.file.close()
        with self.path.open(encoding="utf-8", newline="\n") as file:
            lines = file.readlines()
        self.path.unlink()
        return lines

    def remove(self) -> None:
        """Delete the file, if it is still there."""
        self.file.close()
        self.path.unlink(missing_ok=True)
