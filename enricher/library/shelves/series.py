"""Series: items that must stand next to one another, in their order."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from enricher.errors import SourceError
from enricher.library.tables import read_rows, text_of

TABLE_SUFFIX = ".csv"


@dataclass(frozen=True)
class Series:
    """A series: its name, and its items in the order in which they stand."""

    name: str
    items: Sequence[str]


def read_series(path: Path) -> list[Series]:
    """Read series: a CSV file with the columns `series,item`, or a series a line with tabs between items.

    A series of a line has the number of its line as its name. Raises SourceError if the file is unreadable,
    or if an item is there twice.
    """
    if path.suffix.lower() == TABLE_SUFFIX:
        pairs = [(where, row["series"], row["item"]) for where, row in read_rows(path, ("series", "item"))]
    else:
        pairs = [
            (f"{path}:{number}", f"line {number}", item.strip())
            for number, line in enumerate(text_of(path).splitlines(), start=1)
            for item in line.split("\t")
            if item.strip()
        ]
    found: dict[str, list[str]] = {}
    seen: dict[str, str] = {}
    for where, name, item in pairs:
        if item in seen:
            raise SourceError(
                f"{where}: the item {item!r} is in a series already, at {seen[item]}; keep it in one."
            )
        seen[item] = where
        found.setdefault(name, []).append(item)
    return [Series(name, items) for name, items in found.items()]


def unknown_items(names: Iterable[str], known: Collection[str]) -> list[str]:
    """The names that are no known item."""
    return [name for name in names if name not in known]


def known_series(series: Sequence[Series], known: Collection[str]) -> list[Series]:
    """The series with their known items alone; a series that has none is omitted."""
    kept = [Series(one.name, [item for item in one.items if item in known]) for one in series]
    return [one for one in kept if one.items]
