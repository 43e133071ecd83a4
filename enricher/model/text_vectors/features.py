"""Features of texts: the words themselves and what they are made of.

A word has itself as a feature, a Chinese one its characters, an English one its stem and the n-grams
of `<word>`. So a text whose words the model has never seen still has a place, and forms of one word
are near each other.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import IntArray
from enricher.text import STOP_WORDS, stem
from enricher.text.scripts import HAN_RUN

WORD, CHARACTER, STEM, NGRAM = "w", "c", "s", "g"
"""What the name of a feature begins with."""
START_WEIGHTS: Mapping[str, float] = {WORD: 0.0, STEM: -0.3, CHARACTER: -0.7, NGRAM: -1.5}
"""Logarithms of the weights that features have before they are tuned."""
NGRAMS = (4, 5)
LONGEST = 30
"""Letters of the longest word that is cut into n-grams; longer ones are codes."""


def features_of(word: str) -> list[str]:
    """The names of a word's features, repeated as often as they occur in it."""
    names = [WORD + word]
    if HAN_RUN.search(word):
        return names + [CHARACTER + letter for letter in word if HAN_RUN.match(letter)]
    if word.isascii() and word.isalpha() and word not in STOP_WORDS:
        names.append(STEM + stem(word))
        if len(word) <= LONGEST:
            edged = f"<{word}>"
            names += [NGRAM + edged[at : at + n] for n in NGRAMS for at in range(len(edged) - n + 1)]
    return names


class WordFeatures:
    """Features of words as rows of a table, in one flat array: those of word i are
    rows[starts[i]:starts[i + 1]].
    """

    def __init__(self, words: Iterable[str], rows_of: Callable[[str], Sequence[int]]) -> None:
        found: list[int] = []
        starts = [0]
        for word in words:
            found.extend(rows_of(word))
            starts.append(len(found))
        self.starts: NDArray[np.int64] = np.array(starts, np.int64)
        self.rows: IntArray = np.array(found, np.int32)


def choose_features(words: Sequence[str], documents: Sequence[int], least: int, most: int) -> dict[str, int]:
    """The features of words that stand in `least` documents or more, at most `most`, by frequency.

    documents: in how many documents each word stands. A part of several words is counted once for each
    of them, which is more than its documents; that matters to the choice alone. Answers name → row.
    """
    counts: dict[str, int] = {}
    for word, count in zip(words, documents, strict=True):
        for name in dict.fromkeys(features_of(word)):
            counts[name] = counts.get(name, 0) + count
    kept = [name for name, count in counts.items() if count >= least]
    kept.sort(key=lambda name: -counts[name])
    return {name: row for row, name in enumerate(kept[:most])}
