"""Fields and settings that an index records, by the command line on the embedded engine."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from indexer.engines.tantivy.engine import TantivyEngine
from tests.conftest import RunCommand
from tests.corpora import documents, write_jsonl

Ask = Callable[..., str]
HEADED = ("--title-field", "headline", "--text-field", "page.body")


@pytest.fixture
def ask(run: RunCommand, models: Path, tmp_path: Path) -> Ask:
    """Runs a command by the small model; answers what it prints and says."""
    with (tmp_path / "docs.jsonl").open("w") as file:
        for document in documents(60):
            texts = {"headline": document.text("title"), "page": {"body": [document.text("text")]}}
            file.write(json.dumps({"id": document.id, **texts}, ensure_ascii=False) + "\n")

    def call(*arguments: str | Path, code: int = 0) -> str:
        done = run("--models", models, *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return call


def total(answer: str) -> int:
    """Of a search that was answered in JSON."""
    found: int = json.loads(answer.splitlines()[0])["total"]
    return found


def test_the_fields_of_an_index_go_on_to_whatever_is_made_from_it(ask: Ask, tmp_path: Path) -> None:
    """A new index, a copy, keywords and a training have the text that the first index was given."""
    ask("index", "docs.jsonl", "--to", "b1", *HEADED)
    found = total(ask("search", "事务", "--in", "b1", "--no-expansion", "--json"))
    assert found > 0
    ask("reindex", "start", "b1", "--to", "blog")
    ask("index", "index:b1", "--to", "b2")
    for index in ("blog", "b2"):
        assert total(ask("search", "事务", "--in", index, "--no-expansion", "--json")) == found
        engine = TantivyEngine(tmp_path / "index")
        assert engine.layout(index).fields == ("headline", "page.body")
        assert engine.count_without_words(index) == 0
        engine.close()
    lines = ask("keywords", "index:b1", "--json").splitlines()
    assert len(lines) == 60 and all(json.loads(line)["keywords"] for line in lines)
    assert "FAILED" not in ask("doctor")


def test_a_field_that_is_misspelt_is_refused_before_anything_is_written(ask: Ask, tmp_path: Path) -> None:
    """Of an index and of a file; the sentence names what there is."""
    ask("index", "docs.jsonl", "--to", "b1", *HEADED)
    for source in ("index:b1", "docs.jsonl"):
        for command in (("index", source, "--to", "b2"), ("keywords", source), ("train", source)):
            said = ask(*command, "--title-field", "headline", "--text-field", "page.bdy", code=2)
            assert "has the field 'page.bdy'; there is text in" in said and "page.body" in said
    said = ask("reindex", "start", "b1", "--to", "b3", "--text-field", "bdy", code=2)
    assert "'bdy'" in said
    engine = TantivyEngine(tmp_path / "index")
    assert engine.indexes() == ["b1"]
    engine.close()


def test_documents_of_an_index_are_held_to_the_rule_for_files(ask: Ask, tmp_path: Path) -> None:
    """One without any text field is rejected, whichever way it comes; others are counted without text."""
    lines = [
        '{"id": "1", "title": "", "text": ""}',
        '{"id": "2", "text": "ocean wave"}',
        '{"id": "3", "n": 1}',
    ]
    (tmp_path / "mixed.jsonl").write_text("\n".join(lines) + "\n")
    rejected = "The document has no field 'title' or 'text'."
    said = ask("index", "mixed.jsonl", "--to", "m1", code=1)
    assert rejected in said and "1 document without text in the enriched fields (title, text)" in said
    (tmp_path / "other.jsonl").write_text('{"id": "3", "note": "a note"}\n')
    ask("index", "other.jsonl", "--to", "m2", "--text-field", "note", "--title-field", "note")
    said = ask("index", "index:m2", "--to", "m3", "--title-field", "title", "--text-field", "text", code=2)
    assert "has the field 'title'; there is text in" in said
    assert "1 document without a word in title, text" in ask("doctor")


def test_settings_of_enrichments_belong_to_the_index(ask: Ask, tmp_path: Path) -> None:
    """Other ones are not mixed into it: neither by indexing nor unnoticed; those of the query are free."""
    config = tmp_path / "enricher.toml"
    config.write_text('[index."b*"]\n[index."b*".settings.keywords]\ntop = 2\n')
    ask("index", "docs.jsonl", "--to", "b1", *HEADED)
    config.write_text('[index."b*"]\n[index."b*".settings.keywords]\ntop = 9\n')
    said = ask("index", "docs.jsonl", "--to", "b1", *HEADED, code=1)
    assert "its setting keywords.top is 2, not 9" in said
    assert "its setting keywords.top is 2, not 9" in ask("doctor", code=1)
    config.write_text(
        '[index."b*"]\n[index."b*".settings.keywords]\ntop = 2\n[index."b*".settings.vector]\nhead = 0.1\n'
    )
    ask("index", "docs.jsonl", "--to", "b1", *HEADED)
    ask("doctor")
    config.unlink()
    ask("index", "docs.jsonl", "--to", "b1", *HEADED)
    assert "keywords.top" not in ask("doctor")


def test_a_pattern_of_the_source_serves_the_new_index(ask: Ask, tmp_path: Path) -> None:
    """As does what an index records, once its table is gone; the alias is searched by it too."""
    config = tmp_path / "enricher.toml"
    config.write_text('[index."art-*"]\nenrichments = ["tokens"]\nrewriters = []\n')
    ask("index", "docs.jsonl", "--to", "art-v1", *HEADED)
    ask("reindex", "start", "art-v1", "--to", "art")
    answer = json.loads(ask("search", "事务", "--in", "art", "--json").splitlines()[0])
    assert {term["origin"] for term in answer["expansion"]} == {"query"}
    config.unlink()
    ask("reindex", "start", "art", "--to", "again")
    engine = TantivyEngine(tmp_path / "index")
    for index in ("art-v1", "art", "again"):
        assert set(engine.layout(index).enrichments or ()) == {"tokens"}
    engine.close()


@pytest.mark.parametrize("share", ["5", "-1%", "much", "101%", "nan"])
def test_a_share_that_is_none_is_wrong_usage(ask: Ask, share: str) -> None:
    """It is a number from 0 to 1, or in percent."""
    assert "--max-unenriched must be from 0 to 1" in ask("doctor", f"--max-unenriched={share}", code=2)


def test_a_misspelt_field_of_ids_is_refused(run: RunCommand, models: Path, tmp_path: Path) -> None:
    """Documents would otherwise get other ids, and be there twice."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 5)
    done = run("--models", models, "index", docs, "--to", "docs", "--id-field", "key")
    assert done.returncode == 2 and "has the field 'key': omit --id-field" in done.stderr
    assert run("--models", models, "search", "事务", "--in", "docs").returncode == 1
