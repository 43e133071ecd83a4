"""Reading documents: what is good is read, what is bad is named by file and line."""

import gzip
import json
import re
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from enricher.errors import SourceError, UsageError
from enricher.records import AnalyzedDocument, Document, Rejection
from enricher.sources import SourceFormat, find_files, read_files, source_format
from tests.conftest import ROOT

FORM = SourceFormat()


def read(path: Path, form: SourceFormat = FORM) -> list[Document | Rejection]:
    """Everything that a source gives."""
    return list(read_files(find_files([str(path)], form), form))


def read_lines(tmp_path: Path, *lines: bytes) -> list[Document | Rejection]:
    """What a file of these lines gives."""
    path = tmp_path / "docs.jsonl"
    path.write_bytes(b"\n".join(lines))
    return read(path)


def test_ids_fields_and_other_values_are_kept(tmp_path: Path) -> None:
    """The source is the object as it was written; a number as an id becomes text."""
    (document,) = read_lines(
        tmp_path, '{"id": 7, "text": "文", "tags": ["a", {"b": null}], "n": 1.5}'.encode()
    )
    assert document == Document("7", {"id": 7, "text": "文", "tags": ["a", {"b": None}], "n": 1.5})


def test_the_id_of_a_document_without_one_is_file_and_line(tmp_path: Path) -> None:
    """Blank lines are counted, but are no documents."""
    items = read_lines(
        tmp_path, b'{"text": "a"}', b"", b'{"id": "", "text": "b"}', b'{"id": null, "text": "c"}'
    )
    assert [item.id for item in items if isinstance(item, Document)] == [
        "docs.jsonl:1",
        "docs.jsonl:3",
        "docs.jsonl:4",
    ]


def test_a_document_with_an_empty_text_is_valid(tmp_path: Path) -> None:
    """A title without a text is valid too."""
    items = read_lines(tmp_path, b'{"id": "a", "text": ""}', b'{"id": "b", "title": "t"}')
    assert [item.id for item in items if isinstance(item, Document)] == ["a", "b"]


@pytest.mark.parametrize(
    ("source", "field", "text"),
    [
        ({"text": ["one", "two"]}, "text", "one\n\ntwo"),
        ({"text": ["one", None, ["two", 3]]}, "text", "one\n\ntwo\n\n3"),
        ({"text": []}, "text", ""),
        ({"title": 1984}, "title", "1984"),
        ({"page": {"body": "b"}}, "page.body", "b"),
        ({"page.body": "b"}, "page.body", "b"),
        ({"page": [{"body": "b"}, {"other": 1}, {"body": ["c", "d"]}]}, "page.body", "b\n\nc\n\nd"),
        ({"a.b": {"c": "d"}, "a": {"b.c": "e"}}, "a.b.c", "e\n\nd"),
        ({"page": {"body": {"zh": "b"}}}, "page.body", ""),
        ({"page": "b"}, "page.body", ""),
    ],
)
def test_the_text_of_a_field_is_found_through_arrays_and_objects(
    source: dict[str, object], field: str, text: str
) -> None:
    """Texts of an array are parted by a paragraph break; a path with dots names a field of an object."""
    assert Document("x", source).text(field) == text
    assert AnalyzedDocument("x", source, {}).text(field) == text


@pytest.mark.parametrize(
    "line",
    [
        b'{"id": "x", "text": ["a", "b"]}',
        b'{"id": "x", "title": 1984, "text": []}',
        b'{"id": "x", "text": ["a", null, ["b"]]}',
    ],
)
def test_arrays_of_text_and_numbers_are_text(tmp_path: Path, line: bytes) -> None:
    """As in a text field of Elasticsearch."""
    assert [item.id for item in read_lines(tmp_path, line) if isinstance(item, Document)] == ["x"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"id": "x", "text": "cut', "not valid JSON"),
        (b"[1, 2]", "is an array, not a JSON object"),
        (b'"text"', "is a string, not a JSON object"),
        (b"null", "is null, not a JSON object"),
        (b'{"id": "x"}', "no field 'title' or 'text'"),
        (b'{"id": "x", "text": null}', "no field"),
        (b'{"id": "x", "text": true}', "'text' contains a Boolean, not text"),
        (
            b'{"id": "x", "text": {"zh": "a"}}',
            "'text' contains an object, not text; name a field inside it (text.zh)",
        ),
        (b'{"id": "x", "title": "b", "text": ["a", {"b": "c"}]}', "'text' contains an object, not text"),
        (b'{"id": true, "text": "b"}', "'id' is neither a string nor an integer"),
        (b'{"id": {"a": 1}, "text": "b"}', "'id' is neither"),
        (b'{"id": "x", "text": "\xff\xfe"}', "not UTF-8 (byte 22)"),
        (b'{"id": "x", "text": "b", "n": NaN}', "NaN"),
        (b"[" * 100_000, "not valid JSON"),
    ],
)
def test_an_invalid_line_is_a_rejection_and_valid_lines_are_read(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    """The rejection has the file, line number, reason and content."""
    items = read_lines(tmp_path, b'{"id": "1", "text": "a"}', line, b'{"id": "3", "text": "c"}')
    assert [item.id for item in items if isinstance(item, Document)] == ["1", "3"]
    (rejection,) = (item for item in items if isinstance(item, Rejection))
    assert rejection.where == "docs.jsonl:2"
    assert reason in rejection.reason
    assert rejection.content


def test_lone_surrogates_become_replacement_characters(tmp_path: Path) -> None:
    """A surrogate pair is one character."""
    (document,) = read_lines(tmp_path, rb'{"id": "1", "text": "a\ud800b \ud83d\ude00", "x": ["\udfff"]}')
    assert isinstance(document, Document)
    assert document.source["text"] == "a\ufffdb \U0001f600"
    assert document.source["x"] == ["\ufffd"]


def test_a_byte_order_mark_and_windows_line_ends_are_ignored(tmp_path: Path) -> None:
    """The first line is read like the others."""
    items = read_lines(tmp_path, b'\xef\xbb\xbf{"id": "1", "text": "a"}\r', b'{"id": "2", "text": "b"}\r')
    assert [item.source["text"] for item in items if isinstance(item, Document)] == ["a", "b"]


@pytest.mark.parametrize("name", ["docs.jsonl", "docs.ndjson.gz", "docs.txt", "docs.txt.gz"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_utf_16_with_a_mark_is_read(tmp_path: Path, name: str, encoding: str) -> None:
    """PowerShell writes such files. It works for every format."""
    line = "neural 网络" if ".txt" in name else '{"text": "neural 网络"}'
    data = f"\ufeff{line}\r\n\r\n{line}\r\n".removeprefix("\ufeff" if encoding[-1].isdigit() else "")
    packed = gzip.compress(data.encode(encoding)) if name.endswith(".gz") else data.encode(encoding)
    (tmp_path / name).write_bytes(packed)
    text = {"text": "neural 网络"}
    assert read(tmp_path / name) == [Document(f"{name}:1", text), Document(f"{name}:3", text)]


@pytest.mark.parametrize("name", ["docs.jsonl", "docs.txt", "docs.txt.gz"])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-32-be", "gb18030"])
def test_a_file_of_another_encoding_is_one_rejection(tmp_path: Path, name: str, encoding: str) -> None:
    """Other files of the folder are read."""
    data = '{"text": "神经网络"}\n{"text": "数据库"}\n'.encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (tmp_path / "z.jsonl").write_text('{"id": "z", "text": "good"}')
    rejection, document = read(tmp_path)
    assert isinstance(rejection, Rejection) and isinstance(document, Document)
    assert rejection.where == name and "iconv" in rejection.reason
    assert document.id == "z"


def test_a_line_with_a_nul_byte_is_rejected(tmp_path: Path) -> None:
    """The other lines are documents."""
    (tmp_path / "a.txt").write_bytes(b"good\n\0\0\0\nbetter\n")
    good, bad, better = read(tmp_path / "a.txt")
    assert isinstance(bad, Rejection) and bad.where == "a.txt:2" and "NUL" in bad.reason
    assert isinstance(good, Document) and isinstance(better, Document)


def test_plain_text_has_one_document_per_line(tmp_path: Path) -> None:
    """Compressed files too."""
    with gzip.open(tmp_path / "notes.txt.gz", "wt", encoding="utf-8") as file:
        file.write("第一行\n\nline three\n")
    items = read(tmp_path / "notes.txt.gz")
    assert items == [
        Document("notes.txt.gz:1", {"text": "第一行"}),
        Document("notes.txt.gz:3", {"text": "line three"}),
    ]


def test_a_folder_is_searched_recursively_in_order(tmp_path: Path) -> None:
    """Other files are ignored; files with the same name in two folders give different ids."""
    for name in ("b/docs.jsonl", "a/docs.ndjson", "a/x.txt", "a/readme.md"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"text": "t"}\n')
    assert [item.id for item in read(tmp_path) if isinstance(item, Document)] == [
        "a/docs.ndjson:1",
        "a/x.txt:1",
        "b/docs.jsonl:1",
    ]


def test_the_queries_of_a_test_collection_are_not_read(tmp_path: Path) -> None:
    """A folder with docs.jsonl and queries.jsonl gives the documents."""
    for name in ("docs.jsonl", "queries.jsonl"):
        (tmp_path / name).write_text(json.dumps({"id": name, "text": "t"}) + "\n")
    assert [item.id for item in read(tmp_path) if isinstance(item, Document)] == ["docs.jsonl"]


def test_field_names_come_from_the_options(tmp_path: Path) -> None:
    """The source keeps them."""
    (tmp_path / "d.jsonl").write_text('{"key": "k", "head": "h", "body": "b"}\n')
    (document,) = read(tmp_path / "d.jsonl", source_format("key", ("head", "body"), "auto"))
    assert document == Document("k", {"key": "k", "head": "h", "body": "b"})


@pytest.mark.parametrize(
    ("value", "identity"),
    [
        ("MED-10", "MED-10"),
        (7, "7"),
        ({"$oid": "65f0c0ffee"}, "65f0c0ffee"),
        ({"$numberLong": "12345678901"}, "12345678901"),
        (None, "d.jsonl:1"),
    ],
)
def test_an_id_field_with_a_reserved_name_is_removed_from_the_fields(
    tmp_path: Path, value: object, identity: str
) -> None:
    """The ids of BEIR, mongoexport and CouchDB, in `_id`; other fields stay, also those named alike."""
    line = {"_id": value, "_rev": "1-a", "text": "t", "inner": {"_id": 1}}
    (tmp_path / "d.jsonl").write_text(json.dumps(line) + "\n")
    (document,) = read(tmp_path / "d.jsonl", source_format("_id", ("title", "text"), "auto"))
    assert document == Document(identity, {"_rev": "1-a", "text": "t", "inner": {"_id": 1}})


def test_an_id_field_with_another_name_stays_a_field(tmp_path: Path) -> None:
    """As ArangoDB's `_key`; and `_id` stays where another field is the id, for an engine to refuse."""
    (tmp_path / "d.jsonl").write_text('{"_key": "k", "_id": "docs/k", "text": "t"}\n')
    (document,) = read(tmp_path / "d.jsonl", source_format("_key", ("title", "text"), "auto"))
    assert document == Document("k", {"_key": "k", "_id": "docs/k", "text": "t"})


@pytest.mark.parametrize("value", [{"$oid": "a", "b": 1}, {"$date": "2024"}, {"$oid": ["a"]}, {}, ["a"], 1.5])
def test_an_id_that_is_not_a_string_or_integer_is_rejected(tmp_path: Path, value: object) -> None:
    """The reason names the field."""
    (tmp_path / "d.jsonl").write_text(json.dumps({"_id": value, "text": "t"}))
    (rejection,) = read(tmp_path / "d.jsonl", source_format("_id", ("title", "text"), "auto"))
    assert isinstance(rejection, Rejection) and "'_id' is neither a string nor" in rejection.reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ({"_index": "a", "_id": "1", "_score": 1, "_source": {"text": "t"}}, "a hit .* jq -c '{id: ._id}"),
        ({"_id": "1", "_source": {"text": "t"}}, "a hit of Elasticsearch"),
        ({"index": {}}, r"the action 'index' of a bulk request.* jq -c '\.index\._id as"),
        ({"create": {"_index": "a", "_id": "1"}}, r"the action 'create' .*\.create\._id as"),
        ({"delete": {"_id": "1"}}, "the action 'delete' of a bulk request, not a document; remove it"),
        ({"index": {"_id": "1", "name": "x"}}, "has no field 'title' or 'text'"),
        ({"index": "x"}, "has no field 'title' or 'text'"),
        ({}, "has no field 'title' or 'text'"),
    ],
)
def test_hits_and_bulk_lines_are_rejected_with_advice(tmp_path: Path, line: object, reason: str) -> None:
    """Hits and actions are no documents, whatever field is the id."""
    (tmp_path / "d.jsonl").write_text(json.dumps(line))
    for field in ("id", "_id"):
        (rejection,) = read(tmp_path / "d.jsonl", source_format(field, ("title", "text"), "auto"))
        assert isinstance(rejection, Rejection) and re.search(reason, rejection.reason)


def test_a_document_may_have_fields_named_like_actions(tmp_path: Path) -> None:
    """Fields named like keys of a hit are valid too."""
    (tmp_path / "d.jsonl").write_text('{"id": "1", "text": "t", "index": {}, "_source": {"text": "u"}}')
    assert isinstance(read(tmp_path / "d.jsonl")[0], Document)


LINES = "".join(
    json.dumps({"id": str(n), "text": f"text {n} {n * n} " * 9}) + "\n" for n in range(3000)
).encode()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_truncated_gzip_file_gives_every_complete_line(tmp_path: Path, share: float) -> None:
    """A rejection with the name of the file follows."""
    data = gzip.compress(LINES)
    data = data[: int(len(data) * share)]
    (tmp_path / "docs.jsonl.gz").write_bytes(data)
    *items, rejection = read(tmp_path / "docs.jsonl.gz")
    whole = zlib.decompressobj(31).decompress(data).count(b"\n")
    assert [item.id for item in items if isinstance(item, Document)] == [str(n) for n in range(whole)]
    assert isinstance(rejection, Rejection) and rejection.where == "docs.jsonl.gz"


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        (LINES, b"garbage", "bytes after its end"),
        (LINES.rstrip(), b"?", "after its end"),
        (LINES, b"\x1f\x8bnothing", "header|method"),
        (LINES, bytes(600), None),
        (LINES[:-1], b"", None),
    ],
)
def test_bytes_after_a_gzip_file_lose_no_line_of_it(
    tmp_path: Path, before: bytes, after: bytes, reason: str | None
) -> None:
    """Zero bytes are padding; other bytes become one rejection."""
    (tmp_path / "docs.jsonl.gz").write_bytes(gzip.compress(before) + after)
    items = read(tmp_path / "docs.jsonl.gz")
    assert sum(isinstance(item, Document) for item in items) == 3000
    rejections = [item.reason for item in items if isinstance(item, Rejection)]
    assert len(rejections) == (reason is not None)
    if reason is not None:
        assert any(part in rejections[0] for part in reason.split("|"))


@pytest.mark.parametrize("place", [0.2, 0.7])
def test_lines_before_damage_in_a_gzip_file_are_read(tmp_path: Path, place: float) -> None:
    """With uncompressed blocks every byte before the damage is intact."""
    generator = zlib.compressobj(0, zlib.DEFLATED, 31)
    first, second = LINES[: int(len(LINES) * place)], LINES[int(len(LINES) * place) :]
    head = generator.compress(first) + generator.flush(zlib.Z_FULL_FLUSH)
    (tmp_path / "docs.jsonl.gz").write_bytes(head + b"\x07" + generator.compress(second) + generator.flush())
    items = read(tmp_path / "docs.jsonl.gz")
    assert sum(isinstance(item, Document) for item in items) == first.count(b"\n")
    assert isinstance(items[-1], Rejection) and "invalid block type" in items[-1].reason


def test_a_gzip_file_may_have_several_members(tmp_path: Path) -> None:
    """A line may begin in one member and end in the next."""
    middle = len(LINES) // 2
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(LINES[:middle]) + gzip.compress(LINES[middle:]))
    assert [item.id for item in read(tmp_path / "a.jsonl.gz") if isinstance(item, Document)] == [
        str(n) for n in range(3000)
    ]


def test_a_gz_file_that_is_not_gzip_is_one_rejection(tmp_path: Path) -> None:
    """The reason says so."""
    (tmp_path / "a.jsonl.gz").write_bytes(LINES)
    (rejection,) = read(tmp_path / "a.jsonl.gz")
    assert isinstance(rejection, Rejection) and "not a gzip file" in rejection.reason


AS_ANOTHER_USER = """
import os, sys
from enricher.sources import SourceFormat, find_files
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
find_files(sys.argv[1:], SourceFormat())
"""
"""Root may read everything."""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user of the machine may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("locked", [".", "inner", "inner/docs.jsonl"])
def test_missing_permissions_are_reported_before_anything_is_read(open_folder: Path, locked: str) -> None:
    """The folder itself, one in it, or a file in that."""
    (open_folder / "inner").mkdir()
    (open_folder / "inner" / "docs.jsonl").write_text('{"text": "hidden"}\n')
    (open_folder / "open.jsonl").write_text('{"text": "open"}\n')
    (open_folder / locked).chmod(0)
    call = [sys.executable, "-c", AS_ANOTHER_USER, str(open_folder)]
    done = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=False)
    (open_folder / locked).chmod(0o755)
    said = done.stderr.splitlines()[-1]
    assert said.startswith("enricher.errors.SourceError") and "cannot be read: permission denied" in said
    assert str((open_folder / locked).resolve()) in said


@pytest.mark.parametrize("source", ["missing.jsonl", "empty-folder", "notes.xyz"])
def test_an_unusable_source_is_reported_before_anything_is_read(tmp_path: Path, source: str) -> None:
    """It is missing, has no documents, or its format is unknown."""
    (tmp_path / "empty-folder").mkdir()
    (tmp_path / "notes.xyz").write_text("text")
    with pytest.raises(SourceError, match=source):
        find_files([str(tmp_path / source)], FORM)


def test_an_unknown_format_is_wrong_usage() -> None:
    """The message names the format."""
    with pytest.raises(UsageError, match="csv"):
        source_format("id", ("title", "text"), "csv")
