"""The frozen records that travel between the rooms, and the Protocols that join them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, runtime_checkable

# ------------------------------------------------------------------ documents

RESERVED = frozenset(
    {"_data_stream_timestamp", "_doc_count", "_field_names", "_id", "_ignored", "_ignored_source", "_index"}
    | {"_nested_path", "_primary_term", "_routing", "_seq_no", "_source", "_tier", "_version"}
)
"""Outermost names that one engine keeps for itself: it refuses them, or counts by them."""


PARAGRAPH_BREAK = "\n\n"
"""Stands between the texts of an array where they are read as one text."""


def values_at(source: Mapping[str, object], path: str) -> Iterator[object]:
    """The values at a dotted path, through objects and arrays of objects, as Elasticsearch resolves it.

    A name may hold dots itself: `a.b` finds both `{"a": {"b": …}}` and `{"a.b": …}`.
    """
    if path in source:
        yield source[path]
    end = path.find(".")
    while end >= 0:
        inner = source.get(path[:end])
        for value in inner if isinstance(inner, list | tuple) else (inner,):
            if isinstance(value, Mapping):
                yield from values_at(value, path[end + 1 :])
        end = path.find(".", end + 1)


def texts_of(value: object) -> Iterator[str]:
    """The texts that a value holds: a string, a number as it is written, or those of an array."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_of(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)


def text_at(source: Mapping[str, object], path: str) -> str:
    """The text of a field by its dotted path, empty where there is none.

    Several texts, of an array or of objects in one, are joined by a paragraph break.
    """
    value = source.get(path)
    if isinstance(value, str):
        return value
    return PARAGRAPH_BREAK.join(text for found in values_at(source, path) for text in texts_of(found))


def nested(fields: Mapping[str, object]) -> dict[str, object]:
    """Values by dotted path as nested objects: `{"a.b": 1}` becomes `{"a": {"b": 1}}`."""
    result: dict[str, Any] = {}
    for path, value in fields.items():
        *outer, last = path.split(".")
        place = result
        for step in outer:
            place = place.setdefault(step, {})
        place[last] = value
    return result


@dataclass(frozen=True, slots=True)
class Document:
    """A document as its owner wrote it: an id and the original fields, never changed."""

    id: str
    source: Mapping[str, object]

    def text(self, field: str) -> str:
        """The text of a field by its dotted path, empty where there is none (`text_at`)."""
        return text_at(self.source, field)


class Token(NamedTuple):
    """A normalised word and where it stands: [start, end) in characters of the original text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class AnalyzedDocument:
    """A document with the tokens of every enriched field, so that the text is segmented once."""

    id: str
    source: Mapping[str, object]
    tokens: Mapping[str, Sequence[Token]]

    def text(self, field: str) -> str:
        """The text of a field by its dotted path: the places of its tokens are places in it."""
        return text_at(self.source, field)


@dataclass(frozen=True, slots=True)
class EnrichedDocument:
    """A document and what is written under its `enrichment` object."""

    id: str
    source: Mapping[str, object]
    enrichment: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Rejection:
    """A document or line that could not be used, and why; `content` is what the input held."""

    where: str
    reason: str
    content: str


# ------------------------------------------------------------------ words


@dataclass(frozen=True, slots=True)
class Keyword:
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A word that can replace another: cosine of the input vectors."""

    word: str
    cosine: float


@dataclass(frozen=True, slots=True)
class RelatedWord:
    """A word that occurs with another: score = log_probability − alpha · log_prior."""

    word: str
    score: float
    log_probability: float
    log_prior: float


@dataclass(frozen=True, slots=True)
class Sense:
    """A group of words related to one, best first; `fit` says how well it fits a context, in nats, the more
    the better, and is None without one.
    """

    related: tuple[RelatedWord, ...]
    fit: float | None = None


# ------------------------------------------------------------------ queries

TOKENS = "tokens"
"""The family of fields, under `enrichment`, that holds the words of the documents."""

SUBWORDS = "subwords"
"""The family that holds the parts of words: characters and pairs of Chinese, stems of English."""

VECTOR = "vector"
"""The field that holds what a document is about, as whole numbers of 8 bits."""

ALL = "all"
"""The object under `enrichment` that holds families of all enriched fields together."""


@dataclass(frozen=True, slots=True)
class QueryTerm:
    """One weighted term of a query.

    `weight` is relative to the original words, which have 1. `origin` is "query" or the name of
    the rewriter. `for_` is the query word that this term is an alternative of: a word and its
    alternatives count once, with the best of their scores; a term without it is added to the
    sum. `field` is the family under `enrichment` that is searched ("tokens", "subwords", or a
    field of a plug-in).
    """

    term: str
    weight: float = 1.0
    origin: str = "query"
    because: str = "in the query"
    for_: str | None = None
    field: str = TOKENS

    def as_json(self) -> dict[str, object]:
        """Under the names of the contract; `field` is the family that is searched."""
        return {
            "term": self.term,
            "weight": self.weight,
            "for": self.for_,
            "origin": self.origin,
            "because": self.because,
            "field": self.field,
        }

    @property
    def is_typed(self) -> bool:
        """Whether it is a word of the query itself, which no rewriter has added."""
        return self.origin == "query"

    @property
    def group(self) -> str | None:
        """The word under which alternatives are gathered, None for a term that stands alone."""
        return self.term if self.is_typed else self.for_


@dataclass(frozen=True, slots=True)
class QueryVector:
    """What a query is about, and how much that counts beside its words.

    codes: d whole numbers of 8 bits. head, rest: shares of the cosine in the ranking, from 0 to 1, of
    the first ranks and of the others (`enricher.expansion.fusion`).
    """

    codes: bytes
    head: float
    rest: float


@dataclass(frozen=True, slots=True)
class Query:
    """What a user typed, as weighted terms, and as a vector where the index has vectors."""

    text: str
    terms: tuple[QueryTerm, ...]
    vector: QueryVector | None = None

    @property
    def typed(self) -> list[str]:
        """The words that the user typed, in their order."""
        return [term.term for term in self.terms if term.is_typed]

    def ordered(self) -> list[QueryTerm]:
        """The terms by origin in the order of its first appearance, of each the heaviest first."""
        origins = list(dict.fromkeys(term.origin for term in self.terms))
        return sorted(self.terms, key=lambda term: (origins.index(term.origin), -term.weight))

    def terms_as_json(self) -> list[dict[str, object]]:
        """The terms under the names of the contract, in the order in which people see them."""
        return [term.as_json() for term in self.ordered()]

    def vector_as_json(self) -> dict[str, float] | None:
        """The shares of the vector in the ranking, None where the query has none."""
        return None if self.vector is None else {"head": self.vector.head, "rest": self.vector.rest}

    def groups(self) -> list[list[QueryTerm]]:
        """The terms by group, in order of first appearance; a term without a group is one."""
        groups: list[list[QueryTerm]] = []
        places: dict[str, int] = {}
        for term in self.terms:
            if term.group is not None and term.group in places:
                groups[places[term.group]].append(term)
                continue
            if term.group is not None:
                places[term.group] = len(groups)
            groups.append([term])
        return groups


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query with filters (all must hold), facets to count, and the number of hits wanted.

    Names of filters and facets are fields of the documents; `keywords` means
    `enrichment.keywords`. Without `source` the hits are ids and scores alone, which is quicker.
    """

    query: Query
    top: int = 10
    filters: tuple[tuple[str, str], ...] = ()
    facets: tuple[str, ...] = ()
    source: bool = True


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found; `source` and `keywords` are empty where they were not asked for."""

    id: str
    score: float
    source: Mapping[str, object] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FacetCount:
    value: str
    count: int


@dataclass(frozen=True, slots=True)
class SearchResponse:
    """What was found: `total` documents, of which `by_words` hold a term of the query.

    took_ms: the time of the search alone, on a cluster that of its servers; not what is opened or read
    once before it, nor the way to a server.
    """

    total: int
    took_ms: float
    hits: tuple[Hit, ...]
    facets: Mapping[str, tuple[FacetCount, ...]] = field(default_factory=dict)
    by_words: int = 0


# ------------------------------------------------------------------ indexes


def title_of(fields: Sequence[str]) -> str | None:
    """The title among enriched fields: the first of several, none where there is but one."""
    return fields[0] if len(fields) > 1 else None


class FieldKind(StrEnum):
    """How a field under `enrichment` is kept by an engine."""

    WORDS = "words"
    """Words separated by spaces, scored by BM25."""
    TERMS = "terms"
    """The same without the places of the words: smaller, and no phrase can be searched in it."""
    KEYWORD = "keyword"
    """Exact values, one or many, for filters and facets."""
    VECTOR = "vector"
    """A list of whole numbers from −127 to 127, compared by their products."""
    STORED = "stored"
    """Kept with the document, not searchable."""

    @property
    def scored(self) -> bool:
        """Whether its words are scored by BM25."""
        return self in (FieldKind.WORDS, FieldKind.TERMS)

    @property
    def has_terms(self) -> bool:
        """Whether a term of a query can be looked for in it."""
        return self.scored or self is FieldKind.KEYWORD


@dataclass(frozen=True, slots=True)
class IndexLayout:
    """What an index holds of ours, as its `_meta` records it.

    `fields` are the enriched fields of the documents, the title first where there is one.
    `mapping` has one entry for each field under `enrichment`, with dots for inner fields
    ("tokens.title"). `model` is the version of the bundle that enriched the documents, None
    where they were only segmented; `compatible` are the other versions whose documents are
    valid. `segmenter` is what cut the text: name, version, dictionary hash. `enrichments` are the
    plug-ins that enriched the documents, in order, each with the settings that decide what it
    writes; None in an index that was made before this was recorded. `mixed`: whether some
    documents may still have been enriched with other settings. `dimensions` are the lengths of the
    VECTOR fields, by their names in `mapping`, as far as they are known.
    """

    fields: tuple[str, ...]
    mapping: Mapping[str, FieldKind]
    model: str | None = None
    compatible: tuple[str, ...] = ()
    segmenter: Mapping[str, str] = field(default_factory=dict)
    enrichments: Mapping[str, Mapping[str, object]] | None = None
    mixed: bool = False
    dimensions: Mapping[str, int] = field(default_factory=dict)

    @property
    def title_field(self) -> str | None:
        """The enriched field that is a title, None where there is none."""
        return title_of(self.fields)

    @property
    def has_vectors(self) -> bool:
        """Whether documents have vectors there."""
        return self.mapping.get(VECTOR) is FieldKind.VECTOR

    def family(self, name: str) -> list[str]:
        """The scored fields that stand for a family, by their names in `mapping`.

        One field of that very name; or that of all enriched fields together, where the index has
        it: a word counts the same wherever it stands; or else those below the name.
        """
        for whole in (name, f"{ALL}.{name}"):
            if whole in self.mapping and self.mapping[whole].scored:
                return [whole]
        return [path for path, kind in self.mapping.items() if kind.scored and path.startswith(name + ".")]


@dataclass(frozen=True, slots=True)
class Frequencies:
    """In how many of some documents each of some terms stands, in the order of the terms."""

    documents: int
    counts: tuple[int, ...]


class Share(NamedTuple):
    """A number of documents, and of how many that were looked at."""

    number: int
    of: int


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `doctor`."""

    name: str
    passed: bool
    detail: str


# ------------------------------------------------------------------ Protocols


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

    def set_alias(self, alias: str, index: str) -> None:
        """Point an alias at one index, in one action."""

    def aliases(self) -> Mapping[str, tuple[str, ...]]:
        """Alias → the indexes that it stands for, sorted; several only where others made the alias."""

    def check(self) -> list[Check]:
        """What `doctor` says of the engine; never raises."""

    def close(self) -> None: ...
