"""library shelves: files, output, exit codes, sentences."""

import csv
import json
from pathlib import Path

import pytest

from tests.conftest import RunCommand

LOANS = '["atlas","maps"]\n["atlas","maps","travel"]\n["novel","poems"]\n["novel","poems"]\n'
PLACES = "place,x,y\nA1,0,1\nA2,1,1\nA3,2,1\nB1,0,3\nB2,1,3\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with records and places, in which the command runs."""
    (tmp_path / "loans.jsonl").write_text(LOANS)
    (tmp_path / "places.csv").write_text(PLACES)
    return tmp_path


def plan_of(path: Path) -> dict[str, str]:
    with path.open(newline="", encoding="utf-8") as file:
        return {row["item"]: row["place"] for row in csv.DictReader(file)}


def test_a_plan_is_written_and_compared(run: RunCommand, files: Path) -> None:
    """JSON has the cost, the bound and the baselines; a second run gives the same."""
    (files / "topics.csv").write_text("item,category\natlas,maps\nmaps,maps\nnovel,fiction\nghost,x\n")
    arguments = ["shelves", "places.csv", "--records", "loans.jsonl", "--out", "plan.csv", "--json"]
    done = run("library", *arguments, "--categories", "topics.csv", "--min-distance", "1")
    assert done.returncode == 0, done.stderr
    assert "1 item of 'topics.csv' is unknown and passed over: 'ghost'." in done.stderr
    answer = json.loads(done.stdout)
    assert set(answer) == {"cost", "lower_bound", "baselines"}
    assert set(answer["baselines"]) == {"published", "sne", "popularity", "category", "random"}
    assert answer["lower_bound"] <= answer["cost"] <= min(answer["baselines"].values())
    plan = plan_of(files / "plan.csv")
    assert set(plan) == {"atlas", "maps", "travel", "novel", "poems"} and len(set(plan.values())) == 5
    assert list(plan.values()) == sorted(plan.values()), "in the order of the places"
    assert {plan["novel"], plan["poems"]} in ({"B1", "B2"}, {"A1", "A2"}, {"A2", "A3"})
    again = run("library", *arguments)
    assert json.loads(again.stdout)["cost"] == answer["cost"] and plan_of(files / "plan.csv") == plan


def test_series_tables_and_pictures(run: RunCommand, files: Path) -> None:
    """A series stands side by side; the table names the plan and the bound; the plot is a picture."""
    (files / "series.txt").write_text("poems\ttravel\tghost\n")
    (files / "loans.csv").write_text("reader,book\n1,atlas\n1,maps\n2,novel\n2,poems\n3,travel\n3,maps\n")
    done = run(
        "library", "shelves", "places.csv", "--records", "loans.csv", "--session-field", "reader",
        "--item-field", "book", "--together", "series.txt", "--out", "plan.csv", "--plot", "plan.svg",
        "--seconds", "0.2", "--seed", "7",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 item of 'series.txt' is unknown and passed over: 'ghost'." in done.stderr
    assert done.stdout.startswith("5 items assigned to places in plan.csv.\n")
    assert "this plan" in done.stdout and "lower bound" in done.stdout
    plan = plan_of(files / "plan.csv")
    assert (plan["poems"], plan["travel"]) in {("A1", "A2"), ("A2", "A3"), ("B1", "B2"), ("A3", "B1")}
    assert "<svg" in (files / "plan.svg").read_text() and "travel" in (files / "plan.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["gone.csv"], 1, "There is no file 'gone.csv'."),
        (["bare.csv"], 1, "'bare.csv' has no column 'y'"),
        (["places.csv", "--min-distance", "1.2"], 2, "'A1' and 'A2' are 1 apart, less than the minimum"),
        (["small.csv"], 2, "The places have room for 1 item, but there are 5."),
        (
            ["places.csv", "--out", "no/plan.csv"],
            2,
            "There is no folder 'no' for 'plan.csv'.",
        ),
        (["places.csv", "--plot", "plan.bmp"], 2, "The plot 'plan.bmp' has no known format."),
        (["places.csv", "--together", "long.txt"], 2, "The series 'line 1' has 5 items, but the longest row"),
        (["places.csv", "--records", "gone.jsonl"], 1, "There is no file 'gone.jsonl'."),
        (["places.csv", "--out", "places.csv"], 2, "'places.csv' is an input of this command"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    run: RunCommand, files: Path, arguments: list[str], code: int, sentence: str
) -> None:
    """And nothing is written."""
    (files / "bare.csv").write_text("place,x\nA1,0\n")
    (files / "small.csv").write_text("place,x,y\nA1,0,1\n")
    (files / "long.txt").write_text("atlas\tmaps\ttravel\tnovel\tpoems\n")
    (files / "places.csv").write_text(PLACES.replace("B1,0,3", "B1,9,9"))
    given = ["--records", "loans.jsonl"] if "--records" not in arguments else []
    out = ["--out", "plan.csv"] if "--out" not in arguments else []
    done = run("library", "shelves", *arguments, *given, *out)
    assert done.returncode == code and sentence in done.stderr, done.stderr
    assert done.stdout == "" and not (files / "plan.csv").exists()


def test_records_that_cannot_be_used_are_counted(run: RunCommand, files: Path) -> None:
    """The plan of the others is written, and the exit code tells."""
    (files / "loans.jsonl").write_text(LOANS + "{\n")
    done = run("library", "shelves", "places.csv", "--records", "loans.jsonl", "--out", "plan.csv")
    assert done.returncode == 1 and "1 input could not be used." in done.stderr
    assert len(plan_of(files / "plan.csv")) == 5
    done = run("library", "shelves", "places.csv", "--out", "plan.csv")
    assert done.returncode == 1 and "No library is active" in done.stderr
