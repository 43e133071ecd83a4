"""The interfaces of plug-ins (`Enrichment`, `Rewriter`) and of search engines (`SearchEngine`)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from enricher.records.documents import AnalyzedDocument, Document, EnrichedDocument, Rejection
from enricher.records.layout import FieldKind, IndexLayout
from enricher.records.queries import Query
from enricher.records.searches import (
    Check,
    ClientSearch,
    Frequencies,
    Hit,
    SearchRequest,
    SearchResponse,
    Share,
)


@runtime_checkable
class Enrichment(Protocol):
    """A plug-in that adds fields to documents at index time.

    `mapping` names the fields that it adds under `enrichment`, and their kinds. `enrich` returns one
    mapping for each document, in the order of the documents, nested like the fields
    ({"tokens": {"title": …}}). A plug-in may have the attribute `document_settings`: a mapping of
    the settings that change what it writes. Without this attribute, all settings of its table in
    enricher.toml count as such.
    """

    @property
    def name(self) -> str: ...

    @property
    def mapping(self) -> Mapping[str, FieldKind]: ...

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> Sequence[Mapping[str, object]]: ...


@runtime_checkable
class VectorEnrichment(Enrichment, Protocol):
    """An enrichment that adds vectors. `dimensions` gives the length of each vector field in `mapping`."""

    @property
    def dimensions(self) -> Mapping[str, int]: ...


@runtime_checkable
class Rewriter(Protocol):
    """A plug-in that changes a query at search time. Each term that it adds has a reason (`because`).

    A plug-in that needs document frequencies may have the method `looked_up(query)`: it returns the terms
    by field family, so that the frequencies for all plug-ins are read in one request. A plug-in that chooses
    among words may have the method `candidates(query)`: it returns all of them, each with the reason why it
    is added or not (`Candidate`).
    """

    @property
    def name(self) -> str: ...

    def rewrite(self, query: Query) -> Query: ...


class SearchEngine(Protocol):
    """A search engine that stores documents and their enrichment.

    An index name may be an alias, except in `create` and `drop`. Every method may raise
    EngineUnavailable, AccessDenied or EngineError; methods that take an index may raise IndexNotFound.
    "Enriched index" below means an index that this project created: it records an `IndexLayout`.
    """

    @property
    def name(self) -> str: ...

    @property
    def has_other_writers(self) -> bool:
        """Whether other programs can write to the indexes. A later job must enrich their documents."""

    def bm25_factor(self) -> float:
        """By what the BM25 of the engine is multiplied to be that of the others. Cached for a while."""

    def missing_kinds(self, index: str | None = None) -> Mapping[FieldKind, str]:
        """The kinds of fields that documents cannot get, and why, as the end of a sentence.

        index: an existing index, of any program; None for a new one.
        """

    def create(self, index: str, layout: IndexLayout) -> None:
        """Create an empty index. Raises IndexConflict if the name is taken."""

    def drop(self, index: str) -> None:
        """Delete an index with all its documents."""

    def exists(self, index: str) -> bool: ...

    def indexes(self) -> list[str]:
        """The names of the enriched indexes, sorted."""

    def layout(self, index: str) -> IndexLayout:
        """The layout that the index records. Raises IndexConflict if it is not an enriched index."""

    def stamp(self, index: str, model: str, compatible: Sequence[str] = ()) -> None:
        """Record the model version that enriched all documents, and the versions compatible with it."""

    def write(self, index: str, documents: Sequence[EnrichedDocument]) -> list[Rejection]:
        """Insert or replace documents by id, in order. Returns those that the engine rejects for good."""

    def preparation(self, index: str) -> Callable[[Sequence[EnrichedDocument]], Any]:
        """The first half of `write`, which checks and encodes documents, for `write_prepared`.

        It can be pickled, so that other processes can do it.
        """

    def write_prepared(self, index: str, prepared: Any) -> list[Rejection]:
        """The second half of `write`. prepared: what `preparation` has made of documents for this index."""

    def uncommitted(self, index: str) -> int:
        """Count the documents written by this object that are not committed: a failure would lose them."""

    def refuses(self, index: str, field: str) -> bool:
        """Whether an index rejects documents with a field of that name, because its mapping is strict."""

    def refresh(self, index: str) -> None:
        """Make everything written so far durable and visible to searches."""

    def search(self, index: str, request: SearchRequest) -> SearchResponse:
        """Search an enriched index.

        Raises UsageError; IndexChanged if the index does not have the layout of the request.
        """

    def client_search(self, index: str, request: SearchRequest) -> ClientSearch:
        """The requests with which a client gets the hits of a search from the server of the engine.

        Raises UsageError if the engine has no server.
        """

    def read(self, index: str) -> Iterator[Document]:
        """Yield all documents without their enrichment, in no particular order.

        Raises UsageError if the index does not store the original documents.
        """

    def read_containing(self, index: str, groups: Sequence[Sequence[str]]) -> Iterator[Document]:
        """Yield the documents of an enriched index whose sub-words include all of at least one group.

        Other documents may be among them: without sub-words in the layout, or with very many groups, all
        documents are read. Documents without enrichment may be left out.
        """

    def sample(self, index: str, size: int) -> list[Document]:
        """At most `size` documents without their enrichment; the same ones on every call."""

    def text_fields(self, index: str) -> tuple[str, ...]:
        """The text fields of the user's documents, as dotted paths. Works for any index."""

    def delete(self, index: str, ids: Sequence[str]) -> int:
        """Delete documents by id. Returns how many of them existed."""

    def count(self, index: str) -> int: ...

    def frequencies(self, index: str, terms: Mapping[str, Sequence[str]]) -> dict[str, Frequencies]:
        """The document frequencies of terms in scored fields, by the fields' names in the layout's `mapping`.

        Raises UsageError if the index has no such field. Documents deleted since the last merge may
        be counted.
        """

    def count_unenriched(self, index: str) -> int:
        """Count the invalid documents of an enriched index.

        Invalid are documents without enrichment, and those enriched with a model that is neither the
        one of the index nor compatible with it. In an index without a model, documents that name a
        model are invalid.
        """

    def count_enriched_with(self, index: str, model: str) -> int:
        """Count the documents of an enriched index that were enriched with a model version."""

    def count_without_words(self, index: str) -> int:
        """Count the enriched documents of an enriched index that have no word in any enriched field."""

    def count_stale(self, index: str, fingerprint: Callable[[Document], str]) -> Share:
        """Count the enriched documents whose text has changed since: their fingerprint no longer matches.

        In a large index only a random sample is checked.
        """

    def sample_enriched(self, index: str, number: int) -> list[EnrichedDocument]:
        """At most `number` documents that were enriched with the model of an enriched index.

        Documents with vectors come first if the engine can select them. The enrichment contains what
        the engine stores, and always the vectors.
        """

    def dimensions(self, index: str) -> int:
        """The length of the vectors in an index; 0 if the layout names none and no vector is stored yet."""

    def product(self, index: str, id_: str, codes: bytes) -> int | None:
        """The dot product of a vector with the vector of a document, as the engine calculates it.

        Returns None if the document has no vector. Raises IndexConflict if the vectors of the index
        have another length.
        """

    def search_text(self, index: str, text: str, fields: Sequence[str], top: int) -> list[Hit]:
        """Search the fields of any index with the index's own analyzers; returns ids and scores.

        Raises UsageError if the engine can hold only enriched indexes.
        """

    def excess_share(self, index: str) -> float:
        """The share of the stored documents, from 0 to 1, that a new index of this layout would not store.

        Estimated from a sample of an enriched index.
        """

    def bytes_on_disk(self, index: str) -> int:
        """The size of an index on disk, without its replicas."""

    def set_alias(self, alias: str, index: str) -> None:
        """Point an alias to one index, atomically."""

    def aliases(self) -> Mapping[str, tuple[str, ...]]:
        """Alias → the indexes that it points to, sorted. Only foreign aliases point to several indexes."""

    def check(self) -> list[Check]:
        """The checks that `enricher doctor` reports for this engine. Never raises."""

    def close(self) -> None: ...
