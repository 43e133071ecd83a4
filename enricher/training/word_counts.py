"""How often words occur in a corpus of any size, in bounded memory."""

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

MAX_COUNTED_WORDS = 2_000_000
"""Maximum distinct words in memory, about 160 bytes each."""


class WordCounts:
    """Occurrences and document frequencies of words; exact up to `max_words` distinct words.

    When there are more, the words that occurred least often are forgotten, at least half of them, and are
    counted anew when they occur again (lossy counting). So no count is too high, and none is lower than the
    true one by more than `max_error`. Document frequencies are forgotten with the counts.

    Source: Manku and Motwani, *Approximate Frequency Counts over Data Streams*, VLDB 2002.
    """

    def __init__(self, max_words: int = MAX_COUNTED_WORDS) -> None:
        self.occurrences: Counter[str] = Counter()
        self.documents: Counter[str] = Counter()
        self.tokens = 0
        self.max_error = 0
        self._max_words = max_words

    def add(self, occurrences: Counter[str], documents: Counter[str]) -> None:
        """Add the counts of the next documents."""
        self.tokens += occurrences.total()
        self.occurrences.update(occurrences)
        self.documents.update(documents)
        if len(self.occurrences) > self._max_words:
            self._forget()

    def _forget(self) -> None:
        """Forget the words that occurred as often as the median word, or less often."""
        median = int(np.median(np.fromiter(self.occurrences.values(), np.int64)))
        self.max_error += median
        # New counters, because a dictionary does not shrink.
        self.occurrences = Counter({word: n for word, n in self.occurrences.items() if n > median})
        self.documents = Counter({word: self.documents[word] for word in self.occurrences})


def vocabulary(occurrences: Mapping[str, int], learned: Mapping[str, int], min_count: int) -> dict[str, int]:
    """The words that occur `min_count` times or more in the text that is learned from, with their counts.

    occurrences: counts in the whole corpus, which may be too low (see `WordCounts`), but a word occurs there
    at least as often as in the sample, `learned`.
    """
    return {word: max(occurrences.get(word, 0), n) for word, n in learned.items() if n >= min_count}


def count_words(lines: Iterable[str]) -> Counter[str]:
    """The occurrences of the words of lines."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line.split())
    return counts
