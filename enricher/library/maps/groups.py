"""The groups by which a map is colored: its most frequent categories."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from enricher.library.categories import NO_CATEGORY

MAX_GROUPS = 12
"""Maximum groups with a color of their own."""
OTHER = -1
"""The group of points without a category, or with a rare one."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a legend, the largest first. of_point: int16 (n,), the group of each point, or OTHER."""

    names: tuple[str, ...]
    of_point: NDArray[np.int16]


def groups_of(categories: Sequence[str]) -> Groups:
    """The MAX_GROUPS most frequent categories as groups; all other points are in OTHER."""
    counts = Counter(one for one in categories if one != NO_CATEGORY)
    names = sorted(counts, key=lambda name: (-counts[name], name))[:MAX_GROUPS]
    numbers = {name: number for number, name in enumerate(names)}
    return Groups(tuple(names), np.array([numbers.get(one, OTHER) for one in categories], np.int16))
