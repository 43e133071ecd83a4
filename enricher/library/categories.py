"""Categories of items, from a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from enricher.library.tables import read_rows

NO_CATEGORY = ""


@dataclass(frozen=True, slots=True)
class Categories:
    """The category of each item. repeated: rows of an item that had one before; the first one counts."""

    of_item: dict[str, str]
    repeated: int

    def of(self, names: Sequence[str]) -> list[str]:
        """The category of each name, or NO_CATEGORY."""
        return [self.of_item.get(name, NO_CATEGORY) for name in names]

    def unknown(self, names: Sequence[str]) -> list[str]:
        """The items of the table that are none of the names."""
        known = set(names)
        return [item for item in self.of_item if item not in known]


def read_categories(path: Path) -> Categories:
    """Read a table with the columns `item` and `category`.

    A row without a category is passed over. Raises SourceError if the file is unreadable or lacks a column.
    """
    found: dict[str, str] = {}
    repeated = 0
    for _, row in read_rows(path, ("item", "category"), may_be_empty=("category",)):
        if row["category"]:
            repeated += row["item"] in found
            found.setdefault(row["item"], row["category"])
    return Categories(found, repeated)
