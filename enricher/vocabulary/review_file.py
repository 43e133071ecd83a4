"""The file of candidates: a table that people review in a terminal, a spreadsheet or a pull request.

Tab-separated values with a header. The first column is `word`; then what was decided:

    state     empty, `accept`, `reject`, `merge` or `skip`
    author    who decided
    comment   why
    expiry    a date (2026-12-31), from which on the decision no longer holds
    into      of `merge`: the word of which this one is a variant or a part

Further columns are the evidence. Columns in another order, columns of the user, quotes, a byte order mark and
the line ends of other systems are accepted, and columns that are not known are kept.
"""

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
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


@dataclass(slots=True)
class ReviewFile:
    """The rows of a file, and the names of its columns of evidence, in order."""

    candidates: list[Candidate]
    columns: tuple[str, ...] = ()

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
        text = io.StringIO()
        names = ("word", *DECISION, *self.columns)
        table = csv.DictWriter(
            text, names, restval="", delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL
        )
        table.writeheader()
        table.writerows(
            {name: on_one_line(value) for name, value in one.row.items()} for one in self.candidates
        )
        write_atomically(path, text.getvalue().encode("utf-8"))


def read_review(path: Path) -> ReviewFile:
    """Read a file of candidates. Raises SourceError with the numbers of the lines that are wrong."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(f"The file {str(path)!r} is not UTF-8 (byte {error.start + 1}).") from None
    except OSError as error:
        raise SourceError(f"The file {str(path)!r} cannot be read: {error.strerror or error}.") from None
    head = text.split("\n", 1)[0]
    separator = max(SEPARATORS, key=head.count)
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        numbered = [(lines.line_num, values) for values in lines]
    except csv.Error as error:
        raise SourceError(f"The file {str(path)!r}, line {lines.line_num}: {error}.") from None
    return _read(numbered, path)


def _read(lines: Sequence[tuple[int, list[str]]], path: Path) -> ReviewFile:
    """Read the values of each line, which come with its number."""
    header = [name.strip().casefold() for name in (lines[0][1] if lines else ())]
    if "word" not in header:
        raise SourceError(f"The file {str(path)!r} has no column 'word' in its first line.")
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise SourceError(f"The file {str(path)!r} has the column {doubled[0]!r} twice.")
    columns = tuple(name for name in header if name and name not in ("word", *DECISION))
    found: dict[str, Candidate] = {}
    problems = []
    for number, values in lines[1:]:
        row = dict(zip(header, (value.strip() for value in values), strict=False))
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
    return ReviewFile(list(found.values()), columns)


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
        until = date.fromisoformat(expiry) if expiry else None
    except ValueError:
        raise ValueError(f"the expiry {expiry!r} is no date like 2026-12-31") from None
    if state is State.MERGE and not into:
        raise ValueError(f"the word {word!r} is merged into no word: name it in the column 'into'")
    evidence = {name: row.get(name, "") for name in columns}
    return Candidate(
        word, state, row.get("author", ""), row.get("comment", ""), until, written(into), evidence
    )


def merged(fresh: ReviewFile, before: ReviewFile, today: date) -> ReviewFile:
    """Newly mined candidates, and the decisions of a former file.

    Words with a decision that holds keep it. Decided words that are not mined again stay at the end.
    """
    decided = before.decided(today)
    rows = []
    for one in fresh.candidates:
        known = decided.pop(one.word, None)
        rows.append(one if known is None else one.decided(known.decision))
    columns = dict.fromkeys([*fresh.columns, *before.columns])
    return ReviewFile([*rows, *decided.values()], tuple(columns))


def on_one_line(value: str) -> str:
    """A value without line breaks and tabs, which spreadsheets and differences of files handle badly."""
    return " ".join(value.split())
