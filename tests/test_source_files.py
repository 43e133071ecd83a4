"""Which files a source is: what is named is read, what a command writes itself is not."""

import json
import os
from pathlib import Path

import pytest

from enricher.errors import SourceError, UsageError
from enricher.source_files import FileFinder, holds_rejects, identity_of

DOCUMENT = '{"id": "1", "text": "t"}\n'
REJECT = json.dumps({"where": "a:1", "reason": "r", "content": "{"}) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file of documents."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "docs.jsonl").write_text(DOCUMENT)
    return tmp_path / "data"


def add(folder: Path, name: str, content: str = DOCUMENT) -> Path:
    """A file in a folder, and the folders that lead to it."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def names(finder: FileFinder, *sources: Path) -> list[str]:
    """The names of all files of some sources."""
    return [file.name for source in sources for file in finder.find(str(source))]


@pytest.mark.parametrize(
    "name",
    [
        ".ipynb_checkpoints/docs-checkpoint.jsonl",
        ".git/notes.txt",
        "inner/.cache/a.ndjson",
        "._docs.jsonl",
        ".hidden.txt.gz",
        "docs.jsonl~",
        "docs.jsonl.bak",
        "docs.jsonl.swp",
    ],
)
def test_hidden_files_and_backups_in_a_folder_are_skipped(folder: Path, name: str) -> None:
    """They are read if they are named."""
    path = add(folder, name)
    assert names(FileFinder(), folder) == ["docs.jsonl"]
    assert names(FileFinder("jsonl"), path) == [path.name]


def test_a_hidden_folder_that_is_named_is_read(folder: Path) -> None:
    """Its own hidden files stay hidden."""
    add(folder, ".old/a.jsonl")
    add(folder, ".old/.b.jsonl")
    assert names(FileFinder(), folder / ".old") == ["a.jsonl"]


def test_a_model_in_a_folder_is_skipped(folder: Path) -> None:
    """The lexicon of a bundle is not a document; a lexicon elsewhere is read like any other file."""
    for name in ("manifest.json", "words.utf8", "lexicon.txt"):
        add(folder, f"models/20260101T000000-abcdef/{name}")
    add(folder, "texts/lexicon.txt")
    assert names(FileFinder(), folder) == ["docs.jsonl", "texts/lexicon.txt"]


def test_rejected_documents_of_an_earlier_run_are_skipped_in_a_folder(folder: Path) -> None:
    """Under any file name; a note names the files. They are read if they are named."""
    add(folder, "notes.rejects.jsonl", REJECT)
    other = add(folder, "other.jsonl", REJECT)
    said: list[str] = []
    assert names(FileFinder(note=said.append), folder) == ["docs.jsonl"]
    (sentence,) = said
    assert (
        "notes.rejects.jsonl, other.jsonl" in sentence and "rejected documents of an earlier run" in sentence
    )
    assert names(FileFinder(), other) == ["other.jsonl"]


def test_a_document_with_more_than_the_keys_of_a_reject_is_a_document(folder: Path) -> None:
    """A line is a reject only if it has exactly these keys."""
    path = add(folder, "faults.jsonl", json.dumps({"where": "w", "reason": "r", "content": "c", "id": 1}))
    assert not holds_rejects(path)
    assert names(FileFinder(), folder) == ["docs.jsonl", "faults.jsonl"]


@pytest.mark.parametrize("content", ["", DOCUMENT])
def test_an_output_file_in_a_folder_is_skipped(folder: Path, content: str) -> None:
    """Whatever its content is, and under any name."""
    written = add(folder, "out.jsonl", content)
    (folder / "link.jsonl").symlink_to(written)
    said: list[str] = []
    assert names(FileFinder(written=[written], note=said.append), folder) == ["docs.jsonl"]
    assert "link.jsonl, out.jsonl (an output of this command)" in said[0]


def test_an_output_file_cannot_be_a_source(folder: Path) -> None:
    """It is a UsageError, before anything is read."""
    path = folder / "docs.jsonl"
    with pytest.raises(UsageError, match=r"docs.jsonl' is also the output of this command"):
        FileFinder(written=[path]).find(str(path))


@pytest.mark.parametrize("stream", [1, 2])
def test_redirected_standard_streams_are_output_files(folder: Path, stream: int) -> None:
    """As with `> out.jsonl` and `2> log.txt` in the folder of the documents."""
    kept = os.dup(stream)
    try:
        with (folder / "out.jsonl").open("w") as file:
            os.dup2(file.fileno(), stream)
        assert names(FileFinder(), folder) == ["docs.jsonl"]
        with pytest.raises(UsageError, match="is also the output of this command"):
            FileFinder().find(str(folder / "out.jsonl"))
    finally:
        os.dup2(kept, stream)
        os.close(kept)


def test_a_file_in_a_folder_is_read_once(folder: Path) -> None:
    """Even if its folder is named twice, or it is named or linked; a note says so."""
    (folder / "latest.jsonl").symlink_to("docs.jsonl")
    (folder / "twin.jsonl").hardlink_to(folder / "docs.jsonl")
    said: list[str] = []
    assert names(FileFinder(note=said.append), folder / "docs.jsonl", folder) == ["docs.jsonl"]
    assert "docs.jsonl, latest.jsonl, twin.jsonl (the same file" in said[0]
    said.clear()
    assert names(FileFinder(note=said.append), folder, folder, folder / "twin.jsonl") == ["docs.jsonl"]
    assert "twin.jsonl' is also in a folder named before; it is read once" in said[-1]


def test_a_file_that_is_named_twice_is_read_twice(folder: Path) -> None:
    """The user asked for it."""
    path = folder / "docs.jsonl"
    assert names(FileFinder(), path, path) == ["docs.jsonl", "docs.jsonl"]


def test_links_to_folders_are_not_followed(folder: Path, tmp_path: Path) -> None:
    """A note names links out of the folder. The target of a link into the folder is searched anyway."""
    add(tmp_path / "elsewhere", "far.jsonl")
    (folder / "loop").symlink_to(folder)
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    said: list[str] = []
    assert names(FileFinder(note=said.append), folder) == ["docs.jsonl"]
    (sentence,) = said
    assert "out (links to other folders are not followed" in sentence
    assert names(FileFinder(), folder / "out") == ["far.jsonl"]


def test_pipes_and_broken_links_in_a_folder_are_skipped(folder: Path) -> None:
    """Reading a pipe would block. A note names the files."""
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "gone.jsonl").symlink_to("nowhere")
    (folder / "self.txt").symlink_to("self.txt")
    said: list[str] = []
    assert names(FileFinder(note=said.append), folder) == ["docs.jsonl"]
    assert "gone.jsonl, pipe.jsonl, self.txt (not a regular file" in said[0]


def test_a_pipe_that_is_named_is_a_source(folder: Path) -> None:
    """Such as the process substitution of a shell."""
    os.mkfifo(folder / "pipe.jsonl")
    assert names(FileFinder(), folder / "pipe.jsonl") == ["pipe.jsonl"]
    assert identity_of(folder / "pipe.jsonl") is None


def test_a_folder_without_readable_documents_is_an_error(tmp_path: Path) -> None:
    """Like an empty folder."""
    add(tmp_path, ".hidden/a.jsonl")
    add(tmp_path, "r.jsonl", REJECT)
    with pytest.raises(SourceError, match="contains no"):
        FileFinder().find(str(tmp_path))


def test_a_tilde_is_the_home_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the shell has not expanded it."""
    monkeypatch.setenv("HOME", str(folder.parent))
    assert [file.name for file in FileFinder().find("~/data")] == ["docs.jsonl"]
