"""Two plug-ins: the language of every document, and synonyms of your own for queries."""

from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
from msgspec import Meta

from enricher.plugins import PluginContext, typed_settings
from enricher.records import AnalyzedDocument, FieldKind, Query, QueryTerm


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[index."PATTERN".settings.language]` of enricher.toml."""

    most: Annotated[
        float, Meta(ge=0.5, le=1, description="Share of Chinese words from which on a document is zh.")
    ] = 0.8


@dataclass(frozen=True)
class Language:
    """`enrichment.language`: zh, mixed or other, by the share of Chinese words."""

    settings: Settings
    name: str = "language"

    @property
    def mapping(self) -> dict[str, FieldKind]:
        return {"language": FieldKind.KEYWORD}

    def enrich(self, documents: list[AnalyzedDocument]) -> list[dict[str, object]]:
        return [{"language": self.of(document)} for document in documents]

    def of(self, document: AnalyzedDocument) -> str:
        words = [token.text for tokens in document.tokens.values() for token in tokens]
        share = sum("\u4e00" <= word[0] <= "\u9fff" for word in words) / max(len(words), 1)
        most = self.settings.most
        return "zh" if share >= most else "mixed" if share > 1 - most else "other"


@dataclass(frozen=True)
class Synonyms:
    """Searches the words of a table beside those typed; the better of the two counts."""

    table: dict[str, list[str]]
    name: str = "synonyms"

    def rewrite(self, query: Query) -> Query:
        added = [
            QueryTerm(other, 0.7, self.name, f"stands for {term.term} in enricher.toml", for_=term.term)
            for term in query.terms
            if term.origin == "query"
            for other in self.table.get(term.term, [])
        ]
        return replace(query, terms=query.terms + tuple(added))


def language(context: PluginContext) -> Language:
    return Language(typed_settings(Settings, context.settings))


def synonyms(context: PluginContext) -> Synonyms:
    return Synonyms(typed_settings(dict[str, list[str]], context.settings))
