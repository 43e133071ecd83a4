"""The plug-in `subwords`: Chinese characters and bigrams, English stems, and pairs of stems."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from enricher.plugins.families import family_mapping, family_values
from enricher.plugins.registry import PluginContext, typed_settings
from enricher.records import (
    SUBWORDS,
    AnalyzedDocument,
    FieldKind,
    Query,
    QueryTerm,
    Token,
)
from enricher.text import STOP_WORDS, is_han, stem
from enricher.text.analysis import PAIR_MARK

MIN_FREQUENT_DOCUMENTS = 20
"""A sub-word in fewer documents is never too frequent: in a small index every sub-word has a large share."""


Weight = Annotated[float, Meta(ge=0)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights of sub-words, by script and by field. `Subwords` explains `most` and `short_character`."""

    han: Annotated[
        Weight, Meta(description="Weight of Chinese characters and bigrams. A typed word has 1.")
    ] = 0.75
    stem: Annotated[Weight, Meta(description="Weight of the stem of an English word.")] = 2.0
    stem_pair: Annotated[
        Weight, Meta(description="Weight of a pair of stems: two English words in a row.")
    ] = 0.5
    title_han: Annotated[Weight, Meta(description="Additional weight of a Chinese sub-word in a title.")] = (
        0.5
    )
    title_stem: Annotated[Weight, Meta(description="Additional weight of a stem in a title.")] = 0.75
    title_stem_pair: Annotated[
        Weight, Meta(description="Additional weight of a pair of stems in a title.")
    ] = 0.2
    most: Annotated[
        Weight,
        Meta(
            description="Chinese sub-words in a larger share of the documents are not searched, unless texts "
            "are short."
        ),
    ] = 0.05
    most_within_words: Annotated[
        Weight,
        Meta(
            description="Bigrams within a word of the query are not searched if a larger share of the "
            "documents has them."
        ),
    ] = 1.0
    short_character: Annotated[
        Weight, Meta(description="Weight of a single Chinese character if texts are short.")
    ] = 1.5


@dataclass(frozen=True)
class Subwords:
    """The fields `all.subwords` and `subwords.<title>`: Chinese characters and bigrams, English stems.

    A query also searches its sub-words. So it finds documents that were segmented in another way or use
    another form of a word: 足球比赛 by 足球, 球比 and 比赛, refugees by its stem. Pairs of stems prefer
    documents in which the words are adjacent: heat transfer.

    Chinese sub-words in a larger share of the documents than `most` are not searched, unless none would
    remain: they match almost everything. For bigrams within a word of the query (stop words are none), the
    share is `most_within_words`: in a corpus about one subject they are its key words. If the texts of the
    corpus are short, all sub-words are searched, and single characters have the weight `short_character`: in
    a question, 怎么 is as specific as the topic. Sub-words in a title have an additional weight if titles
    describe the texts, unlike 第三条.
    """

    context: PluginContext
    settings: Settings
    name: str = "subwords"
    document_settings: ClassVar[Mapping[str, object]] = {}

    @property
    def mapping(self) -> Mapping[str, FieldKind]:
        return family_mapping(SUBWORDS, self.context.fields, FieldKind.TERMS, self._own)

    @property
    def _own(self) -> tuple[str, ...]:
        """The fields whose sub-words are also indexed by themselves."""
        title = self.context.title_field
        return self.context.fields if self.context.per_field else (title,) if title is not None else ()

    def enrich(self, documents: Sequence[AnalyzedDocument]) -> list[dict[str, object]]:
        return [family_values(SUBWORDS, document, self._parts, self._own) for document in documents]

    def _parts(self, tokens: Sequence[Token]) -> str:
        return " ".join(self.context.analyzer.subwords_of(tokens))

    def looked_up(self, query: Query) -> dict[str, list[str]]:
        if self._has_short_texts:
            return {}
        parts = list(dict.fromkeys(self.context.analyzer.subwords_of(self._tokens(query))))
        return dict.fromkeys(self._fields(), parts)

    def _tokens(self, query: Query) -> list[Token]:
        tokens = self.context.analyzer.tokens(query.text)
        return [token for token in tokens if is_han(token.text) or token.text not in STOP_WORDS]

    def rewrite(self, query: Query) -> Query:
        tokens = self._tokens(query)
        parts = Counter(self.context.analyzer.subwords_of(tokens))
        words = [token.text for token in tokens]
        terms = list(query.terms)
        for family, weights in self._fields().items():
            for part in self._searched(family, list(parts), query.typed):
                weight = weights.of(part) * parts[part]
                if weight:
                    terms.append(QueryTerm(part, weight, self.name, _reason(part, words), field=family))
        return replace(query, terms=tuple(terms))

    @property
    def _has_short_texts(self) -> bool:
        return self.context.loaded_model is not None and self.context.loaded_model.has_short_texts

    def _fields(self) -> dict[str, "_PartWeights"]:
        """The families that are searched, each with the weights of its sub-words."""
        chosen = self.settings
        character = chosen.short_character if self._has_short_texts else chosen.han
        found = {SUBWORDS: _PartWeights(character, chosen.han, chosen.stem, chosen.stem_pair)}
        title, model = self.context.title_field, self.context.loaded_model
        if title is not None and model is not None and model.has_titles:
            found[f"{SUBWORDS}.{title}"] = _PartWeights(
                chosen.title_han, chosen.title_han, chosen.title_stem, chosen.title_stem_pair
            )
        return found

    def _searched(self, family: str, parts: list[str], typed: Sequence[str]) -> list[str]:
        """The sub-words without Chinese ones in too many documents; all of them if none would remain.

        typed: the words of the query.
        """
        if self.context.frequencies is None or self._has_short_texts:
            return parts
        found = self.context.frequencies(family, parts)

        def most(part: str) -> float:
            if not is_han(part):
                return found.documents
            chosen = self.settings
            share = chosen.most_within_words if _is_bigram_of(part, typed) else chosen.most
            return max(share * found.documents, MIN_FREQUENT_DOCUMENTS)

        counts = zip(parts, found.counts, strict=True)
        return [part for part, count in counts if 0 < count <= most(part)] or parts


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


def _is_bigram_of(part: str, words: Sequence[str]) -> bool:
    """Whether a Chinese sub-word is a bigram within one of the words."""
    return len(part) > 1 and any(part in word for word in words)


def _stems_of(part: str) -> tuple[str, str] | None:
    """The two stems of a pair, None for any other sub-word."""
    first, joined, second = part.partition(PAIR_MARK)
    return (first, second) if joined else None


def _reason(part: str, words: Sequence[str]) -> str:
    """The reason why a sub-word is searched."""
    if stems := _stems_of(part):
        return f"{stems[0]} followed by {stems[1]}"
    if not is_han(part):
        return f"stem of {next((word for word in words if stem(word) == part), part)}"
    holding = next((word for word in words if part in word), None)
    return f"part of {holding}" if holding else "stands across two words"


def subwords(context: PluginContext) -> Subwords:
    return Subwords(context, typed_settings(Settings, context.settings))
