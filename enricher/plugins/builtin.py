"""The plug-ins that come with the product: tokens, subwords, keywords, relatedness."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from enricher.enricher import Enricher
from enricher.expansion import RelatednessExpansion
from enricher.keywords import METHODS
from enricher.plugins.registry import PluginContext
from enricher.records import AnalyzedDocument, FieldKind, Query, QueryTerm
from enricher.text import Analyzer, is_han

S = TypeVar("S")


@dataclass(frozen=True)
class SubwordSettings:
    weight: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.weight < math.inf:
            raise ValueError(f"weight must be 0 or more, not {self.weight}.")


@dataclass(frozen=True)
class Tokens:
    """`tokens.<field>`: the words of every enriched field, for a white-space analyser."""

    mapping: Mapping[str, FieldKind]
    name: str = "tokens"

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        return [
            {"tokens": {field: " ".join(t.text for t in tokens) for field, tokens in document.tokens.items()}}
            for document in documents
        ]


@dataclass(frozen=True)
class Subwords:
    """`subwords.<field>`: characters and pairs of Chinese, stems of English, searched beside the words.

    A query word is also searched by its parts, so that it finds documents in which it was cut
    otherwise or stands in another form: 足球比赛 by 足球, 球比 and 比赛, refugees by its stem.
    """

    mapping: Mapping[str, FieldKind]
    analyzer: Analyzer
    settings: SubwordSettings
    name: str = "subwords"

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        of = self.analyzer.subwords_of
        return [
            {"subwords": {field: " ".join(of(tokens)) for field, tokens in document.tokens.items()}}
            for document in documents
        ]

    def rewrite(self, query: Query) -> Query:
        typed = [term.term for term in query.terms if term.origin == "query"]
        parts = {part: word for word in reversed(typed) for part in self._parts(word)}
        added = [
            QueryTerm(part, self.settings.weight, self.name, f"part or stem of {word}", field=self.name)
            for part, word in reversed(parts.items())
        ]
        return Query(query.text, query.terms + tuple(added))

    def _parts(self, word: str) -> list[str]:
        """The pairs of a Chinese word, the stem of an English one; a single character as it is."""
        parts = self.analyzer.subwords(word)
        return [part for part in parts if len(part) > 1 or not is_han(part)] or parts


@dataclass(frozen=True)
class KeywordSettings:
    top: int = 10
    method: str = "phrases"

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ValueError(f"top must be 1 or more, not {self.top}.")
        if self.method not in METHODS:
            raise ValueError(f"method must be one of {', '.join(METHODS)}, not {self.method!r}.")


@dataclass(frozen=True)
class Keywords:
    """`keywords`: exact values for facets and filters; `keyword_weights`: the same with their scores."""

    enricher: Enricher
    title_field: str | None
    settings: KeywordSettings
    name: str = "keywords"

    @property
    def mapping(self) -> Mapping[str, FieldKind]:
        return {"keywords": FieldKind.KEYWORD, "keyword_weights": FieldKind.STORED}

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        found = self.enricher.document_keywords(
            documents, self.settings.top, self.settings.method, self.title_field
        )
        return [
            {
                "keywords": [keyword.text for keyword in keywords],
                "keyword_weights": [{"text": k.text, "weight": round(k.score, 4)} for k in keywords],
            }
            for keywords in found
        ]


@dataclass(frozen=True)
class Relatedness:
    """Adds the words most related to the query as a whole, with a small weight."""

    enricher: Enricher
    settings: RelatednessExpansion
    name: str = "relatedness"

    def rewrite(self, query: Query) -> Query:
        return self.enricher.expand_query(query, self.settings)


def tokens(context: PluginContext) -> Tokens:
    if context.settings:
        raise ValueError("it has none.")
    return Tokens({f"tokens.{name}": FieldKind.WORDS for name in context.fields})


def subwords(context: PluginContext) -> Subwords:
    mapping = {f"subwords.{name}": FieldKind.WORDS for name in context.fields}
    return Subwords(mapping, context.analyzer, _settings(SubwordSettings, context.settings))


def keywords(context: PluginContext) -> Keywords:
    return Keywords(context.model(), context.title_field, _settings(KeywordSettings, context.settings))


def relatedness(context: PluginContext) -> Relatedness:
    return Relatedness(context.model(), _settings(RelatednessExpansion, context.settings))


def _settings(kind: type[S], table: Mapping[str, Any]) -> S:
    """A plug-in's typed settings from its table; ValueError names a key that does not exist."""
    known = {item.name: item.type for item in fields(kind)}  # type: ignore[arg-type]
    for key, value in table.items():
        if key not in known:
            raise ValueError(f"unknown setting {key!r}; there are {', '.join(known)}.")
        if known[key] is not type(value) and not (known[key] is float and isinstance(value, int)):
            raise ValueError(
                f"the setting {key!r} must be of type {getattr(known[key], '__name__', known[key])}"
            )
    return kind(**table)
