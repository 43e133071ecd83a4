"""Lines of text files in whatever encoding: read as written, or refused as a whole in one sentence."""

import codecs
import gzip
import io
import os
from pathlib import Path

import pytest

from enricher.errors import SourceError
from enricher.lines import CHUNK_BYTES, SAMPLE_BYTES, file_lines, read_text, stream_lines

TEXT = "first line\n第二行\ncafé 🎉\n"
LINES = [line.encode() for line in TEXT.split("\n")]
WIDE = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"]


def lines_of(tmp_path: Path, data: bytes, name: str = "text.txt") -> list[bytes]:
    """The lines of a file with these bytes."""
    (tmp_path / name).write_bytes(data)
    return list(file_lines(tmp_path / name))


@pytest.mark.parametrize("encoding", ["utf-8", *WIDE])
@pytest.mark.parametrize("packed", [False, True])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str, packed: bool) -> None:
    """In gzip files too; the lines are UTF-8 without the mark."""
    data = ("\ufeff" + TEXT).encode(encoding)
    assert lines_of(tmp_path, gzip.compress(data) if packed else data) == LINES


@pytest.mark.parametrize("encoding", ["utf-8", *WIDE])
def test_every_line_may_begin_with_a_mark(tmp_path: Path, encoding: str) -> None:
    """Such as files joined by cat."""
    data = "\ufeffone\r\n\ufefftwo\r\n".encode(encoding)
    assert lines_of(tmp_path, data) == [b"one", b"two", b""]


def test_characters_and_line_ends_may_cross_chunks(tmp_path: Path) -> None:
    """In a UTF-16 file of several chunks."""
    text = "\ufeff" + "x" * (CHUNK_BYTES // 2 - 3) + "🎉\r\n" + "文" * CHUNK_BYTES + "\nend"
    assert lines_of(tmp_path, text.encode("utf-16-le")) == [
        line.encode() for line in text[1:].replace("\r", "").split("\n")
    ]


@pytest.mark.parametrize("encoding", WIDE)
@pytest.mark.parametrize("text", [TEXT, "plain words\nmore words\n", "数据库的索引\n第一\n", "one line"])
def test_utf_16_and_utf_32_without_a_mark_are_rejected_and_named(
    tmp_path: Path, encoding: str, text: str
) -> None:
    """The message has the command that converts the file."""
    name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    with pytest.raises(SourceError, match=f"looks like {name} without .* iconv -f {name} -t UTF-8"):
        lines_of(tmp_path, text.encode(encoding))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("数据库的索引\n神经网络\n云计算\n", "gbk"),
        ("数据库的索引\n神经网络\n云计算\n", "gb18030"),
        ('{"id": "1", "text": "数据库"}\n{"id": "2", "text": "索引"}\n', "gb18030"),
        ("資料庫的索引\n神經網路\n", "big5"),
        ("データベース\n索引\n", "shift-jis"),
        ("Le café crème\nun thé\nplain\n", "latin-1"),
        ("naïve “quotes”\nmore — dashes\n", "cp1252"),
        ("café", "latin-1"),
        ("plain\n" * 15 + "café\n" * 2, "latin-1"),
    ],
)
def test_text_in_another_encoding_is_rejected_as_a_whole(tmp_path: Path, text: str, encoding: str) -> None:
    """The encoding is not guessed; the message says how to convert the file."""
    with pytest.raises(SourceError, match=r"text.txt' is not UTF-8 text but in another encoding.*iconv"):
        lines_of(tmp_path, text.encode(encoding))


@pytest.mark.parametrize("data", [bytes(range(256)) * 8, b"\0" * 5000, b"\x7fELF\0\0\n\0\x01\0\0\n\0"])
def test_binary_files_are_rejected_as_a_whole(tmp_path: Path, data: bytes) -> None:
    """The message names the NUL bytes or the encoding."""
    with pytest.raises(SourceError, match=r"NUL|UTF-16|UTF-32"):
        lines_of(tmp_path, data)


@pytest.mark.parametrize("line", [b"caf\xe9", b"a\0b"])
def test_a_single_invalid_line_does_not_reject_a_file(tmp_path: Path, line: bytes) -> None:
    """The line is returned unchanged."""
    data = ["café".encode(), line, b"plain"]
    assert lines_of(tmp_path, b"\n".join(data)) == data


def test_invalid_lines_after_the_sample_are_returned_unchanged(tmp_path: Path) -> None:
    """The file is not rejected after lines of it were returned."""
    good = [b"plain words"] * (SAMPLE_BYTES // 12 + 1)
    assert lines_of(tmp_path, b"\n".join([*good, b"caf\xe9", b"th\xe9"])) == [*good, b"caf\xe9", b"th\xe9"]


def test_a_character_cut_by_the_sample_is_valid(tmp_path: Path) -> None:
    """A long line of three bytes a character is UTF-8 wherever the sample ends."""
    for shift in range(3):
        line = b"x" * shift + "文".encode() * SAMPLE_BYTES
        assert lines_of(tmp_path, line) == [line]


def test_gzip_is_detected_by_its_first_bytes(tmp_path: Path) -> None:
    """Whatever the file name is."""
    assert lines_of(tmp_path, gzip.compress(TEXT.encode()), "docs.jsonl") == LINES


def test_lines_before_the_end_of_a_truncated_gzip_file_are_read(tmp_path: Path) -> None:
    """Even if the first line is invalid, so that a larger sample is read."""
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"caf\xe9\ngood\nbetter\nlast")[:-12])
    lines = file_lines(tmp_path / "a.gz")
    assert [next(lines), next(lines), next(lines)] == [b"caf\xe9", b"good", b"better"]
    with pytest.raises(OSError, match="truncated"):
        list(lines)


def test_an_incomplete_character_at_the_end_is_an_error(tmp_path: Path) -> None:
    """The lines before it are read."""
    (tmp_path / "a.txt").write_bytes("\ufeffone\ntwo".encode("utf-16-le")[:-1])
    lines = file_lines(tmp_path / "a.txt")
    assert next(lines) == b"one"
    with pytest.raises(OSError, match="middle of a character"):
        list(lines)


def test_reading_a_growing_file_ends(tmp_path: Path) -> None:
    """Every line read appends two more."""
    path = tmp_path / "growing.txt"
    path.write_bytes(b"line\n" * 10)
    read = 0
    with path.open("ab", buffering=0) as more:
        for line in file_lines(path):
            read += line == b"line"
            more.write(b"line\n" * 2)
    assert read == 10


def test_a_pipe_is_read_without_waiting_for_its_end() -> None:
    """The first line is read before the second is written."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as stream:
        os.write(writing, b"one\n")
        lines = stream_lines(stream, "Standard input")
        assert next(lines) == b"one"
        os.write(writing, b"two\n")
        assert next(lines) == b"two"
        os.close(writing)
        assert list(lines) == [b""]


def test_a_pipe_of_single_bytes_is_read_like_a_file() -> None:
    """Marks and encodings are detected however the bytes arrive."""

    class Slow(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return super().read1(1)

    assert list(stream_lines(Slow(("\ufeff" + TEXT).encode("utf-16-le")), "It")) == LINES
    assert list(stream_lines(Slow(gzip.compress(TEXT.encode())), "It")) == LINES
    with pytest.raises(SourceError, match="It is not UTF-8 text"):
        list(stream_lines(Slow("Le café\nun thé\n".encode("latin-1")), "It"))


@pytest.mark.parametrize("encoding", ["utf-8", *WIDE])
def test_read_text_uses_the_same_rules(tmp_path: Path, encoding: str) -> None:
    """Windows line ends become line feeds."""
    (tmp_path / "a.toml").write_bytes("\ufeffa = 1\r\nb = '文'\r\n".encode(encoding))
    assert read_text(tmp_path / "a.toml") == "a = 1\nb = '文'\n"


def test_read_text_names_an_invalid_line(tmp_path: Path) -> None:
    """By line number and byte."""
    (tmp_path / "a.toml").write_bytes(b"a = 1\nb = 2\n# caf\xe9\n")
    with pytest.raises(SourceError, match=r"a.toml' is not UTF-8 \(line 3, byte 6\)"):
        read_text(tmp_path / "a.toml")


def test_an_empty_file_has_no_text(tmp_path: Path) -> None:
    """A file with only a byte-order mark is empty too."""
    for data in (b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE):
        assert lines_of(tmp_path, data) == [b""]
