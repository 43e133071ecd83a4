"""Which documents a version of a model enriches differently from others of its family.

The versions of a family differ in their added words only.

A document is affected if its words change, or if it has a word of which not every version knows something. A
text in which no changed word occurs is never affected: all versions segment it with the same dictionary
(`enricher.text.overlay`), and the rows of all its words are equal.
"""

from collections.abc import Sequence

from enricher.loaded_model import Model
from enricher.records import Document
from enricher.text import Analyzer, is_han, normalize
from enricher.text.analysis import PAIR_MARK
from enricher.text.lexicon import as_token
from enricher.text.matching import LexiconMatcher
from enricher.text.overlay import AddedWords


class AffectedDocuments:
    """Decides which documents are affected. Thread-safe.

    former: the versions that have enriched documents. present: the version that enriches them now; all are of
    one family of bundles. fields: the enriched fields.
    """

    def __init__(self, former: Sequence[Model], present: Model, fields: Sequence[str]) -> None:
        self._former, self._present = [one.analyzer for one in former], present.analyzer
        self._fields = tuple(fields)
        added = {word.text for word in present.analyzer.overlay.words}
        others = [{word.text for word in analyzer.overlay.words} for analyzer in self._former]
        self.words = sorted(set().union(*(other ^ added for other in others)))
        """The changed words: those that not every version has added."""
        trained = present.word2vec.trained
        tokens = [as_token(word) for word in self.words]
        rows = {token: present.word2vec.find(token) for token in tokens}
        self._relearned = {token for token, row in rows.items() if row is None or row >= trained}
        self._han = AddedWords([word for word in self.words if is_han(word)])
        mixed = [word for word in self.words if not is_han(word)]
        self._mixed = LexiconMatcher(mixed) if mixed else None

    def __call__(self, document: Document) -> bool:
        """Whether a document is affected."""
        return any(self._is_affected(document.text(field)) for field in self._fields)

    def may_affect(self, text: str) -> bool:
        """Whether a changed word occurs in a text as a string."""
        normalized = normalize(self._present.visible(text))
        return self._han.occur_in(normalized) or (
            self._mixed is not None and next(self._mixed.find(normalized), None) is not None
        )

    def _is_affected(self, text: str) -> bool:
        if not self.may_affect(text):
            return False
        words = self._present.words(text)
        if not self._relearned.isdisjoint(words):
            return True
        return any(words != analyzer.words(text) for analyzer in self._former)

    def subwords(self) -> list[list[str]]:
        """For each changed word the sub-words that every document with it has (`subwords_of`)."""
        return [subwords_of(self._present, word) for word in self.words]


def subwords_of(analyzer: Analyzer, word: str) -> list[str]:
    """The sub-words that every document has in which a word occurs: all of the word but pairs of stems.

    A pair may be lacking: the word may be written with a stop word between, or without a space.
    """
    found = analyzer.subwords(word)
    return list(dict.fromkeys(one for one in found if PAIR_MARK not in one))
