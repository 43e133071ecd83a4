"""The user's lexicon: words that must stay whole when text is split into words."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from enricher.errors import SourceError
from enricher.text.normalize import normalize
from enricher.text.scripts import is_han

MAX_WORD_CHARACTERS = 64
"""Maximum characters of a token."""

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class LexiconWord:
    """A normalized word with its frequency and part-of-speech tag; 0 and "" if the file has none."""

    text: str
    frequency: int = 0
    tag: str = ""


@dataclass(frozen=True)
class Lexicon:
    """The words that must be kept whole."""

    words: tuple[LexiconWord, ...] = field(default=())

    @classmethod
    def of(cls, words: Iterable[str]) -> "Lexicon":
        """Create a lexicon from words. Raises SourceError for the first word that cannot be a token."""
        found = []
        for word in words:
            text = written(word)
            if (problem := problem_of(text)) is not None:
                raise SourceError(f"The word {word!r} cannot be in a lexicon: {problem}.")
            found.append(LexiconWord(text))
        return cls(unique(found))

    def with_words(self, other: "Lexicon") -> "Lexicon":
        """These words and those of another lexicon, which count where both have a word."""
        return Lexicon(unique([*self.words, *other.words])) if other.words else self

    @cached_property
    def han(self) -> tuple[LexiconWord, ...]:
        """The words of Han characters only. They are added to the segmenter's dictionary."""
        return tuple(word for word in self.words if is_han(word.text))

    @cached_property
    def mixed(self) -> tuple[str, ...]:
        """The other words. They are matched before the text is segmented."""
        return tuple(word.text for word in self.words if not is_han(word.text))

    @cached_property
    def texts(self) -> frozenset[str]:
        """The words without frequency and tag."""
        return frozenset(word.text for word in self.words)

    @cached_property
    def sha256(self) -> str:
        """A hash of the words that does not depend on their order; "" if there are none."""
        if not self.words:
            return ""
        lines = sorted(f"{word.text}\t{word.frequency}\t{word.tag}\n" for word in self.words)
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def written(word: str) -> str:
    """The canonical form of a lexicon word: normalized, with single spaces."""
    return _SPACE.sub(" ", normalize(word)).strip()


def as_token(word: str) -> str:
    """A word of a lexicon as the analyzer returns it: its parts joined by `_`."""
    return word.replace(" ", "_")


def as_text(token: str) -> str:
    """A token as it is written in text: its parts separated by spaces."""
    return token.replace("_", " ")


def problem_of(text: str) -> str | None:
    """Why a normalized word cannot be a token; None if it can."""
    if not text:
        return "it is empty"
    if not any(character.isalnum() for character in text):
        return "it contains no letter and no digit"
    if len(text) > MAX_WORD_CHARACTERS:
        return f"longer than {MAX_WORD_CHARACTERS} characters"
    if "∅" in text or "\ufffd" in text:
        return "it contains a character that is not allowed in words"
    return None


def unique(words: Iterable[LexiconWord]) -> tuple[LexiconWord, ...]:
    return tuple({word.text: word for word in words}.values())
