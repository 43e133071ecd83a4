"""The segmented corpus: documents are segmented once, counted, and written to a file.

Training reads the file once per epoch. So a corpus of any size, even from standard input, is segmented only
once and never held in memory.
"""

import hashlib
import random
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from enricher.errors import TrainingFailed
from enricher.parallel import document_batches, map_in_order
from enricher.records import Document, title_of
from enricher.sentences import counted
from enricher.text import Analyzer, language_of

MAX_LINE_WORDS = 1000
"""Maximum words of a line; gensim truncates lines of more than 10,000 words."""
LANGUAGE_SAMPLE = 2000
MIN_TITLED_SHARE = 0.3
"""Minimum share of documents with title and text; with fewer, titles are ignored."""
PILES = 64
SHUFFLE_SEED = 1


@dataclass(frozen=True, slots=True)
class SegmentedCorpus:
    """A text file of words separated by spaces, and its statistics.

    counts: occurrences of each word. document_frequencies: number of documents with each word. fingerprint:
    SHA-256 of the ids and texts in order. title_share: the mean share of the words of a title that also occur
    in the text; 0 if few documents have both. mean_words: average content words of a document, without
    backgrounds.
    """

    path: Path
    counts: Counter[str]
    document_frequencies: Counter[str]
    documents: int
    lines: int
    tokens: int
    language: str
    fingerprint: str
    title_share: float
    mean_words: float


@dataclass(frozen=True, slots=True)
class SegmentedBatch:
    """The lines of a batch of documents, and its word statistics.

    title_shares: for every document with title and text, the share of the title's words that occur in the
    text.
    """

    lines: list[str]
    counts: Counter[str]
    document_frequencies: Counter[str]
    title_shares: list[float]


@dataclass(frozen=True, slots=True)
class BatchSegmenter:
    """Segments batches of documents into lines of content words."""

    analyzer: Analyzer
    fields: tuple[str, ...]

    def __call__(self, documents: Sequence[Document]) -> SegmentedBatch:
        batch = SegmentedBatch([], Counter(), Counter(), [])
        title_field = title_of(self.fields)
        for document in documents:
            seen: set[str] = set()
            title: set[str] = set()
            for field in self.fields:
                words = self.analyzer.content_words(document.text(field))
                batch.counts.update(words)
                if field == title_field:
                    title = set(words)
                elif title and words:
                    batch.title_shares.append(len(title.intersection(words)) / len(title))
                seen.update(words)
                for start in range(0, len(words), MAX_LINE_WORDS):
                    batch.lines.append(" ".join(words[start : start + MAX_LINE_WORDS]) + "\n")
            batch.document_frequencies.update(seen)
        return batch


def segment(
    documents: Iterable[Document],
    fields: Sequence[str],
    analyzer: Analyzer,
    folder: Path,
    workers: int = 1,
    backgrounds: Iterable[Document] = (),
) -> SegmentedCorpus:
    """Segment documents and backgrounds into content words, and write them to a file in a folder.

    Title shares and mean lengths are computed from the documents only. The result does not depend on the
    number of workers. Raises TrainingFailed if no document contains a word.
    """
    counts: Counter[str] = Counter()
    frequencies: Counter[str] = Counter()
    fingerprint = hashlib.sha256()
    title_shares = array("f")
    number = own = own_batches = own_words = 0

    def batches() -> Iterator[list[Document]]:
        nonlocal own, own_batches
        for batch in document_batches(documents, fields):
            own += len(batch)
            own_batches += 1
            yield batch
        yield from document_batches(backgrounds, fields)

    work = BatchSegmenter(analyzer, tuple(fields))
    with ShuffledLines(folder) as lines, closing(map_in_order(work, batches(), workers)) as segmented:
        for place, (batch, cut) in enumerate(segmented):
            number += len(batch)
            for document in batch:
                fingerprint.update(document.id.encode("utf-8", "replace") + b"\0")
                for field in fields:
                    fingerprint.update(document.text(field).encode("utf-8", "replace") + b"\0")
            counts.update(cut.counts)
            frequencies.update(cut.document_frequencies)
            if place < own_batches:
                title_shares.extend(cut.title_shares)
                own_words += cut.counts.total()
            for line in cut.lines:
                lines.add(line)
        if not counts:
            found = (
                f"{counted(number, 'document')} without any word" if number else "the source has no document"
            )
            raise TrainingFailed(f"There is nothing to learn from: {found}.")
        if not own:
            raise TrainingFailed("There is no document to learn from. Backgrounds alone are not enough.")
        path = lines.join()
    language = language_of(word for word, _ in counts.most_common(LANGUAGE_SAMPLE))
    tokens = counts.total()
    enough = len(title_shares) >= MIN_TITLED_SHARE * own
    return SegmentedCorpus(
        path,
        counts,
        frequencies,
        number,
        lines.number,
        tokens,
        language,
        fingerprint.hexdigest(),
        sum(title_shares) / len(title_shares) if enough else 0.0,
        own_words / own,
    )


class ShuffledLines:
    """Shuffles lines reproducibly, with only a small part of them in memory.

    Documents often come sorted by source, date or subject. In that order, the nodes near the root of the
    tree, which every word passes, would be fitted to the last documents. Lines are distributed to PILES
    files at random; each file is shuffled, and all are joined.
    """

    def __init__(self, folder: Path) -> None:
        self.number = 0
        self._folder = folder
        self._random = random.Random(SHUFFLE_SEED)
        self._piles = [folder / f"pile-{pile}" for pile in range(PILES)]
        self._files = ExitStack()

    def __enter__(self) -> Self:
        self._open = [self._files.enter_context(pile.open("w", encoding="utf-8")) for pile in self._piles]
        return self

    def __exit__(self, *error: object) -> None:
        self._files.close()

    def add(self, line: str) -> None:
        self.number += 1
        self._open[self._random.randrange(PILES)].write(line)

    def join(self) -> Path:
        """Write all lines to one file, remove the piles, and return the path."""
        self._files.close()
        path = self._folder / "corpus.txt"
        with path.open("w", encoding="utf-8") as file:
            for pile in self._piles:
                lines = pile.read_text(encoding="utf-8").splitlines(keepends=True)
                self._random.shuffle(lines)
                file.writelines(lines)
                pile.unlink()
        return path
