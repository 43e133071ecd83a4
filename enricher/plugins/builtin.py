"""The plug-ins that come with the product, each a factory that an entry point names."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import ClassVar

from enricher.expansion import RelatednessExpansion
from enricher.expansion.alternatives import AlternativesExpansion, AlternativeWords
from enricher.expansion.documents import CLASSES, DocumentExpander, WeightedWords
from enricher.keywords import METHODS, content_words_of
from enricher.loaded_model import Model
from enricher.model.bm25 import K1, bm25_idf
from enricher.plugins.registry import PluginContext, typed_settings
from enricher.plugins.vector import Vector, VectorSettings
from enricher.records import (
    ALL,
    KEYWORD_WEIGHTS,
    KEYWORDS,
    SUBWORDS,
    TOKENS,
    AnalyzedDocument,
    FieldKind,
    Query,
    QueryTerm,
    Token,
    nested,
)
from enricher.text import STOP_WORDS, is_content, is_han, stem
from enricher.text.analysis import PAIR_MARK

FEW = 20
"""Documents in which a part may always stand: in a small index every part has a large share."""


@dataclass(frozen=True)
class SubwordSettings:
    """Weights of parts, by script and place; `most` and `short_character` are said at `Subwords`."""

    han: float = 0.75
    stem: float = 2.0
    stem_pair: float = 0.5
    title_han: float = 0.5
    title_stem: float = 0.75
    title_stem_pair: float = 0.2
    most: float = 0.05
    short_character: float = 1.5

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if not 0 <= value < math.inf:
                raise ValueError(f"{item.name} must be 0 or more, not {value}.")


@dataclass(frozen=True)
class Tokens:
    """`tokens.<field>`: the words of every enriched field, for a white-space analyser.

    `all.tokens`: of all fields together, where there are several.
    """

    fields: tuple[str, ...]
    name: str = "tokens"
    document_settings: ClassVar[Mapping[str, object]] = {}

    @property
    def mapping(self) -> Mapping[str, FieldKind]:
        return _family(TOKENS, self.fields, FieldKind.WORDS)

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        return [_enriched(TOKENS, document, self._words) for document in documents]

    @staticmethod
    def _words(tokens: Sequence[Token]) -> str:
        return " ".join(token.text for token in tokens)


@dataclass(frozen=True)
class Subwords:
    """`subwords.<field>` and `all.subwords`: characters of Chinese, stems of English, and pairs of both.

    A query is also searched by its parts, so that it finds documents in which its words were cut
    otherwise or stand in another form: 足球比赛 by 足球, 球比 and 比赛, refugees by its stem; and words that
    follow each other are better found together: heat transfer.

    Parts of Chinese that stand in more than a share of the documents (`most`) say little and cost much:
    they are left out where others are left. Where texts are short, nothing is said twice, and 怎么 tells
    one question from another as well as its subject: all parts are searched, and single characters weigh
    `short_character`. Parts that stand in a title count once more where titles say what the text is about,
    and do not name its place (第三条).
    """

    context: PluginContext
    settings: SubwordSettings
    name: str = "subwords"
    document_settings: ClassVar[Mapping[str, object]] = {}

    @property
    def mapping(self) -> Mapping[str, FieldKind]:
        return _family(SUBWORDS, self.context.fields, FieldKind.TERMS)

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        return [_enriched(SUBWORDS, document, self._parts) for document in documents]

    def _parts(self, tokens: Sequence[Token]) -> str:
        return " ".join(self.context.analyzer.subwords_of(tokens))

    def rewrite(self, query: Query) -> Query:
        analyzer = self.context.analyzer
        tokens = [t for t in analyzer.tokens(query.text) if is_han(t.text) or t.text not in STOP_WORDS]
        parts = Counter(analyzer.subwords_of(tokens))
        words = [token.text for token in tokens]
        terms = list(query.terms)
        for family, weights in self._fields().items():
            for part in self._rare(family, list(parts)):
                weight = weights.of(part) * parts[part]
                if weight:
                    terms.append(QueryTerm(part, weight, self.name, _reason(part, words), field=family))
        return replace(query, terms=tuple(terms))

    @property
    def _has_short_texts(self) -> bool:
        return self.context.loaded_model is not None and self.context.loaded_model.has_short_texts

    def _fields(self) -> dict[str, "_PartWeights"]:
        """The families that are searched, and the weights of parts there."""
        chosen = self.settings
        character = chosen.short_character if self._has_short_texts else chosen.han
        found = {SUBWORDS: _PartWeights(character, chosen.han, chosen.stem, chosen.stem_pair)}
        title, model = self.context.title_field, self.context.loaded_model
        if title is not None and model is not None and model.has_titles:
            found[f"{SUBWORDS}.{title}"] = _PartWeights(
                chosen.title_han, chosen.title_han, chosen.title_stem, chosen.title_stem_pair
            )
        return found

    def _rare(self, family: str, parts: list[str]) -> list[str]:
        """The parts but for those of Chinese that stand in too many documents; all where none is left."""
        if self.context.frequencies is None or self._has_short_texts:
            return parts
        found = self.context.frequencies(family, parts)
        most = max(self.settings.most * found.documents, FEW)
        kept = [
            part
            for part, count in zip(parts, found.counts, strict=True)
            if count > 0 and (count <= most or not is_han(part))
        ]
        return kept or parts


@dataclass(frozen=True)
class _PartWeights:
    character: float
    character_pair: float
    stem: float
    stem_pair: float

    def of(self, part: str) -> float:
        if is_han(part):
            return self.character if len(part) == 1 else self.character_pair
        return self.stem_pair if _stems_of(part) else self.stem


def _family(name: str, fields: Sequence[str], kind: FieldKind) -> dict[str, FieldKind]:
    """The fields of a family, and that of all together where there are several."""
    mapping = {f"{name}.{field}": kind for field in fields}
    return mapping | ({f"{ALL}.{name}": FieldKind.TERMS} if len(fields) > 1 else {})


def _enriched(
    name: str, document: AnalyzedDocument, text_of: Callable[[Sequence[Token]], str]
) -> dict[str, object]:
    """What `_family` names, for one document."""
    texts = {field: text_of(tokens) for field, tokens in document.tokens.items()}
    whole = {ALL: {name: " ".join(filter(None, texts.values()))}} if len(texts) > 1 else {}
    return {name: nested(texts), **whole}


def _stems_of(part: str) -> tuple[str, str] | None:
    """The two stems of a pair, None for another part."""
    first, joined, second = part.partition(PAIR_MARK)
    return (first, second) if joined else None


def _reason(part: str, words: Sequence[str]) -> str:
    """Why a part is searched."""
    if stems := _stems_of(part):
        return f"{stems[0]} followed by {stems[1]}"
    if not is_han(part):
        return f"stem of {next((word for word in words if stem(word) == part), part)}"
    holding = next((word for word in words if part in word), None)
    return f"part of {holding}" if holding else "stands across two words"


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

    model: Model
    title_field: str | None
    settings: KeywordSettings
    name: str = "keywords"

    @property
    def document_settings(self) -> Mapping[str, object]:
        return asdict(self.settings)

    @property
    def mapping(self) -> Mapping[str, FieldKind]:
        return {KEYWORDS: FieldKind.KEYWORD, KEYWORD_WEIGHTS: FieldKind.STORED}

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        found = self.model.document_keywords(
            documents, self.settings.top, self.settings.method, self.title_field
        )
        return [
            {
                KEYWORDS: [keyword.text for keyword in keywords],
                KEYWORD_WEIGHTS: [{"text": k.text, "weight": round(k.score, 4)} for k in keywords],
            }
            for keywords in found
        ]


KEPT_WORDS = 2**15
"""Words that are read from a mapped vocabulary once and then kept."""


@dataclass(frozen=True)
class ExpansionSettings:
    words: int = 20
    weight: float = 0.8

    def __post_init__(self) -> None:
        if self.words < 1:
            raise ValueError(f"words must be 1 or more, not {self.words}.")
        if not 0 <= self.weight < math.inf:
            raise ValueError(f"weight must be 0 or more, not {self.weight}.")


class Expansion:
    """`expansion.<class>`: words near what a document is about, exact values in three classes of weight.

    A query word that stands in one of them scores weight · idf · the constant of the class, as a word
    of the document would that occurs now and then. What a short text is about is a guess: it gets none.
    """

    name = "expansion"

    def __init__(self, context: PluginContext, settings: ExpansionSettings) -> None:
        self._context, self._settings = context, settings
        self._model = context.model()

    @property
    def document_settings(self) -> Mapping[str, object]:
        return {"words": self._settings.words}

    @property
    def mapping(self) -> Mapping[str, FieldKind]:
        return {f"{self.name}.{name}": FieldKind.KEYWORD for name in CLASSES}

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        if self._model.has_short_texts:
            return [{} for _ in documents]
        model = self._model.word2vec
        rows = [model.rows(content_words_of(document)) for document in documents]
        found = self._expander.expand(rows, self._settings.words)
        return [{self.name: self._classes(words)} for words in found]

    def _classes(self, words: WeightedWords) -> dict[str, list[str]]:
        return {name: [self._word(row) for row in rows.tolist()] for name, rows in words.classes().items()}

    @cached_property
    def _expander(self) -> DocumentExpander:
        return DocumentExpander(self._model.word2vec, self._model.bundle.near_words)

    @cached_property
    def _word(self) -> Callable[[int], str]:
        """The word in a row; those that were wanted last are kept, for they are wanted again."""
        words = self._model.word2vec.words
        return lru_cache(KEPT_WORDS)(lambda row: words[row])

    def rewrite(self, query: Query) -> Query:
        typed = [word for word in query.typed if is_content(word)]
        if not typed or self._context.frequencies is None or self._model.has_short_texts:
            return query
        found = self._context.frequencies(TOKENS, typed)
        added = []
        for word, count in zip(typed, found.counts, strict=True):
            idf = float(bm25_idf(count, max(found.documents, count)))
            for name, (_, constant) in CLASSES.items():
                weight = round(self._settings.weight * (K1 + 1) * idf * constant, 6)
                family = f"{self.name}.{name}"
                added.append(QueryTerm(word, weight, self.name, f"documents near {word}", field=family))
        return replace(query, terms=query.terms + tuple(added))


@dataclass(frozen=True)
class Relatedness:
    """Adds the words most related to the query as a whole, with a small weight, where its own find little."""

    context: PluginContext
    settings: RelatednessExpansion
    name: str = "relatedness"

    def rewrite(self, query: Query) -> Query:
        if self.context.frequencies is not None:
            found = self.context.frequencies(TOKENS, query.typed)
            if max(found.counts, default=0) >= self.settings.enough:
                return query
        return self.context.model().expand_query(query, self.settings)


@dataclass(frozen=True)
class Alternatives:
    """Gives every word of a query alternatives, of which the best counts in its place."""

    words: AlternativeWords
    name: str = "alternatives"

    def rewrite(self, query: Query) -> Query:
        return self.words.expand(query)


def tokens(context: PluginContext) -> Tokens:
    if context.settings:
        raise ValueError("it has none.")
    return Tokens(context.fields)


def subwords(context: PluginContext) -> Subwords:
    return Subwords(context, typed_settings(SubwordSettings, context.settings))


def keywords(context: PluginContext) -> Keywords:
    return Keywords(context.model(), context.title_field, typed_settings(KeywordSettings, context.settings))


def expansion(context: PluginContext) -> Expansion:
    return Expansion(context, typed_settings(ExpansionSettings, context.settings))


def relatedness(context: PluginContext) -> Relatedness:
    context.model()  # without one there is nothing related
    return Relatedness(context, typed_settings(RelatednessExpansion, context.settings))


def alternatives(context: PluginContext) -> Alternatives:
    settings = typed_settings(AlternativesExpansion, context.settings)
    model = context.model()
    bundle = model.bundle
    return Alternatives(AlternativeWords(model.word2vec, bundle.near_words, bundle.related_table, settings))


def vector(context: PluginContext) -> Vector:
    return Vector(context.model(), typed_settings(VectorSettings, context.settings))
