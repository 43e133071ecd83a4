"""Printing: results to stdout, progress and messages to stderr."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from enricher.records import Rejection

SHOWN_REJECTIONS = 10


def say(message: str) -> None:
    """A sentence to the user, on stderr."""
    print(printable(message), file=sys.stderr)


def counted(number: int, noun: str) -> str:
    """A number and its noun: 1 document, 2,000 documents."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """The text without lone surrogates, which no terminal can print."""
    return text.encode("utf-8", "replace").decode("utf-8")


def print_json(value: object) -> None:
    """One JSON document on a line of stdout."""
    print(json_line(value), flush=True)


def json_line(value: object) -> str:
    """The value as JSON on one line; a lone surrogate becomes a question mark."""
    return printable(json.dumps(value, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], title: str | None = None) -> None:
    """A table whose columns are aligned also where characters are wide; numbers to the right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    filled = [[_cell(value) for value in row] for row in rows]
    for number, name in enumerate(columns):
        numeric = bool(filled) and all(_is_number(row[number]) for row in filled)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in filled:
        table.add_row(*row)
    console().print(table)


def console() -> Console:
    """A console on the present stdout, wide enough that a pipe cuts nothing."""
    terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout, width=None if terminal else 200, highlight=False, markup=False, emoji=False
    )


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else printable(str(value))


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).isdigit()


@contextmanager
def progress_display(quiet: bool = False) -> Iterator["ProgressDisplay"]:
    """Progress on stderr: bars on a terminal, a line for each step elsewhere."""
    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=quiet or not sys.stderr.isatty(),
    )
    with bars:
        yield ProgressDisplay(bars, quiet)


class ProgressDisplay:
    """Takes `(step, done, total)`; a total of 0 is not known."""

    def __init__(self, bars: Progress, quiet: bool) -> None:
        self._bars = bars
        self._quiet = quiet
        self._tasks: dict[str, object] = {}
        self._last = time.monotonic()

    def __call__(self, step: str, done: int, total: int) -> None:
        if not self._bars.disable:
            if step not in self._tasks:
                self._tasks[step] = self._bars.add_task(step, total=total or None)
            self._bars.update(self._tasks[step], completed=done, total=total or None)  # type: ignore[arg-type]
        elif not self._quiet and (step not in self._tasks or time.monotonic() - self._last > 10):
            self._tasks[step] = None
            self._last = time.monotonic()
            say(f"{step}{f' {done}' if done else ''}{f' of {total}' if total else ''} …")


class Rejects:
    """Says what could not be used, and keeps it in a file of JSON lines where one is named."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def __call__(self, rejection: Rejection) -> None:
        """Take one; the first few are said in full."""
        self.count += 1
        if self.count <= SHOWN_REJECTIONS:
            say(f"{rejection.where}: {rejection.reason}")
        elif self.count == SHOWN_REJECTIONS + 1:
            say("… more could not be used; all are counted.")
        if self.path is None:
            return
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        line = {"where": rejection.where, "reason": rejection.reason, "content": rejection.content}
        self._file.write(json_line(line) + "\n")

    def summary(self) -> str:
        """One sentence, for when some were rejected."""
        kept = f"; they are in {self.path}" if self.path is not None else ""
        return f"{counted(self.count, 'input')} could not be used{kept}."
