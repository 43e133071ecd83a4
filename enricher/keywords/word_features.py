"""Features of words for keyword extraction that do not depend on the document. They are cached."""

from collections.abc import Sequence
from math import log
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from enricher.model.bm25 import bm25_idf
from enricher.model.usage import Role, Usage, key_of
from enricher.model.word2vec import Word2Vec
from enricher.text import is_content, is_lexical
from enricher.text.names import is_number, is_quantity, split_name
from enricher.text.scripts import HAN_RUN

WORD_FEATURES = np.dtype(
    [
        ("key", np.uint64),
        ("idf", np.float64),
        ("opening", np.float64),
        ("closing", np.float64),
        ("in_runs", np.bool_),
        ("is_content", np.bool_),
        ("is_han", np.bool_),
        ("is_short", np.bool_),
        ("is_letter", np.bool_),
        ("is_name", np.bool_),
    ]
)
"""key: the key of the word in the phrase table. opening, closing: scores for beginning and ending a phrase.
in_runs: whether a phrase can contain the word. is_han: whether it contains a Han character. is_short: whether
it has one or two characters. is_letter: whether it is one character that is not Han. is_name: whether it
contains a number or consists of several words (`enricher.text.names`).
"""

POINTERS = frozenset({"请", "参见", "参阅", "参看", "详见"})
"""Chinese words that point to other parts of the text. No keyword contains them."""
MAX_CACHED_WORDS = 2**15
"""Maximum words in the cache."""
MAX_VERBAL_SHARE = 0.35
"""Maximum share of verbal contexts (`Role.VERBAL`) of an English word in a phrase."""

Features = NDArray[np.void]


class WordFeatures:
    """Computes the features of words and caches them. Thread-safe."""

    def __init__(self, word2vec: Word2Vec, usage: Usage | None) -> None:
        self._word2vec = word2vec
        self._usage = usage
        self._lock = Lock()
        self._rows: dict[str, int] = {}
        self._features: Features = np.zeros(MAX_CACHED_WORDS, WORD_FEATURES)

    def of(self, words: Sequence[str]) -> Features:
        """The features of n words, in order: WORD_FEATURES (n,)."""
        with self._lock:
            new = [word for word in dict.fromkeys(words) if word not in self._rows]
            if len(self._rows) + len(new) > len(self._features):
                self._rows.clear()
                new = list(dict.fromkeys(words))
                self._features = np.zeros(max(MAX_CACHED_WORDS, len(new)), WORD_FEATURES)
            for word in new:
                row = self._rows[word] = len(self._rows)
                self._features[row] = self._learn(word)
            return self._features[np.fromiter(map(self._rows.__getitem__, words), np.int64, len(words))]

    def _learn(self, word: str) -> tuple[object, ...]:
        key, parts, opening, closing = key_of(word), split_name(word), 0.0, 0.0
        may_stand = not is_quantity(word) and word not in POINTERS
        in_runs = may_stand and is_lexical(word)
        if self._usage is not None and word.isascii() and word.isalpha():
            roles = self._usage.roles(word)
            opening, closing = opening_score(roles), closing_score(roles)
            in_runs = in_runs and bool(roles[Role.VERBAL] <= MAX_VERBAL_SHARE)
        is_han = HAN_RUN.search(word) is not None
        return (
            key, self._idf(word, key, parts), opening, closing, in_runs, may_stand and is_content(word),
            is_han, len(word) <= 2, len(word) == 1 and not is_han,
            len(parts) > 1 or is_number(word[-1]) or is_number(word[0]),
        )  # fmt: skip

    def _idf(self, word: str, key: int, parts: Sequence[str]) -> float:
        """The idf of a word, from the first source that knows it.

        The sources are: the document counts of the model, the document counts of the phrases, and, for a
        name, the sum over its words.
        """
        if self._usage is not None and self._word2vec.find(word) is None:
            row = int(self._usage.find(np.array([key], np.uint64))[0])
            if row >= 0:
                return float(bm25_idf(int(self._usage.frequencies[row]), self._usage.documents))
        if len(parts) > 1:
            return sum(self._idf(part, key_of(part), ()) for part in parts if is_lexical(part))
        return self._word2vec.idfs_of([word])[0]


def opening_score(roles: NDArray[np.float32]) -> float:
    """How well an English word begins a phrase. roles: shares of its contexts (`Role`), float32 (4,).

    The score is low for words that never follow a determiner or never precede a word, and for words that
    nearly always follow a determiner, such as `same` and `first`.
    """
    before, _, determined, verbal = map(float, roles)
    score = 0.5 * min(20 * determined, 1.0) + 0.6 * min(before, 0.5) - 1.2 * max(verbal, 0.05)
    return score - 0.4 * (determined > 0.5)


def closing_score(roles: NDArray[np.float32]) -> float:
    """How well an English word ends a phrase. roles: shares of its contexts (`Role`), float32 (4,).

    The score is low for words that mostly precede another word, such as adjectives.
    """
    before, after, determined, verbal = map(float, roles)
    score = 0.4 * min(20 * determined, 1.0) + 0.5 * after - 0.4 * max(verbal, 0.05)
    return score + 0.8 * log(min(max(1 - before, 0.13), 0.5))
