"""A user's own words, checked: what a segmenter is taught, and what is matched where it cannot be."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from enricher.errors import SourceError
from enricher.text.normalize import normalize
from enricher.text.scripts import is_han

LONGEST_WORD = 64
"""The most characters that a token has."""

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class LexiconWord:
    """A word as the normaliser leaves it; 0 and "" where the file says nothing of it."""

    text: str
    frequency: int = 0
    tag: str = ""


@dataclass(frozen=True)
class Lexicon:
    """Words that must be kept whole."""

    words: tuple[LexiconWord, ...] = field(default=())

    @classmethod
    def of(cls, words: Iterable[str]) -> "Lexicon":
        """A lexicon of bare words; SourceError names the first that cannot be one."""
        found = []
        for word in words:
            text = written(word)
            if (problem := problem_of(text)) is not None:
                raise SourceError(f"The word {word!r} cannot be in a lexicon: {problem}.")
            found.append(LexiconWord(text))
        return cls(unique(found))

    @cached_property
    def han(self) -> tuple[LexiconWord, ...]:
        """The words that a segmenter can be taught: Han characters only."""
        return tuple(word for word in self.words if is_han(word.text))

    @cached_property
    def mixed(self) -> tuple[str, ...]:
        """The other words, which are matched before the text is cut."""
        return tuple(word.text for word in self.words if not is_han(word.text))

    @cached_property
    def sha256(self) -> str:
        """The hash of the words whatever their order in the file, "" for no words."""
        if not self.words:
            return ""
        lines = sorted(f"{word.text}\t{word.frequency}\t{word.tag}\n" for word in self.words)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def written(word: str) -> str:
    """The one way in which a lexicon word is written: normalised, single spaces."""
    return _SPACE.sub(" ", normalize(word)).strip()


def problem_of(text: str) -> str | None:
    """What keeps a normalised word from being a token, None for a good one."""
    if not any(character.isalnum() for character in text):
        return "no letter, digit or character in it"
    if len(text) > LONGEST_WORD:
        return f"longer than {LONGEST_WORD} characters"
    if "∅" in text or "\ufffd" in text:
        return "it holds a character that no word may have"
    return None


def unique(words: Iterable[LexiconWord]) -> tuple[LexiconWord, ...]:
    return tuple({word.text: word for word in words}.values())
