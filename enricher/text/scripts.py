"""Han characters, and the language of a sample of words."""

import re
from collections.abc import Iterable
from typing import Literal

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han characters, including 々 and 〇, as the inside of a regular-expression class."""

HAN_RUN = re.compile(f"[{HAN}]+")
"""A run of Han characters. Only such runs are passed to the segmenter."""

HAN_SPLIT = re.compile(f"([{HAN}]+)")
"""Splits a text so that the Han runs are at the odd indexes."""

CHINESE_SHARE = 0.2
"""Minimum share of Han words in a Chinese text. Technical Chinese is half code and English."""


def is_han(word: str) -> bool:
    """Whether a word consists of Han characters only."""
    return HAN_RUN.fullmatch(word) is not None


def language_of(words: Iterable[str]) -> Literal["zh", "en"]:
    """The language of a sample of words, by the share of words with a Han character; "en" if it is empty."""
    total = han = 0
    for word in words:
        total += 1
        han += HAN_RUN.search(word) is not None
    return "zh" if han and han >= CHINESE_SHARE * total else "en"
