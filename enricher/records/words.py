"""Answers of a model about words: keywords, neighbors, related words and senses."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keyword:
    """A keyword of a text and its score. The scale of the score depends on the method."""

    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A word that can replace another word, and the cosine of their input vectors."""

    word: str
    cosine: float


@dataclass(frozen=True, slots=True)
class RelatedWord:
    """A word y that occurs together with a word x.

    score = log_probability − alpha · log_prior, with log_probability = ln p(y|x) and log_prior = ln p(y);
    the shrinkage for rare words, if it is used, is subtracted too.
    """

    word: str
    score: float
    log_probability: float
    log_prior: float


@dataclass(frozen=True, slots=True)
class Sense:
    """A sense of a word: a group of its related words, best first.

    fit: how well the sense fits a context, in nats (larger is better); None if there was no context.
    """

    related: tuple[RelatedWord, ...]
    fit: float | None = None
