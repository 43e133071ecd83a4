"""Models, embedded indexes and jobs of an earlier commit open and work as they did."""

import json
from pathlib import Path

import pytest

from enricher.bundle.manifest import manifest_as_json, read_manifest
from enricher.records.layout_json import layout_as_json, layout_from_json
from indexer.reindex.job import Job
from tests.conftest import RunCommand
from tests.corpora import write_jsonl
from tests.earlier.archive import unpack


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The unpacked archive, in the folder in which commands run."""
    return unpack(tmp_path)


@pytest.mark.parametrize("index", ["docs", "articles"])
def test_an_earlier_index_gives_the_same_answers(run: RunCommand, earlier: Path, index: str) -> None:
    """Hits, scores, highlights, and the terms of the query with their reasons."""
    wanted = json.loads((earlier / "search.json").read_text(encoding="utf-8"))
    found = json.loads(run("search", "事务", "--in", index, "--top", "3", "--json").stdout)
    assert found | {"took_ms": 0} == wanted | {"took_ms": 0}


def test_an_earlier_model_is_whole(run: RunCommand, earlier: Path) -> None:
    """Every file is verified, and every kind of question answered."""
    assert run("models", "verify").returncode == 0
    for question in ("neighbors", "related", "expand"):
        assert run(question, "事务").returncode == 0
    assert "分布式事务" in run("keywords", "--text", "我们研究分布式事务。").stdout


def test_documents_go_into_an_earlier_index(run: RunCommand, earlier: Path) -> None:
    """Its layout is that of today's plug-ins: nothing is refused, and nothing changes."""
    done = run("index", write_jsonl(earlier / "docs.jsonl", 60), "--to", "docs", "--workers", "1")
    assert (done.returncode, done.stdout) == (0, "60 documents written to docs.\n"), done.stderr
    assert run("doctor").returncode == 0


def test_an_interrupted_job_goes_on_and_an_ended_one_is_taken_back(run: RunCommand, earlier: Path) -> None:
    """By the JSON that the earlier commit kept of them."""
    listed = [json.loads(line) for line in run("reindex", "status", "--json").stdout.splitlines()]
    assert {(job["alias"], job["phase"]) for job in listed} == {("articles", "done"), ("paused", "copying")}
    assert run("reindex", "resume").returncode == 0
    assert json.loads(run("search", "事务", "--in", "paused", "--json").stdout)["total"] > 0
    (ended,) = (job["job"] for job in listed if job["phase"] == "done")
    undone = run("reindex", "rollback", ended)
    assert undone.returncode == 0, undone.stderr


def test_what_was_read_is_written_as_it_was(earlier: Path) -> None:
    """The same bytes of manifests, layouts and jobs: an earlier version could read them again."""
    (manifest,) = (earlier / "models").glob("*/manifest.json")
    assert manifest_as_json(read_manifest(manifest.parent)) == manifest.read_bytes()
    layouts = [path.read_text(encoding="utf-8") for path in (earlier / "index").glob("*/layout.json")]
    jobs = [
        json.loads(path.read_text(encoding="utf-8")) for path in (earlier / "index" / ".jobs").glob("*.json")
    ]
    assert (len(layouts), len(jobs)) == (3, 2)
    for text in layouts:
        written = layout_as_json(layout_from_json("docs", json.loads(text)))
        assert json.dumps(written, ensure_ascii=False, indent=1) == text
    for job in jobs:
        assert json.dumps(Job.from_json(job["state"]).as_json()) == json.dumps(job["state"])
