"""Expansion of a whole query by relatedness.

    score(y) = Σ_i w_i · (log p(y|x_i) − α log p(y))        w_i = idf(x_i) / Σ idf

over the words x_i of the query that the model knows, for every y of the sense that the query means of
one of them: the words most related to it in groups (`enricher/model/senses.py`), of which one fits the other
words best. α under 1 keeps rare words from the top; only words with enough mutual information, the score at
α = 1, count as related. The best few are added with a small share of the weight of an original word.
"""

from dataclasses import replace
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from enricher.decoding import check
from enricher.errors import UsageError
from enricher.model.arrays import FloatArray, IntArray
from enricher.model.related_table import RelatedTable, related_rows
from enricher.model.relatedness import mutual_information
from enricher.model.senses import group_labels
from enricher.model.word2vec import Word2Vec
from enricher.records import Query, QueryTerm
from enricher.text import is_content

ORIGIN = "relatedness"
MAX_CANDIDATES_PER_WORD = 25


class RelatednessExpansion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of query expansion by relatedness.

    At most `terms` words are added, the best with `weight`, ranked by relatedness with `alpha`. Words with
    less than `floor` nats of mutual information with the query are not added. No word is added if a query
    word occurs in `enough` documents: the query then finds enough by itself.
    """

    terms: Annotated[int, Meta(ge=0, description="Maximum number of words added to a query.")] = 5
    weight: Annotated[float, Meta(ge=0, description="Weight of the best added word. A typed word has 1.")] = (
        0.15
    )
    alpha: Annotated[
        float, Meta(description="1 is mutual information; lower values favour frequent words.")
    ] = 0.6
    floor: Annotated[
        float,
        Meta(description="Minimum mutual information of an added word with the query, in nats."),
    ] = 1.0
    enough: Annotated[
        int,
        Meta(ge=1, description="No word is added if a query word occurs in so many documents."),
    ] = 20

    def __post_init__(self) -> None:
        check(self, UsageError)


def expand_by_relatedness(
    word2vec: Word2Vec, table: RelatedTable | None, query: Query, settings: RelatednessExpansion | None = None
) -> Query:
    """The query with the words most related to it as a whole, each with its reason."""
    settings = settings or RelatednessExpansion()
    typed = query.typed
    known = [word for word in typed if is_content(word) and word in word2vec.index]
    if not known or not settings.terms:
        return query
    rows = word2vec.rows(known)
    present = word2vec.rows([term.term for term in query.terms])
    related = [related_rows(word2vec, table, int(row))[:MAX_CANDIDATES_PER_WORD] for row in rows]
    candidates, places = np.unique(np.concatenate(related), return_inverse=True)
    information = mutual_information(word2vec, rows, candidates)
    parts = np.split(places, np.cumsum([len(found) for found in related])[:-1])
    fits = information.sum(axis=0) - information
    kept = [
        part[_of_one_sense(word2vec, found, fits[i, part])] if len(rows) > 1 else part
        for i, (found, part) in enumerate(zip(related, parts, strict=True))
    ]
    chosen = np.unique(np.concatenate(kept))
    chosen = chosen[~np.isin(candidates[chosen], present)]
    candidates, information = candidates[chosen], information[:, chosen]
    shares = word2vec.idf[rows] / word2vec.idf[rows].sum()
    total = shares @ information
    scores = total + np.float32(1.0 - settings.alpha) * word2vec.log_priors_of(candidates)
    scores[total < settings.floor] = -np.inf
    best = [int(y) for y in np.argsort(-scores, kind="stable")[: settings.terms] if np.isfinite(scores[y])]
    most = max((total[y] for y in best), default=1.0)
    added = tuple(
        QueryTerm(
            term=word2vec.words[candidates[y]],
            weight=round(settings.weight * float(total[y] / most), 6),
            origin=ORIGIN,
            because=_reason(known, information[:, y]),
        )
        for y in best
    )
    return replace(query, terms=query.terms + added)


def _of_one_sense(word2vec: Word2Vec, related: IntArray, fits: FloatArray) -> NDArray[np.bool_]:
    """Which of the n words related to one of a query are of the sense that its other words mean: bool (n,).

    fits: Σ log p(y|x) − log p(y) over the other words x, (n,).
    """
    labels = group_labels(word2vec, related)
    means = np.bincount(labels, fits) / np.maximum(np.bincount(labels), 1)
    means[np.bincount(labels) == 0] = -np.inf
    return np.asarray(labels == means.argmax())


def _reason(words: list[str], parts: FloatArray) -> str:
    """Which query words a term occurs with, the strongest first, and how strongly (nats)."""
    strongest = [i for i in np.argsort(-parts, kind="stable")[:3] if parts[i] > 0]
    return "occurs with " + ", ".join(f"{words[i]} ({parts[i]:.2f})" for i in strongest)
