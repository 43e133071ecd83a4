"""Two plug-ins: the language of every document, and synonyms of your own for queries."""

from dataclasses import dataclass, replace

from enricher.plugins import PluginContext
from enricher.records import AnalyzedDocument, FieldKind, Query, QueryTerm


@dataclass(frozen=True)
class Language:
    """`enrichment.language`: zh, mixed or other, by the share of Chinese words."""

    most: float = 0.8
    name: str = "language"

    @property
    def mapping(self) -> dict[str, FieldKind]:
        return {"language": FieldKind.KEYWORD}

    def enrich(self, documents: list[AnalyzedDocument]) -> list[dict[str, object]]:
        return [{"language": self.of(document)} for document in documents]

    def of(self, document: AnalyzedDocument) -> str:
        words = [token.text for tokens in document.tokens.values() for token in tokens]
        share = sum("\u4e00" <= word[0] <= "\u9fff" for word in words) / max(len(words), 1)
        return "zh" if share >= self.most else "mixed" if share > 1 - self.most else "other"


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
    return Language(**context.settings)


def synonyms(context: PluginContext) -> Synonyms:
    return Synonyms(dict(context.settings))
