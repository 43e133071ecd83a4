"""Remove text that contains no keywords: markup, addresses, file paths and encoded data."""

import re
from itertools import pairwise

from enricher.text.markup import without_filler, without_markup

_BLANK = " \n"
"""Replaces removed text. No phrase crosses a line break."""
_ASCII = "A-Za-z0-9"
_ADDRESS = re.compile(
    rf"""
    data:[a-z]+/[\w.+-]+[^\s"'<>()]*,[^\s"'<>()]*
  | (?<![{_ASCII}])[A-Za-z][A-Za-z0-9+.-]{{1,11}}://[!\#-&*-;=?-~]+
  | (?<![{_ASCII}])(?:www\.|mailto:)[!\#-&*-;=?-~]+
  | (?:(?<![{_ASCII}._%+-])[{_ASCII}._%+-]{{1,64}}|\{{[^{{}}\n]{{1,200}}\}}\s?)
    @[{_ASCII}-]{{1,63}}(?:\.[{_ASCII}-]{{1,63}})+
    """,
    re.VERBOSE,
)
_ADDRESS_SIGNS = ("://", "@", "www.", "data:", "mailto:")
_SLASHED = re.compile(r"/[\w.@+~-]*[./]")
_SEGMENT = rf"[{_ASCII}_.@+-]"
_PATH = re.compile(
    rf"""
    (?<![A-Za-z0-9_/.~<])(?:~|\.{{1,2}})?/{_SEGMENT}+(?:/{_SEGMENT}+)+/?
  | (?<![A-Za-z0-9_/])(?:~|\.{{1,2}})/{_SEGMENT}+
  | (?<![A-Za-z0-9_/.])(?:{_SEGMENT}{{1,80}}/){{1,30}}
    {_SEGMENT}{{0,80}}[{_ASCII}_-]\.[a-z][a-z0-9]{{0,4}}(?![{_ASCII}_/])
    """,
    re.VERBOSE,
)
_WINDOWS_PATH = re.compile(
    rf"(?<![{_ASCII}])(?:[A-Za-z]:|\\\\)\\?(?:[^\\/:*?\"<>|\n]{{1,80}}\\)*[{_ASCII}_.()-]*"
    r"|(?:\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4})){2,}"
)
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})+")
_QUOTED = re.compile(r"=[0-9A-F]{2}(?:=[0-9A-F]{2}){2,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MIN_RANDOM_CHARACTERS = 16
"""Minimum characters of a random string, such as a hash."""
_LONG = re.compile(rf"([{_ASCII}+/_=-]{{16,}})((?:\r?\n[{_ASCII}+/=]{{2,}}(?=\s|\Z))*)")
MIN_BLOCK_LINE_CHARACTERS = 60
"""Minimum characters of a line of encoded data whose following lines are encoded data too."""
_PIECE = re.compile(rf"[{_ASCII}]+")
_HEXADECIMAL = re.compile(r"(?=.*\d.*\d)(?=.*[a-fA-F].*[a-fA-F])(?:[0-9a-f]{16,}|[0-9A-F]{16,})")
MAX_WORD_LETTERS = 45
"""Maximum letters of a word, such as the name of a chemical. Longer strings are not words."""
MIN_CHANGES_PER_CHARACTER = 0.3
"""Minimum changes between upper case, lower case and digits, per character, of a random string."""


def remove_noise(text: str, *, every_tag: bool = False) -> str:
    """Replace markup, addresses, paths and encoded data with a space and a line break.

    Inline tags are removed without replacement. every_tag: whether the text is known to be HTML
    (`without_markup`).
    """
    text = without_filler(without_markup(text, every_tag=every_tag))
    if any(sign in text for sign in _ADDRESS_SIGNS):
        text = _ADDRESS.sub(_BLANK, text)
    text = _QUOTED.sub(_BLANK, _PERCENT.sub(_BLANK, text))
    if not text.isascii() or max(map(len, text.split()), default=0) >= MIN_RANDOM_CHARACTERS:
        text = _LONG.sub(_without_random, text)
    if "/" in text and (_SLASHED.search(text) or "~/" in text or "./" in text):
        text = _PATH.sub(_BLANK, text)
    return _WINDOWS_PATH.sub(_BLANK, text) if "\\" in text else text


def _without_random(match: re.Match[str]) -> str:
    """Replace a long string if it is random as a whole, else its random parts."""
    found, following = match.groups()
    if _UUID.fullmatch(found) is not None or _is_random(found.rstrip("=")):
        if len(found) >= MIN_BLOCK_LINE_CHARACTERS:
            return _BLANK
        return _BLANK + following
    return _PIECE.sub(lambda piece: _BLANK if _is_random(piece[0]) else piece[0], match[0])


def _is_random(text: str) -> bool:
    """Whether a string is not a word: hexadecimal, a mix of cases and digits, or too long."""
    if len(text) < MIN_RANDOM_CHARACTERS:
        return False
    if _HEXADECIMAL.fullmatch(text) is not None:
        return True
    if len(text) < 20:
        return any(map(str.isdigit, text)) and text.isalnum() and _changes(text) >= MIN_CHANGES_PER_CHARACTER
    if text.isalnum():
        has_digit = any(map(str.isdigit, text))
        is_random = _changes(text) >= MIN_CHANGES_PER_CHARACTER and (has_digit or not text[0].isdigit())
        return is_random or (len(text) > MAX_WORD_LETTERS and _changes(text) < 0.05)
    separators = len(text) - sum(map(str.isalnum, text))
    return (
        len(text) >= 32 and separators / len(text) < 0.1 and _changes(text) >= 1.3 * MIN_CHANGES_PER_CHARACTER
    )


def _changes(text: str) -> float:
    kinds = ["d" if c.isdigit() else "u" if c.isupper() else "l" if c.islower() else "o" for c in text]
    return sum(before != after for before, after in pairwise(kinds)) / len(text)
