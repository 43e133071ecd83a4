"""One index of the embedded engine: its schema, its writer, and its reader."""

import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import tantivy

from enricher.decoding import DecodingError, decode_json
from enricher.errors import EngineError
from enricher.files import write_atomically
from enricher.model.text_vectors.vectors import Codes, from_numbers
from enricher.records import VECTOR, Document, FieldKind, IndexLayout, Rejection
from indexer.engines.field_types import FieldType, FieldTypes, Values, plain_values
from indexer.engines.fields import (
    MAX_KEYWORD_UTF16_UNITS,
    Prepared,
    Scalar,
    at,
    keywords_of,
    utf16_length,
)
from indexer.engines.tantivy.errors import explain, is_lock_refused, not_allowed
from indexer.engines.tantivy.read_only import META, LinkedSegments
from indexer.engines.tantivy.vector_lists import update_lists
from indexer.engines.tantivy.vector_log import VectorWriter, key_of
from indexer.engines.tantivy.vectors import VectorReader

ID, SOURCE, ENRICHMENT_JSON, VALUES, PATHS = "id", "source", "enrichment", "values", "paths"
KEY = "key"
"""The field with the key of a document in the vector file. Only in indexes with vectors."""

TYPES = "types.json"
"""The file with the types of the user's fields, beside the segments. Indexes of earlier versions have none
and accept values of any type.
"""

STORED_KINDS = (FieldKind.KEYWORD, FieldKind.VALUE, FieldKind.STORED)
"""Enrichment fields that are stored with a document. The others are only indexed."""

MAX_CACHED_IDS = 100_000
"""Maximum ids of one commit that are cached, about 200 bytes each."""

_PAGE_DOCUMENTS = 10_000
_MAX_KEY_BYTES = 256
_STRING_PREFIX = "s"


def field_names(layout: IndexLayout) -> dict[str, str]:
    """Path under `enrichment` → field name in the schema, for all fields with terms."""
    return _field_names(tuple(layout.mapping.items()))


@lru_cache(maxsize=64)
def _field_names(mapping: tuple[tuple[str, FieldKind], ...]) -> dict[str, str]:
    return {
        path: f"{kind.value}_{place}" for place, (path, kind) in enumerate(sorted(mapping)) if kind.has_terms
    }


def schema_of(layout: IndexLayout) -> tantivy.Schema:
    """The Tantivy schema of an index with this layout."""
    builder = tantivy.SchemaBuilder()
    builder.add_text_field(ID, stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_bytes_field(SOURCE, stored=True)
    builder.add_bytes_field(ENRICHMENT_JSON, stored=True)
    builder.add_json_field(VALUES, tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_text_field(PATHS, tokenizer_name="raw", index_option="basic")
    if layout.has_vectors:
        builder.add_unsigned_field(KEY, indexed=True, fast=True)
    for path, name in field_names(layout).items():
        if layout.mapping[path].scored:
            option = "position" if layout.mapping[path] is FieldKind.WORDS else "freq"
            builder.add_text_field(name, tokenizer_name="whitespace", index_option=option)
        else:
            fast = layout.mapping[path] is FieldKind.KEYWORD
            builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=fast)
    return builder.build()


def value_key(path: str) -> str:
    """The key of a user's field in `VALUES`: hexadecimal, because the library interprets dots and quotes."""
    encoded = path.encode("utf-8", "replace")
    if len(encoded) > _MAX_KEY_BYTES:
        return f"u{hashlib.blake2b(encoded, digest_size=32).hexdigest()}"
    return f"t{encoded.hex()}"


def old_value_key(path: str) -> str:
    """The key of a user's field in indexes of an earlier version, which stored some strings as dates."""
    return path.encode("utf-8", "replace").hex()


def value_term(value: Scalar) -> Scalar:
    """Encode a value as a term: a prefix keeps the library from parsing some strings as dates."""
    return _STRING_PREFIX + value if isinstance(value, str) else value


def value_of(term: Scalar) -> Scalar:
    """Decode a term that `value_term` encoded."""
    return term[len(_STRING_PREFIX) :] if isinstance(term, str) else term


def as_stored(
    document: Prepared, values: Values, layout: IndexLayout, names: Mapping[str, str]
) -> tantivy.Document:
    """Convert a document to a Tantivy document. names: the result of `field_names`."""
    stored = tantivy.Document()
    stored.add_text(ID, document.id)
    stored.add_bytes(SOURCE, document.source_json)
    stored.add_bytes(ENRICHMENT_JSON, document.enrichment_json)
    for path in values:
        stored.add_text(PATHS, path)
    if layout.has_vectors:
        stored.add_unsigned(KEY, key_of(document.id))
    stored.add_json(
        VALUES, {value_key(path): [*map(value_term, held)] for path, held in values.items() if held}
    )
    for path, name in names.items():
        found = at(document.enrichment, path)
        if layout.mapping[path].scored:
            for words in found if isinstance(found, list) else [str(found)]:
                stored.add_text(name, words)
            continue
        for keyword in keywords_of(found):
            if utf16_length(keyword) <= MAX_KEYWORD_UTF16_UNITS:
                stored.add_text(name, keyword)
    return stored


def _values_of(document: Prepared, types: FieldTypes | None) -> Values:
    """The values of a document for filters and facets. Raises ValueError if one does not fit its field."""
    return plain_values(document.source) if types is None else types.admit(document.source)


def vector_of(document: Prepared, layout: IndexLayout) -> Codes | None:
    """The vector in the enrichment of a document; None if it has none."""
    found = at(document.enrichment, VECTOR) if layout.has_vectors else None
    return None if found is None else from_numbers(found)


def source_of(stored: tantivy.Document) -> dict[str, object]:
    """The original fields of a stored document."""
    source: dict[str, object] = json.loads(bytes(stored.get_first(SOURCE) or b"{}"))
    return source


def build(layout: IndexLayout, segments: Path) -> None:
    """Create an empty index in a folder."""
    tantivy.Index(schema_of(layout), path=str(segments))
    write_types(segments.parent / TYPES, FieldTypes({}))


def write_types(path: Path, types: FieldTypes) -> None:
    """Write the types of an index's fields. Raises OSError."""
    write_atomically(path, json.dumps(types.as_json(), ensure_ascii=False).encode())


def read_types(path: Path) -> FieldTypes | None:
    """Read the types of an index's fields; None if there is no such file. Raises EngineError."""
    try:
        return FieldTypes(decode_json(dict[str, FieldType], path.read_bytes()))
    except FileNotFoundError:
        return None
    except DecodingError as error:
        raise EngineError(
            f"The file {path} is damaged: {error} Remove its index and index the documents again."
        ) from error


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A searchable commit. ids: cached ids by (segment, document number)."""

    searcher: tantivy.Searcher
    ids: dict[tuple[int, int], str]
    vectors: VectorReader

    def id_of(self, address: tantivy.DocAddress) -> str:
        """The id of a document, cached: reading it decompresses the whole stored document."""
        place = (address.segment_ord, address.doc)
        known = self.ids.get(place)
        if known is None:
            known = str(self.searcher.doc(address).get_first(ID))
            if len(self.ids) < MAX_CACHED_IDS:
                self.ids[place] = known
        return known


@dataclass(frozen=True, slots=True)
class _Writers:
    """The writers of the documents and of the vector file, opened together under the lock of the index."""

    documents: tantivy.IndexWriter
    vectors: VectorWriter
    types: FieldTypes | None
    """The types of the fields of all written documents, committed or not."""


class TantivyIndex:
    """An open index. Thread-safe.

    Commits by itself after `commit_bytes` of JSON, and at the end of a write after `commit_seconds`, so that
    a killed process loses few documents. An index in a read-only folder can be read.
    """

    def __init__(
        self, name: str, segments: Path, *, heap_bytes: int, commit_bytes: int, commit_seconds: float
    ) -> None:
        self.name = name
        self.segments = segments
        self._heap_bytes = heap_bytes
        self._commit_bytes = commit_bytes
        self._commit_seconds = commit_seconds
        self._committed = 0.0
        self._lock = threading.RLock()
        self._writers: _Writers | None = None
        self._uncommitted = 0
        self._pending = 0
        self._typed = 0
        self._types: tuple[object, FieldTypes | None] = None, None
        self._seen: tuple[int, int] | None = None
        self._ids: dict[tuple[int, int], str] = {}
        self._vectors = VectorReader(segments.parent)
        self._links: LinkedSegments | None = None
        with self.failures():
            self._inode = segments.stat().st_ino
            self._index = self._opened()
            self._index.config_reader("manual")
        self.schema = self._index.schema

    def _opened(self) -> tantivy.Index:
        try:
            return tantivy.Index.open(str(self.segments))
        except ValueError as error:
            if not is_lock_refused(str(error)):
                raise
        self._links = LinkedSegments(self.segments)
        with self._links.updated() as folder:
            return tantivy.Index.open(str(folder))

    def is_current(self) -> bool:
        """Whether the index still exists, and was not created again since it was opened."""
        try:
            return self.segments.stat().st_ino == self._inode
        except OSError:
            return False

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Translate errors in this block into EngineErrors. The library raises ValueError for most errors."""
        try:
            yield
        except (ValueError, OSError) as error:
            raise explain(str(error), self.name, self.segments) from error

    def searcher(self) -> tantivy.Searcher:
        """A searcher of the last commit, also of other processes."""
        return self.snapshot().searcher

    def snapshot(self) -> Snapshot:
        """A snapshot of the last commit, also of other processes."""
        with self._lock, self.failures():
            state = (self.segments / META).stat()
            seen = (state.st_ino, state.st_mtime_ns)
            if seen != self._seen:
                with nullcontext() if self._links is None else self._links.updated():
                    self._index.reload()
                self._seen, self._ids = seen, {}
            return Snapshot(self._index.searcher(), self._ids, self._vectors)

    def parsed(self, text: str) -> tantivy.Query:
        """The query of a text in the query language of the library."""
        with self.failures():
            return self._index.parse_query(text)

    def write(self, documents: Sequence[Prepared], layout: IndexLayout) -> list[Rejection]:
        """Insert or replace documents. They are durable after `commit`.

        Returns the documents with a value that does not fit the type of its field. After an interrupt, some
        documents may be unwritten, but no document is removed.
        """
        names, refused = field_names(layout), []
        with self._lock, self._writing() as writers:
            for document in documents:
                try:
                    values = _values_of(document, writers.types)
                except ValueError as error:
                    refused.append(Rejection(document.id, f"{error}.", document.source_json.decode()))
                    continue
                self._write(writers, document, as_stored(document, values, layout, names), layout)
            if time.monotonic() - self._committed >= self._commit_seconds:
                self._commit(writers)
        return refused

    def _write(
        self, writers: _Writers, document: Prepared, stored: tantivy.Document, layout: IndexLayout
    ) -> None:
        if layout.has_vectors:
            writers.vectors.append(document.id, vector_of(document, layout))
        self._pending += 1
        try:
            writers.documents.delete_documents_by_term(ID, document.id)
        finally:
            writers.documents.add_document(stored)
        self._uncommitted += len(document.source_json) + len(document.enrichment_json)
        if self._uncommitted >= self._commit_bytes:
            self._commit(writers)

    @property
    def pending(self) -> int:
        """Number of documents since the last commit, which a failure loses. After a failure: has lost."""
        return self._pending

    def types(self) -> FieldTypes | None:
        """The types of the fields of committed documents; None in an index of an earlier version."""
        path = self.segments.parent / TYPES
        with self._lock, self.failures():
            try:
                state = path.stat()
            except FileNotFoundError:
                return None
            seen = (state.st_ino, state.st_mtime_ns)
            if seen != self._types[0]:
                self._types = seen, read_types(path)
            return self._types[1]

    def delete(self, ids: Sequence[str]) -> int:
        """Remove documents by id. Returns how many existed."""
        with self._lock:
            self.commit()
            searcher = self.searcher()
            found = [id_ for id_ in dict.fromkeys(ids) if self._holds(searcher, id_)]
            if found:
                with self._writing() as writers:
                    for id_ in found:
                        writers.documents.delete_documents_by_term(ID, id_)
                        writers.vectors.delete(id_)
            return len(found)

    def _holds(self, searcher: tantivy.Searcher, id_: str) -> bool:
        with self.failures():
            query = tantivy.Query.term_query(self.schema, ID, id_)
            return bool(searcher.search(query, 1, count=False).hits)

    def source(self, id_: str) -> dict[str, object] | None:
        """The original fields of a committed document; None if there is no document with this id."""
        searcher = self.searcher()
        with self.failures():
            query = tantivy.Query.term_query(self.schema, ID, id_)
            hits = searcher.search(query, 1, count=False).hits
            return source_of(searcher.doc(hits[0][1])) if hits else None

    def hold(self) -> None:
        """Take the write lock of the index until it is closed. Raises EngineError."""
        with self._lock, self._writing():
            pass

    def commit(self) -> None:
        """Make all written documents durable and visible."""
        with self._lock:
            if self._writers is not None:
                with self._writing() as writers:
                    self._commit(writers)

    def _commit(self, writers: _Writers) -> None:
        writers.vectors.sync()
        if writers.types is not None and len(writers.types) != self._typed:
            write_types(self.segments.parent / TYPES, writers.types)
            self._typed = len(writers.types)
        writers.documents.commit()
        self._uncommitted = self._pending = 0
        self._committed = time.monotonic()

    def close(self) -> None:
        """Commit, wait for merges, and release the write lock."""
        with self._lock:
            self.commit()
            if self._writers is not None:
                writers, self._writers = self._writers, None
                with self.failures():
                    writers.vectors.compact()
                    update_lists(self.segments.parent)
                    writers.documents.wait_merging_threads()  # releases the write lock
            self.discard()

    def discard(self) -> None:
        """Drop uncommitted documents and release the write lock."""
        with self._lock:
            self._writers = None
            if self._links is not None:
                self._links.remove()

    @contextmanager
    def _writing(self) -> Iterator[_Writers]:
        if self._links is not None:
            raise not_allowed(self.name, self.segments)
        with self.failures():
            if self._writers is None:
                documents = self._index.writer(heap_size=self._heap_bytes, num_threads=1)
                types = read_types(self.segments.parent / TYPES)
                self._writers = _Writers(documents, VectorWriter(self.segments.parent), types)
                self._typed = 0 if types is None else len(types)
                self._uncommitted = self._pending = 0
                self._committed = time.monotonic()
            try:
                yield self._writers
            except (ValueError, OSError):
                # After an error the thread of the writer is dead: the next write needs a new one.
                self._writers = None
                raise

    def documents(self, query: tantivy.Query | None = None) -> Iterator[Document]:
        """Yield the documents of the last commit that match a query; None for all.

        Later writes do not change the result.
        """
        searcher, start = self.searcher(), 0
        asked = tantivy.Query.all_query() if query is None else tantivy.Query.const_score_query(query, 1.0)
        while True:
            with self.failures():
                hits = searcher.search(asked, _PAGE_DOCUMENTS, count=False, offset=start).hits
            for _, address in hits:
                with self.failures():
                    stored = searcher.doc(address)
                yield Document(str(stored.get_first(ID)), source_of(stored))
            if len(hits) < _PAGE_DOCUMENTS:
                return
            start += _PAGE_DOCUMENTS
