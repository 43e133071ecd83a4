"""Read and write lexicon files: one word per line, optionally with its frequency and part of speech.

An ambiguous line is rejected: the reader never guesses which words it must keep whole.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from enricher.errors import SourceError
from enricher.lines import file_lines
from enricher.text.lexicon import Lexicon, LexiconWord, problem_of, unique, written
from enricher.text.scripts import HAN

_MAX_SHOWN_PROBLEMS = 10
_PART_OF_SPEECH = re.compile(
    "ad?|ag|an|b|c|df?|dg|e|eng|[fh]|g|i|j|k|l|mg?|mq|ng?|nr(?:fg|t)?|n[stz]|o|p|q|r[grz]?|s|tg?"
    "|u[dgjlvz]?|v[dginq]?|w|x|yg?|zg?"
)
_TAG = re.compile("[A-Za-z][A-Za-z0-9_]{0,15}")
_DIGITS = re.compile("[0-9]+")
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)?")
_WHOLE_NUMBER = re.compile(r"([0-9]{1,12})(?:\.0*)?")
_HAN = re.compile(f"[{HAN}]")
_TWO_HAN_WORDS = re.compile(rf"[{HAN}]\s+[{HAN}]")
_SEPARATED = re.compile(
    rf'.*[{HAN}"]\s*[,;|]\s*(?:[0-9][0-9.]*\s*(?:[,;|].*)?|[a-z]{{1,8}}\s*(?:[,;|]\s*[0-9.]*)?)'
    r"|[^,;|]+[,;|][0-9]+[,;|][a-z]*"
)
_READING = re.compile(rf"'?[a-zü]+(?:'[a-zü]+)+\s+[{HAN}].*")

Columns = tuple[str, str, str]
"""The word, its frequency and its tag as written in a line; "" if missing."""


class _Ambiguous(ValueError):
    """A line that can be read in two ways, with different words."""

    def __init__(self, word: Sequence[str], line: str) -> None:
        super().__init__(
            f"it may be the word {' '.join(word)!r} with other columns, or the word {line!r}; "
            "write a tab after the word"
        )


def read_lexicon(path: Path) -> Lexicon:
    """Read a lexicon: one word per line, optionally with its frequency and part of speech.

    The columns are separated by tabs, or by spaces as in a user dictionary of jieba. The part of speech may
    come before the frequency. A word may contain spaces (`type 2 diabetes`). A word that ends with a number
    needs a tab or a frequency after it, because `windows 11` is the word `windows` with the frequency 11.
    Custom part-of-speech tags are recognized if some lines have them together with a frequency. Lines that
    begin with # are comments. If a word occurs twice, the last line counts. Raises SourceError with the
    numbers of the invalid lines.
    """
    try:
        lines = list(file_lines(path))
    except OSError as error:
        raise SourceError(f"The lexicon {path} cannot be read: {error.strerror or error}.") from error
    reader = _Reader(line.decode("utf-8", "replace") for line in lines)
    words: list[LexiconWord] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            word = reader.word_of(line.decode("utf-8"))
        except ValueError as error:
            problems.append(f"line {number}: {'not UTF-8' if isinstance(error, UnicodeError) else error}")
            continue
        if word is not None:
            words.append(word)
    if problems:
        shown = "; ".join(problems[:_MAX_SHOWN_PROBLEMS])
        more = len(problems) - _MAX_SHOWN_PROBLEMS
        raise SourceError(
            f"The lexicon {path} has invalid lines: {shown}{f'; and {more} more' if more > 0 else ''}."
        )
    return Lexicon(unique(words))


def lexicon_text(lexicon: Lexicon) -> str:
    """The text of a lexicon file: tab-separated columns, which are never ambiguous."""
    return "".join(f"{word.text}\t{word.frequency}\t{word.tag}\n" for word in lexicon.words)


class _Reader:
    """Reads the lines of a file. It first collects the part-of-speech tags of the whole file."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._tags: set[str] = set()
        last: Counter[str] = Counter()
        for line in lines:
            if line.lstrip().startswith("#"):
                continue
            _, tab, after = line.partition("\t")
            tokens = after.split() if tab else line.split()
            last.update(tokens[1:][-1:])
            is_told = len(tokens) == 2 if tab else not _is_ascii(tokens[:-2])
            if is_told and _is_number(tokens[-2]) and not _is_number(tokens[-1]):
                self._tags.add(tokens[-1])
        self._repeated = {token for token, number in last.items() if number > 1}

    def word_of(self, line: str) -> LexiconWord | None:
        """The word of a line; None for an empty line or a comment. Raises ValueError for an invalid line."""
        if not line.strip() or line.lstrip().startswith("#"):
            return None
        if problem := _problem_of_line(line):
            raise ValueError(problem)
        text, frequency, tag = self._by_tabs(line) if "\t" in line else self._by_spaces(line)
        number = _WHOLE_NUMBER.fullmatch(unicodedata.normalize("NFKC", frequency or "0"))
        if number is None:
            raise ValueError(f"the frequency {frequency!r} is not a whole number of at most 12 digits")
        text = written(text)
        if problem := problem_of(text):
            raise ValueError(problem)
        return LexiconWord(text, int(number[1]), tag)

    def _by_tabs(self, line: str) -> Columns:
        word, *columns = (column.strip() for column in line.strip("\r\n").split("\t"))
        rest = " ".join(columns).split()
        if len(rest) > 2:
            raise ValueError("more than a word, a frequency and a part of speech")
        if len(rest) == 2 and _is_number(rest[1]) and not _is_number(rest[0]):
            rest.reverse()
        if len(rest) == 1 and (self._is_known(rest[0]) or (len(columns) == 2 and not columns[0])):
            return word, "", rest[0]
        frequency, tag = (*rest, "", "")[:2]
        return word, frequency, tag

    def _by_spaces(self, line: str) -> Columns:
        tokens = line.split()
        if _TWO_HAN_WORDS.search(line.strip()) and not any(map(_is_number, tokens)):
            raise ValueError("several words, or a word and its part of speech; write a tab after the word")
        return self._by_spaces_ascii(tokens) if _is_ascii(tokens[:1]) else self._by_spaces_han(tokens)

    def _by_spaces_han(self, tokens: list[str]) -> Columns:
        """The columns of a line that begins with a Han character or another non-ASCII letter."""
        word, frequency, tag = self._split_han(tokens)
        if any(_is_number(token) or self._is_known(token) for token in word[1:]):
            raise ValueError("more than a word, a frequency and a part of speech")
        return " ".join(word), frequency, tag

    def _split_han(self, tokens: list[str]) -> tuple[list[str], str, str]:
        match tokens:
            case [*word, number, tag] if word and _is_number(number) and not _is_number(tag):
                return word, number, tag
            case [*word, tag, number] if word and _is_number(number) and _TAG.fullmatch(tag):
                if not self._is_known(tag):
                    raise _Ambiguous(word, " ".join([*word, tag]))
                return word, number, tag
            case [*word, number] if word and _is_number(number):
                return word, number, ""
            case [*word, tag] if word and self._is_known(tag):
                return word, "", tag
            case [*word, tag] if word and _TAG.fullmatch(tag) and (tag.islower() or tag in self._repeated):
                raise _Ambiguous(word, " ".join(tokens))
        return tokens, "", ""

    def _by_spaces_ascii(self, tokens: list[str]) -> Columns:
        """The columns of a line that begins with ASCII. Its word may contain spaces.

        A single word of ASCII letters and digits is never split anyway, so both readings are equivalent.
        """
        line = " ".join(tokens)
        match tokens:
            case [*word, number, tag] if word and _is_digits(number) and self._is_tag_of(word, tag):
                return " ".join(word), number, tag
            case [*word, number, tag] if word and _is_number(number) and _TAG.fullmatch(tag):
                if not _is_plain(word):
                    raise _Ambiguous(word, line)
                return line, "", ""
            case [*word, tag, number] if word and _is_digits(number) and self._is_known(tag):
                if not _is_plain(word):
                    raise _Ambiguous(word, " ".join([*word, tag]))
                return " ".join([*word, tag]), number, ""
            case [*word, number] if word and _is_digits(number):
                return " ".join(word), number, ""
            case [*word, tag] if word and self._is_known(tag):
                if not _is_ascii(word):
                    return " ".join(word), "", tag
                if not _is_plain(word):
                    raise _Ambiguous(word, line)
        return line, "", ""

    def _is_tag_of(self, word: Sequence[str], tag: str) -> bool:
        return self._is_known(tag) or (not _is_ascii(word) and _TAG.fullmatch(tag) is not None)

    def _is_known(self, tag: str) -> bool:
        return tag in self._tags or _PART_OF_SPEECH.fullmatch(tag) is not None


def _problem_of_line(line: str) -> str | None:
    """Why a line cannot be a lexicon line; None if it can."""
    bare = unicodedata.normalize("NFKC", line).strip()
    if "\t" not in line and _SEPARATED.fullmatch(bare):
        return "its columns are separated by commas or similar; write tabs"
    if bare.startswith("//") or re.search(r"\s#", bare):
        return "a comment needs a line of its own that begins with #"
    if "=>" in bare:
        return "a synonym rule, not a word"
    if _READING.fullmatch(bare):
        return "it begins with the pronunciation; write the word first"
    if len(bare) > 1 and bare[0] == bare[-1] == '"':
        return "the word is in quotation marks"
    return None


def _is_ascii(tokens: Sequence[str]) -> bool:
    return all(map(str.isascii, tokens))


def _is_plain(word: Sequence[str]) -> bool:
    """Whether it is a single word of ASCII letters and digits, which the analyzer never splits."""
    return len(word) == 1 and word[0].isascii() and word[0].isalnum()


def _is_digits(token: str) -> bool:
    return _DIGITS.fullmatch(unicodedata.normalize("NFKC", token)) is not None


def _is_number(token: str) -> bool:
    return _NUMBER.fullmatch(unicodedata.normalize("NFKC", token)) is not None
