"""Bundles on disk: immutable, verified, activated atomically, taken back."""

import errno
import json
import multiprocessing
import os
import resource
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import enricher
from enricher.bundle.bundle import open_bundle
from enricher.bundle.manifest import FORMAT, manifest_as_json, read_manifest
from enricher.bundle.store import BundleStore
from enricher.errors import BundleInvalid, ModelError, ModelNotFound
from enricher.files import locked
from enricher.model.arrays import save
from enricher.model.neighbors import NeighborIndex
from enricher.text import open_analyzer
from tests.conftest import SMALL
from tests.corpora import documents


@pytest.fixture
def store(tmp_path: Path) -> BundleStore:
    """A store with three versions, none active."""
    from enricher.training.train import train_bundle

    store = BundleStore(tmp_path / "models")
    for seed in range(3):
        train_bundle(store, documents(60, seed), ("title", "text"), open_analyzer(), SMALL)
    return store


def test_versions_stand_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    """Also those of one second."""
    from enricher.training.train import train_bundle

    store = BundleStore(tmp_path / "models")
    made = [
        train_bundle(store, documents(60, seed), ("title", "text"), open_analyzer(), SMALL)
        for seed in range(3)
    ]
    assert store.versions() == made


def test_versions_are_activated_and_rolled_back_in_turn(store: BundleStore) -> None:
    """Rolling back walks back through what was active, and ends with a sentence."""
    first, second, third = store.versions()
    for version in (first, second, third):
        store.activate(version)
    assert (store.folder / "active").read_text().strip() == third
    assert store.rollback() == second
    assert store.rollback() == first
    assert store.active_version() == first
    with pytest.raises(ModelNotFound, match="before"):
        store.rollback()
    store.activate(second)
    assert store.rollback() == first


def test_activating_the_active_version_changes_nothing(store: BundleStore) -> None:
    """It can be repeated without losing the way back."""
    first, second, _ = store.versions()
    store.activate(first)
    store.activate(second)
    store.activate(second)
    assert store.rollback() == first


def test_prune_keeps_what_becomes_active_while_it_waits(store: BundleStore) -> None:
    """Another process that holds the lock may change what is active before it goes on."""
    first, second, third = store.versions()
    for version in (first, second, third):
        store.activate(version)
    with ThreadPoolExecutor(1) as pool:
        with locked(store.folder):
            pruned = pool.submit(BundleStore(store.folder).prune)
            assert not wait([pruned], 0.3).done
            (store.folder / "active").write_text(f"{first}\n")
        assert pruned.result(10) == []
    assert store.open().version == first


def test_a_version_that_is_pruned_while_it_is_verified_is_not_activated(store: BundleStore) -> None:
    """It is looked at once more under the lock."""
    first, second, _ = store.versions()
    store.activate(second)
    with ThreadPoolExecutor(1) as pool:
        with locked(store.folder):
            activated = pool.submit(BundleStore(store.folder).activate, first)
            assert not wait([activated], 0.5).done
            shutil.rmtree(store.folder / first)
        with pytest.raises(ModelNotFound):
            activated.result(10)
    assert store.active_version() == second


def test_prune_keeps_the_active_version_and_the_one_before(store: BundleStore) -> None:
    """What a rollback needs stays, the rest goes, with what a killed training left."""
    first, second, third = store.versions()
    store.activate(first)
    store.activate(third)
    (store.folder / ".building-left").mkdir()
    (store.folder / ".building-left" / "half").write_text("made")
    assert store.prune() == [second]
    assert store.versions() == [first, third]
    assert not (store.folder / ".building-left").exists()
    assert store.rollback() == first


def test_prune_keeps_what_is_needed_and_what_was_not_yet_activated(store: BundleStore) -> None:
    """An index may need an old version, and a new one waits for its activation."""
    first, second, third = store.versions()
    store.activate(second)
    assert store.prune(lambda: {first}) == []
    assert store.prune() == [first]
    assert store.versions() == [second, third]


def test_prune_leaves_a_training_under_way_alone(store: BundleStore) -> None:
    """A half-made bundle whose process lives is not touched."""
    store.activate(store.versions()[0])
    with store.workspace() as building:
        store.prune()
        assert building.is_dir()


def test_prune_without_an_active_model_removes_nothing(store: BundleStore) -> None:
    """It says so instead of emptying the folder."""
    with pytest.raises(ModelNotFound, match="nothing was removed"):
        store.prune()
    assert len(store.versions()) == 3


@pytest.mark.parametrize("name", ["vectors.npy", "words.utf8", "neighbors.faiss", "counts.npy"])
def test_a_changed_byte_is_found_and_never_activated(store: BundleStore, name: str) -> None:
    """Verification names the file; the active version stays what it was."""
    good, bad, _ = store.versions()
    store.activate(good)
    path = store.folder / bad / name
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(BundleInvalid, match=name):
        store.open(bad).verify()
    with pytest.raises(BundleInvalid, match=name):
        store.activate(bad)
    assert store.active_version() == good


def test_a_missing_or_cut_file_is_refused_on_opening(store: BundleStore) -> None:
    """Without reading any array."""
    first, second, third = (store.folder / version for version in store.versions())
    (first / "vectors.npy").unlink()
    (second / "vectors.npy").write_bytes((second / "vectors.npy").read_bytes()[:-4])
    (third / "manifest.json").write_text("{")
    for path, said in ((first, "missing"), (second, "changed"), (third, "cannot be read")):
        with pytest.raises(BundleInvalid, match=said):
            open_bundle(path)


def rewrite_manifest(path: Path, **changes: object) -> None:
    """Change entries of a manifest."""
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | changes))


def test_a_newer_format_is_refused(store: BundleStore) -> None:
    """The sentence names both formats."""
    path = store.folder / store.versions()[0]
    rewrite_manifest(path, format=FORMAT + 1)
    with pytest.raises(BundleInvalid, match=rf"format {FORMAT + 1}.*reads {FORMAT}"):
        open_bundle(path)


@pytest.mark.parametrize(
    "key", ["segmenter.version", "segmenter.dictionary", "analysis", "lexicon", "segmenter.name"]
)
def test_another_segmenter_is_refused(store: BundleStore, key: str) -> None:
    """A query must be segmented like the documents."""
    version = store.versions()[0]
    path = store.folder / version
    analysis = json.loads((path / "manifest.json").read_text())["analysis"]
    rewrite_manifest(path, analysis=analysis | {key: "jieba" if key == "segmenter.name" else "0.0"})
    with pytest.raises(BundleInvalid, match="segmented like"):
        enricher.load(store.folder, version)


@pytest.mark.parametrize("name", ["", "nothing", "../outside", ".building-x", "a/b"])
def test_a_version_that_is_not_there_names_those_that_are(store: BundleStore, name: str) -> None:
    """Also for names that would leave the folder."""
    for action in (store.open, store.activate):
        with pytest.raises(ModelNotFound, match=store.versions()[0]):
            action(name)
    assert not (store.folder / "active").exists()


@pytest.mark.parametrize("changes", [{"files": None}, {"analysis": []}, {"created": 3}, {"counts": None}])
def test_a_manifest_that_lacks_something_is_refused(store: BundleStore, changes: dict[str, object]) -> None:
    """In a sentence that names it."""
    path = store.folder / store.versions()[0]
    rewrite_manifest(path, **changes)
    with pytest.raises(BundleInvalid, match=next(iter(changes))):
        open_bundle(path)


def test_a_manifest_without_a_key_is_refused(store: BundleStore) -> None:
    """Also where the key may stand for nothing."""
    path = store.folder / store.versions()[0]
    manifest = json.loads((path / "manifest.json").read_text())
    del manifest["text_vectors"]
    (path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleInvalid, match="text_vectors"):
        open_bundle(path)


def test_damaged_words_are_a_sentence(store: BundleStore) -> None:
    """Also where the size is right."""
    path = store.folder / store.versions()[0]
    words = (path / "words.utf8").read_bytes()
    (path / "words.utf8").write_bytes(b"\xff" * len(words))
    with pytest.raises(BundleInvalid, match="words"):
        enricher.load(store.folder, path.name).related("tide")


def test_a_damaged_active_file_is_a_sentence_and_can_be_replaced(store: BundleStore) -> None:
    """By activating a version."""
    (store.folder / "active").write_bytes(b"\xff\xfe")
    (store.folder / "history").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match="activate"):
        store.open()
    store.activate(store.versions()[0])
    assert store.active_version() == store.versions()[0]


def test_nothing_is_made_where_there_is_nothing_to_roll_back(tmp_path: Path) -> None:
    """Not even the folder."""
    for action in (BundleStore(tmp_path / "none").rollback, BundleStore(tmp_path / "none").prune):
        with pytest.raises(ModelNotFound):
            action()
    assert not (tmp_path / "none").exists()


def test_without_a_model_the_sentence_says_how_to_train_one(tmp_path: Path) -> None:
    """For a folder that is empty or missing."""
    with pytest.raises(ModelNotFound, match="enricher train"):
        enricher.load(tmp_path / "nowhere")


def test_a_failure_while_writing_leaves_nothing(store: BundleStore) -> None:
    """Neither a version nor a half-made folder."""
    before = sorted(path.name for path in store.folder.iterdir())
    for folder in (store.workspace(), store.building("0123456789abcdef")):
        with pytest.raises(ModelError, match="No space left"), folder as made:
            (made / "half").write_text("made")
            raise OSError(28, "No space left on device")
    assert sorted(path.name for path in store.folder.iterdir()) == before


def _activate_often(folder: str, version: str) -> None:
    for _ in range(40):
        BundleStore(folder).activate(version)


def test_two_processes_activating_at_once_leave_one_whole_answer(store: BundleStore) -> None:
    """Whoever comes last wins; the file never names anything else, and the way back holds."""
    first, second, _ = store.versions()
    context = multiprocessing.get_context("spawn")
    racers = [context.Process(target=_activate_often, args=(str(store.folder), v)) for v in (first, second)]
    for racer in racers:
        racer.start()
    seen = set()
    while any(racer.is_alive() for racer in racers):
        seen.add(store.active_version())
    for racer in racers:
        racer.join()
        assert racer.exitcode == 0
    assert seen <= {None, first, second}
    active = store.active_version()
    assert active in (first, second)
    assert store.rollback() == ({first, second} - {active}).pop()


def edited(bundle: Path, key: str, value: object) -> None:
    """Set a key of a manifest, a dot before each inner one; DELETED removes it."""
    file = bundle / "manifest.json"
    manifest = json.loads(file.read_text())
    *tables, last = key.split("|")
    table = manifest
    for name in tables:
        table = table[name]
    if value is DELETED:
        del table[last]
    else:
        table[last] = value
    file.write_text(json.dumps(manifest))


DELETED = object()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("counts", {}, "counts.words is missing"),
        ("counts", [], "counts must be an object, not an empty list"),
        ("counts|words", True, "counts.words must be a whole number, not true"),
        ("counts|words", 0, "counts.words must be 1 or more, not 0"),
        ("counts|documents", -1, "counts.documents must be 0 or more, not -1"),
        ("counts|documents", "3", "counts.documents must be a whole number, not the string '3'"),
        ("created", 3, "created must be a string, not 3"),
        ("analysis", {}, 'analysis."segmenter.name" is missing'),
        ("analysis|segmenter.name", 1, 'analysis."segmenter.name" must be a string, not 1'),
        ("analysis|limit", "many", "analysis.limit must be a string of digits, not 'many'"),
        ("training", None, "training must be an object, not null"),
        ("table", {"alpha": 0.9}, "table.shrinkage is missing"),
        ("table|alpha", "0.9", "table.alpha must be a number, not the string '0.9'"),
        ("text_vectors", DELETED, "text_vectors is missing"),
        ("text_vectors", {"mean_length": 1.0}, "text_vectors.has_learned is missing"),
        ("usage", {}, "usage.documents is missing"),
        ("usage", [], "usage must be an object or null, not an empty list"),
        ("corpus", {"mean_words": None}, "corpus.mean_words must be a number, not null"),
        ("files", {}, "files must be an object of 1 or more, not an empty object"),
        ("files|counts.npy", {}, 'files."counts.npy".bytes is missing'),
        (
            "files|../x",
            {"bytes": 1, "sha256": ""},
            'files."../x" is a wrong key: it must be the name of a file',
        ),
        ("files|..", {"bytes": 1, "sha256": ""}, 'files.".." is a wrong key: it must be the name of a file'),
    ],
)
def test_every_key_that_is_read_is_checked(
    models: Path, tmp_path: Path, key: str, value: object, said: str
) -> None:
    """The sentence names the file, the key, what is allowed, and the wrong value."""
    (version,) = BundleStore(models).versions()
    copy = tmp_path / version
    copy.mkdir()
    shutil.copy(models / version / "manifest.json", copy)
    edited(copy, key, value)
    with pytest.raises(BundleInvalid, match=r"manifest\.json") as failure:
        open_bundle(copy)
    assert f" is wrong: {said}. Put " in str(failure.value)


def test_a_manifest_is_written_as_it_was_read(models: Path) -> None:
    """To the byte: no key is lost, and their order is kept."""
    (version,) = BundleStore(models).versions()
    written = (models / version / "manifest.json").read_bytes()
    assert manifest_as_json(read_manifest(models / version)) == written


def test_parts_that_an_older_bundle_lacks_are_not_missed(models: Path, tmp_path: Path) -> None:
    """Nor are keys refused that a newer one has."""
    (version,) = BundleStore(models).versions()
    shutil.copy(models / version / "manifest.json", tmp_path)
    for key in ("usage", "corpus", "libraries", "parent", "counts|occurrences", "analysis|limit"):
        edited(tmp_path, key, DELETED)
    edited(tmp_path, "counts|pages", 3)
    manifest = read_manifest(tmp_path)
    assert manifest.usage is None and manifest.corpus.mean_words == manifest.counts.occurrences == 0


@pytest.mark.parametrize(
    "content",
    [
        b"\x00" * 64,
        b"PK\x03\x04",
        b"",
        b"\x93NUMPY\x01\x00\xff\xff",
        b"\x93NUMPY\x01\x00\x76\x00{(",
        b"cos\nsystem",
    ],
)
@pytest.mark.parametrize("name", ["vectors.npy", "tree_children.npy", "words_ends.npy"])
def test_a_head_that_is_damaged_is_never_followed(
    models: Path, tmp_path: Path, name: str, content: bytes
) -> None:
    """Whatever stands there instead, an array of Python objects too: BundleInvalid."""
    bundle = Path(shutil.copytree(models, tmp_path / "models")) / BundleStore(models).versions()[0]
    path = bundle / name
    path.write_bytes(content + path.read_bytes()[len(content) :] if content else b"")
    edited(bundle, f"files|{name}|bytes", path.stat().st_size)
    with pytest.raises(BundleInvalid):
        len(enricher.load(tmp_path / "models").words)


def test_a_tree_that_leads_out_of_itself_is_refused(models: Path, tmp_path: Path) -> None:
    """Compiled code would follow it."""
    bundle = Path(shutil.copytree(models, tmp_path / "models")) / BundleStore(models).versions()[0]
    tree = np.load(bundle / "tree_children.npy", mmap_mode="r+")
    tree[0, 0] = 1_000_000
    tree.flush()
    with pytest.raises(BundleInvalid, match="do not fit"):
        len(enricher.load(tmp_path / "models").words)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 2_000, 8_000])
def test_a_model_that_cannot_be_written_is_a_sentence_with_the_reason(tmp_path: Path, size: int) -> None:
    """Whichever of its files it is; nothing of it stays, and the next training goes as ever."""
    from enricher.training.train import train_bundle

    store = BundleStore(tmp_path / "models")
    arguments = (store, list(documents(60)), ("title", "text"), open_analyzer(), SMALL)
    with (
        files_of_at_most(size),
        pytest.raises(ModelError, match="File too large; the system, or `ulimit -f`"),
    ):
        train_bundle(*arguments)
    assert list(store.folder.iterdir()) == []
    store.activate(train_bundle(*arguments))


def test_an_active_model_that_cannot_be_noted_is_a_sentence_with_the_reason(store: BundleStore) -> None:
    """The one that was active stays so."""
    first, second, _ = store.versions()
    store.activate(first)
    with files_of_at_most(0), pytest.raises(ModelError, match="cannot be written: File too large"):
        store.activate(second)
    assert store.active_version() == first


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "No space left on device; make room"),
        (errno.EDQUOT, "Disk quota exceeded; make room"),
        (errno.EROFS, "Read-only file system; name a folder"),
        (errno.EACCES, "Permission denied; change the permissions"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_what_the_system_refuses_is_told_by_its_reason(tmp_path: Path, number: int, reason: str) -> None:
    """With the folder."""
    store = BundleStore(tmp_path / "models")
    with pytest.raises(ModelError, match=f"models': {reason}"), store.building("key"):
        raise OSError(number, os.strerror(number))


def test_every_writer_tells_that_a_disk_is_full(tmp_path: Path) -> None:
    """NumPy and faiss would not."""
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    vectors = np.ones((5_000, 50), np.float32)
    for write in (lambda: save(full, vectors), lambda: NeighborIndex.build(vectors).save(full)):
        with pytest.raises(OSError) as failure:
            write()
        assert failure.value.errno == errno.ENOSPC


@pytest.mark.parametrize("shape", [(0,), (3,), (2, 3), (0, 4), (1, 2, 3)])
def test_arrays_are_written_as_numpy_writes_them(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """To the byte."""
    array = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    save(tmp_path / "ours.npy", array)
    np.save(tmp_path / "theirs.npy", array)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "theirs.npy").read_bytes()


def test_a_store_may_be_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a tilde that no shell has replaced."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert BundleStore("~/models").folder == tmp_path / "models"
