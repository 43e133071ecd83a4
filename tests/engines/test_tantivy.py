"""The embedded engine: what only it has, beside the shared behaviour."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import tantivy

from enricher.errors import EngineError, EngineUnavailable, IndexConflict
from enricher.records import EnrichedDocument, FieldKind, SearchRequest
from indexer.engines.tantivy import search as tantivy_search
from indexer.engines.tantivy import vector_lists
from indexer.engines.tantivy.catalog import write_json
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.engines.tantivy.errors import explain
from indexer.engines.tantivy.index import field_names
from indexer.engines.tantivy.read_only import LinkedSegments
from indexer.engines.tantivy.vector_lists import LISTS
from tests.engines.congruence import LAYOUT, document, equal, fill, ids, query
from tests.engines.congruence_vectors import asking, pointing, put

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
        "from indexer.engines.tantivy.engine import TantivyEngine\n"
        "from tests.engines.congruence import LAYOUT, document\n"
        "engine = TantivyEngine(sys.argv[1], heap_bytes=20_000_000, commit_seconds=1e9)\n"
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


def test_what_can_be_shown_is_stored(engine: TantivyEngine) -> None:
    """Keywords and the like stand beside the document; words are in the index alone."""
    made = document("a", "x y", "", ["k"])
    fill(engine, "things", made)
    searcher = engine._opened("things").searcher()
    (hit,) = searcher.search(tantivy.Query.all_query(), 1).hits
    stored = json.loads(bytes(searcher.doc(hit[1]).get_first("enrichment")))
    shown = {name: made.enrichment[name] for name in ("keyword_weights", "model")}
    assert stored == {**shown, "keywords": ["k"]}


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


def test_commits_come_by_themselves_when_time_passes(root: Path) -> None:
    """A process that is killed loses little, however slowly it writes."""
    opened = TantivyEngine(root, heap_bytes=20_000_000, commit_seconds=0.0)
    opened.create("things", LAYOUT)
    opened.write("things", [document("a", "x")])
    assert TantivyEngine(root).count("things") == 1
    opened.close()


def test_an_interrupted_replacement_loses_no_document(engine: TantivyEngine) -> None:
    """Between the removal of the old and the addition of the new nothing can come."""
    fill(engine, "things", document("a", "x"))
    opened = engine._opened("things")
    with opened._writing() as writers:
        interrupted = InterruptedWriter(writers.documents)
        opened._writers = replace(writers, documents=interrupted)  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        engine.write("things", [document("a", "y")])
    engine.refresh("things")
    assert ids(engine, "things", "y") == ["a"]
    assert engine.count("things") == 1
    opened._writers = None


class InterruptedWriter:
    """A writer during whose removals the user interrupts."""

    def __init__(self, writer: object) -> None:
        self._writer = writer

    def __getattr__(self, name: str) -> object:
        return getattr(self._writer, name)

    def delete_documents_by_term(self, field: str, value: str) -> None:
        self._writer.delete_documents_by_term(field, value)  # type: ignore[attr-defined]
        raise KeyboardInterrupt


def as_nobody(program: str, root: Path) -> str:
    """What a program says that runs as a user who may read the folder, and write nowhere in it."""
    if os.getuid() != 0:
        pytest.skip("Only root can run a program as another user.")
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    head = (
        "import os, sys\n"
        "from enricher.errors import EngineError\n"
        "from enricher.records import SearchRequest\n"
        "from indexer.engines.tantivy.engine import TantivyEngine\n"
        "from tests.engines.congruence import document, ids, query\n"
        "os.chdir('/'), os.setgid(65534), os.setuid(65534)\n"
        "engine = TantivyEngine(sys.argv[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", head + program, str(root)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def shared_root() -> Iterator[Path]:
    """A folder that every user can come to."""
    with tempfile.TemporaryDirectory(prefix="enricher-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "indexes"


def test_a_folder_that_cannot_be_written_can_be_searched(shared_root: Path) -> None:
    """A reader without the right to write sees the last commit, also of a writer at work."""
    writer = TantivyEngine(shared_root, heap_bytes=20_000_000)
    fill(writer, "things", document("a", "x"))
    program = (
        "import subprocess\n"
        "print(ids(engine, 'things', 'x'), engine.count('things'), engine.count_unenriched('things'))\n"
        "print([one.id for one in engine.read('things')], engine.exists('things'), engine.indexes())\n"
        "print([check.passed for check in engine.check() if check.name == 'folder'])\n"
        "for call, what in (engine.write, [document('b', 'x')]), (engine.delete, ['a']):\n"
        "    try:\n"
        "        call('things', what)\n"
        "    except EngineError as error:\n"
        "        print(error)\n"
        "engine.refresh('things')\n"
        "engine.close()\n"
    )
    lines = as_nobody(program, shared_root).splitlines()
    assert lines[:3] == ["['a'] 1 0", "['a'] True ['things']", "[True]"]
    sentence = "The index 'things' cannot be written by this user; change the permissions of the folder"
    assert [line.startswith(sentence) for line in lines[3:]] == [True, True]
    writer.close()


def test_a_reader_by_links_follows_the_writer(root: Path, engine: TantivyEngine) -> None:
    """Commits, replacements and merges are seen as they come, and old files are let go."""
    fill(engine, "things", document("a", "x"))
    links = LinkedSegments(root / "things" / "segments")
    with links.updated() as folder:
        reader = tantivy.Index.open(str(folder))
        reader.config_reader("manual")
    for number in range(30):
        engine.write("things", [document("a", "x"), document(str(number), "x")])
        engine.refresh("things")
        with links.updated():
            reader.reload()
        assert reader.searcher().num_docs == number + 2
    engine.close()
    with links.updated():
        reader.reload()
    assert reader.searcher().num_docs == 31
    present = {path.name for path in (root / "things" / "segments").iterdir()}
    assert {path.name for path in folder.iterdir() if path.is_symlink()} <= present
    links.remove()
    assert not folder.exists()


def test_without_a_temporary_folder_the_way_out_is_said(tmp_path: Path) -> None:
    """A reader who may write nowhere at all is told what is missing."""
    message = "[Errno 2] No usable temporary directory found in ['/tmp']"
    assert "TMPDIR" in str(explain(message, "things", tmp_path))


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
    (root / "things" / "layout.json").write_text("{")
    with pytest.raises(EngineError, match=r"layout\.json"):
        engine.layout("things")
    write_json(root / "things" / "layout.json", {"format": 99})
    with pytest.raises(EngineError, match="format"):
        engine.layout("things")
    (root / ".aliases.json").write_text('{"all": ["things"]}')
    with pytest.raises(
        EngineError,
        match=r"damaged: all must be a string, not a list\. To remove all aliases, write {} to it",
    ):
        engine.aliases()


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(("harm", "trouble"), [(_cut, "cannot be read"), (Path.unlink, "is missing")])
@pytest.mark.parametrize("pattern", ["meta.json", "*.term", "*.store", "*.fast", "*.idx"])
def test_a_damaged_index_is_said_plainly(
    root: Path, engine: TantivyEngine, pattern: str, harm: Callable[[Path], None], trouble: str
) -> None:
    """The sentence names the file and the way out, and nothing of the library."""
    fill(engine, "things", document("a", "x"))
    engine.close()
    (file,) = (root / "things" / "segments").glob(pattern)
    harm(file)
    calls = [lambda: engine.count("things"), lambda: engine.write("things", [document("b", "x")])]
    for call in calls:
        with pytest.raises(EngineError) as raised:
            call()
        assert str(raised.value) == (
            f"The index 'things' is damaged: its file {file.name} {trouble}. Restore the folder "
            f"{root / 'things'} from a backup, or remove it and index the documents again."
        )


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    """A root that is no folder is said in a sentence."""
    (tmp_path / "file").write_text("")
    opened = TantivyEngine(tmp_path / "file")
    with pytest.raises(EngineError, match="file"):
        opened.create("things", LAYOUT)
    opened.close()


def make_old(root: Path, **documents: dict[str, list[object]]) -> None:
    """Turn the empty index "things" into one that an earlier version has filled: no types, plain values."""
    (root / "things" / "types.json").unlink()
    opened = tantivy.Index.open(str(root / "things" / "segments"))
    with opened.writer(20_000_000, 1) as writer:
        for id_, values in documents.items():
            made = tantivy.Document()
            made.add_text("id", id_)
            made.add_bytes("source", json.dumps(values).encode())
            made.add_bytes("enrichment", b"{}")
            made.add_json("values", {name.encode().hex(): held for name, held in values.items()})
            for name in values:
                made.add_text("paths", name)
            for name in field_names(LAYOUT).values():
                made.add_text(name, "x")
            writer.add_document(made)


def test_an_index_of_an_earlier_version_is_searched_and_written(root: Path, engine: TantivyEngine) -> None:
    """Its filters and facets count what it holds and what is added, of whatever types."""
    engine.create("things", LAYOUT)
    make_old(root, old={"tag": ["a", "2024-01-02"], "n": [5, 2.5], "on": [True]}, other={"n": [5]})
    added = [document("new", "x", tag="a", n=5.0, on=True), document("text", "x", tag="b", n="five")]
    assert engine.write("things", added) == []
    engine.refresh("things")
    for name, value, found in [
        ("tag", "a", ["new", "old"]),
        ("tag", "2024-01-02", ["old"]),
        ("n", "5", ["new", "old", "other"]),
        ("n", "2.5", ["old"]),
        ("n", "five", ["text"]),
        ("on", "true", ["new", "old"]),
    ]:
        assert ids(engine, "things", "x", filters=(equal(name, value),)) == found, (name, value)
    facets = engine.search("things", SearchRequest(query("x"), facets=("tag", "n", "on"))).facets
    assert {name: [(one.value, one.count) for one in counts] for name, counts in facets.items()} == {
        "tag": [("a", 2), ("2024-01-02", 1), ("b", 1)],
        "n": [("5", 3), ("2.5", 1), ("five", 1)],
        "on": [("true", 2)],
    }


def test_times_of_an_earlier_version_are_said(root: Path, engine: TantivyEngine) -> None:
    """They were kept in another form: no filter or facet is answered wrongly until they are written anew."""
    engine.create("things", LAYOUT)
    time = "2024-01-02T10:00:00+08:00"
    make_old(root, old={"at": [time], "tag": ["a"]})
    for rest in ({"filters": (equal("at", time),)}, {"facets": ("at",)}):
        with pytest.raises(EngineError, match=r"the times of the field 'at' .* index the documents again"):
            ids(engine, "things", "x", **rest)
    assert ids(engine, "things", "x", filters=(equal("tag", "a"),)) == ["old"]
    assert engine.write("things", [document("old", "x", at=time, tag="a")]) == []
    engine.refresh("things")
    assert ids(engine, "things", "x", filters=(equal("at", time),)) == ["old"]
    counts = engine.search("things", SearchRequest(query("x"), facets=("at",))).facets["at"]
    assert [(one.value, one.count) for one in counts] == [(time, 1)]


def test_types_outlive_the_engine(root: Path, engine: TantivyEngine) -> None:
    """Another process, and one that had to give up, know the fields of what is committed."""
    fill(engine, "things", document("a", "x", n=1))
    engine.close()
    opened = TantivyEngine(root, heap_bytes=20_000_000)
    (rejection,) = opened.write("things", [document("b", "x", n="s"), document("c", "x", n=2, other=True)])
    assert rejection.reason == "The field 'n' holds numbers, but 's' is not a number."
    opened.close()
    assert ids(engine, "things", "x", filters=(equal("other", "true"),)) == ["c"]
    (root / "things" / "types.json").write_text("[]")
    with pytest.raises(EngineError, match=r"types\.json is damaged: it must be an object"):
        engine.write("things", [document("d", "x")])


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


def test_documents_are_uncommitted_until_a_commit(root: Path) -> None:
    """Those that a failure would lose are told by their number."""
    opened = TantivyEngine(root, heap_bytes=20_000_000, commit_seconds=1e9)
    opened.create("things", LAYOUT)
    assert opened.uncommitted("things") == 0
    opened.write("things", [document(str(number), "x") for number in range(3)])
    opened.write("things", [document("0", "y")])
    assert opened.uncommitted("things") == 4
    opened.refresh("things")
    assert opened.uncommitted("things") == 0
    opened.close()


def test_the_time_of_a_search_begins_when_the_vectors_are_there(
    engine: TantivyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading them, and loading the library that compares them, is no part of it."""
    engine.create("things", replace(LAYOUT, mapping={**LAYOUT.mapping, "vector": FieldKind.VECTOR}))
    put(engine, "things", pointing(5, document("a", "x")))
    ready: list[bool] = []

    def clock() -> float:
        vectors = engine._opened("things").snapshot().vectors.current()
        ready.append(all("index" in vars(part) for part in vectors._parts) and bool(vectors._parts))
        return float(len(ready))

    monkeypatch.setattr(tantivy_search, "time", SimpleNamespace(perf_counter=clock))
    assert engine.search("things", SearchRequest(asking("x"))).took_ms == 1000
    assert ready == [True, True]


def test_lists_of_vectors_are_written_when_the_engine_is_closed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Searches find the same with and without them, also what is written and deleted later."""
    monkeypatch.setattr(vector_lists, "MIN_LISTED_RECORDS", 100)
    layout = replace(LAYOUT, mapping={**LAYOUT.mapping, "vector": FieldKind.VECTOR})
    request = SearchRequest(asking("x"), top=30, source=False)
    with closing(TantivyEngine(root, heap_bytes=20_000_000)) as opened:
        opened.create("things", layout)
        put(opened, "things", *[pointing(n, document(str(n), "x" if n < 9 else "y")) for n in range(150)])
        before = opened.search("things", request)
    path = root / "things" / LISTS
    with closing(TantivyEngine(root, heap_bytes=20_000_000)) as opened:
        assert path.exists() and opened.search("things", request).hits == before.hits
        assert opened.count_unenriched("things") == 0
        put(opened, "things", pointing(0, document("new", "y")))
        opened.delete("things", [before.hits[0].id])
        opened.refresh("things")
        found = [hit.id for hit in opened.search("things", request).hits]
    assert "new" in found and before.hits[0].id not in found
    path.unlink()
    with closing(TantivyEngine(root, heap_bytes=20_000_000)) as opened:
        assert [hit.id for hit in opened.search("things", request).hits] == found


def test_dropping_needs_the_index_itself(engine: TantivyEngine) -> None:
    """An alias cannot be dropped, and an index cannot take the name of an alias."""
    fill(engine, "things", document("a", "x"))
    engine.set_alias("alias", "things")
    with pytest.raises(EngineError, match="alias"):
        engine.drop("alias")
    with pytest.raises(IndexConflict):
        engine.create("alias", LAYOUT)
