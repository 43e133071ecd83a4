"""Tables that a user writes by hand: CSV, or with tabs in a file `.tsv`, with a header."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from enricher.errors import SourceError


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
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    rows = csv.reader(text_of(path).splitlines(), strict=True, delimiter=delimiter)
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


def text_of(path: Path) -> str:
    """The text of a file in UTF-8. Raises SourceError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"{str(path)!r} is not UTF-8; save it as UTF-8.") from error
    except FileNotFoundError as error:
        raise SourceError(f"There is no file {str(path)!r}.") from error
    except OSError as error:
        raise SourceError(f"{str(path)!r} cannot be read: {error.strerror or error}.") from error


def _columns(
    path: Path, header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> dict[str, int]:
    """Where each column is. Raises SourceError if a required one is missing, or any is there twice."""
    for name in required:
        if name not in header:
            there = ", ".join(map(repr, header))
            raise SourceError(
                f"{str(path)!r} has no column {name!r} (there: {there}); its first line must name it."
            )
    names = [name for name in (*required, *optional) if name in header]
    for name in names:
        if header.count(name) > 1:
            raise SourceError(f"{str(path)!r} has {header.count(name)} columns {name!r}; keep one.")
    return {name: header.index(name) for name in names}
