"""The file of vectors: what a kill leaves, what is superseded, and junk."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from enricher.errors import EngineError
from enricher.model.text_vectors.vectors import Codes, to_numbers
from enricher.records import EnrichedDocument, FieldKind, IndexLayout
from indexer.engines.tantivy import vector_log
from indexer.engines.tantivy.engine import TantivyEngine
from indexer.engines.tantivy.vector_log import FILE, VectorWriter, key_of
from indexer.engines.tantivy.vectors import VectorReader


def codes(first: int) -> Codes:
    return np.array([first, 90, 80], np.int8)


def written(folder: Path, *records: tuple[str, Codes | None]) -> VectorWriter:
    writer = VectorWriter(folder)
    for id_, vector in records:
        writer.append(id_, vector)
    writer.sync()
    return writer


def vectors_of(folder: Path, *ids: str) -> list[int]:
    """The first numbers of the vectors of those of some documents that have one."""
    return [int(vector[0]) for vector in VectorReader(folder).current().codes([key_of(id_) for id_ in ids])]


def test_the_last_record_of_a_document_counts(tmp_path: Path) -> None:
    """Also when it says that there is no vector any more, and across writers."""
    written(tmp_path, ("a", codes(1)), ("b", codes(2)), ("a", codes(3)))
    written(tmp_path, ("b", None), ("c", codes(4)))
    assert vectors_of(tmp_path, "a", "b", "c", "unknown") == [3, 4]
    vectors = VectorReader(tmp_path).current()
    assert vectors.nearest(codes(1), 10) == [key_of("c"), key_of("a")]
    assert vectors.products(codes(1), [key_of("b"), key_of("a")]).tolist() == [0, 3 + 90 * 90 + 80 * 80]


def test_a_reader_sees_what_was_made_durable_since(tmp_path: Path) -> None:
    """And not what waits."""
    reader = VectorReader(tmp_path)
    assert reader.current().nearest(codes(1), 5) == []
    writer = VectorWriter(tmp_path)
    writer.append("a", codes(1))
    assert reader.current().dimensions == 0
    writer.sync()
    assert reader.current().nearest(codes(1), 5) == [key_of("a")]


@pytest.mark.parametrize("torn", [1, 5, 10])
def test_a_torn_record_is_cut_off(tmp_path: Path, torn: int) -> None:
    """What a kill has left of it is no record, and the next one is whole."""
    written(tmp_path, ("a", codes(1)), ("b", codes(2)))
    path = tmp_path / FILE
    path.write_bytes(path.read_bytes()[:-torn])
    assert vectors_of(tmp_path, "a", "b") == [1]
    written(tmp_path, ("c", codes(3)))
    assert vectors_of(tmp_path, "a", "b", "c") == [1, 3]


def test_a_torn_head_is_written_again(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"vect")
    assert vectors_of(tmp_path, "a") == []
    written(tmp_path, ("a", codes(1)))
    assert vectors_of(tmp_path, "a") == [1]


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is something else entirely")
    with pytest.raises(EngineError, match="damaged"):
        VectorReader(tmp_path).current()
    with pytest.raises(EngineError, match="damaged"):
        VectorWriter(tmp_path)


def test_vectors_of_two_models_do_not_mix(tmp_path: Path) -> None:
    writer = written(tmp_path, ("a", codes(1)))
    with pytest.raises(EngineError, match="'b' has 2 dimensions, those of the index have 3"):
        writer.append("b", np.array([1, 2], np.int8))


def test_documents_without_vectors_are_known_too(tmp_path: Path) -> None:
    """Before the first vector and after it; deleted ones are not."""
    written(tmp_path, ("a", None), ("b", None))
    assert VectorReader(tmp_path).current().documents == 2
    written(tmp_path, ("c", None), ("d", codes(4)), ("e", codes(5)))
    vectors = VectorReader(tmp_path).current()
    assert vectors.documents == 5 and vectors_of(tmp_path, *"abcde") == [4, 5]
    writer = VectorWriter(tmp_path)
    writer.delete("a")
    writer.delete("d")
    writer.sync()
    assert VectorReader(tmp_path).current().documents == 3 and vectors_of(tmp_path, *"abcde") == [5]


def test_an_index_without_vectors_has_no_file(tmp_path: Path) -> None:
    """Also when documents are deleted from it."""
    writer = VectorWriter(tmp_path)
    writer.delete("a")
    writer.compact()
    assert not (tmp_path / FILE).exists()


def test_what_is_superseded_is_left_out_at_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is written anew when half of it is of no use, and says the same; readers notice."""
    monkeypatch.setattr(vector_log, "_COMPACTION_MARGIN_RECORDS", 1)
    reader = VectorReader(tmp_path)
    writer = written(tmp_path, *[(id_, codes(1)) for id_ in "aaaabb"], ("c", codes(5)), ("b", None))
    before = (tmp_path / FILE).stat().st_size
    assert reader.current().dimensions == 3
    writer.compact()
    after = (tmp_path / FILE).stat().st_size
    assert after == before - 5 * (8 + 3)
    assert [int(vector[0]) for vector in reader.current().codes([key_of(id_) for id_ in "abc"])] == [1, 5]
    writer.compact()
    assert (tmp_path / FILE).stat().st_size == after


@pytest.mark.parametrize("left", [0, 1, 2])
def test_a_file_that_was_lost_or_cut_is_noticed(tmp_path: Path, left: int) -> None:
    """Documents whose vectors are gone are not valid any more; words find them all the same."""
    layout = IndexLayout(
        ("text",), {"model": FieldKind.KEYWORD, "vector": FieldKind.VECTOR}, model_version="v1"
    )
    enrichment = {"model": "v1", "vector": to_numbers(codes(5))}
    with closing(TantivyEngine(tmp_path)) as engine:
        engine.create("things", layout)
        engine.write("things", [EnrichedDocument(id_, {"text": "x"}, enrichment) for id_ in "abc"])
        engine.write("things", [EnrichedDocument("none", {"text": ""}, {"model": "v1"})])
        engine.refresh("things")
        assert engine.count_unenriched("things") == 0
    path = tmp_path / "things" / FILE
    path.write_bytes(path.read_bytes()[: 16 + left * (8 + 3)])
    if not left:
        path.unlink()
    with closing(TantivyEngine(tmp_path)) as engine:
        assert engine.count_unenriched("things") == 4 - left
