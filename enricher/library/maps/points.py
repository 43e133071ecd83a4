"""The points of a map before they have a place: names, weights, and what says which are alike."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from enricher.errors import ModelError, UsageError
from enricher.library.pairs import Pairs
from enricher.model.arrays import FloatArray
from enricher.sentences import counted

T = TypeVar("T")
Kind = Literal["items", "documents", "words"]
MIN_POINTS = 4
SMALLEST_LENGTH = 1e-9
"""A vector that is shorter says nothing."""


@dataclass(frozen=True)
class Points:
    """The n points of a map, the heaviest first.

    names: shown; they may repeat. weights: float64 (n,), how often each was used, or 1. vectors: float32
    (n, d), unit vectors; else pairs: how often two are used together. details: more to show of each, such as
    the id of a document; may be empty. categories: of each, or NO_CATEGORY; empty without categories.
    terms: keywords of each, for the labels of regions; may be empty. left_out: how many more were given, but
    say nothing of what they are near to. passed_over: how many more were over the limit.
    """

    kind: Kind
    names: Sequence[str]
    weights: NDArray[np.float64]
    vectors: FloatArray | None = None
    pairs: Pairs | None = None
    details: Sequence[str] = ()
    categories: Sequence[str] = ()
    terms: Sequence[Sequence[str]] = field(default=(), repr=False)
    left_out: int = 0
    passed_over: int = 0

    def __len__(self) -> int:
        return len(self.names)

    @property
    def has_categories(self) -> bool:
        """Whether a point has a category."""
        return any(self.categories)

    def with_categories(self, categories: Sequence[str]) -> "Points":
        """The points with the category of each, n."""
        return replace(self, categories=categories)


def points_of_vectors(
    kind: Kind,
    names: Sequence[str],
    weights: NDArray[Any],
    vectors: FloatArray,
    limit: int | None = None,
    details: Sequence[str] = (),
    categories: Sequence[str] = (),
    terms: Sequence[Sequence[str]] = (),
) -> Points:
    """Points that are alike if the cosine of their vectors is large: at most `limit`, the heaviest.

    vectors: float (n, d). A vector of length 0 is left out. details, categories, terms: see `Points`; of each
    point, or empty. Raises ModelError if vectors contain NaN or infinity; UsageError if fewer than MIN_POINTS
    are left.
    """
    heavy = np.asarray(weights, np.float64)
    order = np.argsort(-heavy, kind="stable")[:limit]
    chosen = np.asarray(vectors, np.float32)[order]
    finite = np.isfinite(chosen).all(axis=1)
    if not finite.all():
        bad = order[~finite]
        raise ModelError(
            f"The vectors of {len(bad):,} of {counted(len(order), 'point')} contain NaN or infinity; the "
            f"first is that of {names[bad[0]]!r}. Train the model again."
        )
    lengths = np.linalg.norm(chosen, axis=1)
    kept = lengths > SMALLEST_LENGTH
    order, unit = order[kept], (chosen[kept] / lengths[kept, None]).astype(np.float32)
    _check_number(len(order), kind, "a vector")
    return Points(
        kind,
        _taken(names, order),
        heavy[order],
        vectors=unit,
        details=_taken(details, order),
        categories=_taken(categories, order),
        terms=_taken(terms, order),
        left_out=int((~kept).sum()),
        passed_over=len(names) - len(kept),
    )


def points_of_pairs(
    names: Sequence[str],
    weights: NDArray[np.float64],
    pairs: Pairs,
    limit: int | None = None,
) -> Points:
    """Items that are alike if they are often used together: at most `limit`, the most used.

    names, weights: of all items, in the order of their numbers in `pairs`. Items that are used with no other
    item of the map are left out. Raises UsageError if fewer than MIN_POINTS are left.
    """
    heaviest = np.argsort(-np.asarray(weights, np.float64), kind="stable")[:limit]
    numbers = np.full(pairs.size, -1, np.int64)
    numbers[heaviest] = np.arange(len(heaviest))
    first, second = numbers[pairs.first], numbers[pairs.second]
    inside = (first >= 0) & (second >= 0)
    has_partner = np.zeros(len(heaviest), bool)
    has_partner[first[inside]] = has_partner[second[inside]] = True
    chosen = heaviest[has_partner]
    _check_number(len(chosen), "items", "another item that they are used with")
    numbers[:] = -1
    numbers[chosen] = np.arange(len(chosen))
    ends = np.sort(np.stack([numbers[pairs.first[inside]], numbers[pairs.second[inside]]]), axis=0)
    shares = pairs.shares[inside]
    kept = Pairs(
        len(chosen), ends[0].astype(np.int32), ends[1].astype(np.int32), shares / max(shares.sum(), 1e-300)
    )
    return Points(
        "items",
        _taken(names, chosen),
        np.asarray(weights, np.float64)[chosen],
        pairs=kept,
        left_out=len(heaviest) - len(chosen),
        passed_over=len(names) - len(heaviest),
    )


def _taken(values: Sequence[T], rows: NDArray[np.int64]) -> list[T]:
    """The values of some rows; none if there are no values."""
    return [values[row] for row in rows.tolist()] if len(values) else []


def _check_number(number: int, kind: Kind, need: str) -> None:
    if number < MIN_POINTS:
        raise UsageError(
            f"A map needs at least {MIN_POINTS} {kind} with {need}, and there are {number}. Give more {kind}."
        )
