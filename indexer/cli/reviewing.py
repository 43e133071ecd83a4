"""The review of candidates in a terminal."""

import getpass
import sys
from datetime import date
from pathlib import Path

import click
import typer

from enricher.text.lexicon import written
from enricher.vocabulary.review_file import Candidate, ReviewFile, State, read_review
from indexer.cli.output import counted, print_line, say

KEYS = {"a": State.ACCEPT, "r": State.REJECT, "m": State.MERGE, "s": State.SKIP}
HELP = "a accept, r reject, m merge into another word, s skip, u undo, q quit"
SHOWN = ("count", "background", "contrast", "cohesion", "boundary_entropy", "nearest")
"""Columns of evidence that are shown in one line."""


def review(path: Path) -> None:
    """Walk through the undecided candidates; every decision is written at once."""
    found, today, author = read_review(path), date.today(), _user()
    undecided = [one for one in found.candidates if not one.holds(today) or one.state is State.SKIP]
    decided: list[Candidate] = []
    say(f"{counted(len(undecided), 'candidate')} without a decision. {HELP}.")
    place = 0
    while place < len(undecided):
        one = undecided[place]
        _show(one, place + 1, len(undecided))
        key = _key()
        if key in ("q", ""):
            break
        if key == "u":
            if decided:
                last = decided.pop()
                last.state, last.author, last.into = State.OPEN, "", ""
                found.write(path)
                place -= 1
            continue
        if key not in KEYS:
            say(f"{HELP}.")
            continue
        if not _decide(one, KEYS[key], author):
            continue
        found.write(path)
        decided.append(one)
        place += 1
    _report(found, today)


def _decide(one: Candidate, state: State, author: str) -> bool:
    """Note a decision. False if the word to merge into is missing."""
    if state is State.MERGE:
        into = written(_line("Merge into: "))
        if not into or into == one.word:
            say("Nothing was merged: name another word.")
            return False
        one.into = into
    one.state, one.author, one.expiry = state, author, None
    return True


def _show(one: Candidate, number: int, total: int) -> None:
    facts = "  ".join(f"{name} {one.evidence[name]}" for name in SHOWN if one.evidence.get(name))
    print_line(f"[{number}/{total}] {one.word}" + (f"   {facts}" if facts else ""))
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
    states = [one.state for one in found.candidates if one.holds(today)]
    parts = [f"{states.count(state):,} {state.value}" for state in State if state in states]
    left = len(found.candidates) - len(states)
    say(f"{', '.join([*parts, f'{left:,} without a decision'])}.")
