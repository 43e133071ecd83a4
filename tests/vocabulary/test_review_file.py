"""The file of candidates: what a person or a spreadsheet makes of it is read, or refused with its line."""

import re
from datetime import date
from pathlib import Path

import pytest

from enricher.errors import SourceError
from enricher.vocabulary.decisions import decide
from enricher.vocabulary.review_file import Candidate, Decision, ReviewFile, State, merged, read_review

TODAY = date(2026, 6, 1)


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Decisions and evidence, without line breaks within a value."""
    rows = [
        Candidate(
            "慢查询",
            State.ACCEPT,
            "lin",
            'said "yes"',
            date(2027, 1, 1),
            "",
            {"count": "12", "nearest": "索引"},
        ),
        Candidate("查询的", State.MERGE, into="查询"),
        Candidate("b+树", evidence={"nearest": "two\nlines\tand a tab"}),
    ]
    path = tmp_path / "words.tsv"
    ReviewFile(rows, ("count", "nearest")).write(path)
    assert path.read_text(encoding="utf-8").startswith(
        "word\tstate\tauthor\tcomment\texpiry\tinto\tcount\tnearest\n"
    )
    found = read_review(path)
    assert [one.word for one in found.candidates] == ["慢查询", "查询的", "b+树"]
    assert found.candidates[0].row == rows[0].row
    assert found.candidates[2].evidence["nearest"] == "two lines and a tab"
    assert found.accepted(TODAY) == ["慢查询"]


def test_a_file_that_a_spreadsheet_saved_is_read(tmp_path: Path) -> None:
    """Byte order mark, line ends, quotes, another order of columns, one more column, empty lines."""
    text = (
        '\ufeffcount;State;my notes;"word";comment\r\n12;Accept;;"慢查询";"a; b"\r\n;;;;\r\n3;no;x;查询;\r\n'
    )
    found = read_review(written(tmp_path / "a.csv", text))
    assert found.columns == ("count", "my notes")
    assert found.accepted(TODAY) == ["慢查询"] and found.candidates[0].comment == "a; b"
    assert found.candidates[1].state is State.REJECT
    found.write(tmp_path / "b.csv")
    assert read_review(tmp_path / "b.csv") == found


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    ("separator", "line_end"), [("\t", "\n"), ("\t", "\r\n"), (";", "\r\n"), (",", "\n")]
)
def test_a_file_keeps_its_form(tmp_path: Path, encoding: str, separator: str, line_end: str) -> None:
    """Only the decided row changes: encoding, mark, order of columns, separator and line ends stay."""
    mark = "\ufeff" if encoding.startswith("utf-16") else ""
    quoted = '"said ""yes"""'
    lines = [
        ["Count", "State", "My notes", "Word", "comment", "author", "into", "expiry"],
        ["12", "", quoted, "慢查询", "", "", "", ""],
        ["3", "reject", "", "查询", "", "mei", "", "2027-01-01"],
    ]

    def data() -> bytes:
        text = line_end.join(separator.join(line) for line in [*lines, []])
        return (mark + text).encode(encoding)

    path = written(tmp_path / "words.txt", data())
    found = read_review(path)
    assert found.columns == ("count", "my notes")
    assert found.candidates[0].evidence["my notes"] == 'said "yes"'
    decide(path, "慢查询", Decision(), Decision(State.ACCEPT, "lin"))
    lines[1][1], lines[1][5] = "accept", "lin"
    assert path.read_bytes() == data()


def test_columns_without_a_name_are_kept(tmp_path: Path) -> None:
    """If they have a value: a note beside the table gets a name; empty columns are left out."""
    path = written(tmp_path / "a.tsv", "word\tstate\t\t\na1\t\t\t\na2\t\t\t\tlook here\n")
    found = read_review(path)
    assert found.columns == ("column_5",) and found.candidates[1].evidence == {"column_5": "look here"}
    found.write(path)
    assert read_review(path) == found
    assert path.read_text().splitlines()[2] == "a2\t\tlook here\t\t\t\t"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column 'word'"),
        ("a\tstate\nb\t\n", "no column 'word'"),
        ("word\tstate\tstate\n", "'state' twice"),
        ("word\tstate\nb\tperhaps\n", "line 2: the state 'perhaps'"),
        ("word\tstate\texpiry\nb\taccept\t1.2.2026\n", "no date like"),
        ("word\tstate\nb\tmerge\n", "merged into no word"),
        ("word\tstate\n…\taccept\n", "line 2: the word '…' cannot be a word"),
        (b"word\n\xff\n", "not UTF-8 (byte 6): save it"),
        ("word\n慢查询\n".encode("gb18030"), "as what spreadsheets call Unicode text"),
        (b"\xff\xfew\x00o", "not UTF-16-LE (byte 5)"),
        ("word\n" + "".join(f"{n}\n" for n in range(5)) + "…\n" * 9, "and 4 more"),
        ('word\n"' + "x" * 1_100_000, "line 2: field larger"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(SourceError, match=re.escape(said)):
        read_review(written(tmp_path / "words.tsv", text))


def test_a_decision_ends_with_its_expiry(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", "word\tstate\texpiry\na1\taccept\t2026-06-01\na2\taccept\t2026/6/2\n")
    assert read_review(path).accepted(TODAY) == ["a2"]


def test_a_rejected_word_never_returns_as_open(tmp_path: Path) -> None:
    """New candidates keep former decisions; decided words that are not mined again stay."""
    before = ReviewFile(
        [
            Candidate("电网", State.REJECT, "lin", evidence={"mine": "a note", "count": "1"}),
            Candidate("电压", State.ACCEPT),
            Candidate("旧词"),
            Candidate("变压器", evidence={"mine": "ask"}),
        ],
        ("mine", "count"),
    )
    fresh = ReviewFile([Candidate("变压器"), Candidate("电网", evidence={"count": "3"})], ("count",))
    found = merged(fresh, before, TODAY)
    assert [(one.word, one.state) for one in found.candidates] == [
        ("变压器", State.OPEN),
        ("电网", State.REJECT),
        ("电压", State.ACCEPT),
    ]
    assert found.candidates[1].author == "lin" and found.columns == ("count", "mine")
    assert found.candidates[1].evidence == {"mine": "a note", "count": "3"}
    assert found.candidates[0].evidence == {"mine": "ask"}
