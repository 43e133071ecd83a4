"""Split text without Han characters into words: by letters and digits, with rules for some scripts."""

import re
from functools import cache
from itertools import accumulate
from typing import Any

import regex

from enricher.text.lexicon import MAX_WORD_CHARACTERS

Span = tuple[str, int, int]
"""A word and its offsets [start, end) in the normalized text."""

# Group 1 is the word, group 2 a final 's. {L} matches the first character of a word, {W} the others. Numbers
# and names of programming languages are recognized by lookbehinds, so that ordinary words are matched at full
# speed.
_WORD = r"""(
  {L}{W}*
  (?: (?=['.,+\#]) (?:
      (?<=[0-9]) \. (?=[0-9]) {W}+
    | (?<=[0-9]) , (?=[0-9]{{3}} (?![0-9])) {W}+
    | ' (?!s (?!{W})) (?=[^\W\d_]) {W}+
    | (?<= (?<!{W})[cg] ) \+\+
    | (?<= (?<!{W})[acfj] ) \# (?!{W})
  ) )*
  | (?<![.]) \.net (?!{W})
)((?: 's (?!{W}) )?)"""

_ASCII = re.compile(_WORD.format(L="[a-z0-9]", W="[a-z0-9]"), re.VERBOSE)

# For text without combining marks and without the scripts that need rules of their own.
_SIMPLE = re.compile(_WORD.format(L=r"[^\W_]", W=r"[^\W_]"), re.VERBOSE)
_NOT_SIMPLE = re.compile(
    "[^\0-\u02ff\u0370-\u0482\u048a-\u0590\u05be-\u060f\u2000-\u20cf\u2100-\u245f\u2500-\u25ff]"
)

_OWN_RULES = r"[\p{Hiragana}\p{Katakana}\u30fc\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
_MARK = r"\p{Mn}\p{Mc}"
_SCRIPTS = (
    r"[\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff][\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3099\u309a]*",
    r"[\u3041-\u3096\u309d-\u309f][\u3041-\u3096\u309d-\u309f\u30fc\u3099\u309a]*",
    r"\p{Hangul}+",
    rf"[[\p{{Thai}}\p{{Lao}}\p{{Khmer}}\p{{Myanmar}}]&&[\p{{L}}\p{{Nd}}]][[\p{{Thai}}\p{{Lao}}\p{{Khmer}}\p{{Myanmar}}]&&[\p{{L}}\p{{Nd}}{_MARK}]]*",
)


@cache
def _any_script() -> Any:
    """The pattern for all scripts. It is compiled when first needed: most texts never need it."""
    letters = rf"[[\p{{L}}\p{{Nd}}\p{{Nl}}]--{_OWN_RULES}]"
    others = rf"[[\p{{L}}\p{{Nd}}\p{{Nl}}{_MARK}]--{_OWN_RULES}]"
    word = _WORD.format(L=letters, W=others).replace(r"[^\W\d_]", r"\p{L}")
    return regex.compile(
        word.replace("(\n", "(" + "|".join(_SCRIPTS) + "|", 1), regex.VERBOSE | regex.VERSION1
    )


def _pattern(text: str) -> Any:
    if text.isascii():
        return _ASCII
    return _SIMPLE if _NOT_SIMPLE.search(text) is None else _any_script()


def words_between(text: str) -> list[str]:
    """The words of a normalized text without Han characters. Words that are too long are split."""
    words: list[str] = _pattern(text).split(text)[1::3]
    if len(text) > MAX_WORD_CHARACTERS and max(map(len, words), default=0) > MAX_WORD_CHARACTERS:
        return [
            word[at : at + MAX_WORD_CHARACTERS]
            for word in words
            for at in range(0, len(word), MAX_WORD_CHARACTERS)
        ]
    return words


def spans_between(text: str, offset: int) -> list[Span]:
    """The words of a normalized text without Han characters, with spans. The text begins at `offset`."""
    parts: list[str] = _pattern(text).split(text)  # text before a word, the word, a final 's, and again
    words = parts[1::3]
    places = list(accumulate(map(len, parts), initial=offset))
    spans = list(zip(words, places[1::3], places[2::3], strict=False))
    if len(text) > MAX_WORD_CHARACTERS and max(map(len, words), default=0) > MAX_WORD_CHARACTERS:
        return [piece for span in spans for piece in split_long_word(span)]
    return spans


def split_long_word(span: Span) -> list[Span]:
    """Split a word into pieces of at most MAX_WORD_CHARACTERS, with their spans."""
    word, start, _ = span
    parts = [
        (word[at : at + MAX_WORD_CHARACTERS], start + at) for at in range(0, len(word), MAX_WORD_CHARACTERS)
    ]
    return [(part, at, at + len(part)) for part, at in parts]
