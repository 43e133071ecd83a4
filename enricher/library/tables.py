"""Tables that a user writes by hand or saves from a spreadsheet, with a header.

Columns are between commas, semicolons or tabs: whichever gives the columns that are needed.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from enricher.errors import SourceError
from enricher.lines import read_text

DELIMITERS = (",", ";", "\t")


def read_rows(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str] = (),
    may_be_empty: Sequence[str] = (),
) -> Iterator[tuple[str, dict[str, str]]]:
    """The rows of a table: where each is (`file:line`), and its values by column, without outer blanks.

    An optional column that the table lacks is no key of the row. Other columns are passed over, and so are
    empty rows. may_be_empty: required columns that need no value. Raises SourceError if the file is
    unreadable, a required column is missing or there twice, or a required value is empty.
    """
    lines = text_of(path).splitlines()
    delimiter = delimiter_of(lines[0] if lines else "", required)
    rows = csv.reader(lines, strict=True, delimiter=delimiter)
    try:
        header = [name.strip() for name in next(rows, [])]
        if not header:
            raise SourceError(f"{str(path)!r} is empty; its first line must be {','.join(required)}.")
        columns = _columns(path, header, required, optional)
        for row in rows:
            if not any(map(str.strip, row)):
                continue
            where = f"{path}:{rows.line_num}"
            values = {name: row[at].strip() if at < len(row) else "" for name, at in columns.items()}
            for name in required:
                if not values[name] and name not in may_be_empty:
                    raise SourceError(f"{where}: the row has no {name}.")
            yield where, values
    except csv.Error as error:
        raise SourceError(f"{path}:{rows.line_num}: the row cannot be read: {error}.") from error


def delimiter_of(header: str, required: Sequence[str]) -> str:
    """What separates the columns of a table: a comma, unless only another mark gives the required ones."""
    for mark in DELIMITERS:
        names = {name.strip() for name in next(csv.reader([header], delimiter=mark), [])}
        if set(required) <= names:
            return mark
    return DELIMITERS[0]


def text_of(path: Path) -> str:
    """The text of a file in UTF-8, or UTF-16 with a mark. Raises SourceError if it cannot be read."""
    try:
        return read_text(path)
    except FileNotFoundError as error:
        raise SourceError(f"There is no file {str(path)!r}.") from error
    except OSError as error:
        raise SourceError(f"{str(path)!r} cannot be read: {error.strerror or error}.") from error


def check_column(name: str, header: Sequence[str], source: str, way_out: str) -> None:
    """Raise SourceError unless a table has one column of this name. way_out: what to do if it has none."""
    if name not in header:
        there = ", ".join(map(repr, header))
        raise SourceError(f"{source!r} has no column {name!r} (there: {there}); {way_out}.")
    if header.count(name) > 1:
        raise SourceError(f"{source!r} has {header.count(name)} columns {name!r}; keep one.")


def _columns(
    path: Path, header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> dict[str, int]:
    """Where each column is. Raises SourceError if a required one is missing, or any is there twice."""
    names = [*required, *(name for name in optional if name in header)]
    for name in names:
        check_column(name, header, str(path), "its first line must name it")
    return {name: header.index(name) for name in names}
