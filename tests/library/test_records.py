"""Records of use, from files and as pairs."""

import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pytest

from enricher.errors import SourceError, UsageError
from enricher.library.pairs import MAX_PARTNERS, count_pairs
from enricher.library.records import Records, read_records, records_of
from enricher.records import Rejection


def lists_of(records: Records) -> list[list[str]]:
    """The records as lists of names."""
    bounds = zip(records.starts[:-1], records.starts[1:], strict=True)
    return [[records.items[n] for n in records.members[a:b]] for a, b in bounds]


def read(path: Path, **columns: str) -> tuple[Records, list[Rejection]]:
    """The records of a file, and what was rejected."""
    rejected: list[Rejection] = []
    return read_records([str(path)], rejected.append, **columns), rejected


def test_json_lines_have_items_and_perhaps_a_weight(tmp_path: Path) -> None:
    """A line is an object or an array; an item that repeats counts once."""
    path = tmp_path / "loans.jsonl.gz"
    lines = '{"items": ["b", 7, "b"], "weight": 2.5}\n\n["a", "b"]\n{"items": ["only"]}\n'
    path.write_bytes(gzip.compress(lines.encode()))
    records, rejected = read(path)
    assert lists_of(records) == [["b", "7"], ["a", "b"], ["only"]] and not rejected
    assert records.weights.tolist() == [2.5, 1, 1] and records.singles == 1
    assert dict(zip(records.items, records.item_weights, strict=True)) == {
        "b": 3.5,
        "7": 2.5,
        "a": 1,
        "only": 1,
    }


def test_a_table_has_a_session_and_an_item_in_each_row(tmp_path: Path) -> None:
    """Rows of a session need not be adjacent; other columns are passed over."""
    path = tmp_path / "clicks.csv"
    path.write_text(
        'time,user,book\n1,u1,"a, b"\n2,u2,c\n3,u1,d\n\n4,u1,d\n5,,d\n6,u3\n', encoding="utf-8-sig"
    )
    records, rejected = read(path, session_field="user", item_field="book")
    assert lists_of(records) == [["a, b", "d"], ["c"]]
    assert [one.reason for one in rejected] == ["The row has no user.", "The row has no book."]
    path = tmp_path / "clicks.tsv"
    path.write_text("session\titem\nu1\tx\nu1\ty\n")
    assert lists_of(read(path)[0]) == [["x", "y"]]


def test_tables_of_spreadsheets(tmp_path: Path) -> None:
    """With semicolons, with tabs under another name, and in UTF-16 with a mark."""
    rows = "session{0}item\r\nu1{0}红楼梦\r\nu1{0}水浒传\r\n"
    for name, mark, encoding in (
        ("semicolons.csv", ";", "utf-8-sig"),
        ("tabs.csv", "\t", "utf-8"),
        ("unicode.txt", "\t", "utf-16"),
        ("unicode.csv", ",", "utf-16"),
    ):
        path = tmp_path / name
        path.write_bytes(rows.format(mark).encode(encoding))
        assert lists_of(read(path)[0]) == [["红楼梦", "水浒传"]], name


def test_a_row_that_is_not_utf8_is_rejected(tmp_path: Path) -> None:
    """Two names that differ in such a character never become one."""
    path = tmp_path / "mixed.csv"
    good = "".join(f"u{n},book {n % 9}\n" for n in range(200))
    path.write_bytes(b"session,item\n" + good.encode() + "a,M\u00fcller\na,M\u00f6ller\n".encode("latin-1"))
    records, rejected = read(path)
    assert len(records.items) == 9 and len(rejected) == 2
    assert rejected[0].reason == "The line is not UTF-8." and rejected[0].where == f"{path}:202"


def test_lines_of_items(tmp_path: Path) -> None:
    """A line of a text file is a record of the items between its spaces."""
    path = tmp_path / "lists.txt"
    path.write_text("红楼梦 水浒传\na b c\n")
    assert lists_of(read(path)[0]) == [["红楼梦", "水浒传"], ["a", "b", "c"]]


def test_standard_input_has_json_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The source `-` reads it."""
    stdin = io.TextIOWrapper(io.BytesIO(b'["a", "b"]\n'))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert lists_of(read_records(["-"], pytest.fail)) == [["a", "b"]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"items": []}', "The record has no item."),
        ('{"thing": ["a"]}', "The record has no 'items'."),
        ('{"items": "a"}', "'items' is a string, not an array."),
        ('{"items": ["a", true]}', "An item is a Boolean, neither a string nor an integer."),
        ('{"items": ["a", " "]}', "An item has an empty name."),
        ('{"items": ["a", "b"], "weight": -1}', "The weight must be a number over 0, not -1."),
        ('{"items": ["a", "b"], "weight": 1e300}', "The weight must be from 1e-06 to 1e+09, not 1e+300."),
        (
            '{"items": ["a", 1234567890123456789012]}',
            "An item is the number 1.23457e+21; write it as a string",
        ),
        ('{"items": ["a", "b"], "weight": 0}', "The weight must be a number over 0, not 0."),
        ('{"items": ["a", "b"], "weight": null}', "The weight is null, not a number."),
        ('{"items": ["a", "b"], "weight": "2"}', "The weight is a string, not a number."),
        ("17", "The line is a number, not a record."),
        ("{", "The line is not valid JSON"),
    ],
)
def test_a_line_that_is_no_record_is_rejected(tmp_path: Path, line: str, reason: str) -> None:
    """The reason is a sentence, and the lines around it are kept."""
    path = tmp_path / "records.jsonl"
    path.write_text(f'["a", "b"]\n{line}\n["c", "d"]\n')
    records, (rejected,) = read(path)
    assert lists_of(records) == [["a", "b"], ["c", "d"]]
    assert rejected.reason.startswith(reason) and rejected.where == f"{path}:2"


def test_sources_that_hold_no_record(tmp_path: Path) -> None:
    """A missing or empty file, a folder, another kind of file, a table without the columns."""
    for name, content in (("empty.jsonl", ""), ("only.csv", "session,item\n"), ("none.csv", "")):
        path = tmp_path / name
        path.write_text(content)
        with pytest.raises(SourceError, match="There is no record in"):
            read(path)
    with pytest.raises(SourceError, match="There is no file"):
        read(tmp_path / "gone.jsonl")
    with pytest.raises(SourceError, match="is a folder"):
        read(tmp_path)
    other = tmp_path / "records.parquet"
    other.write_bytes(b"PAR1")
    with pytest.raises(UsageError, match=r"JSON lines end in \.jsonl"):
        read(other)
    table = tmp_path / "table.csv"
    table.write_text("user,item,item\n")
    with pytest.raises(SourceError, match=r"no column 'session' \(there: 'user', 'item', 'item'\)"):
        read(table)
    with pytest.raises(SourceError, match="2 columns 'item'"):
        read(table, session_field="user")


def test_every_use_of_an_item_counts_the_same() -> None:
    """P(i) is the share of the uses of an item, in short records and in long ones."""
    generator = np.random.default_rng(3)
    lists = [[f"i{n}" for n in generator.permutation(40)[: generator.integers(2, 12)]] for _ in range(200)]
    records = records_of(lists, generator.uniform(0.5, 3, 200))
    pairs = count_pairs(records)
    assert pairs.shares.sum() == pytest.approx(1) and (pairs.first < pairs.second).all()
    np.testing.assert_allclose(pairs.item_shares, records.item_weights / records.item_weights.sum())
    expected = np.zeros((40, 40))
    for start, length, weight in zip(records.starts, records.lengths, records.weights, strict=False):
        for i in records.members[start : start + length]:
            for j in records.members[start : start + length]:
                expected[i, j] += weight / (length - 1) * (i != j)
    expected /= expected.sum()
    found = np.zeros((40, 40))
    found[pairs.first, pairs.second] = found[pairs.second, pairs.first] = pairs.shares / 2
    np.testing.assert_allclose(found, expected)


def test_a_record_of_one_item_has_no_pair() -> None:
    """Nothing is used together there."""
    pairs = count_pairs(records_of([["a"], ["b"]]))
    assert len(pairs) == 0 and pairs.item_shares.tolist() == [0, 0]


def test_long_records_cost_no_square() -> None:
    """Each item of a long record counts with a number of others, and still as often as it is used."""
    length = MAX_PARTNERS * 8
    pairs = count_pairs(records_of([[str(n) for n in range(length)]]))
    assert len(pairs) <= length * MAX_PARTNERS and (pairs.first < pairs.second).all()
    assert pairs.item_shares == pytest.approx(1 / length, rel=0.25)


def test_a_million_equal_records_are_one_pair() -> None:
    """They cost memory for numbers only."""
    pairs = count_pairs(records_of([["a", "b"]] * 1_000_000))
    assert (len(pairs), pairs.shares.tolist()) == (1, [1.0])
