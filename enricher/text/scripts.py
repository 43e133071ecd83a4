"""Han characters among the others, and the language that a sample of words is in."""

import re
from collections.abc import Iterable
from typing import Literal

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han characters and the two marks that stand for one (々, 〇), as the inside of a class."""

HAN_RUN = re.compile(f"[{HAN}]+")
"""A run of Han characters: what a segmenter is asked to cut."""

HAN_SPLIT = re.compile(f"([{HAN}]+)")
"""Splits a text so that the Han runs are at the odd places."""

CHINESE_SHARE = 0.2
"""From this share of Han words on a text is Chinese: technical Chinese is half code and English."""


def is_han(word: str) -> bool:
    """Whether a word is made of Han characters only."""
    return HAN_RUN.fullmatch(word) is not None


def language_of(words: Iterable[str]) -> Literal["zh", "en"]:
    """The language of a sample of words, by the share of those with a Han character; "en" for none."""
    total = han = 0
    for word in words:
        total += 1
        han += HAN_RUN.search(word) is not None
    return "zh" if han and han >= CHINESE_SHARE * total else "en"
