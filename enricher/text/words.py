"""The words of everything but Han characters: letters, digits, and the scripts without spaces."""

import re
from functools import cache
from typing import Any

import regex

from enricher.text.lexicon import LONGEST_WORD

Span = tuple[str, int, int]
"""A word and its place in the normalised text: [start, end)."""

# {L} is what a word begins with, {W} what it goes on with. Lookbehinds tell digits and the names of
# programming languages, so that a usual word costs no more than its characters.
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
)(?: 's (?!{W}) )?"""

_ASCII = re.compile(_WORD.format(L="[a-z0-9]", W="[a-z0-9]"), re.VERBOSE)

# Everything but combining marks and the scripts that need rules of their own.
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
    """The pattern for all scripts; compiled at first need, since most texts never need it."""
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
    """The words of a normalised text without Han characters; those too long are cut in pieces."""
    words: list[str] = _pattern(text).findall(text)
    if len(text) > LONGEST_WORD and max(map(len, words), default=0) > LONGEST_WORD:
        return [word[at : at + LONGEST_WORD] for word in words for at in range(0, len(word), LONGEST_WORD)]
    return words


def spans_between(text: str, offset: int) -> list[Span]:
    """The same words with their places; the text begins at `offset`."""
    spans = [
        (match[1], match.start() + offset, match.end(1) + offset) for match in _pattern(text).finditer(text)
    ]
    if len(text) > LONGEST_WORD and any(end - start > LONGEST_WORD for _, start, end in spans):
        return [piece for span in spans for piece in pieces(span)]
    return spans


def pieces(span: Span) -> list[Span]:
    """A word too long, cut into pieces with their places."""
    word, start, _ = span
    parts = [(word[at : at + LONGEST_WORD], start + at) for at in range(0, len(word), LONGEST_WORD)]
    return [(part, at, at + len(part)) for part, at in parts]
