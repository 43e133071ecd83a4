"""The review of candidates over HTTP: of the files that the operator lists, and no others."""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from enricher.answers import Json
from enricher.errors import ReviewNotFound, SourceError, UsageError
from enricher.gateway import requests
from enricher.settings import Configuration
from enricher.vocabulary.decisions import decide
from enricher.vocabulary.review_file import Candidate, Decision, ReviewFile, State, read_review

OPEN, ALL, UNDECIDED = "open", "all", "undecided"


class Reviews:
    """The files of candidates that may be reviewed. Thread-safe. configuration: reads enricher.toml."""

    def __init__(self, configuration: Callable[[], Configuration]) -> None:
        self._configuration = configuration

    def files(self) -> Json:
        """The files, with the number of words in each state, or the fault of a file that cannot be read."""
        return {"files": [_summary(name) for name in self._names()]}

    def words(self, request: requests.ReviewWordsRequest) -> Json:
        """Words of a file in the order of the file. Raises ReviewNotFound and SourceError."""
        today, found = date.today(), read_review(self._path(request.file))
        rows = found.candidates
        if request.word is not None:
            rows = [one for one in rows if one.word == request.word]
            if not rows:
                raise ReviewNotFound(f"The word {request.word!r} is not in the file.")
        start = next((place + 1 for place, one in enumerate(rows) if one.word == request.after), 0)
        state = request.state if request.word is None else ALL
        fitting = [one for one in rows[start:] if _fits(one, state, today)]
        return {
            "words": [_row(one, today) for one in fitting[: request.top]],
            "left": max(0, len(fitting) - request.top),
            "states": _states(found, today),
        }

    def decide(self, request: requests.DecideRequest) -> Json:
        """Write a decision about a word, and return the word and the number of words in each state.

        Raises DecisionConflict if the word was changed since it was seen, ReviewNotFound, UsageError and
        SourceError.
        """
        today, path = date.today(), self._path(request.file)
        found = decide(path, request.word, _decision(request.seen), _decision(request.decision))
        (row,) = (one for one in found.candidates if one.word == request.word)
        return {"word": _row(row, today), "states": _states(found, today)}

    def _names(self) -> tuple[str, ...]:
        return self._configuration().serve.review

    def _path(self, name: str) -> Path:
        if name not in self._names():
            raise ReviewNotFound(
                f"There is no file {name!r} to review: `review` in [serve] of enricher.toml lists the files."
            )
        return Path(name)


def _summary(name: str) -> Mapping[str, object]:
    try:
        return {"file": name, "states": _states(read_review(Path(name)), date.today()), "fault": None}
    except SourceError as error:
        return {"file": name, "states": None, "fault": str(error)}


def _fits(one: Candidate, state: str, today: date) -> bool:
    """Whether a word has a state of a request."""
    if state == UNDECIDED:
        return one.is_undecided(today)
    return state == ALL or one.current(today) is _state(state)


def _state(name: str) -> State:
    return State.OPEN if name == OPEN else State(name)


def _states(found: ReviewFile, today: date) -> dict[str, int]:
    number = found.states(today)
    return {state.value or OPEN: number[state] for state in State}


def _row(one: Candidate, today: date) -> Json:
    decision = {
        "state": one.state.value or OPEN,
        "author": one.author,
        "comment": one.comment,
        "expiry": one.expiry.isoformat() if one.expiry else "",
        "into": one.into,
    }
    state = one.current(today).value or OPEN
    return {"word": one.word, "state": state, "decision": decision, "evidence": one.evidence}


def _decision(given: requests.Decision) -> Decision:
    """A decision of a request. Raises UsageError for a wrong date."""
    try:
        expiry = date.fromisoformat(given.expiry) if given.expiry else None
    except ValueError:
        raise UsageError(f"The expiry {given.expiry!r} is no date like 2026-12-31.") from None
    return Decision(_state(given.state), given.author, given.comment, expiry, given.into)
