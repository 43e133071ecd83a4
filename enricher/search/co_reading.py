"""Order the hits of a search anew by what is used together with the best of them.

The items of a library are documents here, by their ids. For each of the WINDOW best hits y

    score = (1 − a − k) · s(y)/s(first) + Σ w(x) · [a · min(1, PMI(x, y)⁺ / NATS) + k · cos(x, y)⁺]

x runs over those of the CONTEXT_HITS best hits that the library knows, without y, and w(x) are their scores,
scaled to sum to 1. a and k are the shares of what is read together and of what is alike. Hits after the
window keep their order and stand below it. Documents that the search does not find are not added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from enricher.errors import UsageError
from enricher.library.library import Library
from enricher.model.arrays import DoubleArray
from enricher.records import Hit

WINDOW = 100
CONTEXT_HITS = 5
NATS = 8.0
"""Mutual information from which on two items belong together as much as can be."""


@dataclass(frozen=True, slots=True)
class CoReading:
    """The shares of what is read together and of what is alike in the score of a hit, from 0 to 1 together.

    Raises UsageError for other values.
    """

    also_read: float = 0.0
    alike: float = 0.0

    def __post_init__(self) -> None:
        total = self.also_read + self.alike
        if not (self.also_read >= 0 and self.alike >= 0 and total <= 1):
            raise UsageError(
                "--also-read and --alike are shares of the score, each 0 or more and together at most 1, "
                f"not {self.also_read:g} and {self.alike:g}."
            )

    def __bool__(self) -> bool:
        return self.also_read > 0 or self.alike > 0


def reorder(hits: Sequence[Hit], library: Library, shares: CoReading) -> tuple[list[Hit], int]:
    """All hits in their new order, and how many of the WINDOW best ones the library knows.

    hits: best first. New scores fall from at most 1; if no hit is known, order and scores stay.
    """
    window, later = hits[:WINDOW], hits[WINDOW:]
    rows = [library.word2vec.find(hit.id) for hit in window]
    known = sum(row is not None for row in rows)
    if not known:
        return list(hits), 0
    first = max(hit.score for hit in hits) or 1.0
    scores = np.array([hit.score for hit in window]) / first
    kept = 1 - shares.also_read - shares.alike
    mixed = kept * scores + _support(rows, scores, library, shares)
    order = np.argsort(-mixed, kind="stable")
    found = [replace(window[n], score=float(mixed[n])) for n in order.tolist()]
    return found + [replace(hit, score=kept * hit.score / first) for hit in later], known


def _support(
    rows: Sequence[int | None], scores: DoubleArray, library: Library, shares: CoReading
) -> DoubleArray:
    """What the best hits add to the score of each hit, float64 (n,). rows: of the hits in the library."""
    found = np.zeros(len(rows))
    known = [n for n, row in enumerate(rows) if row is not None]
    context = [n for n in known if n < CONTEXT_HITS]
    if not context:
        return found
    xs, ys = (np.array([rows[n] for n in chosen], np.int32) for chosen in (context, known))
    weights = scores[context] / max(float(scores[context].sum()), 1e-9)
    weights = np.where(xs[:, np.newaxis] == ys, 0.0, weights[:, np.newaxis])
    together = np.clip(library.mutual_information(xs, ys) / NATS, 0, 1)
    alike = np.clip(library.cosines(xs, ys), 0, 1)
    found[known] = (weights * (shares.also_read * together + shares.alike * alike)).sum(axis=0)
    return found
