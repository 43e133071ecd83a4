"""The segmented corpus: documents are segmented once and counted, and a sample of them is written to a file.

Training reads the file once per epoch. So a corpus of any size, even from standard input, is segmented only
once and never held in memory.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import TrainingFailed
from enricher.parallel import document_batches, map_in_order
from enricher.records import Document, title_of
from enricher.sentences import counted
from enricher.text import Analyzer, language_of
from enricher.training.line_sample import LineSample
from enricher.training.word_counts import WordCounts, count_words

MAX_LINE_WORDS = 1000
"""Maximum words of a line; gensim truncates lines of more than 10,000 words."""
LANGUAGE_SAMPLE = 2000
MIN_TITLED_SHARE = 0.3
"""Minimum share of documents with title and text; with fewer, titles are ignored."""


@dataclass(frozen=True, slots=True)
class SegmentedCorpus:
    """The statistics of a corpus, and a file with a random sample of its lines: words with a space between.

    counts, document_frequencies: occurrences of each word, and documents with it, in the whole corpus (see
    `WordCounts`). documents, tokens: of the whole corpus. learned_counts, learned_tokens, lines: of the file.
    fingerprint: SHA-256 of the ids and texts in order. title_share: the mean share of the words of a title
    that also occur in the text; 0 if few documents have both. mean_words: average content words of a
    document, without backgrounds.
    """

    path: Path
    counts: Counter[str]
    document_frequencies: Counter[str]
    learned_counts: Counter[str]
    documents: int
    lines: int
    tokens: int
    learned_tokens: int
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
                    batch.lines.append(" ".join(words[start : start + MAX_LINE_WORDS]))
            batch.document_frequencies.update(seen)
        return batch


def segment(
    documents: Iterable[Document],
    fields: Sequence[str],
    analyzer: Analyzer,
    folder: Path,
    workers: int = 1,
    backgrounds: Iterable[Document] = (),
    max_tokens: int = 0,
) -> SegmentedCorpus:
    """Segment documents and backgrounds into content words, and write a sample of them to a file in a folder.

    max_tokens: maximum words of the file; 0 for all. Title shares and mean lengths are computed from the
    documents only. The result does not depend on the number of workers. Raises TrainingFailed if no document
    contains a word.
    """
    counts = WordCounts()
    fingerprint = hashlib.sha256()
    number = own = own_batches = own_words = titled = 0
    shares = 0.0

    def batches() -> Iterator[list[Document]]:
        nonlocal own, own_batches
        for batch in document_batches(documents, fields):
            own += len(batch)
            own_batches += 1
            yield batch
        yield from document_batches(backgrounds, fields)

    work = BatchSegmenter(analyzer, tuple(fields))
    with (
        LineSample(folder, max_tokens) as sample,
        closing(map_in_order(work, batches(), workers)) as segmented,
    ):
        for place, (batch, cut) in enumerate(segmented):
            number += len(batch)
            for document in batch:
                fingerprint.update(document.id.encode("utf-8", "replace") + b"\0")
                for field in fields:
                    fingerprint.update(document.text(field).encode("utf-8", "replace") + b"\0")
            counts.add(cut.counts, cut.document_frequencies)
            if place < own_batches:
                titled += len(cut.title_shares)
                shares += sum(cut.title_shares)
                own_words += cut.counts.total()
            for line in cut.lines:
                sample.add(line)
        if not counts.tokens:
            found = (
                f"{counted(number, 'document')} without any word" if number else "the source has no document"
            )
            raise TrainingFailed(f"There is nothing to learn from: {found}.")
        if not own:
            raise TrainingFailed("There is no document to learn from. Backgrounds alone are not enough.")
        learned = sample.join()
    is_whole = learned.tokens == counts.tokens
    return SegmentedCorpus(
        learned.path,
        counts.occurrences,
        counts.documents,
        counts.occurrences if is_whole and not counts.max_error else _counts_of(learned.path),
        number,
        learned.lines,
        counts.tokens,
        learned.tokens,
        language_of(word for word, _ in counts.occurrences.most_common(LANGUAGE_SAMPLE)),
        fingerprint.hexdigest(),
        shares / titled if titled and titled >= MIN_TITLED_SHARE * own else 0.0,
        own_words / own,
    )


def _counts_of(path: Path) -> Counter[str]:
    with path.open(encoding="utf-8") as file:
        return count_words(file)
