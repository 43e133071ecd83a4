"""The lists of near vectors beside the vector file: they save time, and never change what is found."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from enricher.model.text_vectors.vectors import Codes, quantize, unit
from indexer.engines.tantivy import vector_lists, vector_log
from indexer.engines.tantivy.vector_lists import LISTS, open_lists, update_lists
from indexer.engines.tantivy.vector_log import FILE, VectorWriter, key_of, open_log
from indexer.engines.tantivy.vectors import VectorReader, Vectors

DIMENSIONS = 20
NUMBER = 900
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def small_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vector_lists, "MIN_LISTED_RECORDS", 200)


def drawn(seed: int) -> Codes:
    """A vector near one of eight directions."""
    center = np.random.default_rng(seed % 8).normal(size=DIMENSIONS)
    return quantize(unit(center + 0.6 * np.random.default_rng(seed).normal(size=DIMENSIONS)))


def fill(folder: Path, start: int = 0, stop: int = NUMBER) -> None:
    """Documents with vectors; one of ten has none."""
    writer = VectorWriter(folder)
    for number in range(start, stop):
        writer.append(f"d{number}", None if number % 10 == 9 else drawn(number))
    writer.sync()


def exact(folder: Path) -> Vectors:
    """The vectors of a folder, read without lists."""
    log = open_log(folder / FILE)
    return Vectors(log).grown(log)


def current(folder: Path) -> Vectors:
    return VectorReader(folder).current()


def recall(found: Vectors, true: Vectors, top: int = 50) -> float:
    """The share of the nearest documents that is found, over several queries."""
    shares = []
    for seed in range(2000, 2020):
        query = drawn(seed)
        wanted, got = true.nearest(query, top), found.nearest(query, top)
        assert found.products(query, got).tolist() == true.products(query, got).tolist()
        assert sorted(found.products(query, got), reverse=True) == found.products(query, got).tolist()
        assert len(set(got)) == len(got)
        least = true.products(query, wanted)[-1]
        shares.append(np.mean(true.products(query, got) >= least) * len(got) / len(wanted))
    return float(np.mean(shares))


def same(one: Vectors, other: Vectors) -> bool:
    """Whether two states have the same documents and the same vectors."""
    keys = [key_of(f"d{number}") for number in range(NUMBER + 300)]
    return (one.documents, one.dimensions) == (other.documents, other.dimensions) and bool(
        np.array_equal(one.codes(keys), other.codes(keys))
    )


def test_lists_find_the_nearest(tmp_path: Path) -> None:
    """Nearly all of them, in the same order, and nothing else."""
    fill(tmp_path)
    update_lists(tmp_path)
    found, true = current(tmp_path), exact(tmp_path)
    assert found.lists is not None and found.lists.records == NUMBER and not found._parts
    assert same(found, true) and recall(found, true) >= 0.97
    assert len(found.lists.index) == NUMBER * 9 // 10 and found.documents == NUMBER


def test_what_was_written_after_the_lists_counts(tmp_path: Path) -> None:
    """New documents, new vectors, deleted documents and vectors that are gone."""
    fill(tmp_path)
    update_lists(tmp_path)
    reader = VectorReader(tmp_path)
    assert reader.current().documents == NUMBER
    writer = VectorWriter(tmp_path)
    query = drawn(8)
    first, second, third = (current(tmp_path).nearest(query, 3)[place] for place in range(3))
    names = {key_of(f"d{number}"): f"d{number}" for number in range(NUMBER)}
    writer.append(names[first], quantize(-unit(query)))
    writer.append(names[second], None)
    writer.delete(names[third])
    writer.append("new", query)
    writer.append("d9", query)
    writer.sync()
    for found in (reader.current(), current(tmp_path)):
        assert found.lists is not None
        nearest = found.nearest(query, 20)
        assert set(nearest[:2]) == {key_of("new"), key_of("d9")}
        assert not {first, second, third} & set(nearest) and len(nearest) == 20
        assert found.documents == NUMBER and found.products(query, [second, third]).tolist() == [0, 0]
        assert same(found, exact(tmp_path)) and recall(found, exact(tmp_path)) >= 0.97


def test_a_reader_reads_only_what_was_appended(tmp_path: Path) -> None:
    """After any writes it answers as one that reads all, and the number of its parts stays small."""
    generator = np.random.default_rng(5)
    fill(tmp_path, 0, 300)
    reader = VectorReader(tmp_path)
    before = reader.current()
    for turn in range(60):
        writer = VectorWriter(tmp_path)
        for _ in range(int(generator.integers(1, 12))):
            id_ = f"d{generator.integers(0, 500)}"
            if generator.random() < 0.2:
                writer.delete(id_)
            else:
                writer.append(id_, None if generator.random() < 0.2 else drawn(int(generator.integers(9999))))
        writer.sync()
        if turn == 30:
            update_lists(tmp_path)
        found, true = reader.current(), exact(tmp_path)
        assert same(found, true) and len(found._parts) <= 8
        assert (found.lists is None) == (turn < 30)
        if turn % 10 == 0:
            assert recall(found, true) >= 0.97
    assert before.documents == 300 and len(before.log.records) == 300


def test_a_part_is_not_indexed_again(tmp_path: Path) -> None:
    """Few new records leave the index of many old ones alone."""
    fill(tmp_path, 0, 300)
    reader = VectorReader(tmp_path)
    reader.current().load()
    indexed = reader.current()._parts[0].index
    fill(tmp_path, 300, 310)
    assert [part.stop - part.start for part in reader.current()._parts] == [300, 10]
    assert reader.current()._parts[0].index is indexed
    fill(tmp_path, 310, 500)
    assert [part.stop - part.start for part in reader.current()._parts] == [500]


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        lambda data: data[:-1],
        lambda data: data[1:],
        lambda data: data + b"x",
        lambda data: b"",
        lambda data: b"x" * len(data),
        lambda data: bytes(1000) + data[1000:],
    ],
    ids=["half", "one byte less", "first byte gone", "one byte more", "empty", "other bytes", "no head"],
)
def test_damaged_lists_are_ignored_and_removed(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    fill(tmp_path)
    update_lists(tmp_path)
    path = tmp_path / LISTS
    path.write_bytes(damage(path.read_bytes()))
    found = current(tmp_path)
    assert found.lists is None and same(found, exact(tmp_path)) and recall(found, exact(tmp_path)) == 1
    update_lists(tmp_path)
    assert current(tmp_path).lists is not None


def test_lists_of_other_records_are_ignored(tmp_path: Path) -> None:
    """Of another index, and of a file that was cut and written on."""
    other, one = tmp_path / "other", tmp_path / "one"
    for folder in (other, one):
        folder.mkdir()
        fill(folder)
        update_lists(folder)
    (one / LISTS).write_bytes((other / LISTS).read_bytes())
    assert current(one).lists is None and current(other).lists is not None
    size = vector_log._HEAD.size + 400 * (8 + DIMENSIONS)
    (other / FILE).write_bytes((other / FILE).read_bytes()[:size])
    assert current(other).lists is None
    fill(other, 401, NUMBER + 100)
    found = current(other)
    assert found.lists is None and found.documents == 400 + NUMBER + 100 - 401
    assert recall(found, exact(other)) == 1


def test_a_copied_index_keeps_its_lists(tmp_path: Path) -> None:
    """Nothing in the files depends on the place or the time of the files."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    fill(tmp_path / "one")
    update_lists(tmp_path / "one")
    for name in (FILE, LISTS):
        (tmp_path / "two" / name).write_bytes((tmp_path / "one" / name).read_bytes())
    assert current(tmp_path / "two").lists is not None


def test_lists_are_written_when_many_records_are_not_in_them(tmp_path: Path) -> None:
    """More than the minimum, and more than an eighth of those that are; never for a small index."""
    fill(tmp_path, 0, 199)
    update_lists(tmp_path)
    assert not (tmp_path / LISTS).exists()
    fill(tmp_path, 199, 1800)
    update_lists(tmp_path)
    fill(tmp_path, 1800, 2020)
    update_lists(tmp_path)
    lists = open_lists(tmp_path, open_log(tmp_path / FILE))
    assert lists is not None and lists.records == 1800
    fill(tmp_path, 2020, 2030)
    update_lists(tmp_path)
    lists = open_lists(tmp_path, open_log(tmp_path / FILE))
    assert lists is not None and lists.records == 2030


def test_a_compacted_file_needs_new_lists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old ones have other rows. They are removed if the file has become small."""
    monkeypatch.setattr(vector_log, "_COMPACTION_MARGIN_RECORDS", 1)
    fill(tmp_path, 0, 300)
    update_lists(tmp_path)
    reader = VectorReader(tmp_path)
    assert reader.current().lists is not None
    fill(tmp_path, 0, 100)
    writer = VectorWriter(tmp_path)
    for number in range(100, 300):
        writer.delete(f"d{number}")
    writer.compact()
    assert reader.current().lists is None and reader.current().documents == 100
    update_lists(tmp_path)
    assert not (tmp_path / LISTS).exists() and same(reader.current(), exact(tmp_path))


def test_documents_without_vectors_have_no_lists(tmp_path: Path) -> None:
    """Neither before the first vector nor when all vectors are gone."""
    writer = VectorWriter(tmp_path)
    for number in range(NUMBER):
        writer.append(f"d{number}", None)
    writer.sync()
    update_lists(tmp_path)
    assert not (tmp_path / LISTS).exists()
    fill(tmp_path, 0, 2)
    for number in range(2):
        writer = VectorWriter(tmp_path)
        writer.append(f"d{number}", None)
        writer.sync()
    update_lists(tmp_path)
    assert not (tmp_path / LISTS).exists() and current(tmp_path).documents == NUMBER
    assert current(tmp_path).nearest(drawn(1), 5) == [] and current(tmp_path).dimensions == 0


def test_a_kill_while_lists_are_written_changes_nothing(tmp_path: Path) -> None:
    """The next writer removes what is left, and writes them."""
    fill(tmp_path)
    killed = (
        "import os, signal, sys; from pathlib import Path\n"
        "from indexer.engines.tantivy import vector_lists\n"
        "vector_lists.MIN_LISTED_RECORDS = 200\n"
        "vector_lists._pad = lambda file: os.kill(os.getpid(), signal.SIGKILL)\n"
        "vector_lists.update_lists(Path(sys.argv[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(tmp_path)], cwd=ROOT, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(f".{LISTS}.*"))) == 1 and current(tmp_path).lists is None
    update_lists(tmp_path)
    assert not list(tmp_path.glob(f".{LISTS}.*")) and current(tmp_path).lists is not None
