"""Files that are whole after a crash."""

import os
import threading
from pathlib import Path

import pytest

from enricher.files import file_lock, locked, replaced_file_lock, sync, write_atomically


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """The new content is there, with its mode less the umask, and nothing beside it."""
    path = tmp_path / "file"
    path.write_text("old")
    before = os.umask(0o027)
    try:
        write_atomically(path, b"new")
        write_atomically(tmp_path / "other", b"", 0o600)
    finally:
        os.umask(before)
    assert path.read_bytes() == b"new"
    assert [file.stat().st_mode & 0o777 for file in (path, tmp_path / "other")] == [0o640, 0o600]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["file", "other"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no half of the new one."""
    path = tmp_path / "file"
    path.write_text("old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_and_folders_are_synced(tmp_path: Path) -> None:
    """Both are taken; one that is not there is an error."""
    sync(tmp_path)
    write_atomically(tmp_path / "file", b"")
    sync(tmp_path / "file")
    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "nothing")


def test_a_lock_is_held_by_one_and_shared_by_many(tmp_path: Path) -> None:
    """The file is made where it is missing, but not by who shares it; the lock ends with the block."""
    path = tmp_path / "lock"
    with pytest.raises(FileNotFoundError), file_lock(path, shared=True):
        pass
    with file_lock(path):
        for shared in (False, True):
            with pytest.raises(BlockingIOError), file_lock(path, wait=False, shared=shared):
                pass
    shares = file_lock(path, shared=True), file_lock(path, wait=False, shared=True)
    with shares[0], shares[1], pytest.raises(BlockingIOError), file_lock(path, wait=False):
        pass
    with file_lock(path, wait=False):
        pass


def test_the_lock_of_a_folder_makes_it(tmp_path: Path) -> None:
    """With the folders above it; and its lock is that of a file inside it."""
    other = file_lock(tmp_path / "a" / "b" / ".lock", wait=False)
    with locked(tmp_path / "a" / "b"), pytest.raises(BlockingIOError), other:
        pass


def test_the_lock_of_a_replaced_file_is_that_of_the_new_one(tmp_path: Path) -> None:
    """Who waits for the lock while the file is replaced waits for the new file too."""
    path = tmp_path / "file"
    with pytest.raises(FileNotFoundError), replaced_file_lock(path):
        pass
    path.write_text("0")

    def work() -> None:
        for _ in range(20):
            with replaced_file_lock(path):
                write_atomically(path, str(int(path.read_text()) + 1).encode())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert path.read_text() == "80"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    """Also a link to a file that is not there yet."""
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    for data in (b"first", b"second"):
        write_atomically(link, data)
        assert link.is_symlink() and target.read_bytes() == data


def test_a_pipe_and_a_device_are_written_to(tmp_path: Path) -> None:
    """They are no files that can be replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_atomically(pipe, b"through")
    assert os.read(reader, 100) == b"through" and pipe.is_fifo()
    os.close(reader)
    null = tmp_path / "null"
    null.symlink_to(os.devnull)
    write_atomically(null, b"away")
    assert null.is_symlink() and not Path(os.devnull).is_file()
