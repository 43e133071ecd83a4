"""The Protocols that join the rooms: plug-ins and search engines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from enricher.records.documents import AnalyzedDocument, Document, EnrichedDocument, Rejection
from enricher.records.layout import FieldKind, IndexLayout
from enricher.records.queries import Query
from enricher.records.searches import Check, Frequencies, Hit, SearchRequest, SearchResponse, Share


@runtime_checkable
class Enrichment(Protocol):
    """What is done to a document at index time.

    `mapping` names the fields that it adds under `enrichment`. `enrich` answers one mapping a
    document, in the order of the documents, nested as the fields are ({"tokens": {"title": …}}).
    A plug-in may have an attribute `document_settings`, a mapping: the settings that decide what
    it writes. Without it, its whole table of enricher.toml counts as such.
    """

    @property
    def name(self) -> str: ...

    @property
    def mapping(self) -> Mapping[str, FieldKind]: ...

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> Sequence[Mapping[str, object]]: ...


@runtime_checkable
class VectorEnrichment(Enrichment, Protocol):
    """An enrichment that knows the lengths of its vectors: `dimensions`, by their names in `mapping`."""

    @property
    def dimensions(self) -> Mapping[str, int]: ...


@runtime_checkable
class Rewriter(Protocol):
    """What is done to a query at search time: the answer's terms carry their reasons."""

    @property
    def name(self) -> str: ...

    def rewrite(self, query: Query) -> Query: ...


class SearchEngine(Protocol):
    """A search engine that holds documents and their enrichment.

    An index name may be an alias everywhere but in `create` and `drop`. Every method raises
    EngineUnavailable, AccessDenied or EngineError, and IndexNotFound where it names an index.
    """

    name: str

    @property
    def has_other_writers(self) -> bool:
        """Whether other programs may write to the indexes: their documents are enriched by a later job."""

    def create(self, index: str, layout: IndexLayout) -> None:
        """Make an empty index; IndexConflict where the name is taken."""

    def drop(self, index: str) -> None:
        """Remove an index and all that it holds."""

    def exists(self, index: str) -> bool: ...

    def indexes(self) -> list[str]:
        """The names of the indexes that carry our layout, sorted."""

    def layout(self, index: str) -> IndexLayout:
        """What the index records of itself; IndexConflict where it was not made by us."""

    def stamp(self, index: str, model: str, compatible: Sequence[str] = ()) -> None:
        """Record the model version of all documents of an index and the versions compatible with it."""

    def write(self, index: str, documents: Sequence[EnrichedDocument]) -> list[Rejection]:
        """Insert or replace by id, in order; answers the documents that were refused for good."""

    def uncommitted(self, index: str) -> int:
        """How many documents this object has written to an index that a failure would lose, or has lost."""

    def refuses(self, index: str, field: str) -> bool:
        """Whether an index takes no document with a field of that name, because its mapping is strict."""

    def refresh(self, index: str) -> None:
        """Make all that was written durable and visible to searches."""

    def search(self, index: str, request: SearchRequest) -> SearchResponse: ...

    def read(self, index: str) -> Iterator[Document]:
        """All documents, without their enrichment, in no particular order.

        UsageError where the index does not keep its documents as they were written.
        """

    def sample(self, index: str, size: int) -> list[Document]:
        """Some of the documents, without their enrichment, at most `size`; the same ones each time."""

    def text_fields(self, index: str) -> tuple[str, ...]:
        """The fields of the user's documents that hold text, by dotted path, of any index."""

    def delete(self, index: str, ids: Sequence[str]) -> int:
        """Remove documents by id; answers how many there were."""

    def count(self, index: str) -> int: ...

    def frequencies(self, index: str, field: str, terms: Sequence[str]) -> Frequencies:
        """In how many documents each term stands in a scored field, by its name in the layout's `mapping`.

        UsageError where the index has no such field. Documents that were deleted since the last
        merge may count; of several shards one is asked.
        """

    def foreign(self, index: str) -> int:
        """How many documents of an index of ours are not valid: those that neither its model nor
        one compatible with it enriched, and those without enrichment. In an index without a
        model, those that have one.
        """

    def made_by(self, index: str, model: str) -> int:
        """How many documents of an index of ours a model has enriched."""

    def without_words(self, index: str) -> int:
        """How many enriched documents of an index of ours hold no word in any enriched field."""

    def stale(self, index: str, fingerprint: Callable[[Document], str]) -> Share:
        """How many enriched documents have had their text changed since: the fingerprint that they carry is
        not that of their text. Of a large index a random part is looked at.
        """

    def sample_enriched(self, index: str, number: int) -> list[EnrichedDocument]:
        """Some documents that the model of an index of ours has enriched, those with vectors first where the
        engine can tell. Of the enrichment there is what the engine keeps, vectors always.
        """

    def dimensions(self, index: str) -> int:
        """The length of the vectors that an index holds, 0 before the first where its layout names none."""

    def product(self, index: str, id_: str, codes: bytes) -> int | None:
        """The product of a vector with that of a document, as the engine calculates it; None where the
        document has none. IndexConflict where the vectors of the index have another length.
        """

    def search_text(self, index: str, text: str, fields: Sequence[str], top: int) -> list[Hit]:
        """The ids and scores of the best documents of any index, whoever made it, by its own analysis of the
        fields. UsageError where the engine holds only indexes of ours.
        """

    def bytes_on_disk(self, index: str) -> int:
        """The size of an index, its replicas left out."""

    def set_alias(self, alias: str, index: str) -> None:
        """Point an alias at one index, in one action."""

    def aliases(self) -> Mapping[str, tuple[str, ...]]:
        """Alias → the indexes that it stands for, sorted; several only where others made the alias."""

    def check(self) -> list[Check]:
        """What `doctor` says of the engine; never raises."""

    def close(self) -> None: ...
