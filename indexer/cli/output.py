"""Printing: results to stdout, progress and messages to stderr."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from enricher.errors import UsageError
from enricher.records import Rejection
from enricher.sentences import counted as counted
from enricher.source_files import holds_rejects
from indexer.cli.streams import carries
from indexer.engines.addresses import masked

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.segment import Segment
    from rich.table import Table


MAX_SHOWN_REJECTIONS = 10
PROGRESS_INTERVAL_SECONDS = 10

BAR_WIDTH = 20
BLOCKS = ("", "\u258f", "\u258e", "\u258d", "\u258c", "\u258b", "\u258a", "\u2589", "\u2588")
"""Blocks of none to eight eighths of a character."""

SPINNER_SIGNS = "⠋⠙⠹"

_NUMBERS = re.compile(r"\[\s+-?[\d.]+(?:,\s+-?[\d.]+)*\s+\]")
SPACES = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]")
CONTROLS = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}
CONTROLS |= dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], 0xFFFD)
"""What would steer a terminal or turn the direction of a line, by what is shown in its place."""


def say(message: str) -> None:
    """A sentence to the user, on stderr, without any password.

    Work does not fail because nobody can be told of it: a stderr that takes nothing is no error.
    """
    with suppress(OSError):
        print(printable(masked(message)), file=sys.stderr)


def say_json(value: object) -> None:
    """One JSON document on a line of stderr."""
    with suppress(OSError):
        print(_json_for(sys.stderr, value), file=sys.stderr, flush=True)


def is_interactive() -> bool:
    """Whether a person can answer: input and messages are a terminal."""
    streams = (sys.stdin, sys.stderr)
    return all(stream is not None and not stream.closed and stream.isatty() for stream in streams)


def printable(text: str) -> str:
    """The text as one line that any terminal shows and none obeys.

    Tabs and line breaks become spaces, other control characters and bidi overrides visible signs,
    lone surrogates question marks.
    """
    return _encodable(SPACES.sub(" ", text).translate(CONTROLS))


def _encodable(text: str) -> str:
    """The text without lone surrogates, which no UTF-8 can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")


def print_line(*cells: str) -> None:
    """A line of results on stdout; several cells are parted by a tab."""
    print("\t".join(map(printable, cells)))


def print_json(value: object) -> None:
    """One JSON document on a line of stdout."""
    print(_json_for(sys.stdout, value), flush=True)


def print_indented_json(value: object) -> None:
    """One JSON document on several lines of stdout. A list of numbers stays on one line."""
    text = json.dumps(json.loads(_json_for(sys.stdout, value)), ensure_ascii=False, indent=2)
    if not carries(sys.stdout, text):
        text = json.dumps(value, indent=2)
    print(_NUMBERS.sub(lambda found: " ".join(found[0].split()), text), flush=True)


def json_line(value: object) -> str:
    """The value as JSON on one line; a lone surrogate becomes a question mark."""
    return _encodable(json.dumps(value, ensure_ascii=False))


def _json_for(stream: TextIO, value: object) -> str:
    """The value as JSON on one line, with escapes where the stream cannot carry every character."""
    line = json_line(value)
    return line if carries(stream, line) else json.dumps(json.loads(line), ensure_ascii=True)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, bars_of: int | None = None) -> None:
    """A table whose columns are aligned also where characters are wide; numbers to the right.

    bars_of: the column of numbers that bars repeat in a column of their own behind it.
    """
    from rich.segment import Segment, Segments

    if bars_of is not None:
        rows = [tuple(row) for row in rows]
        lengths = bars([row[bars_of] for row in rows])
        end = bars_of + 1
        columns = (*columns[:end], "", *columns[end:])
        rows = [(*row[:end], bar, *row[end:]) for row, bar in zip(rows, lengths, strict=True)]
    shown = console()
    table = _table(columns, rows)
    lines = shown.render_lines(table, pad=False)
    shown.print(Segments([part for line in lines for part in (*_trimmed(line), Segment.line())]), end="")


def print_records(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table; where the terminal is too narrow for it, a block of lines for each row, so that no cell is
    broken: a long id can be copied.
    """
    rows, shown = list(rows), console()
    unlimited = shown.options.update(width=10_000)
    if shown.measure(_table(columns, rows), options=unlimited).maximum <= shown.width:
        print_table(columns, rows)
        return
    width = max(map(len, columns))
    for number, row in enumerate(rows):
        if number:
            print_line()
        for name, value in zip(columns, row, strict=True):
            print_line(f"{name:<{width}}  {_cell(value)}".rstrip())


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    """A table without borders; a cell that is too long goes on below itself."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    filled = [[_cell(value) for value in row] for row in rows]
    for number, name in enumerate(columns):
        numeric = bool(filled) and all(_is_number(row[number]) for row in filled)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in filled:
        table.add_row(*row)
    return table


def bars(values: Sequence[float]) -> list[str]:
    """Numbers as bars, the largest of them BAR_WIDTH wide, in eighths of a character; nothing below 0."""
    largest = max(values, default=0.0)
    eighths = [round(8 * BAR_WIDTH * max(value, 0.0) / largest) if largest > 0 else 0 for value in values]
    return [BLOCKS[8] * (number // 8) + BLOCKS[number % 8] for number in eighths]


def _trimmed(line: list[Segment]) -> list[Segment]:
    """A line of a table without the blanks at its end."""
    from rich.segment import Segment

    while line and not line[-1].text.strip():
        line = line[:-1]
    return [*line[:-1], Segment(line[-1].text.rstrip(), line[-1].style)] if line else []


def console() -> Console:
    """A console on the present stdout, wide enough that a pipe cuts nothing."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout, width=None if terminal else 10_000, highlight=False, markup=False, emoji=False
    )


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else printable(str(value))


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace("-", "", 1).isdigit()


@contextmanager
def progress_display() -> Iterator[ProgressDisplay]:
    """Progress on stderr: bars on a terminal, a line for each step elsewhere."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    bars = Progress(
        SpinnerColumn("dots" if carries(sys.stderr, SPINNER_SIGNS) else "line"),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    with bars:
        display = ProgressDisplay(bars)
        yield display
        display.finish()


class ProgressDisplay:
    """Takes `(step, done, total)`, a total of 0 is not known, and what else is to be seen beside the step."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._step = ""
        self._unsaid = ""
        self._last = 0.0

    def __call__(self, step: str, done: int, total: int, detail: str = "") -> None:
        if self._bars.disable:
            more = f": {done:,} of {total:,}" if total else f": {done:,}" if done else ""
            self._line(step, f"{step}{more}{f' ({detail})' if detail else ''} …")
            return
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(step, total=total or None)
        described = f"{step} ({detail})" if detail else step
        self._bars.update(self._tasks[step], completed=done, total=total or None, description=described)

    def _line(self, step: str, line: str) -> None:
        """Print a line now and then, and the last state of a step before the next step begins."""
        if step != self._step:
            self.finish()
        if step == self._step and time.monotonic() - self._last < PROGRESS_INTERVAL_SECONDS:
            self._unsaid = line
            return
        self._step, self._unsaid, self._last = step, "", time.monotonic()
        say(line)

    def finish(self) -> None:
        """Print the last state of the last step, unless it was printed."""
        if self._unsaid:
            say(self._unsaid)
        self._unsaid = ""


class Rejects:
    """Reports rejected inputs, and writes them to a file of JSON lines if one is named.

    Entering the context checks, before any work is done, that the file can be written: UsageError if it
    cannot, or if it contains something other than rejects. A run without rejections removes the file of an
    earlier run.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        if self.path is not None:
            try:
                _try_to_write(self.path)
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise UsageError(
                    f"The file for rejects {str(self.path)!r} cannot be written: {reason}. "
                    "Name another with --rejects."
                ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        elif error is None and self.path is not None and self.path.is_file():
            self.path.unlink()

    def __call__(self, rejection: Rejection) -> None:
        """Take one; the first few are said in full."""
        self.count += 1
        if self.count <= MAX_SHOWN_REJECTIONS:
            say(f"{rejection.where}: {rejection.reason}")
        elif self.count == MAX_SHOWN_REJECTIONS + 1:
            say("… more could not be used; all are counted.")
        if self.path is None:
            return
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8")
        line = {"where": rejection.where, "reason": rejection.reason, "content": rejection.content}
        self._file.write(json_line(line) + "\n")

    def summary(self) -> str:
        """One sentence, for when some were rejected."""
        be = "is" if self.count == 1 else "are"
        kept = f", and {be} kept in {self.path}" if self.path is not None else ""
        return f"{counted(self.count, 'input')} could not be used{kept}."


def _try_to_write(path: Path) -> None:
    """Raise OSError where a file of rejects cannot be written, UsageError where another would be lost."""
    present = path.exists()
    if path.is_file() and path.stat().st_size and not holds_rejects(path):
        raise UsageError(f"The file {str(path)!r} holds no rejects: name another with --rejects.")
    path.open("a", encoding="utf-8").close()
    if not present:
        path.unlink()
