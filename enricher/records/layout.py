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
"""The field that holds what a document is about, as whole numbers of 8 bits."""

ALL = "all"
"""The object under `enrichment` that holds families of all enriched fields together."""


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
    ("tokens.title"). `model_version` is that of the bundle that enriched the documents, None
    where they were only segmented; `compatible` are the other versions whose documents are
    valid. `segmenter` is what cut the text: name, version, dictionary hash. `enrichments` are the
    plug-ins that enriched the documents, in order, each with the settings that decide what it
    writes; None in an index that was made before this was recorded. `mixed`: whether some
    documents may still have been enriched with other settings. `dimensions` are the lengths of the
    VECTOR fields, by their names in `mapping`, as far as they are known.
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
        """The enriched field that is a title, None where there is none."""
        return title_of(self.fields)

    @property
    def valid_versions(self) -> tuple[str, ...]:
        """The model versions that may have enriched the documents; none where the index has no model."""
        return () if self.model_version is None else (self.model_version, *self.compatible)

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


STAMP_MAPPING = {MODEL: FieldKind.KEYWORD, FINGERPRINT: FieldKind.KEYWORD}
"""The fields that every enriched document has, whichever plug-ins ran."""


def fingerprint(document: Document | AnalyzedDocument, fields: Sequence[str]) -> str:
    """A hash of the original text of the enriched fields, 32 hexadecimal digits."""
    digest = hashlib.blake2b(digest_size=16)
    for name in fields:
        digest.update(document.text(name).encode("utf-8", "replace"))
        digest.update(b"\0")
    return digest.hexdigest()
