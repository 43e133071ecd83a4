"""Decisions about candidates that are written into a file which others change too."""

import threading
from datetime import date
from pathlib import Path

import pytest

from enricher.errors import DecisionConflict, ReviewNotFound, SourceError, UsageError
from enricher.vocabulary.decisions import decide, rewrite
from enricher.vocabulary.review_file import Candidate, Decision, ReviewFile, State, read_review

OPEN = Decision()
ACCEPT = Decision(State.ACCEPT, "lin")


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.tsv"
    rows = [Candidate(f"词{number}", evidence={"count": str(number)}) for number in range(40)]
    ReviewFile(rows, ("count",)).write(path)
    return path


def test_one_row_changes_and_all_others_stay(words: Path) -> None:
    """Also what somebody else has written since the file was shown."""
    words.write_text(words.read_text().replace("词2\t\t\t", "词2\treject\tmei\t"))
    before = words.read_text()
    link = words.with_name("link.tsv")
    link.symlink_to(words)
    decided = Decision(State.ACCEPT, " lin\t", "two\nlines", date(2027, 1, 1))
    found = decide(words, "词1", OPEN, decided)
    assert words.read_text() == before.replace("词1\t\t\t\t", "词1\taccept\tlin\ttwo lines\t2027-01-01")
    assert found == read_review(words)
    decide(link, "词1", found.candidates[1].decision, OPEN)
    assert words.read_text() == before and link.is_symlink()


def test_a_word_that_was_changed_meanwhile_is_refused(words: Path) -> None:
    """And what stands there is named; nothing is written."""
    decide(words, "词1", OPEN, Decision(State.MERGE, "mei", into="词2"))
    before = words.read_text()
    with pytest.raises(DecisionConflict, match="'词1' was changed meanwhile by mei: merge 词2"):
        decide(words, "词1", OPEN, ACCEPT)
    with pytest.raises(DecisionConflict, match="'词3' was changed meanwhile: no decision"):
        decide(words, "词3", ACCEPT, OPEN)
    with pytest.raises(ReviewNotFound, match="no longer in the file"):
        decide(words, "none", OPEN, ACCEPT)
    for into in ("", " ", "词1", "…"):
        with pytest.raises(UsageError, match="Nothing was merged"):
            decide(words, "词1", OPEN, Decision(State.MERGE, into=into))
    with pytest.raises(SourceError, match="cannot be changed"):
        decide(words.with_name("none.tsv"), "词1", OPEN, ACCEPT)
    assert words.read_text() == before


def test_no_decision_of_several_people_is_lost(words: Path) -> None:
    """They decide about all words at the same time."""

    def work(part: int) -> None:
        for number in range(part, 40, 4):
            decide(words, f"词{number}", OPEN, Decision(State.ACCEPT, f"author {part}"))

    people = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    found = read_review(words)
    assert [one.author for one in found.candidates] == [f"author {number % 4}" for number in range(40)]
    assert list(words.parent.iterdir()) == [words]


def test_a_program_without_the_lock_that_saves_at_that_moment_is_noticed(words: Path) -> None:
    """The file is read again, so that nothing of what it saved is lost."""
    saved = []

    def change(found: ReviewFile) -> ReviewFile:
        if not saved:
            saved.append(words.read_text().replace("词5\t\t\t", "词5\treject\tspreadsheet\t"))
            words.write_text(saved[0])
        return ReviewFile(
            [one.decided(ACCEPT) for one in found.candidates[:1]] + found.candidates[1:], found.columns
        )

    rewrite(words, change)
    found = read_review(words)
    assert (found.candidates[0].state, found.candidates[5].author) == (State.ACCEPT, "spreadsheet")
