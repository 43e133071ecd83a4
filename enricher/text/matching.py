"""Find the lexicon words that contain other than Han characters, before the text is segmented."""

import re
from collections.abc import Iterable, Iterator

from enricher.text.scripts import HAN

_LETTER = rf"[^\W_{HAN}]"
_IS_LETTER = re.compile(_LETTER)

Trie = dict[str, "Trie"]
"""A trie of words by character. The key "" marks the end of a word."""


class LexiconMatcher:
    """Finds lexicon words in a normalized text, by longest match.

    A word that begins or ends with a letter or digit must not touch another letter or digit there: `go` is
    not found in `google`. Han characters and symbols may touch anything. A space in a word matches white
    space of any kind and length.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._trie: Trie = {}
        for word in words:
            node = self._trie
            for character in word:
                node = node.setdefault(character, {})
            node[""] = {}
        letters = "".join(first for first in self._trie if _IS_LETTER.match(first))
        others = "".join(first for first in self._trie if not _IS_LETTER.match(first))
        choices = [rf"(?<!{_LETTER})[{re.escape(letters)}]"] * bool(letters)
        choices += [f"[{re.escape(others)}]"] * bool(others)
        self._beginning = re.compile("|".join(choices))

    def find(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Yield each word found, with `_` for white space, and its span [start, end)."""
        done = 0
        for match in self._beginning.finditer(text):
            start = match.start()
            if start >= done and (end := self._longest(text, start)) > start:
                yield "_".join(text[start:end].split()), start, end
                done = end

    def _longest(self, text: str, at: int) -> int:
        """The end of the longest word that begins at `at`; -1 if there is none."""
        node = self._trie
        longest = -1
        while at < len(text):
            character = text[at]
            at += 1
            if character.isspace():
                while at < len(text) and text[at].isspace():
                    at += 1
                character = " "
            following = node.get(character)
            if following is None:
                break
            node = following
            if "" in node and not (_IS_LETTER.match(character) and _IS_LETTER.match(text, at)):
                longest = at
        return longest
