"""Values as every engine holds them."""

import re

EMPTY_MARK = "∅"
"""The word of a field without words.

Every document must have every field of words, because one engine counts the documents that lack
a field into its idf and the other does not. No analyser can produce it: it is no letter.
"""

LONGEST_WORD = 127
"""Words are cut after so many characters: one engine splits words of more than 255 UTF-16 units."""

_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with U+FFFD for every lone surrogate, which UTF-8 cannot carry."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
