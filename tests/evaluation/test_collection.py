"""Reading judged collections, good and bad."""

import re
from pathlib import Path

import pytest

from enricher.errors import SourceError
from enricher.evaluation.collection import Collection, read_collection
from enricher.evaluation.metrics import score_ranking
from enricher.records import Rejection
from enricher.sources import SourceFormat
from enricher.text import open_analyzer
from tests.evaluation.judged import write_collection, write_lines, write_small

TEXTS = ["a tide and a reef", "soil and seed"]
QUERIES = ["tide", "soil"]
QRELS = ["q1 0 d1 1", "q2 0 d2 2"]


def read(folder: Path, qrels: Path | None = None) -> tuple[Collection, list[Rejection]]:
    """The collection and what of it could not be used."""
    rejected: list[Rejection] = []
    return read_collection(folder, qrels, SourceFormat(), open_analyzer(), rejected.append), rejected


def test_a_whole_collection(tmp_path: Path) -> None:
    """Nothing is rejected or reported; the documents can be read again."""
    found, rejected = read(write_collection(tmp_path / "c"))
    assert (rejected, found.counts.sentences()) == ([], [])
    assert (len(found.queries), found.counts.documents, found.titled, found.language) == (20, 100, True, "zh")
    assert len(list(found.documents())) == len(list(found.documents())) == 100


def test_gzip_files_tabs_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    """All in one collection."""
    folder = write_small(tmp_path / "c", TEXTS, QUERIES, [])
    for name, lines in (("docs", TEXTS), ("queries", QUERIES)):
        (folder / f"{name}.jsonl").unlink()
        letter = name[0]
        write_lines(
            folder / f"{name}.jsonl.gz", [{"id": f"{letter}{n}", "text": t} for n, t in enumerate(lines, 1)]
        )
    (folder / "other.tsv").write_text("\ufeffq1\t0\td1\t1\r\n\nq2\tQ0\td 2\t3\n", encoding="utf-8")
    found, rejected = read(folder, Path("other.tsv"))
    assert rejected == [] and found.judgements == {"q1": {"d1": 1}, "q2": {"d 2": 3}}
    assert found.counts.judged_documents_missing == 1
    assert (found.language, found.titled) == ("en", False)
    assert read(folder, folder / "other.tsv")[0].judgements == found.judgements


def test_unusable_and_repeated_entries_are_counted(tmp_path: Path) -> None:
    """If an id is repeated, the last entry is kept."""
    folder = write_small(tmp_path / "c", TEXTS, ["old tide", "soil", "reef", "seed"], [])
    with (folder / "docs.jsonl").open("a") as file:
        file.write('{"id": "d1", "text": "once more"}\n')
    with (folder / "queries.jsonl").open("a") as file:
        file.write('{"id": "q1", "text": "tide"}\n')
    lines = ["q1 0 d1 1", "q1 0 d1 2", "q1 0 gone 1", "q2 0 d2 0", "q9 0 d1 1", "q4 0 d2 1"]
    (folder / "qrels.tsv").write_text("\n".join(lines))
    found, rejected = read(folder)
    assert rejected == []
    assert found.queries == {"q1": "tide", "q4": "seed"}
    assert found.judgements["q1"] == {"d1": 2, "gone": 1}
    assert {name: number for name, number in found.counts.as_json().items() if number} == {
        "documents": 2,
        "repeated_documents": 1,
        "repeated_queries": 1,
        "repeated_judgements": 1,
        "queries_without_judgements": 1,
        "queries_without_relevant": 1,
        "judged_queries_missing": 1,
        "judged_documents_missing": 1,
    }
    assert len(found.counts.sentences()) == 7
    assert "1 query without judgements: left out." in found.counts.sentences()


def test_invalid_lines_are_rejected_one_by_one(tmp_path: Path) -> None:
    """The rejection has the line number. The other lines are used."""
    folder = write_small(tmp_path / "c", TEXTS, QUERIES, [*QRELS, "q1 0 d2", "q1 0 d2 high", "q1\t\td1\t1"])
    for name in ("docs.jsonl", "queries.jsonl"):
        with (folder / name).open("a") as file:
            file.write("{broken\n")
    found, rejected = read(folder)
    assert len(found.queries) == 2
    assert [item.where for item in rejected] == [
        "queries.jsonl:3",
        "qrels.tsv:3",
        "qrels.tsv:4",
        "qrels.tsv:5",
        "docs.jsonl:3",
    ]
    assert "four columns" in rejected[1].reason and "not a whole number" in rejected[2].reason


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("docs.jsonl", None, "docs.jsonl"),
        ("docs.jsonl", "", "contains no document"),
        ("queries.jsonl", None, "queries.jsonl"),
        ("queries.jsonl", "", "contains no query"),
        ("queries.jsonl", "{broken\n", "contains no query"),
        ("qrels.tsv", None, "qrels.tsv"),
        ("qrels.tsv", "", "contains no judgement"),
        ("qrels.tsv", "q1 0 d1 0\n", "relevant document"),
        ("qrels.tsv", "zz 0 d1 1\n", "relevant document"),
    ],
)
def test_a_collection_that_cannot_be_measured_is_a_source_error(
    tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    """The message names the missing or empty file."""
    folder = write_small(tmp_path / "c", TEXTS, QUERIES, QRELS)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(SourceError, match=said):
        read(folder)


def test_a_missing_folder_or_file_of_judgements_is_named(tmp_path: Path) -> None:
    """It is a SourceError."""
    with pytest.raises(SourceError, match="absent"):
        read(tmp_path / "absent")
    with pytest.raises(SourceError, match=r"other\.tsv"):
        read(write_small(tmp_path / "c", TEXTS, QUERIES, QRELS), Path("other.tsv"))


JUDGED = {"q1": {"d1": 1}, "q2": {"d2": 2}}


@pytest.mark.parametrize(
    "lines",
    [
        ["q1\t\t0\td1\t\t1", "q2\t0\t\td2\t2"],
        ["q1 0\td1\t1", "q2\t0 d2 2"],
        ["q1\t0\td1\t1\t", "q2 0 d2 2  \r"],
        ["  q1 0 d1 1", "\tq2\t0\td2\t2"],
        ["q1 0 d1 1.0", "q2 Q0 d2 +2."],
        ["query-id\tcorpus-id\tscore", "q1\td1\t1", "q2\td2\t2"],
        ["query-id corpus-id score", "q1 d1 1", "q2\td2 \t2"],
        ["\ufeffqid iter docid rel", "q1 0 d1 1", "q2 0 d2 2"],
        ["TOPIC\tITERATION\tDOCUMENT#\tRELEVANCY", "q1\t0\td1\t1", "q2\t0\td2\t2"],
    ],
)
def test_columns_of_judgements_are_split_like_in_trec_eval(tmp_path: Path, lines: list[str]) -> None:
    """At any white space. After a header line, the format of BEIR is accepted too."""
    folder = write_small(tmp_path / "c", ["one", "two"], ["one", "two"], lines)
    found, rejected = read(folder)
    assert rejected == [] and found.judgements == JUDGED


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_judgements_and_queries_may_be_in_utf_16(tmp_path: Path, encoding: str) -> None:
    """The byte-order mark tells the encoding."""
    folder = write_small(tmp_path / "c", ["one", "two"], ["one", "two"], ["q1 0 d1 1", "q2 0 d2 2"])
    for name in ("qrels.tsv", "queries.jsonl", "docs.jsonl"):
        path = folder / name
        path.write_bytes(path.read_text("utf-8").replace("\n", "\r\n").encode(encoding))
    found, rejected = read(folder)
    assert rejected == [] and found.judgements == JUDGED


@pytest.mark.parametrize("separator", ["\u00a0", "\u3000", "\u2028"])
def test_ids_may_hold_white_space_that_is_not_ascii(tmp_path: Path, separator: str) -> None:
    """trec_eval does not split at it either."""
    folder = write_small(tmp_path / "c", ["one"], ["one"], [f"q1 0 d{separator}1 1"])
    assert read(folder)[0].judgements == {"q1": {f"d{separator}1": 1}}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("q1 0 d2 99999999999999999999", "The grade '99999999999999999999' is not between -1,000,000"),
        ("q1 0 d2 2147483647", "not between -1,000,000"),
        ("q1 0 d2 -99999999999999999999", "not between"),
        ("q1 0 d2 " + "9" * 5000, r"The grade '9{40}…' is not between"),
        ("q1 0 d2 0.5", "The grade '0.5' is not a whole number"),
        ("q1 0 d2 1e3", "not a whole number"),
        ("q1 0 d2 nan", "not a whole number"),
        ("q1 0 d2 high", "not a whole number"),
        ("q1 0 d2 1_0", "not a whole number"),
        ("q1 d2 1", "this line has 3. A file in the format of BEIR needs a header line"),
        ("q1 0 d2 1 x", "this line has 5"),
        ("query-id corpus-id score", "this line has 3"),
    ],
)
def test_an_invalid_judgement_is_rejected_with_a_reason(tmp_path: Path, line: str, reason: str) -> None:
    """The other judgements are used."""
    folder = write_small(tmp_path / "c", ["one", "two"], ["one"], ["q1 0 d1 1", line])
    found, (rejection,) = read(folder)
    assert found.judgements == {"q1": {"d1": 1}}
    assert rejection.where == "qrels.tsv:2" and re.search(reason, rejection.reason)


def test_grades_may_be_large_and_negative(tmp_path: Path) -> None:
    """A negative grade is not relevant. With the maximum grade, the metrics are still right."""
    folder = write_small(
        tmp_path / "c", ["a", "b", "c"], ["a"], ["q1 0 d1 -2", "q1 0 d2 1000000", "q1 0 d3 0"]
    )
    (found,) = read(folder)[0].judgements.values()
    assert found == {"d1": -2, "d2": 1_000_000, "d3": 0}
    assert score_ranking(found, {"d2": 2.0, "d1": 1.0}).ndcg == 1.0
