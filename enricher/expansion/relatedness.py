"""Expansion of a whole query by relatedness.

    score(y) = Σ_i w_i · (log p(y|x_i) − α log p(y))        w_i = idf(x_i) / Σ idf

over the words x_i of the query that the model knows, for every y of the sense that the query means of
one of them: the words most related to it in groups (`enricher/model/senses.py`), of which one fits the other
words best. α under 1 keeps rare words from the top; only words with enough mutual information, the score at
α = 1, count as related. The best few are added with a small share of the weight of an original word.
"""

from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from enricher.decoding import check
from enricher.errors import UsageError
from enricher.model.arrays import FloatArray, IntArray
from enricher.model.related_table import RelatedTable, related_rows
from enricher.model.relatedness import cosines, mutual_information
from enricher.model.senses import group_labels
from enricher.model.word2vec import Word2Vec
from enricher.records import Candidate, CandidateLink, Query, QueryTerm
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
    found = _related(word2vec, table, query) if settings.terms else None
    if found is None:
        return query
    best = _best(word2vec, found, settings)
    most = max((total for _, total in best), default=np.float32(1))
    added = tuple(
        QueryTerm(
            term=word2vec.words[found.rows[place]],
            weight=round(settings.weight * float(total / most), 6),
            origin=ORIGIN,
            because=_reason(found.words, found.information[:, place]),
        )
        for place, total in best
    )
    return replace(query, terms=query.terms + added)


def candidates(
    word2vec: Word2Vec,
    table: RelatedTable | None,
    query: Query,
    settings: RelatednessExpansion,
    refused: str | None = None,
) -> list[Candidate]:
    """All words that `expand_by_relatedness` considers: first those that it adds, then by falling score.

    refused: why no word is added to this query, if that is so.
    """
    found = _related(word2vec, table, query)
    if found is None:
        return []
    added = [] if refused else [place for place, _ in _best(word2vec, found, settings)]
    totals, scores = _scores(word2vec, found, np.arange(len(found.rows), dtype=np.int32), settings)
    others = [int(place) for place in np.argsort(-scores, kind="stable") if place not in added]
    priors, near = word2vec.log_priors_of(found.rows), cosines(word2vec, found.typed, found.rows)

    def because(place: int) -> str:
        if place in added:
            return _reason(found.words, found.information[:, place])
        if found.is_present[place]:
            return "is in the query already"
        if not found.is_meant[place]:
            return "belongs to another sense of its query word"
        if totals[place] < settings.floor:
            return f"has too little mutual information with the query, less than {settings.floor:g}"
        return refused or f"{settings.terms} words are added, and others rank higher"

    def link(i: int, place: int) -> CandidateLink:
        information = float(found.information[i, place])
        probability = None if word2vec.tree is None else information + float(priors[place])
        return CandidateLink(found.words[i], probability, information, float(near[i, place]))

    return [
        Candidate(
            term=word2vec.words[found.rows[place]],
            origin=ORIGIN,
            added=place in added,
            because=because(place),
            score=float(scores[place]),
            information=float(totals[place]),
            log_prior=float(priors[place]),
            idf=float(word2vec.idf[found.rows[place]]),
            links=tuple(link(i, place) for i in range(len(found.words))),
        )
        for place in [*added, *others]
    ]


@dataclass(frozen=True, slots=True)
class _Related:
    """The m words related to the n known words of a query.

    typed, rows: rows of the model, (n,) and (m,). information: mutual information, (n, m). is_present: which
    are in the query, (m,). is_meant: which are of the sense that the query means, (m,).
    """

    words: list[str]
    typed: IntArray
    rows: IntArray
    information: FloatArray
    is_present: NDArray[np.bool_]
    is_meant: NDArray[np.bool_]


def _related(word2vec: Word2Vec, table: RelatedTable | None, query: Query) -> _Related | None:
    """The words related to those of a query; None if the model knows none of them."""
    known = [word for word in query.typed if is_content(word) and word in word2vec.index]
    if not known:
        return None
    typed = word2vec.rows(known)
    related = [related_rows(word2vec, table, int(row))[:MAX_CANDIDATES_PER_WORD] for row in typed]
    rows, places = np.unique(np.concatenate(related), return_inverse=True)
    information = mutual_information(word2vec, typed, rows)
    parts = np.split(places, np.cumsum([len(found) for found in related])[:-1])
    fits = information.sum(axis=0) - information
    meant = [
        part[_of_one_sense(word2vec, found, fits[i, part])] if len(typed) > 1 else part
        for i, (found, part) in enumerate(zip(related, parts, strict=True))
    ]
    is_meant = np.zeros(len(rows), bool)
    is_meant[np.concatenate(meant)] = True
    is_present = np.isin(rows, word2vec.rows([term.term for term in query.terms]))
    return _Related(known, typed, rows, information, is_present, is_meant)


def _best(
    word2vec: Word2Vec, found: _Related, settings: RelatednessExpansion
) -> list[tuple[int, np.float32]]:
    """The words that are added, best first: their places in `found`, and their mutual information."""
    chosen = np.flatnonzero(found.is_meant & ~found.is_present).astype(np.int32)
    total, scores = _scores(word2vec, found, chosen, settings)
    scores[total < settings.floor] = -np.inf
    order = np.argsort(-scores, kind="stable")[: settings.terms]
    return [(int(chosen[y]), total[y]) for y in order if np.isfinite(scores[y])]


def _scores(
    word2vec: Word2Vec, found: _Related, chosen: IntArray, settings: RelatednessExpansion
) -> tuple[FloatArray, FloatArray]:
    """The mutual information of chosen words with the whole query, and the scores by which they rank."""
    shares = word2vec.idf[found.typed] / word2vec.idf[found.typed].sum()
    total = shares @ found.information[:, chosen]
    return total, total + np.float32(1.0 - settings.alpha) * word2vec.log_priors_of(found.rows[chosen])


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
