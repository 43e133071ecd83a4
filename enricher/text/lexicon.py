"""A user's own words: read from a file, checked, and matched where a segmenter cannot."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from enricher.errors import SourceError
from enricher.text.normalize import normalize
from enricher.text.scripts import is_han

LONGEST_WORD = 64
"""The most characters that a token has."""

_SHOWN_PROBLEMS = 10
_FREQUENCY_AND_TAG = re.compile(r"(?P<word>.+?)(?:\s+(?P<frequency>[0-9]+))?(?:\s+(?P<tag>[a-z]{1,8}))?")
_PART_OF_SPEECH = re.compile(
    "ad?|ag|an|b|c|df?|dg|e|eng|[fh]|g|i|j|k|l|mg?|mq|ng?|nr(?:fg|t)?|n[stz]|o|p|q|r[grz]?|s|tg?"
    "|u[dgjlvz]?|v[dginq]?|w|x|yg?|zg?"
)
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
            text = _written(word)
            if (problem := _problem(text)) is not None:
                raise SourceError(f"The word {word!r} cannot be in a lexicon: {problem}.")
            found.append(LexiconWord(text))
        return cls(_unique(found))

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


def read_lexicon(path: Path) -> Lexicon:
    """Read a lexicon: UTF-8, a word a line, optionally with its frequency and part of speech.

    The three are separated by tabs, or by spaces as in a user dictionary of jieba. A word may
    hold spaces (`type 2 diabetes`); one that ends with a number needs a tab or a frequency
    after it, since `windows 11` is the word `windows` with the frequency 11. A line that
    begins with # is a comment. Of equal words the last counts. Raises SourceError, which
    names the bad lines by number.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"The lexicon {path} cannot be read: {error.strerror or error}.") from error
    words: list[LexiconWord] = []
    problems: list[str] = []
    for number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").splitlines(), start=1):
        try:
            word = _read_line(line.decode("utf-8"))
        except ValueError as error:
            problems.append(f"line {number}: {'not UTF-8' if isinstance(error, UnicodeError) else error}")
            continue
        if word is not None:
            words.append(word)
    if problems:
        shown = "; ".join(problems[:_SHOWN_PROBLEMS])
        more = len(problems) - _SHOWN_PROBLEMS
        raise SourceError(
            f"The lexicon {path} has bad lines: {shown}{f'; and {more} more' if more > 0 else ''}."
        )
    return Lexicon(_unique(words))


def _read_line(line: str) -> LexiconWord | None:
    """The word of a line, None for an empty one or a comment; ValueError says what is wrong."""
    if not line.strip() or line.lstrip().startswith("#"):
        return None
    text, frequency, tag = _columns(line)
    if frequency and not (frequency.isascii() and frequency.isdigit() and len(frequency) <= 12):
        raise ValueError(f"the frequency {frequency!r} is not a number")
    text = _written(text)
    if (problem := _problem(text)) is not None:
        raise ValueError(problem)
    return LexiconWord(text, int(frequency or 0), tag)


def _columns(line: str) -> tuple[str, str, str]:
    if "\t" in line:
        columns = [column.strip() for column in line.strip("\r\n").split("\t")]
        if len(columns) > 3:
            raise ValueError("more than a word, a frequency and a part of speech")
        text, frequency, tag = (*columns, "", "")[:3]
        return text, frequency, tag
    match = _FREQUENCY_AND_TAG.fullmatch(line.strip())
    if match is None:
        return line, "", ""
    text, frequency, tag = match["word"], match["frequency"] or "", match["tag"] or ""
    # `vitamin d` and `type 2 diabetes` are words; `云计算 n` and `word2vec 3 n` are a word and its tag.
    if tag and (_PART_OF_SPEECH.fullmatch(tag) is None or (not frequency and text.isascii())):
        return line, "", ""
    return text, frequency, tag


def _written(word: str) -> str:
    """The one way in which a lexicon word is written: normalised, single spaces."""
    return _SPACE.sub(" ", normalize(word)).strip()


def _problem(text: str) -> str | None:
    """What keeps a normalised word from being a token, None for a good one."""
    if not any(character.isalnum() for character in text):
        return "no letter, digit or character in it"
    if len(text) > LONGEST_WORD:
        return f"longer than {LONGEST_WORD} characters"
    if "∅" in text or "\ufffd" in text:
        return "it holds a character that no word may have"
    return None


def _unique(words: Iterable[LexiconWord]) -> tuple[LexiconWord, ...]:
    return tuple({word.text: word for word in words}.values())
