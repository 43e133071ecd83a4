"""What is known of a word before a document is looked at, as far as keywords need it."""

from collections.abc import Sequence
from math import log
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from enricher.model.bm25 import bm25_idf
from enricher.model.usage import Role, Usage, key_of
from enricher.model.word2vec import Word2Vec
from enricher.text import is_content, is_lexical
from enricher.text.names import is_number, is_quantity, parts_of
from enricher.text.scripts import HAN_RUN

FACTS = np.dtype(
    [
        ("key", np.uint64),
        ("idf", np.float64),
        ("opening", np.float64),
        ("closing", np.float64),
        ("in_runs", np.bool_),
        ("is_content", np.bool_),
        ("is_han", np.bool_),
        ("is_short", np.bool_),
        ("is_name", np.bool_),
    ]
)
"""key: of the word in the table of phrases. opening, closing: how well it begins and ends a phrase, added
to its score. in_runs: whether a phrase may hold it. is_han: whether it holds a Han character. is_short:
whether it has one character or two. is_name: whether it holds a number, or several
words as one (`enricher.text.names`).
"""

KEPT_WORDS = 2**15
"""Words that are remembered."""
VERBAL = 0.35
"""Share of verbal company from which on an English word stands in no phrase."""

Facts = NDArray[np.void]


class WordFacts:
    """Looks words up, and remembers them; safe to use from several threads."""

    def __init__(self, word2vec: Word2Vec, usage: Usage | None) -> None:
        self._word2vec = word2vec
        self._usage = usage
        self._lock = Lock()
        self._rows: dict[str, int] = {}
        self._facts: Facts = np.zeros(KEPT_WORDS, FACTS)

    def of(self, words: Sequence[str]) -> Facts:
        """The facts of words, in order: FACTS (n,)."""
        with self._lock:
            new = [word for word in dict.fromkeys(words) if word not in self._rows]
            if len(self._rows) + len(new) > len(self._facts):
                self._rows.clear()
                new = list(dict.fromkeys(words))
                self._facts = np.zeros(max(KEPT_WORDS, len(new)), FACTS)
            for word in new:
                row = self._rows[word] = len(self._rows)
                self._facts[row] = self._learn(word)
            return self._facts[[self._rows[word] for word in words]]

    def _learn(self, word: str) -> tuple[object, ...]:
        key, parts, opening, closing = key_of(word), parts_of(word), 0.0, 0.0
        may_stand = not is_quantity(word)
        in_runs = may_stand and is_lexical(word)
        if self._usage is not None and word.isascii() and word.isalpha():
            roles = self._usage.roles(word)
            opening, closing = opening_of(roles), closing_of(roles)
            in_runs = in_runs and bool(roles[Role.VERBAL] <= VERBAL)
        is_han = HAN_RUN.search(word) is not None
        return (
            key, self._idf(word, key, parts), opening, closing, in_runs, may_stand and is_content(word),
            is_han, len(word) <= 2, len(parts) > 1 or is_number(word[-1]) or is_number(word[0]),
        )  # fmt: skip

    def _idf(self, word: str, key: int, parts: Sequence[str]) -> float:
        """By the documents of the model; of a word that it does not know by those of the phrases.

        Of a name that neither knows the sum over its words, as of a phrase.
        """
        if self._usage is not None and self._word2vec.find(word) is None:
            row = int(self._usage.find(np.array([key], np.uint64))[0])
            if row >= 0:
                return float(bm25_idf(int(self._usage.frequencies[row]), self._usage.documents))
        if len(parts) > 1:
            return sum(self._idf(part, key_of(part), ()) for part in parts if is_lexical(part))
        return self._word2vec.idfs_of([word])[0]


def opening_of(roles: NDArray[np.float32]) -> float:
    """What never follows a determiner, or never has a word after it, opens no phrase; what nearly always
    follows one, as `same` and `first` do, is no part of it.
    """
    before, _, determined, verbal = map(float, roles)
    score = 0.5 * min(20 * determined, 1.0) + 0.6 * min(before, 0.5) - 1.2 * max(verbal, 0.05)
    return score - 0.4 * (determined > 0.5)


def closing_of(roles: NDArray[np.float32]) -> float:
    """What mostly has another word after it, as adjectives do, closes no phrase."""
    before, after, determined, verbal = map(float, roles)
    score = 0.4 * min(20 * determined, 1.0) + 0.5 * after - 0.4 * max(verbal, 0.05)
    return score + 0.8 * log(min(max(1 - before, 0.13), 0.5))
