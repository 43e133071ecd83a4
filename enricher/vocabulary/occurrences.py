"""What documents say of some words: how often they occur, beside which words, and in whose company."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from enricher.loaded_model import Model
from enricher.records import Document
from enricher.text import Analyzer, is_content

MAX_CONTEXT_WORDS = 20_000
"""Context words of a word that are kept: more of them change its vector by less than a hundredth."""
DEFAULT_WINDOW = 10


@dataclass(slots=True)
class Occurrences:
    """The occurrences of a word.

    count, documents: how often it occurs, and in how many documents. left, right: the words beside it; a
    missing one counts as a distinct word each time. contexts: rows of the words within the window of the
    model, with repetitions.
    """

    count: int = 0
    documents: int = 0
    left: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    contexts: list[int] = field(default_factory=list)

    @property
    def boundary_entropy(self) -> float:
        """The lower entropy of the words on both sides, in nats."""
        return min(_entropy(self.left, self.count), _entropy(self.right, self.count))


def _entropy(beside: Mapping[str, int], count: int) -> float:
    if count < 1:
        return 0.0
    known = sum(times * math.log(times) for times in beside.values())
    return math.log(count) - known / count


class OccurrenceCounter:
    """Counts the occurrences of words in documents.

    words: as tokens. analyzer: keeps them whole. model: of whose words the contexts are.
    """

    def __init__(self, words: Iterable[str], analyzer: Analyzer, model: Model, fields: Sequence[str]) -> None:
        self.found = {word: Occurrences() for word in words}
        self._analyzer, self._fields = analyzer, tuple(fields)
        self._index, self._trained = model.word2vec.index, model.word2vec.trained
        window = model.word2vec.training.get("window", DEFAULT_WINDOW)
        self._window = window if isinstance(window, int) else DEFAULT_WINDOW

    def add(self, document: Document) -> None:
        """Count the words of a document."""
        seen: set[str] = set()
        for name in self._fields:
            words = self._analyzer.words(document.text(name))
            here = self.found.keys() & words
            if here:
                seen |= here
                self._count(words, here)
        for word in seen:
            self.found[word].documents += 1

    def _count(self, words: Sequence[str], here: set[str]) -> None:
        ends = ["", *words, ""]
        for place, word in enumerate(words):
            if word in here:
                found = self.found[word]
                found.count += 1
                for beside, other in ((found.left, ends[place]), (found.right, ends[place + 2])):
                    if other:
                        beside[other] += 1
        content = [word for word in words if is_content(word)]
        rows = [self._index.get(word, -1) for word in content]
        for place, word in enumerate(content):
            contexts = self.found[word].contexts if word in here else None
            if contexts is not None and len(contexts) < MAX_CONTEXT_WORDS:
                around = rows[max(0, place - self._window) : place]
                around += rows[place + 1 : place + 1 + self._window]
                contexts += [row for row in around if 0 <= row < self._trained]
