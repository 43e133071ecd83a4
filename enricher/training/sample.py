"""The documents for tuning: a random sample of bounded size, segmented into units.

A unit is a sentence, or a piece of a text without sentence marks. A unit and the rest of its document are
about the same subject, so they form a training pair without any labels.
"""

import random
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import IntArray
from enricher.parallel import document_batches, map_in_order
from enricher.records import Document, title_of
from enricher.text import Analyzer, is_content

MAX_SAMPLE_DOCUMENTS = 40_000
MAX_FIELD_CHARACTERS = 4000
"""Maximum characters of a field that are used."""
MAX_UNIT_WORDS, PIECE_WORDS = 60, 30
"""Units with more than MAX_UNIT_WORDS words are split into pieces of about PIECE_WORDS."""
SEED = 1

_SENTENCE_END = re.compile(r"(?<=[。！？；])|(?<=[.!?;])\s+|\n+")


class DocumentSample:
    """A random sample of a stream (reservoir sampling), with at most `max_documents` documents in memory."""

    def __init__(self, fields: Sequence[str], max_documents: int = MAX_SAMPLE_DOCUMENTS) -> None:
        self.seen = 0
        self.documents: list[Document] = []
        self._fields = tuple(fields)
        self._max_documents = max_documents
        self._random = random.Random(SEED)

    def watch(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Pass documents through, and sample them."""
        for document in documents:
            self.seen += 1
            place = self.seen - 1 if self.seen <= self._max_documents else self._random.randrange(self.seen)
            if place < self._max_documents:
                texts = {field: document.text(field)[:MAX_FIELD_CHARACTERS] for field in self._fields}
                self.documents[place : place + 1] = [Document(document.id, texts)]
            yield document


@dataclass(frozen=True, slots=True)
class UnitSegmenter:
    """Segments batches of documents into the words of the title and of each unit, including stop words."""

    analyzer: Analyzer
    fields: tuple[str, ...]

    def __call__(self, documents: Sequence[Document]) -> list[tuple[list[str], list[list[str]]]]:
        return [self._cut(document) for document in documents]

    def _cut(self, document: Document) -> tuple[list[str], list[list[str]]]:
        title_field = title_of(self.fields)
        title = document.text(title_field).strip() if title_field else ""
        units: list[list[str]] = []
        for field in self.fields:
            if field != title_field:
                text = document.text(field).strip().removeprefix(title)
                text = self.analyzer.visible(text) if self.analyzer.strips_html else text
                units += [piece for part in _SENTENCE_END.split(text) for piece in self._pieces(part)]
        return self.analyzer.words(title), units

    def _pieces(self, text: str) -> list[list[str]]:
        words = self.analyzer.stripping_html(False).words(text)
        if len(words) <= MAX_UNIT_WORDS:
            return [words] if words else []
        parts = max(2, round(len(words) / PIECE_WORDS))
        ends = [len(words) * part // parts for part in range(parts + 1)]
        return [words[start:end] for start, end in pairwise(ends)]


@dataclass(frozen=True, slots=True)
class SegmentedSample:
    """The words of n documents as word numbers in flat arrays.

    Document i has the units document_units[i]:document_units[i + 1]; unit u has
    words[unit_ends[u]:unit_ends[u + 1]]; title i has titles[title_ends[i]:title_ends[i + 1]]. words and
    titles are int32, the other indexes int64. is_content: bool (W,), for each word of the vocabulary.
    """

    vocabulary: list[str]
    words: IntArray
    unit_ends: NDArray[np.int64]
    document_units: NDArray[np.int64]
    titles: IntArray
    title_ends: NDArray[np.int64]
    is_content: NDArray[np.bool_]

    @property
    def documents(self) -> int:
        return len(self.document_units) - 1


def segment_sample(
    sample: DocumentSample, fields: Sequence[str], analyzer: Analyzer, workers: int
) -> SegmentedSample:
    """Segment the documents of a sample with `workers` processes."""
    numbers: dict[str, int] = {}
    words, titles = array("i"), array("i")
    unit_ends, document_units, title_ends = [0], [0], [0]

    def number(word: str) -> int:
        return numbers.setdefault(word, len(numbers))

    work = UnitSegmenter(analyzer, tuple(fields))
    with closing(map_in_order(work, document_batches(sample.documents, fields), workers)) as cut:
        for _, batch in cut:
            for title, units in batch:
                titles.extend(map(number, title))
                title_ends.append(len(titles))
                for unit in units:
                    words.extend(map(number, unit))
                    unit_ends.append(len(words))
                document_units.append(len(unit_ends) - 1)
    return SegmentedSample(
        list(numbers),
        np.array(words, np.int32),
        np.array(unit_ends, np.int64),
        np.array(document_units, np.int64),
        np.array(titles, np.int32),
        np.array(title_ends, np.int64),
        np.array([is_content(word) for word in numbers], np.bool_),
    )
