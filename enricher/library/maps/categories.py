"""Categories of items, from a table; and the groups by which a map is colored."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enricher.errors import SourceError
from enricher.library.maps.points import NO_CATEGORY

ITEM, CATEGORY = "item", "category"
MAX_GROUPS = 12
"""Maximum groups with a color of their own."""
OTHER = -1
"""The group of points without a category, or with a rare one."""


@dataclass(frozen=True, slots=True)
class Categories:
    """The category of each item. repeated: rows of an item that had one before; the first one counts."""

    of_item: dict[str, str]
    repeated: int

    def of(self, names: Sequence[str]) -> list[str]:
        """The category of each name, or NO_CATEGORY."""
        return [self.of_item.get(name, NO_CATEGORY) for name in names]

    def unknown(self, names: Sequence[str]) -> int:
        """How many items of the table are none of the names."""
        return len(self.of_item.keys() - set(names))


def read_categories(path: Path) -> Categories:
    """Read a table with the columns `item` and `category`: CSV, or with tabs if its name ends in .tsv.

    A row without an item or a category is passed over. Raises SourceError if the file is missing, is not
    UTF-8, or lacks a column.
    """
    found: dict[str, str] = {}
    repeated = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
            _check_columns(path, rows.fieldnames or [])
            for row in rows:
                item, category = (row[ITEM] or "").strip(), (row[CATEGORY] or "").strip()
                if not item or not category:
                    continue
                repeated += item in found
                found.setdefault(item, category)
    except UnicodeDecodeError as error:
        raise SourceError(f"The file of categories {str(path)!r} is not UTF-8.") from error
    except csv.Error as error:
        raise SourceError(f"The file of categories {str(path)!r} cannot be read: {error}.") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SourceError(f"The file of categories {str(path)!r} cannot be read: {reason}.") from error
    return Categories(found, repeated)


def _check_columns(path: Path, header: Sequence[str]) -> None:
    for name in (ITEM, CATEGORY):
        if name not in header:
            there = f"there: {', '.join(map(repr, header))}" if header else "it is empty"
            raise SourceError(
                f"The file of categories {str(path)!r} has no column {name!r} ({there}). Its first line must "
                f"name the columns: {ITEM},{CATEGORY}"
            )


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
