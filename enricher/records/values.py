"""Limits and special values that are the same in every engine."""

import re

EMPTY_MARK = "∅"
"""The only term of a text field without words.

Every document must have every scored field: one engine counts documents without the field in its idf,
the other does not. No analyzer can produce this term, because it is not a letter.
"""

MAX_TERM_CHARACTERS = 127
"""Maximum characters of a term in an index; longer terms are truncated.

One engine splits words of more than 255 UTF-16 units.
"""

_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Replace every lone surrogate with U+FFFD. UTF-8 cannot encode lone surrogates."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)
