"""Fields, settings and late changes of indexes on a real server, by the command line."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RunCommand
from tests.server.engines import ServerEngine

Ask = Callable[..., str]
PROSE = "The ocean carries the wave over the reef and into the harbour."


Examine = Callable[..., tuple[bool, str]]


@pytest.fixture
def examine(run: RunCommand, models: Path, server_url: str) -> Examine:
    """Answers what doctor says of the index behind an alias, whatever else there is on the server."""
    return partial(examined, run, models, server_url)


@pytest.fixture
def ask(run: RunCommand, models: Path, server_url: str) -> Ask:
    """Runs a command on the server; answers what it prints and says."""

    def call(*arguments: str, code: int = 0) -> str:
        done = run("--models", models, "--engine", server_url, *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return call


def make(engine: ServerEngine, name: str, *sources: dict[str, Any], **mappings: Any) -> None:
    """An index that somebody else has made, with documents 0, 1, …"""
    engine.client.indices.create(index=name, mappings=mappings or None, settings={"number_of_replicas": 0})
    for number, source in enumerate(sources):
        engine.client.index(index=name, id=str(number), document=source)
    engine.refresh(name)


def examined(run: RunCommand, models: Path, url: str, index: str, *options: str) -> tuple[bool, str]:
    """What doctor says of the index behind an alias, whatever else there is on the server."""
    done = run("--models", models, "--engine", url, "doctor", "--json", *options)
    checks = [json.loads(line) for line in done.stdout.splitlines()]
    (check,) = (one for one in checks if one["check"].startswith(f"index {index}-2"))
    return check["passed"], check["detail"]


def found(ask: Ask, query: str, index: str) -> int:
    """How many documents a search by the typed words alone finds."""
    answer = ask("search", query, "--in", index, "--no-expansion", "--json")
    total: int = json.loads(answer.splitlines()[0])["total"]
    return total


@pytest.mark.parametrize(
    "source",
    [
        {"subject": "reef", "body": "harbour"},
        {"title": "reef", "content": "harbour"},
        {"article": {"title": "reef", "paragraphs": ["ocean", "harbour"]}},
        {"head": "reef", "remarks": f"{PROSE} harbour"},
        {"title": "reef", "text": ["ocean", "harbour"]},
    ],
)
def test_the_text_of_a_foreign_index_is_found_in_its_mapping(
    ask: Ask, engine: ServerEngine, index: str, source: dict[str, Any]
) -> None:
    """By every way out of it, and named; whatever its fields are called."""
    make(engine, f"{index}-old", source)
    said = ask("reindex", "start", f"{index}-old", "--to", index)
    assert "The enriched fields are " in said
    ask("index", f"index:{index}-old", "--to", f"{index}-copy")
    for name in (index, f"{index}-copy"):
        assert found(ask, "harbour", name) == 1
    assert '"text": "harbour"' in ask("keywords", f"index:{index}-old", "--json")


@pytest.mark.parametrize("part", [{"excludes": ["text"]}, {"includes": ["title"]}, {"enabled": False}])
def test_an_index_without_whole_sources_is_read_by_nothing(
    ask: Ask, engine: ServerEngine, index: str, part: dict[str, Any]
) -> None:
    """What is not in them would be lost in silence; nothing is made."""
    make(engine, f"{index}-old", {"title": "reef", "text": "ocean wave"}, _source=part)
    commands = (
        ("reindex", "start", f"{index}-old", "--to", index),
        ("reindex", "start", f"{index}-old", "--in-place"),
        ("index", f"index:{index}-old", "--to", f"{index}-copy"),
        ("keywords", f"index:{index}-old"),
        ("train", f"index:{index}-old"),
    )
    for command in commands:
        assert "_source" in ask(*command, code=2)
    assert list(engine.client.indices.get(index=f"{index}*").body) == [f"{index}-old"]


def test_a_job_that_would_lose_text_is_refused(ask: Ask, engine: ServerEngine, index: str) -> None:
    """Documents that came to an index of ours under other names of fields; what is named is believed."""
    make(engine, f"{index}-raw", {"title": "reef", "text": PROSE})
    ask("index", f"index:{index}-raw", "--to", f"{index}-v1")
    engine.client.index(
        index=f"{index}-v1", id="9", document={"headline": "reef", "body": PROSE}, refresh=True
    )
    said = ask("reindex", "start", f"{index}-v1", "--to", index, code=2)
    assert "1 of 2 documents" in said and "body, headline" in said
    done = ask("reindex", "start", f"{index}-v1", "--to", index, "--title-field", "headline")
    assert "1 document without a word" not in done


def test_documents_without_words_are_reported(
    ask: Ask, examine: Examine, engine: ServerEngine, index: str
) -> None:
    """At the end of a job, and by doctor."""
    make(engine, f"{index}-old", {"title": "reef", "text": PROSE}, {"title": "", "text": "", "n": 1})
    said = ask("reindex", "start", f"{index}-old", "--to", index)
    assert "1 document without a word in the enriched fields (title, text)" in said
    passed, said = examine(index)
    assert passed and "1 document without a word in title, text" in said


def test_doctor_counts_what_waits_to_be_enriched(
    ask: Ask, examine: Examine, engine: ServerEngine, index: str
) -> None:
    """Documents that clients wrote, or left without words by a partial update; a few are no failure."""
    make(engine, f"{index}-old", *({"title": f"reef {n}", "text": PROSE} for n in range(40)))
    ask("reindex", "start", f"{index}-old", "--to", index)
    engine.client.index(index=index, id="new", document={"title": "new", "text": "coral"})
    engine.client.update(index=index, id="3", doc={"text": "a coral reef"}, refresh=True)
    engine.refresh(index)
    passed, said = examine(index, "--max-unenriched", "10%")
    assert passed and "2 of 41 documents have no or incomplete" in said and "has changed" not in said
    assert not examine(index, "--max-unenriched", "0.04")[0]
    ask("reindex", "start", index, "--in-place", "--only", "missing", "--only", "stale")
    passed, said = examine(index, "--max-unenriched", "0")
    assert passed and "has changed" not in said and "incomplete enrichment" not in said


def test_settings_are_not_mixed_in_place(
    ask: Ask, examine: Examine, engine: ServerEngine, index: str, tmp_path: Path
) -> None:
    """Some documents with other settings are refused; all of them give the index the new ones."""
    make(engine, f"{index}-old", {"title": "reef", "text": PROSE})
    ask("reindex", "start", f"{index}-old", "--to", index)
    table = f'[index."{index}*".settings.keywords]\ntop = 2\n'
    (tmp_path / "enricher.toml").write_text(table)
    said = ask("reindex", "start", index, "--in-place", "--only", "missing", code=2)
    assert "its setting keywords.top is 10, not 2" in said
    passed, said = examine(index)
    assert not passed and "keywords.top" in said
    ask("reindex", "start", index, "--in-place")
    layout = engine.layout(index)
    assert layout.enrichments is not None and layout.enrichments["keywords"]["top"] == 2
    assert not layout.mixed
    ask("reindex", "start", index, "--in-place", "--only", "missing")
    assert examine(index)[0]
