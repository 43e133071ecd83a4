"""`enricher library train` and `similar`, and searches ordered by what is used together."""

import json
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import RunCommand
from tests.corpora import documents, write_jsonl

Call = Callable[..., subprocess.CompletedProcess[str]]
LOANS = [["b1", "b2", "b3"], ["b1", "b2"], ["b2", "b3"], ["x1", "x2", "x3"], ["x1", "x2"], ["x2", "x3"]] * 10


@pytest.fixture
def loans(tmp_path: Path) -> Path:
    """A file of records."""
    path = tmp_path / "loans.jsonl"
    path.write_text("".join(json.dumps({"items": items}) + "\n" for items in LOANS))
    return path


def test_a_library_is_trained_and_asked(run: RunCommand, loans: Path) -> None:
    """By its name; versions are listed as those of models are."""
    trained = json.loads(run("library", "train", loans, "--json").stdout)
    assert (trained["records"], trained["items"]) == (60, 6)
    found = json.loads(run("library", "similar", "b1", "--top", "2", "--json").stdout)
    assert set(found) == {"item", "read_together", "alike"} and found["item"] == "b1"
    assert {one["item"] for one in found["read_together"]} == {"b2", "b3"}
    assert {one["item"] for one in found["alike"]} == {"b2", "b3"}
    table = run("library", "similar", "b1").stdout
    assert "read together" in table and "cosine" in table
    listed = run("--models", "models/library", "models", "list", "--json")
    assert [json.loads(line)["version"] for line in listed.stdout.splitlines()] == [trained["version"]]
    assert run("--models", "models/library", "models", "verify").returncode == 0


def test_what_is_no_record_is_reported(run: RunCommand, loans: Path) -> None:
    """The library is trained on the others, and the exit code is 1."""
    with loans.open("a") as file:
        file.write('{"items": ["b1", "b2"], "weight": -2}\n{"items": ["alone"]}\n')
    done = run("library", "train", loans)
    assert done.returncode == 1
    assert "The weight must be a number over 0, not -2." in done.stderr
    assert "1 record with one item: nothing is used together in them." in done.stderr
    assert "The library was trained on the other records." in done.stderr
    assert run("library", "similar", "b1").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["train", "gone.jsonl"], 1, "There is no file 'gone.jsonl'."),
        (["train", "empty.jsonl"], 1, "There is no record in 'empty.jsonl'."),
        (["train", "single.txt"], 1, "No record has two items: nothing is used together."),
        (["train", "loans.jsonl", "--dimensions", "0"], 2, "--dimensions must be 1 or more"),
        (["train", "loans.jsonl", "--min-uses", "1e6"], 1, "used 1e+06 times or more"),
        (["train", "table.csv"], 1, "no column 'session' (there: 'user', 'book')"),
        (["similar", "b1"], 1, "No library is active"),
        (["train", "large.jsonl"], 1, "No record has two items"),
    ],
)
def test_bad_input_gets_a_sentence(
    run: RunCommand, loans: Path, arguments: list[str], code: int, sentence: str
) -> None:
    """And the exit code for it."""
    (loans.parent / "empty.jsonl").touch()
    (loans.parent / "single.txt").write_text("a\nb\n")
    (loans.parent / "large.jsonl").write_text('{"items": ["a", "b"], "weight": 1e308}\n["a"]\n')
    (loans.parent / "table.csv").write_text("user,book\nu,b\n")
    done = run("library", *arguments)
    assert (done.returncode, done.stdout) == (code, "") and sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_library_is_no_model_of_text(run: RunCommand, loans: Path) -> None:
    """Commands for words say where models are; activating one does not speak of indexes."""
    version = run("library", "train", loans).stdout.strip()
    done = run("--models", "models/library", "neighbors", "b1")
    assert done.returncode == 1 and "'models/library' holds libraries of items" in done.stderr
    again = run("--models", "models/library", "models", "activate", version)
    assert (again.stdout.strip(), again.stderr) == (version, "")
    wrong = run("library", "similar", "b1", "--alpha", "2")
    assert wrong.returncode == 2 and "Alpha must be from 0 to 1, not 2." in wrong.stderr


def test_doctor_checks_the_library(run: RunCommand, loans: Path) -> None:
    """A file that has changed is named."""
    version = run("library", "train", loans).stdout.strip()
    assert f"{version}, 6 items, all files complete" in run("doctor").stdout
    vectors = loans.parent / "models" / "library" / version / "vectors.npy"
    vectors.write_bytes(vectors.read_bytes()[:-1] + b"x")
    done = run("doctor")
    assert done.returncode == 1 and "vectors.npy" in done.stdout + done.stderr


def test_an_unknown_item_gets_close_names(run: RunCommand, loans: Path) -> None:
    """With exit code 1."""
    run("library", "train", loans)
    done = run("library", "similar", "b12")
    assert done.returncode == 1 and "Closest names: b" in done.stderr


@pytest.fixture
def searching(run: RunCommand, models: Path, tmp_path: Path) -> Call:
    """The command line with an index of 100 documents, and a library of their ids."""
    folder = shutil.copytree(models, tmp_path / "own-models")

    def call(*arguments: str | Path, **options: str) -> subprocess.CompletedProcess[str]:
        return run("--models", folder, *arguments, **options)

    assert call("index", write_jsonl(tmp_path / "docs.jsonl", 100), "--to", "docs").returncode == 0
    return call


def search(call: Call, *options: str) -> dict[str, object]:
    """The answer to a search."""
    done = call("search", "事务", "--in", "docs", "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ids(answer: dict[str, object]) -> list[str]:
    """The ids of the hits."""
    return [hit["id"] for hit in answer["hits"]]  # type: ignore[attr-defined]


def test_what_is_read_with_the_best_hits_comes_first(searching: Call, tmp_path: Path) -> None:
    """A late hit that is read with the first one rises; pages are parts of one order, and totals stay."""
    plain = search(searching, "--top", "40")
    first, late = ids(plain)[0], ids(plain)[15]
    others = [document.id for document in documents(100)][-20:]
    records = [[first, late]] * 30 + [[a, b] for a, b in pairwise(others)]
    path = tmp_path / "sessions.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    assert searching("library", "train", path).returncode == 0
    for option in ("--also-read", "--alike"):
        boosted = search(searching, "--top", "40", option, "0.5")
        assert ids(boosted).index(late) < 8 and boosted["total"] == plain["total"]
        assert sorted(ids(boosted)) == sorted(ids(plain)) if plain["total"] == 40 else True
        scores = [hit["score"] for hit in boosted["hits"]]  # type: ignore[attr-defined]
        assert scores == sorted(scores, reverse=True) and 0 <= scores[-1] <= scores[0] <= 1
        pages = [search(searching, "--top", "5", "--from", str(at), option, "0.5") for at in (0, 5, 10)]
        assert [one for page in pages for one in ids(page)] == ids(boosted)[:15]
    assert ids(search(searching, "--top", "40", "--also-read", "0")) == ids(plain)


def test_searches_that_cannot_be_ordered_so(searching: Call, loans: Path) -> None:
    """Without a library, with a wrong share, with a sort, for a client."""
    asked = ("search", "事务", "--in", "docs")
    done = searching(*asked, "--also-read", "0.3")
    assert done.returncode == 1 and "No library is active" in done.stderr
    searching("library", "train", loans)
    done = searching(*asked, "--also-read", "0.3", "--json")
    assert done.returncode == 0 and "The library knows none of the best hits" in done.stderr
    assert json.loads(done.stdout)["known_hits"] == 0
    assert ids(json.loads(done.stdout)) == ids(search(searching, "--top", "10"))
    for options, sentence in (
        (("--also-read", "0.7", "--alike", "0.7"), "together at most 1"),
        (("--alike", "-1"), "shares of the score"),
        (("--also-read", "0.3", "--sort", "topic"), "A field sorts the hits"),
        (("--also-read", "0.3", "--show-query"), "leave out --also-read"),
    ):
        done = searching(*asked, *options)
        assert done.returncode == 2 and sentence in done.stderr, done.stderr
