"""Detect names with numbers or signs: covid-19, boeing 737, h.264, gb/t 19001, node.js, 抗原19-9.

The analyzer splits such names into words, and they are searched by these words. For keywords, the words of
a name are joined again. The decision uses the characters between the words, upper case, and whether the
pair occurs again in the text. A number is part of a name if it follows a word, with only a hyphen or a
space between them, and if neither that word (`page`, `about`, `May`) nor the text after it (`mg`, `%`, 年)
makes it a count, a reference or a date. In a text with Han, two acronyms with a hyphen (SK-II) are a name
too; in English they are a phrase.
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
"""Characters that join two words to a phrase, in addition to a space."""

JOINERS = {
    **dict.fromkeys((*HYPHENS, "\u2013"), "-"),
    ".": ".",
    "\uff0e": ".",
    "/": "/",
    "\uff0f": "/",
    ",": ",",
}
"""Characters that can join the words of a name → their canonical form."""

MAX_NAME_WORDS = 6
"""Maximum words of a name."""

_DASHES = str.maketrans(dict.fromkeys((*HYPHENS, "\u2013"), "-"))
_NUMBER = re.compile(r"\d[\d.,]*")
_YEAR = re.compile(r"(?:19|20)\d\d")
_PART = re.compile(rf"[-/ ,]+|\.(?!\d)|(?<!\d)\.|(?<=[+\#{HAN}])(?=\d)")
_NOT_AFTER = re.compile(r"\s?[%％‰°℃℉×±]")
_LETTER_NUMBER = re.compile(r"\d{2,3}[a-z]?")
MAX_NAME_DIGITS = 6
"""Maximum digits of a number in a name. Longer numbers are counts and identifiers."""

QUANTITY = re.compile(
    rf"\d[\d.,]*\s?(?:st|nd|rd|th|s|m|h|l|v|w|°[cf]|{'|'.join(UNITS)}|[{HAN_UNITS}]|{'|'.join(LONG_HAN_UNITS)})"
    r"|\d[\d.,]+\s?[gck]|v\d+(?:\.\d+)+\w*|0x[\da-f]+|\d+x\d+"
)
"""A count with its unit, an ordinal, a decade, a date, or a version. It is never part of a keyword."""


def is_quantity(word: str) -> bool:
    """Whether a word is a count with its unit, an ordinal, a decade, a version or a hexadecimal number."""
    return word[0] in "0123456789v" and QUANTITY.fullmatch(word) is not None


def split_name(word: str) -> list[str]:
    """Split a name into its words; any other word is returned as the only item."""
    return [part for part in _PART.split(word) if part] or [word]


def keyword_spelling(text: str) -> str:
    """The spelling of a text as a keyword: normalized, with plain hyphens and single spaces."""
    return " ".join(normalize(text).translate(_DASHES).split())


class NameFinder:
    """Finds the names in one text, and joins their words.

    tokens: all words of the text. Pairs of a word and a number are counted among them.
    """

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self._text = text
        self.tokens = tokens

    def end_of_name(self, start: int, stop: int) -> int:
        """The end index of the name that begins with word `start`; `start` + 1 if it begins no name."""
        stop = min(stop, start + MAX_NAME_WORDS)
        place = start + 1
        while place < stop and self._links(place, stop, in_name=place > start + 1):
            place += 1
        return place

    def join(self, start: int, end: int) -> Token:
        """Join the words from `start` to `end` to one token."""
        first, last = self.tokens[start].start, self.tokens[end - 1].end
        return Token(keyword_spelling(self._text[first:last]), first, last)

    def gap(self, place: int) -> str:
        """The characters between a word and the word before it."""
        return self._text[self.tokens[place - 1].end : self.tokens[place].start]

    def _links(self, place: int, stop: int, in_name: bool) -> bool:
        """Whether a word and the word before it are in the same name.

        in_name: whether the word before it is already joined to its predecessor.
        """
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
        """Whether a number belongs to the word before it, which is not a number."""
        before, number = self.tokens[place - 1].text, self.tokens[place].text
        if before in STOP_WORDS and not (joint == "-" and self._is_acronym(place - 1)):  # HER-2
            return False
        if before in REFERENCES or before in HAN_REFERENCES:
            return False
        if joint == "/":
            return self._is_acronym(place - 1) and number.isdigit() and len(number) <= 3
        if "," in number or len(number) > MAX_NAME_DIGITS or joint == ",":
            return False
        is_year = _YEAR.fullmatch(number) is not None
        if joint == "-":
            return before not in PREFIXES and (not is_year or self._raw(place - 1).isupper())
        if before[-1] in "+#":
            return True
        return not self._is_count(place) and self._is_numbered(place, is_year)

    def _is_numbered(self, place: int, is_year: bool) -> bool:
        """Whether a number after a space or Han is part of a name: by upper case, or if it is repeated."""
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
        """Whether a number begins a range: "rising" as in 18-65, "falling" as in 19-9, else None."""
        if place + 1 >= len(self.tokens) or self._joint(place + 1) != "-":
            return None
        first, second = self.tokens[place].text, self.tokens[place + 1].text
        if not (first.isdigit() and second.isdigit()):
            return None
        return "rising" if int(first) < int(second) else "falling"

    def _is_count(self, place: int) -> bool:
        """Whether a number, or the range that it begins, is followed by a unit or a similar word."""
        last = place + 1 if self._range(place) else place
        end = self.tokens[last].end
        if _NOT_AFTER.match(self._text, end) is not None:
            return True
        if last + 1 >= len(self.tokens):
            return False
        following = self.tokens[last + 1]
        if self._text[end : following.start].strip():
            return False
        is_han_unit = following.text[0] in HAN_UNITS and self._range(place) != "falling"  # 19-9升高
        return following.text in UNITS or following.text in COUNTED or is_han_unit

    def _hyphenates(self, place: int, stop: int, in_name: bool) -> bool:
        """Whether a word that is not a number belongs to the word before its hyphen."""
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
        if self._is_acronym(place - 1) and self._is_acronym(place) and self._has_han:
            return True  # SK-II
        if has_digit:
            return not is_quantity(word)
        if any(map(str.isdigit, before)):
            return raw.isupper() and len(raw) <= 4
        is_followed = (
            place + 1 < stop and self._joint(place + 1) == "-" and is_number(self.tokens[place + 1].text)
        )
        return is_followed and (len(word) <= 3 or not (raw.islower() or raw.istitle()))

    def _is_locant(self, place: int, stop: int) -> bool:
        """Whether comma-separated numbers are followed by a hyphen and letters, as in 2,4-D."""
        while place + 1 < stop and is_number(self.tokens[place + 1].text) and self._joint(place + 1) == ",":
            place += 1
        return place + 1 < stop and self._joint(place + 1) == "-" and self.tokens[place + 1].text.isalpha()

    def _is_acronym(self, place: int) -> bool:
        raw = self._raw(place)
        return len(raw) <= 4 and raw.isascii() and raw.isupper()

    def _raw(self, place: int) -> str:
        """A word as written in the text."""
        return self._text[self.tokens[place].start : self.tokens[place].end]

    def _joint(self, place: int) -> str:
        """The canonical joiner before a word: "", " ", "-", ".", "/" or ","; a line feed for others."""
        gap = self.gap(place)
        if gap == "" or gap == " ":
            return gap
        return JOINERS.get(gap) or (" " if gap.isspace() else "\n")

    @cached_property
    def _has_han(self) -> bool:
        return HAN_RUN.search(self._text) is not None

    @cached_property
    def _pairs(self) -> Counter[tuple[str, str]]:
        """The count of each pair of a word and the number after it, with only white space between them."""
        return Counter(
            (before.text, token.text)
            for before, token in pairwise(self.tokens)
            if token.text[0].isdigit() and self._text[before.end : token.start].strip() == ""
        )


def is_number(word: str) -> bool:
    """Whether a word consists of digits and the signs that group them."""
    return _NUMBER.fullmatch(word) is not None
