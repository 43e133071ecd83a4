"""The review of candidates in a terminal."""

import getpass
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import click
import typer

from enricher.errors import DecisionConflict, ReviewNotFound, UsageError
from enricher.vocabulary.decisions import decide
from enricher.vocabulary.review_file import Candidate, Decision, ReviewFile, State, read_review
from indexer.cli.output import counted, print_line, say

KEYS = {"a": State.ACCEPT, "r": State.REJECT, "m": State.MERGE, "s": State.SKIP}
HELP = "a accept, r reject, m merge into another word, s skip, u undo, q quit"
SHOWN = ("known", "count", "background", "contrast", "cohesion", "boundary_entropy", "nearest")
"""Columns of evidence that are shown in one line."""


def review(path: Path) -> None:
    """Walk through the undecided candidates; every decision is written at once."""
    today = date.today()
    found = read_review(path)
    walk = Walk(path, [one for one in found.candidates if one.is_undecided(today)], _user())
    say(f"{counted(len(walk.candidates), 'candidate')} without a decision. {HELP}.")
    while walk.place < len(walk.candidates):
        _show(walk.candidates[walk.place], walk.place + 1, len(walk.candidates))
        key = _key()
        if key in ("q", ""):
            break
        if key == "u":
            walk.undo()
        elif key in KEYS:
            into = _line("Merge into: ") if KEYS[key] is State.MERGE else ""
            walk.decide(KEYS[key], into)
        else:
            say(f"{HELP}.")
    _report(read_review(path), today)


@dataclass(slots=True)
class Walk:
    """The candidates of a review, which of them is shown, and the decisions that can be undone.

    past: the place of a candidate, what was decided about it before, and what is decided since.
    """

    path: Path
    candidates: list[Candidate]
    author: str
    place: int = 0
    past: list[tuple[int, Decision, Decision]] = field(default_factory=list)

    def decide(self, state: State, into: str) -> None:
        """Decide about the candidate that is shown, and go to the next one."""
        seen = self.candidates[self.place].decision
        decision = Decision(state, self.author, seen.comment, None, into)
        if self._write(self.place, seen, decision):
            self.past.append((self.place, seen, self.candidates[self.place].decision))
            self.place += 1

    def undo(self) -> None:
        """Take the last decision back, and go to its candidate."""
        if self.past:
            place, before, since = self.past.pop()
            self._write(place, since, before)
            self.place = place

    def _write(self, place: int, seen: Decision, decision: Decision) -> bool:
        """Write a decision. If somebody else has decided meanwhile, say so, and show the word again."""
        word = self.candidates[place].word
        try:
            found = decide(self.path, word, seen, decision)
        except UsageError as error:
            say(str(error))
            if isinstance(error, ReviewNotFound):
                self.place = place + 1
            return False
        except DecisionConflict as error:
            say(str(error))
            found = read_review(self.path)
            self._refresh(place, found)
            return False
        self._refresh(place, found)
        return True

    def _refresh(self, place: int, found: ReviewFile) -> None:
        word = self.candidates[place].word
        self.candidates[place] = next(
            (one for one in found.candidates if one.word == word), self.candidates[place]
        )


def _show(one: Candidate, number: int, total: int) -> None:
    facts = "  ".join(f"{name} {one.evidence[name]}" for name in SHOWN if one.evidence.get(name))
    state = f" ({one.state.value}{f' {one.into}' if one.into else ''})" if one.state.value else ""
    print_line(f"[{number}/{total}] {one.word}{state}" + (f"   {facts}" if facts else ""))
    for name in ("example_1", "example_2"):
        if one.evidence.get(name):
            print_line(f"    {one.evidence[name]}")


def _key() -> str:
    """The next key; empty at the end of the input."""
    if sys.stdin.isatty():
        key = click.getchar().lower()
        return "q" if key in ("\x03", "\x04", "\x1b") else key
    return sys.stdin.readline().strip().lower()[:1]


def _line(question: str) -> str:
    if sys.stdin.isatty():
        answer: str = typer.prompt(question, default="", show_default=False, prompt_suffix="")
        return answer
    return sys.stdin.readline().strip()


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in a container
        return ""


def _report(found: ReviewFile, today: date) -> None:
    number = found.states(today)
    parts = [f"{number[state]:,} {state.value}" for state in State if state.value and number[state]]
    say(f"{', '.join([*parts, f'{number[State.OPEN]:,} without a decision'])}.")
