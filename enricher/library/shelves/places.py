"""Real places for items, with coordinates and capacity; the entrance is the origin."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enricher.errors import SourceError, UsageError
from enricher.library.shelves.geometry import closest_pair
from enricher.library.tables import read_rows

MAX_COORDINATE = 1e9
"""Larger coordinates are refused: squares of distances would lose their precision."""


@dataclass(frozen=True)
class Places:
    """Places in the order of their file, which is the order along the shelves.

    names: each once. xyz: float64 (P, 3), coordinates, the entrance at 0; z is 0 where the file has none.
    capacities: int64 (P,), how many items each holds. dimensions: 2, or 3 where the file has z.
    """

    names: Sequence[str]
    xyz: NDArray[np.float64]
    capacities: NDArray[np.int64]
    dimensions: int

    def __len__(self) -> int:
        return len(self.names)

    @property
    def room(self) -> int:
        """How many items all places hold."""
        return sum(self.capacities.tolist())


def read_places(path: Path) -> Places:
    """Read a table of places: `place,x,y`, and perhaps `z` and `capacity` (1 if omitted or empty).

    Raises SourceError if the file is unreadable, has no place, or has a row with a wrong value.
    """
    names: dict[str, str] = {}
    points: list[list[float]] = []
    capacities: list[int] = []
    dimensions = 2
    for where, row in read_rows(path, ("place", "x", "y"), ("z", "capacity")):
        name = row["place"]
        if name in names:
            raise SourceError(
                f"{where}: the place {name!r} is there twice, first at {names[name]}; rename one."
            )
        names[name] = where
        dimensions = 3 if "z" in row else 2
        points.append([_number(row.get(axis, "0"), axis, where) for axis in "xyz"])
        capacities.append(_capacity(row.get("capacity", ""), where))
    if not names:
        raise SourceError(f"There is no place in {str(path)!r}.")
    return Places(list(names), np.array(points), np.array(capacities, np.int64), dimensions)


def _number(text: str, column: str, where: str) -> float:
    """A coordinate. Raises SourceError if it is no number."""
    try:
        value = float(text) if "_" not in text else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SourceError(f"{where}: {column} must be a number, not {text!r}.")
    if abs(value) > MAX_COORDINATE:
        raise SourceError(f"{where}: {column} must be at most {MAX_COORDINATE:,.0f} in size, not {text}.")
    return value


def _capacity(text: str, where: str) -> int:
    """How many items a place holds. Raises SourceError unless it is a positive integer."""
    if not text:
        return 1
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 19 and int(text)):
        raise SourceError(f"{where}: capacity must be a positive integer, not {text!r}.")
    return int(text)


def check_distance(places: Places, least: float) -> None:
    """Raise UsageError if two places are nearer than `least`, in the unit of the coordinates."""
    if len(places) < 2:
        return
    first, second, distance = closest_pair(places.xyz)
    if distance < least:
        raise UsageError(
            f"The places {places.names[first]!r} and {places.names[second]!r} are {distance:g} apart, less "
            f"than the minimum distance {least:g}. Move one of them, or lower --min-distance."
        )
