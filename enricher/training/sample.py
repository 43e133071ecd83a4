"""Documents to tune on: a sample of bounded size, cut into units.

A unit is a sentence, or a piece of a text that has no sentence marks. What one unit says and what the
rest of its document says are two views of one matter, without anybody having labelled them.
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

MOST_DOCUMENTS = 40_000
MOST_CHARACTERS = 4000
"""Characters of a field that are used."""
LONGEST_UNIT, PIECE = 60, 30
"""Units of more words are cut into pieces of about so many."""
SEED = 1

_SENTENCE_END = re.compile(r"(?<=[。！？；])|(?<=[.!?;])\s+|\n+")


class DocumentSample:
    """Documents of a stream, each with the same chance, and in memory no more than MOST_DOCUMENTS."""

    def __init__(self, fields: Sequence[str], most: int = MOST_DOCUMENTS) -> None:
        self.seen = 0
        self.documents: list[Document] = []
        self._fields = tuple(fields)
        self._most = most
        self._random = random.Random(SEED)

    def watch(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The same documents, seen."""
        for document in documents:
            self.seen += 1
            place = self.seen - 1 if self.seen <= self._most else self._random.randrange(self.seen)
            if place < self._most:
                texts = {field: document.text(field)[:MOST_CHARACTERS] for field in self._fields}
                self.documents[place : place + 1] = [Document(document.id, texts)]
            yield document


@dataclass(frozen=True, slots=True)
class UnitCutter:
    """Cuts batches of documents into the words of the title and of every unit, stop words included."""

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
        if len(words) <= LONGEST_UNIT:
            return [words] if words else []
        parts = max(2, round(len(words) / PIECE))
        ends = [len(words) * part // parts for part in range(parts + 1)]
        return [words[start:end] for start, end in pairwise(ends)]


@dataclass(frozen=True, slots=True)
class CutSample:
    """The words of n documents as numbers, in flat arrays.

    The units of document i are document_units[i]:document_units[i + 1], the words of unit u
    words[unit_ends[u]:unit_ends[u + 1]], those of title i titles[title_ends[i]:title_ends[i + 1]];
    all int32 but for the ends, int64. is_content, bool (W,): of every word.
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


def cut_sample(sample: DocumentSample, fields: Sequence[str], analyzer: Analyzer, workers: int) -> CutSample:
    """Cut the documents of a sample, by so many processes."""
    numbers: dict[str, int] = {}
    words, titles = array("i"), array("i")
    unit_ends, document_units, title_ends = [0], [0], [0]

    def number(word: str) -> int:
        return numbers.setdefault(word, len(numbers))

    work = UnitCutter(analyzer, tuple(fields))
    with closing(map_in_order(work, document_batches(sample.documents, fields), workers)) as cut:
        for _, batch in cut:
            for title, units in batch:
                titles.extend(map(number, title))
                title_ends.append(len(titles))
                for unit in units:
                    words.extend(map(number, unit))
                    unit_ends.append(len(words))
                document_units.append(len(unit_ends) - 1)
    return CutSample(
        list(numbers),
        np.array(words, np.int32),
        np.array(unit_ends, np.int64),
        np.array(document_units, np.int64),
        np.array(titles, np.int32),
        np.array(title_ends, np.int64),
        np.array([is_content(word) for word in numbers], np.bool_),
    )
