"""Alternatives of the words of a query: what might stand in a document in their place.

A word x of a query counts with the best of its own score and those of its alternatives y,

    max( bm25(x), weight · s(x, y) · min(1, idf(x) / idf(y)) · bm25(y) )

so that two words of one meaning do not count twice, and a rare alternative weighs no more than what was
typed. s is the cosine of the two words, or their mutual information divided by FULL_INFORMATION nats.
The other words x' of the query choose the sense: y must occur with them more often than by chance,

    mean over x' of log p(y|x') − log p(y)  >  0
"""

from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal

import msgspec
import numpy as np
from msgspec import Meta

from enricher.decoding import check
from enricher.errors import UsageError
from enricher.model.arrays import FloatArray, IntArray
from enricher.model.near_words import NearWords
from enricher.model.related_table import RelatedTable, related_rows
from enricher.model.relatedness import mutual_information
from enricher.model.word2vec import Word2Vec
from enricher.records import Query, QueryTerm
from enricher.text import is_content

ORIGIN = "alternatives"
COSINE: Final = "cosine"
FULL_INFORMATION = 8.0


class AlternativesExpansion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of alternatives: at most `most` for a word, with a similarity of at least `least`.

    by: "cosine" for words that can replace each other, "relatedness" for words that occur together.
    """

    by: Annotated[
        Literal["cosine", "relatedness"],
        Meta(
            description="`cosine`: words that can replace each other; `relatedness`: words that occur "
            "together."
        ),
    ] = COSINE
    most: Annotated[int, Meta(ge=0, description="Maximum number of alternatives of a word.")] = 5
    weight: Annotated[
        float, Meta(ge=0, description="Weight of an alternative, times its similarity to the word.")
    ] = 0.7
    least: Annotated[float, Meta(description="Minimum similarity of an alternative to the word.")] = 0.4

    def __post_init__(self) -> None:
        check(self, UsageError)


@dataclass(frozen=True, slots=True)
class AlternativeWords:
    """Finds alternatives by a model, its near words and its relatedness table."""

    word2vec: Word2Vec
    near: NearWords
    table: RelatedTable | None
    settings: AlternativesExpansion

    def expand(self, query: Query) -> Query:
        """The query with the alternatives of each of its content words, each with its reason."""
        typed = query.typed
        known = [word for word in typed if is_content(word) and word in self.word2vec.index]
        rows = self.word2vec.rows(known)
        present = self.word2vec.rows(typed)
        added: list[QueryTerm] = []
        for place, (word, row) in enumerate(zip(known, rows.tolist(), strict=True)):
            others = np.delete(rows, place)
            added += self._alternatives(word, row, others, present)
        return replace(query, terms=(*query.terms, *added))

    def _alternatives(self, word: str, row: int, others: IntArray, present: IntArray) -> list[QueryTerm]:
        found, likeness = self._like(row)
        fit = (likeness > self.settings.least) & ~np.isin(found, present)
        if len(others) and fit.any():
            fit[fit] = mutual_information(self.word2vec, others, found[fit]).mean(axis=0) > 0
        found, likeness = found[fit][: self.settings.most], likeness[fit][: self.settings.most]
        idf = self.word2vec.idf
        weights = self.settings.weight * likeness * np.minimum(1.0, idf[row] / idf[found])
        return [
            QueryTerm(
                term=self.word2vec.words[y],
                weight=round(float(weight), 6),
                origin=ORIGIN,
                because=f"{'near' if self.settings.by == COSINE else 'occurs with'} {word} ({like:.2f})",
                for_=word,
            )
            for y, weight, like in zip(found.tolist(), weights, likeness, strict=True)
        ]

    def _like(self, row: int) -> tuple[IntArray, FloatArray]:
        """The words most like one, and how like they are, the most first."""
        if self.settings.by == COSINE:
            return self.near.of(row)
        found = related_rows(self.word2vec, self.table, row)
        information = mutual_information(self.word2vec, np.array([row], np.int32), found)[0]
        likeness = np.minimum(1.0, information / FULL_INFORMATION)
        order = np.argsort(-likeness, kind="stable")
        return found[order], likeness[order]
