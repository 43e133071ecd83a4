"""Names that hold a number or a sign: covid-19, boeing 737, h.264, gb/t 19001, node.js, 抗原19-9.

The analyser cuts them into words, by which they are searched. For keywords the words of a name are put
together again, by what stands between them, by the capitals of the text, and by whether a pair comes again.
A number is part of a name where a word and nothing but a hyphen or a blank stand before it, and neither that
word (`page`, `about`, `May`) nor what follows (`mg`, `%`, 年) makes it a count, a place or a date.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise

from enricher.records import Token
from enricher.text.name_words import (
    COUNTED,
    HAN_REFERENCES,
    HAN_UNITS,
    LONG_HAN_UNITS,
    PREFIXES,
    REFERENCES,
    SUFFIXES,
    UNITS,
)
from enricher.text.normalize import normalize
from enricher.text.scripts import HAN, HAN_RUN
from enricher.text.stopwords import STOP_WORDS

HYPHENS = frozenset("-\u2010\u2011\uff0d")
"""What joins two words to a phrase, beside a blank."""

GLUE = {
    **dict.fromkeys((*HYPHENS, "\u2013"), "-"),
    ".": ".",
    "\uff0e": ".",
    "/": "/",
    "\uff0f": "/",
    ",": ",",
}
"""What may stand inside a name, and how it is read."""

LONGEST_NAME = 6
"""Words of a name at most."""

_DASHES = str.maketrans(dict.fromkeys((*HYPHENS, "\u2013"), "-"))
_NUMBER = re.compile(r"\d[\d.,]*")
_YEAR = re.compile(r"(?:19|20)\d\d")
_PART = re.compile(rf"[-/ ,]+|\.(?!\d)|(?<!\d)\.|(?<=[+\#{HAN}])(?=\d)")
_NOT_AFTER = re.compile(r"\s?[%％‰°℃℉×±]")
_LETTER_NUMBER = re.compile(r"\d{2,3}[a-z]?")
MOST_DIGITS = 6
"""Digits of a number in a name: longer ones are counts and identifiers."""

QUANTITY = re.compile(
    rf"\d[\d.,]*\s?(?:st|nd|rd|th|s|m|h|l|v|w|°[cf]|{'|'.join(UNITS)}|[{HAN_UNITS}]|{'|'.join(LONG_HAN_UNITS)})"
    r"|\d[\d.,]+\s?[gck]|v\d+(?:\.\d+)+\w*|0x[\da-f]+|\d+x\d+"
)
"""A count with its unit, an ordinal, a decade, a date, or a version: no keyword and no part of one."""


def is_quantity(word: str) -> bool:
    """Whether a word is a count with its unit, an ordinal, a decade, a version or a hexadecimal number."""
    return word[0] in "0123456789v" and QUANTITY.fullmatch(word) is not None


def parts_of(word: str) -> list[str]:
    """The words of a name, one for every other word."""
    return [part for part in _PART.split(word) if part] or [word]


def spelled(text: str) -> str:
    """A part of a text as a keyword is spelled: normalised, with plain hyphens and single blanks."""
    return " ".join(normalize(text).translate(_DASHES).split())


class NameFinder:
    """Puts the words of names in one text together.

    tokens: all words of the text, among which pairs of a word and a number are counted.
    """

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self._text = text
        self.tokens = tokens

    def end_of_name(self, start: int, stop: int) -> int:
        """Where the name ends that begins with a word; after that word itself where none does."""
        stop = min(stop, start + LONGEST_NAME)
        place = start + 1
        while place < stop and self._links(place, stop, in_name=place > start + 1):
            place += 1
        return place

    def join(self, start: int, end: int) -> Token:
        """The words from `start` to `end` as one."""
        first, last = self.tokens[start].start, self.tokens[end - 1].end
        return Token(spelled(self._text[first:last]), first, last)

    def gap(self, place: int) -> str:
        """What stands before a word."""
        return self._text[self.tokens[place - 1].end : self.tokens[place].start]

    def _links(self, place: int, stop: int, in_name: bool) -> bool:
        """Whether a word is in one name with the word before it. in_name: whether that is in a name."""
        joint = self._joint(place)
        before, word = self.tokens[place - 1].text, self.tokens[place].text
        if is_number(before) and joint in ("", " ") and not in_name:
            return QUANTITY.fullmatch(f"{before} {word}") is not None
        if is_number(word):
            if is_number(before):
                return (joint == "-" and in_name) or (joint == "," and self._is_locant(place, stop))
            if joint != ".":
                return self._numbers(joint, place)
        if joint == "-":
            return self._hyphenates(place, stop, in_name)
        if joint == "." and len(before) == 1:
            return (
                before not in REFERENCES and before.isalpha() and _LETTER_NUMBER.fullmatch(word) is not None
            )
        if joint == ".":
            return word in SUFFIXES and before not in STOP_WORDS and word == self._raw(place)
        if joint == "/":
            return self._is_acronym(place - 1) and self._is_acronym(place)
        return joint == "" and word == ".net"

    def _numbers(self, joint: str, place: int) -> bool:
        """Whether a number belongs to the word before it, which is none."""
        before, number = self.tokens[place - 1].text, self.tokens[place].text
        if before in STOP_WORDS or before in REFERENCES or before in HAN_REFERENCES:
            return False
        if joint == "/":
            return self._is_acronym(place - 1) and number.isdigit() and len(number) <= 3
        if "," in number or len(number) > MOST_DIGITS or joint == ",":
            return False
        is_year = _YEAR.fullmatch(number) is not None
        if joint == "-":
            return before not in PREFIXES and (not is_year or self._raw(place - 1).isupper())
        if before[-1] in "+#":
            return True
        return not self._is_count(place) and self._is_numbered(place, is_year)

    def _is_numbered(self, place: int, is_year: bool) -> bool:
        """Whether a number after a blank or Han is part of a name: by capitals, or as it comes again."""
        raw = self._raw(place - 1)
        again = self._pairs[self.tokens[place - 1].text, self.tokens[place].text] > 1
        if HAN_RUN.search(raw) is not None:
            return not is_year and (again if self._range(place) is None else self._range(place) == "falling")
        if self._joint(place) == "":
            return False
        if is_year:
            return again and raw.isupper()
        if not raw.islower():
            return True
        return again and self._range(place) is None and self.tokens[place].text.isdigit()

    def _range(self, place: int) -> str | None:
        """Whether another number follows a number and a hyphen, a larger one as in 18-65 or not."""
        if place + 1 >= len(self.tokens) or self._joint(place + 1) != "-":
            return None
        first, second = self.tokens[place].text, self.tokens[place + 1].text
        if not (first.isdigit() and second.isdigit()):
            return None
        return "rising" if int(first) < int(second) else "falling"

    def _is_count(self, place: int) -> bool:
        """Whether a unit or the like stands behind a number, and behind a range that it begins."""
        last = place + 1 if self._range(place) else place
        end = self.tokens[last].end
        if _NOT_AFTER.match(self._text, end) is not None:
            return True
        if last + 1 >= len(self.tokens):
            return False
        following = self.tokens[last + 1]
        if self._text[end : following.start].strip():
            return False
        return following.text in UNITS or following.text in COUNTED or following.text[0] in HAN_UNITS

    def _hyphenates(self, place: int, stop: int, in_name: bool) -> bool:
        """Whether a word that is no number belongs to what stands before its hyphen."""
        before, word, raw = self.tokens[place - 1].text, self.tokens[place].text, self._raw(place)
        has_digit = any(map(str.isdigit, word))
        if is_number(before):
            if in_name and place >= 2 and self._joint(place - 1) == ",":
                return True  # 2,4-dichlorophenol
            return (
                word not in UNITS and word not in COUNTED and (has_digit or (raw.isupper() and len(raw) <= 4))
            ) or raw == "d"
        if before in PREFIXES or before in STOP_WORDS:
            return False
        if has_digit:
            return not is_quantity(word)
        if any(map(str.isdigit, before)):
            return raw.isupper() and len(raw) <= 4
        is_followed = (
            place + 1 < stop and self._joint(place + 1) == "-" and is_number(self.tokens[place + 1].text)
        )
        return is_followed and (len(word) <= 3 or not (raw.islower() or raw.istitle()))

    def _is_locant(self, place: int, stop: int) -> bool:
        """Whether numbers with commas between them, and no blank, end at a hyphen and letters: 2,4-D."""
        while place + 1 < stop and is_number(self.tokens[place + 1].text) and self._joint(place + 1) == ",":
            place += 1
        return place + 1 < stop and self._joint(place + 1) == "-" and self.tokens[place + 1].text.isalpha()

    def _is_acronym(self, place: int) -> bool:
        raw = self._raw(place)
        return len(raw) <= 4 and raw.isascii() and raw.isupper()

    def _raw(self, place: int) -> str:
        """A word as the text has it."""
        return self._text[self.tokens[place].start : self.tokens[place].end]

    def _joint(self, place: int) -> str:
        """What stands before a word: "", " ", "-", ".", "/", "," or what ends every name."""
        gap = self.gap(place)
        if gap == "" or gap == " ":
            return gap
        return GLUE.get(gap) or (" " if gap.isspace() else "\n")

    @cached_property
    def _pairs(self) -> Counter[tuple[str, str]]:
        """How often each word and the number behind it, with a blank at most between, occur."""
        return Counter(
            (before.text, token.text)
            for before, token in pairwise(self.tokens)
            if token.text[0].isdigit() and self._text[before.end : token.start].strip() == ""
        )


def is_number(word: str) -> bool:
    """Whether a word is made of digits alone, and of the signs that group them."""
    return _NUMBER.fullmatch(word) is not None
