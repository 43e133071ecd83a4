"""The file of candidates: a table that people review in a terminal, a spreadsheet or a pull request.

Tab-separated values with a header. The first column is `word`; then what was decided:

    state     empty, `accept`, `reject`, `merge` or `skip`
    author    who decided
    comment   why
    expiry    a date (2026-12-31), from which on the decision no longer holds
    into      of `merge`: the word of which this one is a variant

Further columns are the evidence. Spreadsheets save such a table in other forms: with the columns in another
order, columns of the user, quotes, commas or semicolons, a byte-order mark, in UTF-16, with the line ends of
another system. A file is written in the form in which it was read, so that the spreadsheet opens it again.
"""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from enricher.errors import SourceError
from enricher.files import write_atomically
from enricher.text.lexicon import problem_of, written

MAX_FIELD_CHARACTERS = 1_000_000
"""Maximum characters of a value in the file."""
MAX_PROBLEMS_SHOWN = 5
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte-order marks, and the encodings that they name."""
SEPARATORS = ("\t", ",", ";")


class State(StrEnum):
    """What was decided about a word."""

    OPEN = ""
    ACCEPT = "accept"
    REJECT = "reject"
    MERGE = "merge"
    SKIP = "skip"


SPELLINGS = {
    **{state.value: state for state in State},
    "accepted": State.ACCEPT, "yes": State.ACCEPT, "y": State.ACCEPT,
    "rejected": State.REJECT, "no": State.REJECT, "n": State.REJECT,
    "merged": State.MERGE, "skipped": State.SKIP, "open": State.OPEN,
}  # fmt: skip
DECISION = ("state", "author", "comment", "expiry", "into")
"""The columns after the word."""


class Decision(NamedTuple):
    """What was decided about a word. expiry: the date from which on it no longer holds. into: of a merge."""

    state: State = State.OPEN
    author: str = ""
    comment: str = ""
    expiry: date | None = None
    into: str = ""

    def holds(self, today: date) -> bool:
        """Whether something was decided, and still holds."""
        return self.state is not State.OPEN and (self.expiry is None or today < self.expiry)


@dataclass(slots=True)
class Candidate:
    """A row of the file. evidence: the other columns, as they are written."""

    word: str
    state: State = State.OPEN
    author: str = ""
    comment: str = ""
    expiry: date | None = None
    into: str = ""
    evidence: dict[str, str] = field(default_factory=dict)

    @property
    def decision(self) -> Decision:
        """What was decided about the word."""
        return Decision(self.state, self.author, self.comment, self.expiry, self.into)

    def decided(self, decision: Decision) -> "Candidate":
        """The row with another decision."""
        return replace(self, **decision._asdict())

    def holds(self, today: date) -> bool:
        """Whether something was decided about the word, and still holds."""
        return self.decision.holds(today)

    def is_undecided(self, today: date) -> bool:
        """Whether a review shows the word: nothing holds, or it was skipped."""
        return self.current(today) in (State.OPEN, State.SKIP)

    def current(self, today: date) -> State:
        """The state that holds today."""
        return self.state if self.holds(today) else State.OPEN

    @property
    def row(self) -> dict[str, str]:
        """The values of its columns."""
        expiry = "" if self.expiry is None else self.expiry.isoformat()
        values = (self.word, self.state.value, self.author, self.comment, expiry, self.into)
        return {**dict(zip(("word", *DECISION), values, strict=True)), **self.evidence}


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written. mark: its first bytes. header: the names of its columns in order, as written."""

    mark: bytes = b""
    encoding: str = "utf-8"
    separator: str = "\t"
    line_end: str = "\n"
    header: tuple[str, ...] = ("word", *DECISION)

    def with_columns(self, columns: Iterable[str]) -> "Form":
        """The form with all columns that a file must have, and these."""
        there = {name.casefold() for name in self.header}
        more = [name for name in ("word", *DECISION, *columns) if name not in there]
        return replace(self, header=(*self.header, *more))


@dataclass(slots=True)
class ReviewFile:
    """The rows of a file, the names of its columns of evidence, in order, and how it is written."""

    candidates: list[Candidate]
    columns: tuple[str, ...] = ()
    form: Form = Form()

    def accepted(self, today: date) -> list[str]:
        """The words that are accepted today, each once, in the order of the file."""
        found = (one.word for one in self.candidates if one.state is State.ACCEPT and one.holds(today))
        return list(dict.fromkeys(found))

    def decided(self, today: date) -> dict[str, Candidate]:
        """The rows with a decision that holds today, by word."""
        return {one.word: one for one in self.candidates if one.holds(today)}

    def states(self, today: date) -> Counter[State]:
        """How many rows have each state today."""
        return Counter(one.current(today) for one in self.candidates)

    def write(self, path: Path) -> None:
        """Replace the file by one rename."""
        text, form = io.StringIO(), self.form.with_columns(self.columns)
        table = csv.writer(
            text, delimiter=form.separator, lineterminator=form.line_end, quoting=csv.QUOTE_MINIMAL
        )
        table.writerow(form.header)
        keys = [name.casefold() for name in form.header]
        for one in self.candidates:
            row = one.row
            table.writerow([on_one_line(row.get(key, "")) for key in keys])
        write_atomically(path, form.mark + text.getvalue().encode(form.encoding))


def read_review(path: Path) -> ReviewFile:
    """Read a file of candidates. Raises SourceError with the numbers of the lines that are wrong."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SourceError(f"The file {str(path)!r} cannot be read: {error.strerror or error}.") from None
    mark, encoding = next((one for one in MARKS if data.startswith(one[0])), (b"", "utf-8"))
    try:
        text = data.removeprefix(mark).decode(encoding)
    except UnicodeDecodeError as error:
        raise SourceError(
            f"The file {str(path)!r} is not {encoding.upper()} (byte {len(mark) + error.start + 1}): save it "
            "as UTF-8, or as what spreadsheets call Unicode text."
        ) from None
    head = text.split("\n", 1)[0]
    form = Form(mark, encoding, max(SEPARATORS, key=head.count), "\r\n" if head.endswith("\r") else "\n")
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=form.separator)
    try:
        numbered = [(lines.line_num, [value.strip() for value in values]) for values in lines]
    except csv.Error as error:
        raise SourceError(f"The file {str(path)!r}, line {lines.line_num}: {error}.") from None
    return _read(numbered, path, form)


def _read(lines: Sequence[tuple[int, list[str]]], path: Path, form: Form) -> ReviewFile:
    """Read the values of each line, which come with its number."""
    names = _column_names([values for _, values in lines])
    header = [name.casefold() for name in names]
    if "word" not in header:
        raise SourceError(f"The file {str(path)!r} has no column 'word' in its first line.")
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise SourceError(f"The file {str(path)!r} has the column {doubled[0]!r} twice.")
    columns = tuple(name for name in header if name and name not in ("word", *DECISION))
    found: dict[str, Candidate] = {}
    problems = []
    for number, values in lines[1:]:
        row = dict(zip(header, values, strict=False))
        if not any(row.values()):
            continue
        try:
            one = _candidate(row, columns)
        except ValueError as error:
            problems.append(f"line {number}: {error}")
            continue
        found[one.word] = one
    if problems:
        more = len(problems) - MAX_PROBLEMS_SHOWN
        shown = "; ".join(problems[:MAX_PROBLEMS_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        raise SourceError(f"The file {str(path)!r} has invalid lines: {shown}.")
    form = replace(form, header=tuple(filter(None, names))).with_columns(())
    return ReviewFile(list(found.values()), columns, form)


def _column_names(rows: Sequence[Sequence[str]]) -> list[str]:
    """The names in the first row. A column without a name gets one if it has values, else an empty one."""
    if not rows:
        return []
    used = [False] * max(map(len, rows))
    for row in rows:
        for place, value in enumerate(row):
            used[place] |= bool(value)
    given = [*rows[0], *[""] * (len(used) - len(rows[0]))]
    return [name or f"column_{place}" * used[place - 1] for place, name in enumerate(given, start=1)]


def _candidate(row: Mapping[str, str], columns: Sequence[str]) -> Candidate:
    """The candidate of a row. Raises ValueError with the end of a sentence."""
    word = written(row.get("word", ""))
    if problem := problem_of(word):
        raise ValueError(f"the word {row.get('word', '')!r} cannot be a word: {problem}")
    state = SPELLINGS.get(row.get("state", "").casefold())
    if state is None:
        allowed = ", ".join(state.value for state in State if state.value)
        raise ValueError(f"the state {row['state']!r} is none of {allowed}, or empty")
    expiry, into = row.get("expiry", ""), row.get("into", "")
    try:
        until = date_of(expiry) if expiry else None
    except ValueError:
        raise ValueError(f"the expiry {expiry!r} is no date like 2026-12-31") from None
    if state is State.MERGE and not into:
        raise ValueError(f"the word {word!r} is merged into no word: name it in the column 'into'")
    evidence = {name: row.get(name, "") for name in columns}
    return Candidate(
        word, state, row.get("author", ""), row.get("comment", ""), until, written(into), evidence
    )


def date_of(text: str) -> date:
    """A date like 2026-12-31, or 2026/1/5 as some spreadsheets save it. Raises ValueError."""
    parts = text.replace("/", "-").split("-")
    return date.fromisoformat("-".join(part.zfill(2) for part in parts))


def merged(fresh: ReviewFile, before: ReviewFile, today: date) -> ReviewFile:
    """Newly mined candidates, and the decisions of a former file.

    Words with a decision that holds keep it, and all keep what stands in other columns than those that are
    mined. Decided words that are not mined again stay at the end.
    """
    decided, former = before.decided(today), {one.word: one for one in before.candidates}
    rows = []
    for one in fresh.candidates:
        if one.word in former:
            one = replace(one, evidence=former[one.word].evidence | one.evidence)
        known = decided.pop(one.word, None)
        rows.append(one if known is None else one.decided(known.decision))
    columns = dict.fromkeys([*fresh.columns, *before.columns])
    return ReviewFile([*rows, *decided.values()], tuple(columns), before.form.with_columns(columns))


def on_one_line(value: str) -> str:
    """A value without line breaks and tabs, which spreadsheets and differences of files handle badly."""
    return " ".join(value.split())
