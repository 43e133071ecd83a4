"""Decisions about candidates, written one by one into a file that others may be changing too.

Every decision reads the file again and changes one row of it, under the lock of the file. So several
terminals and consoles can work on one file. Spreadsheets and editors take no lock; if one saves the file at
that moment, its content is read again.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from enricher.errors import DecisionConflict, ReviewNotFound, SourceError, UsageError
from enricher.files import file_state, replaced_file_lock, why_not_written
from enricher.text.lexicon import problem_of, written
from enricher.vocabulary.review_file import Candidate, Decision, ReviewFile, State, on_one_line, read_review


def decide(path: Path, word: str, seen: Decision, decision: Decision) -> ReviewFile:
    """Write a decision about a word, and return the file as it is then.

    seen: what was decided about the word when it was shown. Raises DecisionConflict if something else stands
    there now, ReviewNotFound if the word is no longer there, UsageError for a merge into no other word, and
    SourceError if the file cannot be read or written.
    """
    decision = _checked(word, decision)

    def change(found: ReviewFile) -> ReviewFile:
        rows = list(found.candidates)
        place = next((place for place, one in enumerate(rows) if one.word == word), None)
        if place is None:
            raise ReviewNotFound(f"The word {word!r} is no longer in the file.")
        if rows[place].decision != seen:
            raise DecisionConflict(conflict_of(rows[place]))
        rows[place] = rows[place].decided(decision)
        return replace(found, candidates=rows)

    return rewrite(path, change)


def conflict_of(one: Candidate) -> str:
    """What to say to somebody who wants to decide about a word that has another decision now."""
    by = f" by {one.author}" if one.author else ""
    what = f"{one.state.value} {one.into}".strip() or "no decision"
    return f"The word {one.word!r} was changed meanwhile{by}: {what}. Look at it again."


def rewrite(path: Path, change: Callable[[ReviewFile], ReviewFile]) -> ReviewFile:
    """Read a file, write what `change` makes of it, and return that. No decision of another process is lost.

    change: may be called more than once. A link stays one. Raises SourceError, and what `change` raises.
    """
    path = path.resolve()
    try:
        while True:
            with replaced_file_lock(path):
                before = file_state(path)
                found = change(read_review(path))
                if file_state(path) == before:
                    found.write(path)
                    return found
    except OSError as error:
        raise SourceError(f"The file {str(path)!r} cannot be changed: {why_not_written(error)}.") from error


def _checked(word: str, decision: Decision) -> Decision:
    """A decision as it will be read again: only a merge names another word. Raises UsageError."""
    author, comment = on_one_line(decision.author), on_one_line(decision.comment)
    decision = decision._replace(author=author, comment=comment)
    if decision.state is not State.MERGE:
        return decision._replace(into="")
    into = written(decision.into)
    if not into or into == word:
        raise UsageError(f"Nothing was merged: name another word than {word!r}.")
    if problem := problem_of(into):
        raise UsageError(f"Nothing was merged: {decision.into!r} cannot be a word: {problem}.")
    return decision._replace(into=into)
