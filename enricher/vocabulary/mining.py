"""Mine the terms of a domain from its documents, against a background.

The texts are cut into words and kept as numbers in files, so that the memory does not grow with them. A run
that was killed finds its words again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enricher.errors import SourceError, TrainingFailed
from enricher.text import normalize
from enricher.text.dictionary import dictionary
from enricher.text.scripts import HAN_RUN, language_of
from enricher.vocabulary.candidates import (
    MAX_TERM_WORDS,
    Candidates,
    accepted,
    candidates_of,
    is_inner,
    min_count_of,
)
from enricher.vocabulary.corpus import MiningCorpus, Note, Progress, Read
from enricher.vocabulary.examples import examples_of
from enricher.vocabulary.nearness import TermVectors, learn_vectors
from enricher.vocabulary.ngram_counting import count_ngrams
from enricher.vocabulary.ngrams import NgramTable
from enricher.vocabulary.ranking import Background, Ranked, Seeds, rank
from enricher.vocabulary.review_file import Candidate, ReviewFile
from enricher.vocabulary.rules import Rules
from enricher.vocabulary.token_stream import PART_TOKENS, TokenStream, Vocabulary

COLUMNS = (
    "score", "count", "background", "contrast", "cohesion", "boundary_entropy", "isolated", "nearest",
    "example_1", "example_2",
)  # fmt: skip
LANGUAGE_WORDS = 2_000
MAX_NGRAMS = 500_000
"""Frequent sequences of one length that are considered: with their strings about 150 MB."""
SEED = "seed"
LATIN_SHARE = 0.1
"""In Chinese texts, terms without a Han character come after the others, at most this share of the rows."""


@dataclass(frozen=True, slots=True)
class MiningRequest:
    """What is mined.

    fields: of the documents. seeds, negative: words that are central to the domain, and words of what it is
    not. limit: rows of the result. workers: processes that segment, and threads that learn.
    """

    fields: tuple[str, ...]
    seeds: tuple[str, ...] = ()
    negative: tuple[str, ...] = ()
    rules: Rules = field(default_factory=Rules)
    limit: int = 5_000
    workers: int = 1
    seed: int = 1


def mine(
    read: Read,
    backgrounds: Sequence[Read],
    request: MiningRequest,
    folder: Path,
    key: str,
    progress: Progress = lambda *_: None,
    note: Note = lambda sentence: None,
    on_words: Callable[[], None] = lambda: None,
) -> ReviewFile:
    """The candidates of a domain, best first.

    read, backgrounds: open the documents of the domain and of each background. The domain is read twice, the
    second time for examples. folder: for files, kept if this is killed. key: of all that is read; a folder
    that was begun with another key is begun anew. on_words: is called when all texts are cut. Raises
    SourceError if there is no text.
    """
    corpus = MiningCorpus(folder, key, request.fields, request.workers, progress)
    vocabulary, domain, others = corpus.tokens(read, backgrounds, note)
    on_words()
    words = vocabulary.words
    if not domain.number:
        raise SourceError("The documents of the domain hold no text to mine.")
    inner, least = is_inner(words), min_count_of(domain.number)
    table = count_ngrams(
        domain, len(words), MAX_TERM_WORDS, max(min(least, 5), least // 4), folder,
        is_boundary=~inner, is_inner=inner, most=MAX_NGRAMS, progress=progress,
    )  # fmt: skip
    background, counts = _background(table, others, vocabulary, progress)
    every = candidates_of(table, counts, words)
    chosen = _chosen(every, words, request, least)
    found = every.part(chosen)
    progress("learning vectors", 0, 0)
    vectors: TermVectors | None = None
    try:
        vectors = learn_vectors(domain, others, table, every, chosen, folder, request.workers, request.seed)
    except TrainingFailed as error:
        note(f"No vectors could be learned: {error} Candidates are ranked by counts alone.")
    seeds = _seeds(found, vectors, request, note)
    ranked = [
        rank(found.part(group), vectors and vectors.part(group), words, domain.number, background, seeds)
        for group in _groups(found, words)
    ]
    rows = _first_rows(ranked, request.limit)
    places = {id(one): examples_of(one.found, chosen, domain, read(), request.fields) for one, chosen in rows}
    return ReviewFile([_row(one, at, places[id(one)][at]) for one, chosen in rows for at in chosen], COLUMNS)


def _chosen(every: Candidates, words: Sequence[str], request: MiningRequest, least: int) -> NDArray[np.int64]:
    """The rows of the accepted candidates, and of the seeds."""
    named = {normalize(word) for word in (*request.seeds, *request.negative)}
    good = set(accepted(every, words, request.rules, least).terms.tolist())
    terms = every.terms.tolist()
    return np.array([row for row, term in enumerate(terms) if term in good or term in named], np.int64)


def _background(
    table: NgramTable, others: Sequence[TokenStream], vocabulary: Vocabulary, progress: Progress
) -> tuple[Background, list[NDArray[np.int64]]]:
    """The background, and the counts of the n-grams in it; the dictionary's frequencies if there is none."""
    size = len(vocabulary)
    if not others:
        known = dictionary()
        words = np.array([known.frequencies.get(word, 0) for word in vocabulary.words], np.int64)
        counts = [np.zeros(len(level), np.int64) for level in table.levels]
        counts[0] = words[table.levels[0].lasts]
        return Background(known.total, words), counts
    words = np.zeros(size, np.int64)
    counts = [np.zeros(len(level), np.int64) for level in table.levels]
    for stream in others:
        for _, tokens in stream.parts(PART_TOKENS):
            words += np.bincount(tokens[tokens >= 0], minlength=size)
        counts = [one + more for one, more in zip(counts, table.counts_in(stream, progress), strict=True)]
    return Background(int(words.sum()), words), counts


def _seeds(
    found: Candidates, vectors: TermVectors | None, request: MiningRequest, note: Note
) -> Seeds | None:
    """The seeds among the candidates, and the negative words, with their vectors; None if there are none."""
    if vectors is None:
        return None
    rows = {term: row for row, term in enumerate(found.terms.tolist())}
    words, negative = (
        _known(given, rows, kind, note)
        for given, kind in ((request.seeds, SEED), (request.negative, "negative word"))
    )
    if not words and not negative:
        return None
    chosen, others = (np.array([rows[word] for word in some], np.int64) for some in (words, negative))
    return Seeds(tuple(words), vectors.part(chosen), vectors.part(others) if negative else None)


def _known(words: Sequence[str], rows: Mapping[str, int], kind: str, note: Note) -> list[str]:
    """The words that are candidates; those that are not are noted."""
    names = list(dict.fromkeys(normalize(word) for word in words))
    absent = [word for word in names if word not in rows]
    if absent:
        shown = ", ".join(absent[:10]) + ", …" * (len(absent) > 10)
        note(f"{len(absent)} of {len(names)} {kind}s do not occur often enough as terms: {shown}.")
        if len(absent) == len(names) and kind == SEED:
            note("Without seeds, the words that the background lacks most take their place.")
    return [word for word in names if word in rows]


def _groups(found: Candidates, words: Sequence[str]) -> list[NDArray[np.bool_]]:
    """The candidates that are ranked together. In Chinese texts, those without a Han character are others."""
    if language_of(words[:LANGUAGE_WORDS]) != "zh":
        return [np.ones(len(found), np.bool_)]
    is_han = np.array([HAN_RUN.search(term) is not None for term in found.terms.tolist()], np.bool_)
    return [is_han, ~is_han]


def _first_rows(ranked: Sequence[Ranked], limit: int) -> list[tuple[Ranked, list[int]]]:
    """The rows of the result: of every group the first ones, the second group after the first one."""
    if len(ranked) == 1:
        return [(ranked[0], ranked[0].order[:limit].tolist())]
    main, other = ranked
    few = other.order[: int(limit * LATIN_SHARE)].tolist()
    return [(main, main.order[: limit - len(few)].tolist()), (other, few)]


def _row(ranked: Ranked, at: int, examples: Sequence[str]) -> Candidate:
    """The row of a candidate, with all that speaks for it."""
    found = ranked.found
    near = "{} {:.2f}".format(*ranked.nearest[at]) if ranked.nearest else ""
    cohesion = float(found.cohesion[at])
    values = (
        f"{ranked.scores[at]:.3f}", str(found.counts[at]), str(found.background[at]),
        f"{ranked.contrast[at]:.2f}", f"{cohesion:.2f}" if np.isfinite(cohesion) else "",
        f"{found.boundary_entropy[at]:.2f}", str(found.isolated[at]), near, *examples[:2],
    )  # fmt: skip
    return Candidate(str(found.terms[at]), evidence=dict(zip(COLUMNS, values, strict=False)))
