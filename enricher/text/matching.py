"""Finding the lexicon words that are not made of Han characters, before a text is cut."""

import re
from collections.abc import Iterable, Iterator

from enricher.text.scripts import HAN

_LETTER = rf"[^\W_{HAN}]"
_IS_LETTER = re.compile(_LETTER)

Trie = dict[str, "Trie"]
"""The words by their characters; the key "" marks the end of one."""


class LexiconMatcher:
    """Finds words in a normalised text, the longest first.

    An end of a word that is a letter or digit must not touch another letter or digit, so that
    `go` is not found in `google`; Han characters and symbols may touch anything. White space
    between the parts of a word may be of any kind and length.
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
        """Each word found, white space in it written as `_`, and its place."""
        done = 0
        for match in self._beginning.finditer(text):
            start = match.start()
            if start >= done and (end := self._longest(text, start)) > start:
                yield "_".join(text[start:end].split()), start, end
                done = end

    def _longest(self, text: str, at: int) -> int:
        """Where the longest word that begins at `at` ends, -1 if none does."""
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
