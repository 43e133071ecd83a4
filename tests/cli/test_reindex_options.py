"""Options of `enricher reindex` that are read from files."""

from pathlib import Path

import pytest

from enricher.errors import UsageError
from indexer.cli.job_options import read_ids


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_ids_are_a_line_each(tmp_path: Path, encoding: str) -> None:
    """Once each, in their order, without marks; only line feeds part them."""
    path = tmp_path / "ids.txt"
    path.write_bytes("a 1\r\n文\u2028b\r\n\r\n\ufeffa 1\r\nc".encode(encoding))
    assert read_ids(path) == ("a 1", "文\u2028b", "c")


@pytest.mark.parametrize("content", [b"", b"\n \n", b"caf\xe9\nth\xe9\n", b"a\0\nb\0\n"])
def test_a_file_without_ids_that_can_be_read_is_wrong_usage(tmp_path: Path, content: bytes) -> None:
    """The sentence names the file."""
    (tmp_path / "ids.txt").write_bytes(content)
    with pytest.raises(UsageError, match=r"ids.txt"):
        read_ids(tmp_path / "ids.txt")
    with pytest.raises(UsageError, match=r"none.txt"):
        read_ids(tmp_path / "none.txt")
