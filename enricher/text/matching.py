"""Finding the lexicon words that are not made of Han characters, before a text is cut."""

import re
from collections.abc import Iterable, Iterator

from enricher.text.scripts import HAN

_BORDERED = re.compile(rf"[^\W_{HAN}]")


Trie = dict[str, "Trie"]


class LexiconMatcher:
    """Finds words in a normalised text, the longest first.

    An end of a word that is a letter or digit must not touch another letter or digit, so that
    `go` is not found in `google`; Han characters and symbols may touch anything. White space
    between the parts of a word may be of any kind and length.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._pattern = re.compile(_trie_pattern(words))

    def find(self, text: str) -> Iterator[tuple[str, int, int]]:
        """Each word found, white space in it written as `_`, and its place."""
        for match in self._pattern.finditer(text):
            start, end = match.span()
            yield "_".join(match[0].split()), start, end


def _trie_pattern(words: Iterable[str]) -> str:
    """A pattern that tries the words by their common beginnings, so that thousands cost little."""
    trie: Trie = {}
    for word in words:
        node = trie
        for character in word:
            node = node.setdefault(character, {})
        node[""] = {}
    letter = rf"[^\W_{HAN}]"
    choices = []
    for character in trie:
        border = rf"(?<!{letter})" if _BORDERED.match(character) else ""
        choices.append(border + _branch(character, trie[character], letter))
    return "|".join(choices)


def _branch(character: str, node: Trie, letter: str) -> str:
    """The pattern of all that begins with a character; recursion is as deep as the longest word."""
    written = r"\s+" if character == " " else re.escape(character)
    choices = [_branch(following, inner, letter) for following, inner in node.items() if following]
    if "" in node:
        choices.append(rf"(?!{letter})" if _BORDERED.match(character) else "")
    return written + (choices[0] if len(choices) == 1 else f"(?:{'|'.join(choices)})")
