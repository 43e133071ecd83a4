"""The texts of a mining as token streams, in files that survive a kill."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from enricher.files import write_atomically
from enricher.parallel import document_batches, map_in_order
from enricher.records import Document
from enricher.text import language_of
from enricher.text.segmentation import DEFAULT_SEGMENTER, open_segmenter
from enricher.vocabulary.token_stream import StreamWriter, TokenStream, Vocabulary, WordSplitter, open_stream

LANGUAGE_DOCUMENTS = 200
MAX_BACKGROUND_CHARACTERS = 20_000_000
"""Characters of one background that are read."""

Progress = Callable[[str, int, int], None]
Note = Callable[[str], None]
Read = Callable[[], Iterable[Document]]
"""Opens documents; they can be opened again."""


@dataclass(frozen=True, slots=True)
class _Splitting:
    """Splits batches of documents into words; it runs in other processes."""

    splitter: WordSplitter
    fields: tuple[str, ...]

    def __call__(self, documents: Sequence[Document]) -> list[list[list[str | None]]]:
        return [[self.splitter(one.text(name)) for name in self.fields] for one in documents]


class MiningCorpus:
    """The documents of the domain and of the backgrounds, as words.

    folder: for the files. key: of all that is read; files of another key are written anew. workers: processes
    that segment.
    """

    def __init__(
        self, folder: Path, key: str, fields: tuple[str, ...], workers: int, progress: Progress
    ) -> None:
        self._folder, self._key, self._fields = folder, key, fields
        self._workers, self._progress = workers, progress

    @property
    def _done(self) -> Path:
        return self._folder / "tokens.json"

    def tokens(
        self,
        read: Read,
        backgrounds: Sequence[Read],
        note: Note,
    ) -> tuple[Vocabulary, TokenStream, list[TokenStream]]:
        """The vocabulary, the domain and the backgrounds: cut now, or found again."""
        found = self._found()
        if found is not None:
            note("The words of an interrupted run are used again.")
            return found
        vocabulary = Vocabulary()
        joins_latin = _language(read(), self._fields) != "zh"
        splitter = WordSplitter(open_segmenter(DEFAULT_SEGMENTER, hmm=False), joins_latin=joins_latin)
        seen: set[bytes] = set()
        domain = self._write("domain", read(), splitter, vocabulary, seen, True)
        others = [
            self._write(f"background-{number}", one(), splitter, vocabulary, seen, False)
            for number, one in enumerate(backgrounds)
        ]
        if others and not any(stream.number for stream in others):
            note("The background has no other text than the domain: the dictionary takes its place.")
            others = []
        state = {
            "key": self._key,
            "words": vocabulary.words,
            "ends": {str(number): one.ends.tolist() for number, one in enumerate([domain, *others])},
        }
        write_atomically(self._done, json.dumps(state, ensure_ascii=False).encode())
        return vocabulary, domain, others

    def _found(self) -> tuple[Vocabulary, TokenStream, list[TokenStream]] | None:
        try:
            state = json.loads(self._done.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if state.get("key") != self._key:
            return None
        vocabulary = Vocabulary()
        for word in state["words"]:
            vocabulary.number(word)
        names = ["domain", *(f"background-{number}" for number in range(len(state["ends"]) - 1))]
        streams = [
            open_stream(self._folder / name, np.array(ends, np.int64))
            for name, ends in zip(names, state["ends"].values(), strict=True)
        ]
        return vocabulary, streams[0], streams[1:]

    def _write(
        self,
        name: str,
        documents: Iterable[Document],
        splitter: WordSplitter,
        vocabulary: Vocabulary,
        seen: set[bytes],
        is_domain: bool,
    ) -> TokenStream:
        """Cut documents into words. A background leaves out the documents of the domain."""
        fields = self._fields
        step = "reading the domain" if is_domain else "reading the background"
        chosen = _watched(documents, fields, seen) if is_domain else _others(documents, fields, seen)
        writer, number = StreamWriter(self._folder / name, vocabulary), 0
        work = _Splitting(splitter, fields)
        with closing(map_in_order(work, document_batches(chosen, fields), self._workers)) as cut:
            for batch, words in cut:
                for one in words:
                    writer.add(one)
                number += len(batch)
                self._progress(step, number, 0)
        return writer.close()


def _digest(document: Document, fields: Sequence[str]) -> bytes:
    """A hash of the longest text of a document: copies often have another title."""
    text = max((document.text(name).strip() for name in fields), key=len)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()


def _watched(documents: Iterable[Document], fields: Sequence[str], seen: set[bytes]) -> Iterator[Document]:
    """Pass the documents of the domain through, and remember them."""
    for document in documents:
        seen.add(_digest(document, fields))
        yield document


def _others(documents: Iterable[Document], fields: Sequence[str], seen: set[bytes]) -> Iterator[Document]:
    """The documents of a background that the domain lacks, up to MAX_BACKGROUND_CHARACTERS."""
    characters = 0
    for document in documents:
        if _digest(document, fields) not in seen:
            yield document
            characters += sum(len(document.text(name)) for name in fields)
            if characters > MAX_BACKGROUND_CHARACTERS:
                return


def _language(documents: Iterable[Document], fields: Sequence[str]) -> str:
    words: list[str] = []
    for number, document in enumerate(documents):
        if number >= LANGUAGE_DOCUMENTS:
            break
        for name in fields:
            words += re.findall(r"\w", document.text(name)[:2_000])
    return language_of(words)
