"""`library map`: items, documents and words, as a page and as a picture; bad input in sentences."""

import json
import random
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from enricher.errors import UsageError
from enricher.library.maps.embedding import need_opentsne
from enricher.library.maps.picture import need_matplotlib
from tests.conftest import RunCommand
from tests.corpora import TOPICS, write_jsonl


def write_records(path: Path, number: int = 300) -> Path:
    """Records in which words of one topic are used together."""
    generator = random.Random(5)
    topics = list(TOPICS.values())
    lines = (
        json.dumps(generator.sample(generator.choice(topics), 4), ensure_ascii=False) for _ in range(number)
    )
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def data_in(page: Path) -> dict[str, Any]:
    """The data of a page."""
    found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_items_of_records_are_drawn(run: RunCommand, tmp_path: Path) -> None:
    """As a page and as a picture, with categories, and the same ones again; unused rows are counted."""
    records = write_records(tmp_path / "records.jsonl")
    rows = [f"{word},{topic}" for topic, words in TOPICS.items() for word in words if word != "事务"]
    table = tmp_path / "kinds.csv"
    table.write_text("item,category\n" + "\n".join([*rows, "whale,other", "unseen,other"]) + "\n", "utf-8")
    words = ["library", "map", "--records", records, "--categories", table, "--json"]
    done = run(*words, "--out", "map.html", "--out", "map.png")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert (facts["of"], facts["points"]) == ("items", sum(map(len, TOPICS.values())))
    assert list(facts["quality"]) == ["t-SNE", "SNE", "PCA"] and facts["quality"]["t-SNE"]["kept"] > 0.5
    assert set(facts["groups"]) == set(TOPICS) and set(facts["regions"]) <= set(TOPICS)
    for name, size in facts["files"].items():
        assert (tmp_path / name).stat().st_size == size
    assert (tmp_path / "map.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert f"1 row of {str(table)!r} with an item that came before" in done.stderr
    assert f"1 item of {str(table)!r} is unknown and passed over: 'unseen'." in done.stderr
    assert "1 point of the map without a category." in done.stderr
    assert "t-SNE: 750 of 750 …" in done.stderr
    again = run(*words, "--out", "again.html", "--out", "again.png")
    assert again.returncode == 0
    for suffix in (".html", ".png"):
        assert (tmp_path / f"map{suffix}").read_bytes() == (tmp_path / f"again{suffix}").read_bytes()


def test_the_items_of_the_library_are_drawn(run: RunCommand, tmp_path: Path) -> None:
    """By what is used together, as from the records themselves, or by what is alike."""
    records = write_records(tmp_path / "records.jsonl")
    assert run("library", "train", records).returncode == 0
    maps = []
    for options in (["--records", records], [], ["--alike"]):
        done = run("library", "map", *options, "--out", "map.html", "--no-compare", "--json")
        assert done.returncode == 0, done.stderr
        maps.append(data_in(tmp_path / "map.html"))
        assert json.loads(done.stdout)["quality"]["t-SNE"]["kept"] > 0.4
    given, trained, alike = (sorted(one["names"]) for one in maps)
    assert given == trained == alike and maps[1]["weights"] == sorted(maps[1]["weights"], reverse=True)
    assert maps[1]["places"] != maps[2]["places"]


def test_words_of_the_model_are_drawn(run: RunCommand, models: Path, tmp_path: Path) -> None:
    """The most frequent ones; a table has the figures, without SNE if it is not wanted."""
    options = ["--of", "words", "--limit", "40", "--no-compare", "--title", "Words"]
    done = run("--models", models, "library", "map", *options, "--out", "words.html")
    assert done.returncode == 0, done.stderr
    assert re.search(r"t-SNE +0\.\d{4} +0\.\d{4}\n *PCA +0\.\d{4} +0\.\d{4}\n", done.stdout)
    assert "40 points drawn to words.html (" in done.stdout
    assert "the most used are on the map. For more, raise --limit." in done.stderr
    data = data_in(tmp_path / "words.html")
    assert data["title"] == "Words" and data["coloredBy"] == "region" and data["weights"][0] > 1


def test_documents_are_drawn(run: RunCommand, models: Path, tmp_path: Path) -> None:
    """Of a file or an index alike, named by their titles; a field gives the colors, keywords the labels."""
    source = write_jsonl(tmp_path / "docs.jsonl", 80)
    engine = ["--models", models, "--engine", f"tantivy:{tmp_path / 'index'}"]
    assert run(*engine, "index", source, "--to", "docs").returncode == 0
    facts = []
    for name in (str(source), "index:docs"):
        options = ["--of", "documents", "--source", name, "--category-field", "topic", "--no-compare"]
        done = run(*engine, "library", "map", *options, "--out", "docs.html", "--json")
        assert done.returncode == 0, done.stderr
        facts.append(json.loads(done.stdout))
    assert facts[0]["points"] == facts[1]["points"] == 80
    assert set(facts[0]["groups"]) == set(TOPICS)
    known = {word for words in TOPICS.values() for word in words}
    assert any(label.split(" · ")[0] in known for label in facts[0]["regions"])
    data = data_in(tmp_path / "docs.html")
    assert set(data["details"]) == {f"d{n}" for n in range(80)} and data["weights"] is None


def test_a_sample_of_documents_is_drawn(run: RunCommand, models: Path, tmp_path: Path) -> None:
    """And unusable lines are counted."""
    source = write_jsonl(tmp_path / "docs.jsonl", 60)
    with source.open("a") as file:
        file.write("{\n" + json.dumps({"id": "empty", "title": "!!", "text": "??"}) + "\n")
    options = ["--of", "documents", "--source", source, "--limit", "61", "--no-compare", "--out", "d.html"]
    done = run("--models", models, "library", "map", *options, "--json")
    assert done.returncode == 1
    assert "1 document is left out: without any word that the model knows." in done.stderr
    assert "1 input could not be used. The map was drawn from the others." in done.stderr
    options[5] = "20"
    done = run("--models", models, "library", "map", *options, "--json")
    assert json.loads(done.stdout)["points"] in (19, 20)
    assert "There are 61 documents; a random sample of them is on the map." in done.stderr


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--records", "r.jsonl", "--out", "m.svg"], "The map 'm.svg' has no known format"),
        (["--records", "r.jsonl", "--out", "m"], "Use a name that ends in .html or .png."),
        (["--records", "r.jsonl", "--out", "gone/m.html"], "There is no folder 'gone' for 'm.html'."),
        (["--records", "r.jsonl", "--out", "m.html", "--out", "./m.html"], "Two outputs name the same file"),
        (["--records", "few.jsonl", "--out", "m.html"], "needs at least 4 items with another item"),
        (["--records", "none.jsonl", "--out", "m.html"], "There is no file 'none.jsonl'."),
        (["--out", "m.html"], "No library is active"),
        (["--of", "documents", "--out", "m.html"], "A map of documents needs documents: --source SOURCE"),
        (["--alike", "--records", "r.jsonl", "--out", "m.html"], "--alike is for the items of a library"),
        (["--of", "words", "--records", "r.jsonl", "--out", "m.html"], "--records does not fit --of words"),
        (
            ["--of", "documents", "--source", "d.jsonl", "--categories", "k.csv", "--out", "m.html"],
            "--categories does not fit --of documents",
        ),
        (["--of", "books", "--out", "m.html"], "'books' is not one of 'items', 'documents', 'words'"),
        (
            ["--records", "r.jsonl", "--categories", "k.csv", "--out", "m.html"],
            "no column 'category' (there: 'item', 'kind')",
        ),
        (
            ["--records", "r.jsonl", "--perplexity", "0", "--out", "m.html"],
            "Invalid value for '--perplexity'",
        ),
        (
            ["--records", "r.jsonl", "--categories", "m.html", "--out", "m.html"],
            "is an input of this command",
        ),
        (["--records", "r.jsonl", "--out", "folder.html"], "'folder.html' is a folder"),
    ],
)
def test_bad_input_is_a_sentence(run: RunCommand, tmp_path: Path, options: list[str], sentence: str) -> None:
    """Nothing is written then."""
    write_records(tmp_path / "r.jsonl", 30)
    (tmp_path / "few.jsonl").write_text('["a", "b"]\n["b", "c"]\n')
    (tmp_path / "k.csv").write_text("item,kind\na,b\n")
    (tmp_path / "folder.html").mkdir()
    if "m.html" in options[: options.index("--out")]:
        (tmp_path / "m.html").write_text("item,category\n")
    before = {path.name for path in tmp_path.iterdir()}
    done = run("library", "map", *options)
    assert done.returncode in (1, 2) and sentence in done.stderr, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == before


def test_documents_need_the_category_field(run: RunCommand, models: Path, tmp_path: Path) -> None:
    """A field that no document has is named."""
    source = write_jsonl(tmp_path / "docs.jsonl", 10)
    options = ["--of", "documents", "--source", source, "--category-field", "subject", "--out", "d.html"]
    done = run("--models", models, "library", "map", *options)
    assert done.returncode == 2 and "has a text in the field 'subject': name another field." in done.stderr


def test_documents_need_text_vectors(run: RunCommand, tmp_path: Path) -> None:
    """A model that was trained without them cannot draw documents."""
    source = write_jsonl(tmp_path / "docs.jsonl", 30)
    training = ["--no-tuning", "--epochs", "1", "--dimensions", "8", "--workers", "1"]
    assert run("train", source, *training).returncode == 0
    done = run("library", "map", "--of", "documents", "--source", source, "--out", "d.html")
    assert done.returncode == 1 and "has no text vectors, so documents have no place on a map" in done.stderr


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    for library, need in (("openTSNE", need_opentsne), ("matplotlib", need_matplotlib)):
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(UsageError, match=rf'needs {library}. Run: pip install "search-enricher\[maps\]"'):
            need()
