"""What a model says of words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Keyword:
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Neighbor:
    """A word that can replace another: cosine of the input vectors."""

    word: str
    cosine: float


@dataclass(frozen=True, slots=True)
class RelatedWord:
    """A word that occurs with another: score = log_probability − alpha · log_prior."""

    word: str
    score: float
    log_probability: float
    log_prior: float


@dataclass(frozen=True, slots=True)
class Sense:
    """A group of words related to one, best first; `fit` says how well it fits a context, in nats, the more
    the better, and is None without one.
    """

    related: tuple[RelatedWord, ...]
    fit: float | None = None
