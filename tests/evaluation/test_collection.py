"""Reading judged collections, good and bad."""

from pathlib import Path

import pytest

from enricher.errors import SourceError
from enricher.evaluation.collection import Collection, read_collection
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
    """Nothing is rejected and nothing is said; the documents can be read again."""
    found, rejected = read(write_collection(tmp_path / "c"))
    assert (rejected, found.counts.sentences()) == ([], [])
    assert (len(found.queries), found.counts.documents, found.titled, found.language) == (20, 100, True, "zh")
    assert len(list(found.documents())) == len(list(found.documents())) == 100


def test_packed_files_tabs_and_a_byte_order_mark(tmp_path: Path) -> None:
    """As they come."""
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


def test_what_cannot_be_measured_is_counted(tmp_path: Path) -> None:
    """And of equal ids the last wins."""
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


def test_lines_that_cannot_be_read_are_rejected_one_by_one(tmp_path: Path) -> None:
    """With their place; the others are used."""
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
    assert "four columns" in rejected[1].reason and "no whole number" in rejected[2].reason


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("docs.jsonl", None, "docs.jsonl"),
        ("docs.jsonl", "", "holds no document"),
        ("queries.jsonl", None, "queries.jsonl"),
        ("queries.jsonl", "", "holds no query"),
        ("queries.jsonl", "{broken\n", "holds no query"),
        ("qrels.tsv", None, "qrels.tsv"),
        ("qrels.tsv", "", "holds no judgement"),
        ("qrels.tsv", "q1 0 d1 0\n", "relevant document"),
        ("qrels.tsv", "zz 0 d1 1\n", "relevant document"),
    ],
)
def test_a_collection_that_cannot_be_measured_is_a_sentence(
    tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    """Whatever is missing or empty."""
    folder = write_small(tmp_path / "c", TEXTS, QUERIES, QRELS)
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(SourceError, match=said):
        read(folder)


def test_no_folder_and_no_such_judgements(tmp_path: Path) -> None:
    """Both are named."""
    with pytest.raises(SourceError, match="absent"):
        read(tmp_path / "absent")
    with pytest.raises(SourceError, match=r"other\.tsv"):
        read(write_small(tmp_path / "c", TEXTS, QUERIES, QRELS), Path("other.tsv"))
