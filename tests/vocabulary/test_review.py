"""`vocabulary review` and `preview`, as a user runs them."""

import json
from pathlib import Path

import pytest

from enricher.bundle.store import BundleStore
from enricher.vocabulary.decisions import decide
from enricher.vocabulary.review_file import Decision, State, read_review
from indexer.cli.reviewing import Walk
from tests.conftest import RunCommand
from tests.vocabulary.test_apply import AFFECTED, FAST, write_documents

ROWS = (
    "word\tstate\tcount\texample_1\n电网故障\t\t12\t昨夜发生电网故障。\n"
    "电压\t\t3\t\n负荷\t\t2\t\n旧词\treject\t1\t\n"
)


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.tsv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def states(path: Path) -> list[tuple[str, str, str]]:
    """Word, state and `into` of every row."""
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    head = rows[0]
    return [(row[0], row[head.index("state")], row[head.index("into")]) for row in rows[1:]]


def test_candidates_are_decided_one_by_one(run: RunCommand, words: Path) -> None:
    """With what speaks for them; what was decided before is not shown again."""
    done = run("vocabulary", "review", words, stdin="a\nm\n电网\nu\nr\nx\ns\n")
    assert done.returncode == 0, done.stderr
    assert "[1/3] 电网故障   count 12" in done.stdout and "昨夜发生电网故障。" in done.stdout
    assert "旧词" not in done.stdout and "a accept, r reject" in done.stderr
    assert states(words) == [
        ("电网故障", "accept", ""),
        ("电压", "reject", ""),
        ("负荷", "skip", ""),
        ("旧词", "reject", ""),
    ]
    assert "1 accept, 2 reject, 1 skip, 0 without a decision." in done.stderr


def test_a_review_goes_on_where_it_ended(run: RunCommand, words: Path) -> None:
    """Every decision was written at once; a skipped word comes again."""
    run("vocabulary", "review", words, stdin="s\nq\n")
    done = run("vocabulary", "review", words, stdin="m\n\nm\n电网\na\n")
    assert "Nothing was merged" in done.stderr
    assert states(words)[:2] == [("电网故障", "merge", "电网"), ("电压", "accept", "")]


def test_what_somebody_else_decides_meanwhile_is_not_overwritten(
    words: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is reported and shown; then the word can be decided again, and this be undone."""
    other = Decision(State.REJECT, "mei", "a part")
    walk = Walk(words, read_review(words).candidates[:3], "lin")
    decide(words, "电网故障", Decision(), other)
    decide(words, "负荷", Decision(), other)
    walk.decide(State.ACCEPT, "")
    assert "'电网故障' was changed meanwhile by mei: reject." in capsys.readouterr().err
    assert (walk.place, walk.candidates[0].decision) == (0, other)
    walk.decide(State.ACCEPT, "")
    assert walk.place == 1
    walk.undo()
    assert (walk.place, read_review(words).candidates[0].decision) == (0, other)
    words.write_text(words.read_text(encoding="utf-8").replace("电网故障", "别的词"), encoding="utf-8")
    walk.decide(State.ACCEPT, "")
    assert "no longer in the file" in capsys.readouterr().err and walk.place == 1
    walk.decide(State.ACCEPT, "")
    assert [one.state for one in read_review(words).candidates[:3]] == ["reject", "accept", "reject"]


def test_a_preview_shows_documents_and_queries_and_writes_nothing(run: RunCommand, tmp_path: Path) -> None:
    docs = write_documents(tmp_path / "docs.jsonl")
    assert run("train", docs, *FAST).returncode == 0
    assert run("index", docs, "--to", "articles").returncode == 0
    before = sorted(path.name for path in (tmp_path / "models").iterdir())
    (tmp_path / "queries.txt").write_text("变压器故障 处理\n电压\n", encoding="utf-8")
    command = ("vocabulary", "preview", "--word", "变压器故障", "--queries", "queries.txt")
    done = run(*command, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (index,) = found["indexes"]
    assert (index["index"], index["documents"], index["affected"]) == ("articles", 300, AFFECTED)
    assert len(index["shown"]) == min(10, AFFECTED)
    assert {"before": ["变压器", "故障"], "after": ["变压器故障"]} in index["shown"][0]["words"]
    assert [query["query"] for query in found["queries"]] == ["变压器故障 处理"]
    assert "变压器 故障 -> 变压器故障" in run(*command).stdout
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == before
    assert len(BundleStore(tmp_path / "models").versions()) == 1
    refused = run("vocabulary", "preview")
    assert refused.returncode == 2 and "no word to preview" in refused.stderr
