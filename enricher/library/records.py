"""Records of use: which items one reader, session or list has together.

A file has a record a line, as JSON (`{"items": ["a", "b"], "weight": 2}`) or as items between spaces; or it
is a table (CSV, or with tabs) in which each row names a session and an item, as logs do. All records are in
memory as numbers: four bytes for an item of a record.
"""

import csv
import math
import sys
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enricher.errors import SourceError, UsageError
from enricher.files import user_path
from enricher.library.tables import check_column, delimiter_of
from enricher.lines import file_lines, stream_lines
from enricher.records import Rejection
from enricher.sources import JSON_KINDS, parse_json

STDIN = "-"
JSON_SUFFIXES, TABLE_SUFFIXES, LINE_SUFFIXES = (".jsonl", ".ndjson"), (".csv", ".tsv"), (".txt",)
MAX_FIELD_CHARACTERS = 1_000_000
"""Maximum length of a field of a table."""
MIN_WEIGHT, MAX_WEIGHT = 1e-6, 1e9
"""Weights beyond these are mistakes, and would not fit into counts."""
KEYS = frozenset({"items", "weight"})

OnRejection = Callable[[Rejection], None]


@dataclass(frozen=True)
class Records:
    """Records of use, as numbers.

    items: the names of the items, in the order in which they first occur. starts: int64 (R+1,), where the
    items of each record begin in `members`. members: int32, the items of all records, each once in a record
    and in the order of the record. weights: float64 (R,), how often each record counts.
    """

    items: Sequence[str]
    starts: NDArray[np.int64]
    members: NDArray[np.int32]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.weights)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """How many items each record has: int64 (R,)."""
        return np.diff(self.starts)

    @cached_property
    def item_weights(self) -> NDArray[np.float64]:
        """How often each item was used, the weights of its records summed: float64 (items,)."""
        each = np.repeat(self.weights, self.lengths)
        return np.bincount(self.members, each, minlength=len(self.items)).astype(np.float64)

    @property
    def singles(self) -> int:
        """How many records have one item, and so say nothing of what is used together."""
        return int((self.lengths == 1).sum())

    def some(self, chosen: NDArray[np.bool_]) -> "Records":
        """The records that are chosen, bool (R,). The items keep their numbers."""
        lengths = self.lengths[chosen]
        starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        return Records(
            self.items, starts, self.members[np.repeat(chosen, self.lengths)], self.weights[chosen]
        )


def records_of(lists: Iterable[Sequence[str]], weights: Iterable[float] | None = None) -> Records:
    """Records from lists of items in memory. weights: of each record; 1 without them."""
    builder = _Builder()
    given = iter(weights) if weights is not None else None
    for items in lists:
        builder.add(items, 1.0 if given is None else next(given))
    return builder.records()


def read_records(
    sources: Sequence[str],
    on_rejection: OnRejection,
    session_field: str = "session",
    item_field: str = "item",
) -> Records:
    """Read the records of files; `-` is standard input with JSON lines.

    on_rejection: is called for every line that is no record. session_field, item_field: the columns of a
    table. Raises SourceError if a file is missing or unreadable, or if no record is left; UsageError for a
    file of another kind.
    """
    if not sources:
        raise UsageError("Name at least one file of records.")
    for source in sources:
        _check_source(source)
    builder = _Builder()
    for source in sources:
        name = "Standard input" if source == STDIN else source
        try:
            if _is_table(source, (session_field, item_field)):
                _read_table(source, builder, on_rejection, session_field, item_field)
            else:
                _read_lines(source, builder, on_rejection)
        except OSError as error:
            raise SourceError(f"{name!r} cannot be read: {error.strerror or error}.") from error
    if not builder.weights:
        raise SourceError(f"There is no record in {', '.join(map(repr, sources))}.")
    return builder.records()


class _Builder:
    """Collects records as numbers."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.members, self.starts, self.weights = array("i"), array("q", [0]), array("d")

    def number(self, item: str) -> int:
        """The number of an item."""
        return self.numbers.setdefault(item, len(self.numbers))

    def add(self, items: Iterable[str], weight: float) -> None:
        """Add a record; an item that repeats counts once."""
        self.add_numbers(dict.fromkeys(map(self.number, items)), weight)

    def add_numbers(self, numbers: Iterable[int], weight: float) -> None:
        self.members.extend(numbers)
        self.starts.append(len(self.members))
        self.weights.append(weight)

    def records(self) -> Records:
        return Records(
            list(self.numbers),
            np.array(self.starts, np.int64),
            np.array(self.members, np.int32),
            np.array(self.weights, np.float64),
        )


def _suffix(source: str) -> str:
    """The suffix of a file name that says its kind, without `.gz`; JSON lines for standard input."""
    if source == STDIN:
        return JSON_SUFFIXES[0]
    name = source.lower().removesuffix(".gz")
    return Path(name).suffix


def _is_table(source: str, columns: Sequence[str]) -> bool:
    """Whether a file is a table: by its name, or as text whose first line names the columns between tabs."""
    suffix = _suffix(source)
    if suffix in LINE_SUFFIXES:
        first = next(_lines(source), b"").decode("utf-8", "replace")
        return set(columns) <= {name.strip() for name in first.split("\t")}
    return suffix in TABLE_SUFFIXES


def _check_source(source: str) -> None:
    """Raise SourceError if a file is missing, UsageError if its name does not say what it is."""
    if source == STDIN:
        return
    path = user_path(source)
    if path.is_dir():
        raise SourceError(f"{source!r} is a folder; name the files of records in it.")
    if not path.exists():
        raise SourceError(f"There is no file {source!r}.")
    if _suffix(source) not in JSON_SUFFIXES + TABLE_SUFFIXES + LINE_SUFFIXES:
        raise UsageError(
            f"The name of {source!r} does not say what it holds: JSON lines end in .jsonl or .ndjson, tables "
            "in .csv or .tsv, lines of items in .txt, each also with .gz."
        )


def _lines(source: str) -> Iterator[bytes]:
    if source == STDIN:
        return stream_lines(sys.stdin.buffer, "Standard input")
    return file_lines(user_path(source))


def _read_lines(source: str, builder: _Builder, on_rejection: OnRejection) -> None:
    """Read a file with a record a line."""
    is_json = _suffix(source) in JSON_SUFFIXES
    for number, line in enumerate(_lines(source), start=1):
        try:
            text = line.decode("utf-8")
            if not text.strip():
                continue
            items, weight = _record_of(text) if is_json else (_checked_items(text.split()), 1.0)
        except (ValueError, RecursionError) as error:
            reason = "The line is not UTF-8." if isinstance(error, UnicodeDecodeError) else str(error)
            shown = line.decode("utf-8", "backslashreplace")
            on_rejection(Rejection(f"{source}:{number}", reason, shown))
            continue
        builder.add(items, weight)


def _record_of(line: str) -> tuple[list[str], float]:
    """The items and the weight of a line of JSON. Raises ValueError with a sentence for the user."""
    value = parse_json(line)
    if isinstance(value, list):
        return _checked_items(value), 1.0
    if not isinstance(value, dict):
        raise ValueError(f"The line is {JSON_KINDS[type(value)]}, not a record.")
    if "items" not in value:
        raise ValueError("The record has no 'items'.")
    if not isinstance(value["items"], list):
        raise ValueError(f"'items' is {JSON_KINDS[type(value['items'])]}, not an array.")
    return _checked_items(value["items"]), _weight_of(value.get("weight", 1))


def _checked_items(values: Sequence[object]) -> list[str]:
    """The names of items. Raises ValueError with a sentence for the user."""
    if not values:
        raise ValueError("The record has no item.")
    return [_item_of(value) for value in values]


def _item_of(value: object) -> str:
    if isinstance(value, float):
        raise ValueError(f"An item is the number {value:g}; write it as a string, or as a shorter integer.")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError(f"An item is {JSON_KINDS[type(value)]}, neither a string nor an integer.")
    if not (name := str(value).strip()):
        raise ValueError("An item has an empty name.")
    return name


def _weight_of(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"The weight is {JSON_KINDS[type(value)]}, not a number.")
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"The weight must be a number over 0, not {value}.")
    if not MIN_WEIGHT <= value <= MAX_WEIGHT:
        raise ValueError(f"The weight must be from {MIN_WEIGHT:g} to {MAX_WEIGHT:g}, not {value:g}.")
    return float(value)


def _read_table(
    source: str, builder: _Builder, on_rejection: OnRejection, session_field: str, item_field: str
) -> None:
    """Read a table with a session and an item in each row; the rows of a session need not be adjacent."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    lines = _decoded(source, on_rejection)
    first = next(lines, "")
    if not first.strip():
        return
    delimiter = delimiter_of(first, (session_field, item_field))
    rows = csv.reader(chain([first], lines), delimiter=delimiter)
    header = [name.strip() for name in next(rows)]
    for name in (session_field, item_field):
        check_column(name, header, source, "name the columns with --session-field and --item-field")
    session_at, item_at = header.index(session_field), header.index(item_field)
    sessions: dict[str, dict[int, None]] = {}
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            on_rejection(Rejection(f"{source}:{rows.line_num}", f"The row cannot be read: {error}.", ""))
            continue
        if row is None:
            break
        if not any(row):
            continue
        values = [row[at].strip() if at < len(row) else "" for at in (session_at, item_at)]
        if not all(values):
            missing = session_field if not values[0] else item_field
            reason = f"The row has no {missing}."
            on_rejection(Rejection(f"{source}:{rows.line_num}", reason, delimiter.join(row)))
            continue
        sessions.setdefault(values[0], {})[builder.number(values[1])] = None
    for members in sessions.values():
        builder.add_numbers(members, 1.0)


def _decoded(source: str, on_rejection: OnRejection) -> Iterator[str]:
    """The lines of a table as text. A line that is not UTF-8 is rejected."""
    for number, line in enumerate(_lines(source), start=1):
        try:
            yield line.decode("utf-8")
        except UnicodeDecodeError:
            shown = line.decode("utf-8", "backslashreplace")
            on_rejection(Rejection(f"{source}:{number}", "The line is not UTF-8.", shown))
