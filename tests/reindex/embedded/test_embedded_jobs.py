"""Jobs of the embedded engine: copies and rollbacks."""

import json
from pathlib import Path

import pytest

from enricher.errors import EngineError, IndexConflict
from enricher.records import fingerprint
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.reindex.embedded.states import FileStates
from tests.conftest import RunCommand
from tests.corpora import documents, write_jsonl

FIELDS = ("title", "text")
POINTS = (
    "job-written", "target-ready", "page-written", "pass-done", "deletes-sent", "swap-unsent", "swap-sent",
    "before-end",
)  # fmt: skip


@pytest.fixture
def command(models: Path) -> list[object]:
    """The command line with the small model, on an engine in the temporary folder."""
    return ["--models", models]


def kill_at(point: str, run: RunCommand, command: list[object], folder: Path, size: int) -> None:
    """Index documents into v1, start a job to copy it, and kill the job at a failpoint."""
    docs = write_jsonl(folder / "docs.jsonl", size)
    assert run(*command, "index", docs, "--to", "v1", "--no-enrichment").returncode == 0
    killed = run(*command, "reindex", "start", "v1", "--to", "articles", "--fail-at", point)
    assert killed.returncode == -9, killed.stderr


def assert_copied(folder: Path, alias: str, ids: set[str], model: str | None) -> None:
    """All there, none besides, and each enriched by the model."""
    engine = TantivyEngine(folder / "index")
    assert {document.id for document in engine.read(alias)} == ids
    assert engine.layout(alias).model_version == model
    assert engine.count_unenriched(alias) == 0
    for document in engine.read(alias):
        assert fingerprint(document, FIELDS)
    engine.close()


def test_an_index_made_without_a_model_is_enriched_and_rolled_back(
    run: RunCommand, command: list[object], models: Path, tmp_path: Path
) -> None:
    """A rollback writes and deletes in the old index what was written and deleted since the swap."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 120)
    assert run(*command, "index", docs, "--to", "v1", "--no-enrichment").returncode == 0
    done = run(*command, "reindex", "start", "v1", "--to", "articles", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    ids = {document.id for document in documents(120)}
    assert (report["documents"], report["written"], report["phase"]) == (120, 120, "done")
    assert_copied(tmp_path, "articles", ids, report["model"])
    one = tmp_path / "one.jsonl"
    one.write_text(json.dumps({"id": "new", "title": "reef", "text": "ocean"}) + "\n")
    assert run(*command, "index", one, "--to", "articles").returncode == 0
    engine = TantivyEngine(tmp_path / "index")
    gone = min(ids)
    assert engine.delete("articles", [gone]) == 1
    engine.close()
    back = run(*command, "reindex", "rollback", "--json")
    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout)["written"] == 1 and json.loads(back.stdout)["deleted"] == 1
    assert_copied(tmp_path, "articles", ids - {gone} | {"new"}, None)
    listed = run(*command, "reindex", "status")
    assert "rollback" in listed.stdout and "copy" in listed.stdout


def test_an_alias_may_have_capitals(run: RunCommand, command: list[object], tmp_path: Path) -> None:
    """Every command accepts such an alias; the index behind it has the name in lower case."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 20)
    assert run(*command, "index", docs, "--to", "v1", "--no-enrichment").returncode == 0
    done = run(*command, "reindex", "start", "v1", "--to", "ArticlesLive", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["alias"] == "ArticlesLive" and report["target"].startswith("articleslive-")
    for call in (
        ["search", "ocean", "--in", "ArticlesLive"],
        ["keywords", "index:ArticlesLive"],
        ["index", "docs.jsonl", "--to", "ArticlesLive"],
        ["reindex", "rollback"],
    ):
        done = run(*command, *call)
        assert done.returncode == 0, done.stderr
    refused = run(*command, "index", "docs.jsonl", "--to", "OtherIndex")
    assert refused.returncode == 2 and "write 'otherindex'" in refused.stderr
    bad = run(*command, "index", "docs.jsonl", "--to", "a/b")
    assert bad.returncode == 2 and "index name 'a/b'" in bad.stderr


def test_an_index_without_documents_is_reindexed_and_rolled_back(
    run: RunCommand, command: list[object], tmp_path: Path
) -> None:
    """An empty index is copied, and a rollback has what was written afterwards."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 1)
    run(*command, "index", docs, "--to", "v1", "--no-enrichment")
    (only,) = documents(1)
    engine = TantivyEngine(tmp_path / "index")
    assert engine.delete("v1", [only.id]) == 1
    engine.close()
    keywords = run(*command, "keywords", "index:v1")
    assert (keywords.returncode, keywords.stdout) == (0, "") and "no document" in keywords.stderr
    done = run(*command, "reindex", "start", "v1", "--to", "articles", "--write-block")
    assert done.returncode == 0, done.stderr
    assert run(*command, "index", docs, "--to", "articles").returncode == 0
    assert run(*command, "reindex", "rollback").returncode == 0
    assert_copied(tmp_path, "articles", {only.id}, None)


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_job_is_resumed(run: RunCommand, command: list[object], tmp_path: Path, point: str) -> None:
    """A resumed job also deletes what was deleted while it was down."""
    kill_at(point, run, command, tmp_path, 80)
    ids = {document.id for document in documents(80)}
    if point not in {"swap-sent", "before-end"}:
        engine = TantivyEngine(tmp_path / "index")
        engine.delete("v1", [min(ids)])
        engine.close()
        ids.remove(min(ids))
    done = run(*command, "reindex", "resume", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert_copied(tmp_path, "articles", ids, report["model"])
    late = run(*command, "reindex", "resume", report["job"], "--json")
    assert late.returncode == 0 and json.loads(late.stdout) == report | {"seconds": 0.0}, late.stderr


def test_an_impossible_job_is_refused(run: RunCommand, command: list[object], tmp_path: Path) -> None:
    """Every reason gives one sentence, and cancelling removes the new index."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 10)
    run(*command, "index", docs, "--to", "v1", "--no-enrichment")
    start = [*command, "reindex", "start", "v1"]
    for wrong, code, said in (
        (["--to", "v1"], 2, "is an index"),
        (["--in-place"], 2, "make a new index"),
        ([], 2, "--to"),
    ):
        refused = run(*start, *wrong)
        assert refused.returncode == code and said in refused.stderr, refused.stderr
    nothing = run(*command, "reindex", "start", "nothing", "--to", "x")
    assert nothing.returncode == 1 and "There is no index" in nothing.stderr
    engine = TantivyEngine(tmp_path / "index")
    with engine.held("v1"):
        busy = run(*start, "--to", "articles")
        assert busy.returncode == 1 and "another process" in busy.stderr, busy.stderr
        assert "has not ended: `enricher reindex resume articles-" in busy.stderr
    engine.close()
    again = run(*start, "--to", "articles")
    assert again.returncode == 1 and "resume or cancel" in again.stderr
    assert run(*command, "reindex", "cancel").returncode == 0
    assert [path.name for path in (tmp_path / "index").glob("articles*")] == []
    killed = run(*start, "--to", "articles", "--fail-at", "page-written")
    assert killed.returncode == -9
    found = run(*command, "doctor")
    assert "job articles-" in found.stdout
    assert run(*command, "reindex", "cancel").returncode == 0
    assert [path.name for path in (tmp_path / "index").glob("articles*")] == []


def test_a_job_goes_on_with_its_own_plugins_only(
    run: RunCommand, command: list[object], tmp_path: Path
) -> None:
    """Another configuration is refused; status shows the progress, and cancel reports the end."""
    kill_at("pass-done", run, command, tmp_path, 40)
    other = tmp_path / "other.toml"
    other.write_text('[index."*"]\nenrichments = ["tokens"]\nrewriters = []\n')
    refused = run(*command, "--config", other, "reindex", "resume")
    assert refused.returncode == 2 and "its plug-ins are tokens" in refused.stderr, refused.stderr
    shown = run(*command, "reindex", "status").stdout
    assert "copying, pass 1" in shown and "last heartbeat" in shown
    under_way = json.loads(run(*command, "reindex", "status", "--json").stdout)
    assert under_way["noted"] >= under_way["created"]
    ended = run(*command, "reindex", "cancel", "--json")
    assert json.loads(ended.stdout)["phase"] == "cancelled"


def test_a_job_is_removed_with_the_index_that_it_has_replaced(
    run: RunCommand, command: list[object], tmp_path: Path
) -> None:
    """It is removed once the job has ended, nothing needs the index, and the user has confirmed."""
    kill_at("swap-unsent", run, command, tmp_path, 10)
    (under_way,) = FileStates(tmp_path / "index" / ".jobs").names()
    remove = [*command, "reindex", "remove", under_way]
    refused = run(*remove, "--old-index")
    assert refused.returncode == 2 and "under way" in refused.stderr
    assert run(*command, "reindex", "resume").returncode == 0
    engine = TantivyEngine(tmp_path / "index")
    engine.set_alias("others", "v1")
    engine.close()
    refused = run(*remove, "--old-index")
    assert refused.returncode == 2 and "by the alias others" in refused.stderr
    engine = TantivyEngine(tmp_path / "index")
    engine.set_alias("others", under_way)
    engine.close()
    unasked = run(*remove, "--old-index", stdin="v1\n")
    assert (
        unasked.returncode == 2 and "'v1' with 10 documents" in unasked.stderr and "--yes" in unasked.stderr
    )
    done = run(*remove, "--old-index", "--yes")
    assert done.returncode == 0 and "the index v1 are removed" in done.stdout
    engine = TantivyEngine(tmp_path / "index")
    assert engine.indexes() == [under_way] and engine.count("articles") == 10
    engine.close()
    assert run(*command, "reindex", "status", "--json").stdout == ""
    assert run(*remove).returncode == 2


def test_old_indexes_are_only_kept_for_a_rollback(
    run: RunCommand, command: list[object], tmp_path: Path
) -> None:
    """Doctor shows how to remove each of them, also after the next job."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 10)
    run(*command, "index", docs, "--to", "v1", "--no-enrichment")
    names = []
    for source in ("v1", "articles"):
        done = run(*command, "reindex", "start", source, "--to", "articles", "--json")
        assert done.returncode == 0, done.stderr
        names.append(json.loads(done.stdout)["job"])
    (first, second), version = names, json.loads(done.stdout)["model"]
    found = run(*command, "doctor")
    assert found.returncode == 0, found.stdout
    assert (
        f"kept for a rollback from {first}; to remove it run `enricher reindex remove {first}" in found.stdout
    )
    assert (
        f"kept for a rollback from {second}; to remove it run `enricher reindex remove {second}"
        in found.stdout
    )
    assert run(*command, "reindex", "remove", first, "--old-index", "--yes").returncode == 0
    engine = TantivyEngine(tmp_path / "index")
    assert engine.indexes() == sorted(names)
    engine.close()
    assert_copied(tmp_path, "articles", {document.id for document in documents(10)}, version)


def test_a_damaged_job_hides_no_index(run: RunCommand, command: list[object], tmp_path: Path) -> None:
    """Doctor names the damaged file, and still checks the indexes."""
    docs = write_jsonl(tmp_path / "docs.jsonl", 10)
    run(*command, "index", docs, "--to", "v1", "--no-enrichment")
    FileStates(tmp_path / "index" / ".jobs").create("broken", {})
    (tmp_path / "index" / ".jobs" / "broken.json").write_text("{")
    found = run(*command, "doctor")
    assert found.returncode == 1 and "broken.json is damaged" in found.stdout, found.stdout
    assert "index v1: 10 documents" in found.stdout


def test_states_are_changed_by_one_at_a_time(tmp_path: Path) -> None:
    """A change to an outdated state is refused, and a damaged file is named."""
    states = FileStates(tmp_path / "jobs")
    assert states.names() == [] and states.load("a") is None
    states.create("a", {"created": "1"})
    states.create("b", {"created": "2"})
    with pytest.raises(IndexConflict):
        states.create("a", {})
    found = states.load("a")
    assert found is not None and states.names() == ["b", "a"]
    assert states.save("a", {"created": "1", "n": 1}, found[1])
    assert not states.save("a", {"created": "1", "n": 2}, found[1])
    states.remove("b")
    assert states.names() == ["a"]
    (tmp_path / "jobs" / "a.json").write_text("{")
    with pytest.raises(EngineError, match="is damaged"):
        states.load("a")
