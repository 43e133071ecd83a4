"""The schema: what stands under `enrichment` in a document, and what an index records of it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from enricher.records.documents import AnalyzedDocument, Document

ENRICHMENT = "enrichment"
"""The object in a document under which everything that this project adds stands."""

MODEL = "model"
"""The field under `enrichment` that names the version of the model that made it."""

FINGERPRINT = "fingerprint"
"""The field under `enrichment` that holds a hash of the text that was enriched."""

KEYWORDS = "keywords"
"""The field under `enrichment` that holds the keywords as exact values."""

KEYWORD_WEIGHTS = "keyword_weights"
"""The field under `enrichment` that holds the keywords with their scores."""

TOKENS = "tokens"
"""The family of fields, under `enrichment`, that holds the words of the documents."""

SUBWORDS = "subwords"
"""The family that holds the parts of words: characters and pairs of Chinese, stems of English."""

VECTOR = "vector"
"""The field that holds the vector of a document: whole numbers of 8 bits."""

ALL = "all"
"""The object under `enrichment` that holds families of all enriched fields together."""


def title_of(fields: Sequence[str]) -> str | None:
    """The title among enriched fields: the first of several, or None if there is only one field."""
    return fields[0] if len(fields) > 1 else None


class FieldKind(StrEnum):
    """How an engine stores and searches a field under `enrichment`."""

    WORDS = "words"
    """Words separated by spaces, scored by BM25."""
    TERMS = "terms"
    """Words separated by spaces, scored by BM25, without positions: smaller, but without phrase queries."""
    KEYWORD = "keyword"
    """Exact values, one or many, for filters and facets."""
    EXACT = "exact"
    """Exact values, one or many, that a query term matches: smaller, but without filters and facets."""
    VALUE = "value"
    """One exact value that is read back with the document, not searchable."""
    VECTOR = "vector"
    """A list of whole numbers from −127 to 127, compared by their products."""
    STORED = "stored"
    """Stored with the document, not searchable."""

    @property
    def scored(self) -> bool:
        """Whether words of the field are scored by BM25."""
        return self in (FieldKind.WORDS, FieldKind.TERMS)

    @property
    def has_terms(self) -> bool:
        """Whether a term of a query can be searched in the field."""
        return self.scored or self.exact

    @property
    def exact(self) -> bool:
        """Whether a term of a query must equal a value of the field."""
        return self in (FieldKind.KEYWORD, FieldKind.EXACT)

    @property
    def written_as(self) -> "FieldKind":
        """The kind that stands for all kinds to which the same values are written."""
        return FieldKind.KEYWORD if self in (FieldKind.EXACT, FieldKind.VALUE) else self


@dataclass(frozen=True, slots=True)
class IndexLayout:
    """The enrichment of an index, as the index records it (in `_meta` on Elasticsearch).

    fields: the enriched fields of the documents, the title first if there is one. mapping: the kind of each
    field under `enrichment`, with dots for inner fields ("tokens.title"). model_version: of the model that
    enriched the documents, None if they were only segmented. compatible: other versions whose documents are
    valid. segmenter: name, version and dictionary hash of what segmented the text. enrichments: the plug-
    ins that enriched the documents, in order, each with the settings that decide what it writes; None in an
    index that was created before this was recorded. mixed: whether some documents may have been enriched
    with other settings. dimensions: lengths of the VECTOR fields, by their names in `mapping`, if known.
    """

    fields: tuple[str, ...]
    mapping: Mapping[str, FieldKind]
    model_version: str | None = None
    compatible: tuple[str, ...] = ()
    segmenter: Mapping[str, str] = field(default_factory=dict)
    enrichments: Mapping[str, Mapping[str, object]] | None = None
    mixed: bool = False
    dimensions: Mapping[str, int] = field(default_factory=dict)

    @property
    def title_field(self) -> str | None:
        """The enriched field that is the title, or None."""
        return title_of(self.fields)

    @property
    def valid_versions(self) -> tuple[str, ...]:
        """The model versions whose documents are valid; none if the index has no model."""
        return () if self.model_version is None else (self.model_version, *self.compatible)

    @property
    def has_field_copies(self) -> bool:
        """Whether the words of each enriched field are also indexed by themselves, beside those of all."""
        return f"{ALL}.{TOKENS}" in self.mapping and any(
            path.startswith(f"{TOKENS}.") for path in self.mapping
        )

    @property
    def has_vectors(self) -> bool:
        """Whether the index has vectors."""
        return self.mapping.get(VECTOR) is FieldKind.VECTOR

    def family(self, name: str) -> list[str]:
        """The scored fields that a search of a family uses, by their names in `mapping`.

        The field of exactly that name; else the field of all enriched fields together ("all.NAME"); else the
        fields below the name.
        """
        for whole in (name, f"{ALL}.{name}"):
            if whole in self.mapping and self.mapping[whole].scored:
                return [whole]
        return [path for path, kind in self.mapping.items() if kind.scored and path.startswith(name + ".")]


STAMP_MAPPING = {MODEL: FieldKind.KEYWORD, FINGERPRINT: FieldKind.VALUE}
"""The fields that every enriched document has, with any plug-ins."""


def fingerprint(document: Document | AnalyzedDocument, fields: Sequence[str]) -> str:
    """A hash of the original text of the enriched fields, 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for name in fields:
        digest.update(document.text(name).encode("utf-8", "replace"))
        digest.update(b"\0")
    return digest.hexdigest()
