"""The segmented corpus: documents cut into words once, counted, and written to a file.

Training reads the file as often as it has epochs, so that a corpus of any size, also from
standard input, is segmented once and never held in memory.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import TrainingFailed
from enricher.records import Document
from enricher.text import Analyzer, language_of

LINE_WORDS = 1000
"""Words a line at most: gensim cuts lines of over 10,000."""
LANGUAGE_SAMPLE = 2000


@dataclass(frozen=True, slots=True)
class SegmentedCorpus:
    """A text file of words separated by spaces, and what was counted while writing it.

    counts: occurrences of each word; document_frequencies: documents that hold it;
    fingerprint: SHA-256 over the ids and texts in their order.
    """

    path: Path
    counts: Counter[str]
    document_frequencies: Counter[str]
    documents: int
    lines: int
    tokens: int
    language: str
    fingerprint: str


def segment(
    documents: Iterable[Document], fields: Sequence[str], analyzer: Analyzer, path: Path
) -> SegmentedCorpus:
    """Cut documents into content words (no stop words, no numbers) and write them to a file.

    Raises TrainingFailed when no document holds a word.
    """
    counts: Counter[str] = Counter()
    frequencies: Counter[str] = Counter()
    fingerprint = hashlib.sha256()
    sample: list[str] = []
    number = lines = 0
    with path.open("w", encoding="utf-8") as file:
        for document in documents:
            number += 1
            seen: set[str] = set()
            fingerprint.update(document.id.encode("utf-8", "replace") + b"\0")
            for field in fields:
                text = document.text(field)
                fingerprint.update(text.encode("utf-8", "replace") + b"\0")
                words = analyzer.content_words(text)
                counts.update(words)
                seen.update(words)
                if len(sample) < LANGUAGE_SAMPLE:
                    sample.extend(words[:50])
                for start in range(0, len(words), LINE_WORDS):
                    file.write(" ".join(words[start : start + LINE_WORDS]) + "\n")
                    lines += 1
            frequencies.update(seen)
    if not counts:
        raise TrainingFailed(f"There is nothing to learn from: {number} documents hold no word.")
    return SegmentedCorpus(
        path, counts, frequencies, number, lines, counts.total(), language_of(sample), fingerprint.hexdigest()
    )
