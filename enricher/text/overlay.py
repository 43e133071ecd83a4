"""Segment runs with an added word by a dictionary that has it, and all other runs as before.

A word that is added to a dictionary may change how other texts are segmented, because all frequencies are
shares of one total. Here it cannot: a run of Han characters in which no added word occurs never meets the
larger dictionary.
"""

import re
from collections.abc import Mapping, Sequence

from enricher.text.lexicon import Lexicon
from enricher.text.segmentation import Segmenter, open_segmenter

OVERLAY = "overlay"
"""Key of the added words in `Segmenter.identity` and `Analyzer.describe`."""


class AddedWords:
    """Finds out whether a text contains one of some words."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = frozenset(words)
        self._lengths: dict[str, list[int]] = {}
        for word in self._words:
            lengths = self._lengths.setdefault(word[:2], [])
            if len(word) not in lengths:
                lengths.append(len(word))
        firsts = "".join(sorted({word[0] for word in self._words}))
        self._beginning = re.compile(f"[{re.escape(firsts)}]" if firsts else r"(?!)")

    def occur_in(self, text: str) -> bool:
        """Whether one of the words occurs in the text."""
        for match in self._beginning.finditer(text):
            start = match.start()
            for beginning in (text[start], text[start : start + 2]):
                for length in self._lengths.get(beginning, ()):
                    if text[start : start + length] in self._words:
                        return True
        return False


class OverlaySegmenter:
    """Implements `Segmenter` on two of them: the former one, and one that has the added words too."""

    def __init__(self, former: Segmenter, extended: Segmenter, overlay: Lexicon) -> None:
        self.name = former.name
        self._former, self._extended, self._overlay = former, extended, overlay
        self._added = AddedWords([word.text for word in overlay.han])

    @property
    def identity(self) -> Mapping[str, str]:
        return {**self._former.identity, OVERLAY: self._overlay.sha256}

    def cut(self, text: str) -> list[str]:
        if not self._added.occur_in(text):
            return self._former.cut(text)
        words: list[str] = []
        for place, run in enumerate(text.split(" ")):
            words += [" "] if place else []
            if run:
                segmenter = self._extended if self._added.occur_in(run) else self._former
                words += segmenter.cut(run)
        return words


def open_overlay_segmenter(name: str, lexicon: Lexicon, overlay: Lexicon) -> Segmenter:
    """Open the segmenter with that name: of a lexicon, and with the words of an overlay.

    Each dictionary is loaded with the first text that needs it. Raises ConfigurationError.
    """
    former = open_segmenter(name, lexicon)
    if not overlay.han:
        return former
    return OverlaySegmenter(former, open_segmenter(name, lexicon.with_words(overlay)), overlay)
