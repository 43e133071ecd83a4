"""Rank candidates by how typical they are of the subject.

    score = nearness + .7 z(contrast) + .8 z(ln(1 + isolated)) − 1.2 z(generality) − .5 · extra characters

    contrast      ln((c + 1)/N) − ln((b + 1)/M), clipped to [−2, 4]: c of N words in the domain, b of M in the
                  background
    isolated      occurrences between punctuation or stop words on both sides
    generality    the mean ln rate in the background of the first and the last word: high for phrases that are
                  made of general words (提高性能, 相关文档)
    extra         characters after the fourth of a Chinese term, words after the third of another

z is standardised over the candidates. Without seeds, the PSEUDO_SEEDS best by contrast, generality, extra and
ln c take their place, and nearness counts half. docs/vocabulary.md has what the constants were measured by.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enricher.model.arrays import DoubleArray
from enricher.text.scripts import HAN_RUN
from enricher.vocabulary.candidates import Candidates
from enricher.vocabulary.nearness import TermVectors, standardised

CONTRAST, ISOLATED, GENERALITY, EXTRA = 0.7, 0.8, 1.2, 0.5
MIN_CONTRAST, MAX_CONTRAST = -2.0, 4.0
USUAL_CHARACTERS, USUAL_WORDS = 4, 3
RARE_RATE = -12.0
"""The ln rate of a single Han character: as a part of a term it says nothing of generality."""
PSEUDO_SEEDS = 200
PSEUDO_WEIGHT = 0.5
NEGATIVE_WEIGHT = 0.5
"""Weight of the nearness to negative seeds."""


@dataclass(frozen=True, slots=True)
class Background:
    """The background: its number of words, and how often each word of the vocabulary occurs there."""

    tokens: int
    words: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Seeds:
    """Words that stand for the domain, and words of what it is not, with their vectors.

    words: none if only negative words are known; then the contrast provides the others.
    """

    words: tuple[str, ...]
    vectors: TermVectors
    negative: TermVectors | None = None


@dataclass(frozen=True, slots=True)
class Ranked:
    """K candidates with their scores.

    order: int64 (K,), their places, best first. scores, contrast: float64 (K,); the contrast is not clipped.
    nearest: the nearest seed of each with its cosine; empty if there are no vectors.
    """

    found: Candidates
    order: NDArray[np.int64]
    scores: DoubleArray
    contrast: DoubleArray
    nearest: list[tuple[str, float]]


def contrast_of(found: Candidates, tokens: int, background: Background) -> DoubleArray:
    """The log ratio of the rates in the domain and in the background, float64 (K,)."""
    domain = np.log((found.counts + 1) / max(1, tokens))
    return np.asarray(domain - np.log((found.background + 1) / max(1, background.tokens)))


def generality_of(found: Candidates, words: Sequence[str], background: Background) -> DoubleArray:
    """The mean ln rate in the background of the first and the last word, float64 (K,).

    In a Chinese term, words of other letters count as RARE_RATE too: they are names.
    """
    rates = np.log((background.words + 1) / max(1, background.tokens))
    are_chinese = len(found) > 0 and HAN_RUN.search(found.terms[0]) is not None
    rates[[_says_nothing(word, are_chinese) for word in words]] = RARE_RATE
    firsts, lasts = found.sequences[:, 0], found.sequences[np.arange(len(found)), found.lengths - 1]
    return np.asarray((rates[firsts] + rates[lasts]) / 2)


def _says_nothing(word: str, of_chinese: bool) -> bool:
    return len(word) < 2 if HAN_RUN.search(word) else of_chinese


def _extra(found: Candidates) -> DoubleArray:
    return np.array(
        [
            max(0, len(term) - USUAL_CHARACTERS)
            if HAN_RUN.search(term)
            else max(0, term.count(" ") + 1 - USUAL_WORDS)
            for term in found.terms.tolist()
        ],
        np.float64,
    )


def rank(
    found: Candidates,
    vectors: TermVectors | None,
    words: Sequence[str],
    tokens: int,
    background: Background,
    seeds: Seeds | None,
) -> Ranked:
    """Rank K candidates of one script.

    vectors: of the candidates; None if nothing could be learned. words: the vocabulary. tokens: of the
    domain. seeds: None for those that the contrast provides.
    """
    contrast = contrast_of(found, tokens, background)
    clipped = standardised(np.clip(contrast, MIN_CONTRAST, MAX_CONTRAST))
    generality, extra = standardised(generality_of(found, words, background)), _extra(found)
    scores = CONTRAST * clipped + ISOLATED * standardised(np.log1p(found.isolated))
    scores = scores - GENERALITY * generality - EXTRA * extra
    nearest: list[tuple[str, float]] = []
    if vectors is not None and len(found):
        weight, negative = 1.0, None if seeds is None else seeds.negative
        if seeds is None or not seeds.words:
            counts = standardised(np.log(np.maximum(found.counts, 1)))
            typical = clipped + GENERALITY * (counts - generality) - EXTRA * extra
            chosen = np.argsort(-typical, kind="stable")[:PSEUDO_SEEDS]
            seeds, weight = Seeds(tuple(found.terms[chosen].tolist()), vectors.part(chosen)), PSEUDO_WEIGHT
        scores = scores + weight * vectors.nearness(seeds.vectors)
        if negative is not None:
            scores = scores - NEGATIVE_WEIGHT * vectors.nearness(negative)
        cosines = vectors.cosines(seeds.vectors)
        best = np.argmax(cosines, axis=1).tolist()
        nearest = [(seeds.words[seed], float(row[seed])) for seed, row in zip(best, cosines, strict=True)]
    return Ranked(found, np.argsort(-scores, kind="stable"), scores, contrast, nearest)
