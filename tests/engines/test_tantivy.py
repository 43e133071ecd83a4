"""The embedded engine: the shared behaviour, and what only it has."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.errors import EngineError, EngineUnavailable, IndexConflict
from enricher.records import EnrichedDocument, SearchRequest
from indexer.engines.folder import write_json
from indexer.engines.tantivy import TantivyEngine
from tests.engines.congruence import *  # noqa: F403
from tests.engines.congruence import LAYOUT, document, fill, ids, query
from tests.engines.congruence_search import *  # noqa: F403

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "indexes"


@pytest.fixture
def engine(root: Path) -> Iterator[TantivyEngine]:
    opened = TantivyEngine(root, heap_bytes=20_000_000)
    yield opened
    opened.close()


@pytest.fixture
def index() -> str:
    return "things"


def other_process(program: str, root: Path) -> "subprocess.Popen[str]":
    """A second process with an engine on the same folder; it says a line when it is ready."""
    head = (
        "import sys, time\n"
        "from indexer.engines.tantivy import TantivyEngine\n"
        "from tests.engines.congruence import LAYOUT, document\n"
        "engine = TantivyEngine(sys.argv[1], heap_bytes=20_000_000)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", head + program, str(root)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )


def wait_for_line(process: "subprocess.Popen[str]") -> str:
    """The next line that a process says."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill(process: "subprocess.Popen[str]") -> None:
    """End a process as a power cut would."""
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_opening_makes_no_folder(root: Path, engine: TantivyEngine) -> None:
    """An engine on a folder that is not there answers, and makes it when an index is made."""
    assert engine.indexes() == []
    assert engine.aliases() == {}
    assert not engine.exists("things")
    assert all(check.passed for check in engine.check() if check.name != "disk")
    assert not root.exists()
    engine.create("things", LAYOUT)
    assert sorted(path.name for path in root.iterdir()) == [".lock", "things"]


def test_documents_outlive_the_engine(root: Path, engine: TantivyEngine) -> None:
    """What was written is there for the next engine, refreshed or only closed."""
    fill(engine, "things", document("a", "x"))
    engine.set_alias("alias", "things")
    engine.write("things", [document("b", "x")])
    engine.close()
    again = TantivyEngine(root)
    assert ids(again, "alias", "x") == ["a", "b"]
    assert again.layout("alias") == LAYOUT
    again.close()


def test_the_enrichment_is_kept(engine: TantivyEngine) -> None:
    """The whole enrichment object stands beside the document, with the mark in fields without words."""
    made = document("a", "x y", "", ["k"])
    fill(engine, "things", made)
    searcher = engine._opened("things").searcher()
    (hit,) = searcher.search(_all_query(), 1).hits
    stored = json.loads(bytes(searcher.doc(hit[1]).get_first("enrichment")))
    expected = {**made.enrichment, "tokens": {"title": "∅", "text": "x y"}}
    assert stored == {**expected, "keywords": ["k"]}


def _all_query() -> object:
    import tantivy

    return tantivy.Query.all_query()


def test_a_kill_leaves_the_last_commit(root: Path, engine: TantivyEngine) -> None:
    """After kill -9 in the middle of writing, the last commit is there, and the same writes complete it."""
    engine.create("things", LAYOUT)
    program = (
        "engine.write('things', [document(str(n), 'x') for n in range(100)])\n"
        "engine.refresh('things')\n"
        "for start in range(100, 10_000_000, 500):\n"
        "    engine.write('things', [document(str(n), 'x ' * 200) for n in range(start, start + 500)])\n"
        "    print(start, flush=True)\n"
    )
    process = other_process(program, root)
    for _ in range(4):
        assert wait_for_line(process)
    kill(process)
    assert engine.count("things") == 100
    assert len(list(engine.read("things"))) == 100
    engine.write("things", [document(str(n), "x") for n in range(1_000)])
    engine.refresh("things")
    assert engine.count("things") == 1_000
    assert sorted(int(one.id) for one in engine.read("things")) == list(range(1_000))


def test_one_process_writes_at_a_time(root: Path, engine: TantivyEngine) -> None:
    """A second writer is told in a sentence, may read meanwhile, and may write afterwards."""
    engine.create("things", LAYOUT)
    program = (
        "engine.write('things', [document('a', 'x')])\n"
        "engine.refresh('things')\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    process = other_process(program, root)
    try:
        assert wait_for_line(process) == "ready"
        with pytest.raises(EngineError, match="being written by another process"):
            engine.write("things", [document("b", "x")])
        assert ids(engine, "things", "x") == ["a"]
    finally:
        kill(process)
    assert engine.write("things", [document("b", "x")]) == []
    engine.refresh("things")
    assert ids(engine, "things", "x") == ["a", "b"]


def test_indexes_made_by_two_processes_at_once(root: Path) -> None:
    """Of several processes that make the same indexes and aliases, one makes each."""
    program = (
        "from enricher.errors import IndexConflict\n"
        "made = 0\n"
        "for n in range(20):\n"
        "    try:\n"
        "        engine.create(f'i{n}', LAYOUT)\n"
        "        made += 1\n"
        "    except IndexConflict:\n"
        "        pass\n"
        "    engine.set_alias(f'alias{n}', f'i{n}')\n"
        "print(made, flush=True)\n"
    )
    processes = [other_process(program, root) for _ in range(2)]
    counts = [int(process.communicate()[0]) for process in processes]
    assert sum(counts) == 20
    opened = TantivyEngine(root)
    assert len(opened.indexes()) == len(opened.aliases()) == 20
    opened.close()


def test_what_another_process_left_half_made_is_removed(root: Path, engine: TantivyEngine) -> None:
    """The rest of a creation that was killed is no index, and goes with the next change."""
    (root / ".temporary-rest").mkdir(parents=True)
    write_json(root / ".temporary-rest" / "layout.json", {})
    assert engine.indexes() == []
    engine.create("things", LAYOUT)
    assert not (root / ".temporary-rest").exists()


def test_an_index_made_again_elsewhere_is_opened_again(root: Path, engine: TantivyEngine) -> None:
    """An engine that had an index open sees that it was removed, or removed and made again."""
    fill(engine, "things", document("a", "x"))
    engine.close()
    assert engine.count("things") == 1
    other = TantivyEngine(root)
    other.drop("things")
    assert not engine.exists("things")
    other.create("things", LAYOUT)
    assert engine.count("things") == 0
    other.close()


def test_commits_come_by_themselves_when_much_is_written(root: Path) -> None:
    """What waits for a commit is bounded."""
    opened = TantivyEngine(root, heap_bytes=20_000_000, commit_bytes=10_000)
    opened.create("things", LAYOUT)
    opened.write("things", [document(str(n), "x " * 100) for n in range(100)])
    assert 0 < opened.count("things") < 100
    opened.close()


def test_reading_is_of_one_state(engine: TantivyEngine) -> None:
    """Documents that are written while others are read are not among them."""
    fill(engine, "things", *[document(str(n), "x") for n in range(10)])
    reading = engine.read("things")
    first = next(reading)
    engine.write("things", [document(str(n), "y") for n in range(5, 20)])
    engine.refresh("things")
    read = [first, *reading]
    assert sorted(int(one.id) for one in read) == list(range(10))
    assert {one.text("text") for one in read} == {"x"}


def test_a_large_document_is_written_and_found(engine: TantivyEngine) -> None:
    """A document of tens of megabytes among small ones is no trouble."""
    large = EnrichedDocument(
        "large", {"text": "word " * 5_000_000}, {"tokens": {"text": "needle " * 500_000}}
    )
    fill(engine, "things", document("a", "x"), large, document("b", "x"))
    (hit,) = engine.search("things", SearchRequest(query("needle"))).hits
    assert (hit.id, len(str(hit.source["text"]))) == ("large", 25_000_000)


def test_damage_is_said(root: Path, engine: TantivyEngine) -> None:
    """A damaged file is named in a sentence."""
    fill(engine, "things", document("a", "x"))
    engine.close()
    (root / "things" / "segments" / "meta.json").write_text("{")
    with pytest.raises(EngineError, match="things"):
        engine.count("things")
    (root / "things" / "layout.json").write_text("{")
    with pytest.raises(EngineError, match=r"layout\.json"):
        engine.layout("things")
    write_json(root / "things" / "layout.json", {"format": 99})
    with pytest.raises(EngineError, match="format"):
        engine.layout("things")


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    """A root that is no folder is said in a sentence."""
    (tmp_path / "file").write_text("")
    opened = TantivyEngine(tmp_path / "file")
    with pytest.raises(EngineError, match="file"):
        opened.create("things", LAYOUT)
    opened.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 20 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(place)]
    if os.getuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("A small disk can only be made by root, where mounting is allowed.")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk_is_said_and_the_last_commit_stays(small_disk: Path) -> None:
    """When the disk is full the writer is told, and what was committed can be read."""
    opened = TantivyEngine(small_disk / "indexes", heap_bytes=20_000_000)
    fill(opened, "things", document("first", "x"))
    text = " ".join(str(number * 7919 % 100_003) for number in range(3_000))
    with pytest.raises(EngineUnavailable, match="full"):
        for number in range(5_000):
            opened.write("things", [document(f"{number}-{part}", f"{number} {text}") for part in range(20)])
    assert ids(opened, "things", "x") == ["first"]
    opened.drop("things")
    fill(opened, "things", document("second", "x"))
    assert ids(opened, "things", "x") == ["second"]
    opened.close()


def test_dropping_needs_the_index_itself(engine: TantivyEngine) -> None:
    """An alias cannot be dropped, and an index cannot take the name of an alias."""
    fill(engine, "things", document("a", "x"))
    engine.set_alias("alias", "things")
    with pytest.raises(EngineError, match="alias"):
        engine.drop("alias")
    with pytest.raises(IndexConflict):
        engine.create("alias", LAYOUT)
