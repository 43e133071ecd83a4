"""The frozen records that travel between the rooms, the schema, and the Protocols that join them."""

from enricher.records.documents import (
    PARAGRAPH_BREAK,
    RESERVED,
    AnalyzedDocument,
    Document,
    EnrichedDocument,
    Rejection,
    Token,
    nested,
    text_at,
    texts_of,
    values_at,
)
from enricher.records.layout import ALL, SUBWORDS, TOKENS, VECTOR, FieldKind, IndexLayout, title_of
from enricher.records.protocols import Enrichment, Rewriter, SearchEngine, VectorEnrichment
from enricher.records.queries import Query, QueryTerm, QueryVector
from enricher.records.searches import (
    Check,
    FacetCount,
    Frequencies,
    Hit,
    SearchRequest,
    SearchResponse,
    Share,
)
from enricher.records.words import Keyword, Neighbor, RelatedWord, Sense

__all__ = [
    "ALL",
    "PARAGRAPH_BREAK",
    "RESERVED",
    "SUBWORDS",
    "TOKENS",
    "VECTOR",
    "AnalyzedDocument",
    "Check",
    "Document",
    "EnrichedDocument",
    "Enrichment",
    "FacetCount",
    "FieldKind",
    "Frequencies",
    "Hit",
    "IndexLayout",
    "Keyword",
    "Neighbor",
    "Query",
    "QueryTerm",
    "QueryVector",
    "Rejection",
    "RelatedWord",
    "Rewriter",
    "SearchEngine",
    "SearchRequest",
    "SearchResponse",
    "Sense",
    "Share",
    "Token",
    "VectorEnrichment",
    "nested",
    "text_at",
    "texts_of",
    "title_of",
    "values_at",
]
