"""Features of texts: words and their sub-words.

The features of a word are the word itself; for a Chinese word, its characters; for an English word, its
stem and the character n-grams of `<word>`. So a text with unknown words still gets a vector, and forms of
one word have similar vectors.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import IntArray
from enricher.text import STOP_WORDS, stem
from enricher.text.scripts import HAN_RUN

WORD, CHARACTER, STEM, NGRAM = "w", "c", "s", "g"
"""First character of the name of a feature: its kind."""
START_WEIGHTS: Mapping[str, float] = {WORD: 0.0, STEM: -0.3, CHARACTER: -0.7, NGRAM: -1.5}
"""Initial log weights of features, before tuning."""
NGRAMS = (4, 5)
MAX_NGRAM_WORD_LETTERS = 30
"""Maximum letters of a word with n-gram features; longer words are codes."""


def features_of(word: str) -> list[str]:
    """The names of a word's features, with repetitions."""
    names = [WORD + word]
    if HAN_RUN.search(word):
        return names + [CHARACTER + letter for letter in word if HAN_RUN.match(letter)]
    if word.isascii() and word.isalpha() and word not in STOP_WORDS:
        names.append(STEM + stem(word))
        if len(word) <= MAX_NGRAM_WORD_LETTERS:
            edged = f"<{word}>"
            names += [NGRAM + edged[at : at + n] for n in NGRAMS for at in range(len(edged) - n + 1)]
    return names


class WordFeatures:
    """The feature rows of words in one flat array: word i has rows[starts[i]:starts[i + 1]]."""

    def __init__(self, words: Iterable[str], rows_of: Callable[[str], Sequence[int]]) -> None:
        found: list[int] = []
        starts = [0]
        for word in words:
            found.extend(rows_of(word))
            starts.append(len(found))
        self.starts: NDArray[np.int64] = np.array(starts, np.int64)
        self.rows: IntArray = np.array(found, np.int32)


def choose_features(
    words: Sequence[str], documents: Sequence[int], min_documents: int, max_features: int
) -> dict[str, int]:
    """Choose the features of the vocabulary: at most `max_features`, the most frequent first.

    words, documents: the words and their document frequencies. min_documents: minimum document frequency of a
    feature. A sub-word counts the documents of each of its words, so its frequency is overestimated; this
    only affects the choice. Returns name → row.
    """
    counts: dict[str, int] = {}
    for word, count in zip(words, documents, strict=True):
        for name in dict.fromkeys(features_of(word)):
            counts[name] = counts.get(name, 0) + count
    kept = [name for name, count in counts.items() if count >= min_documents]
    kept.sort(key=lambda name: -counts[name])
    return {name: row for row, name in enumerate(kept[:max_features])}
