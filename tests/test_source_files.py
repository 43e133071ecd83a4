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
def test_hidden_files_and_backups_are_passed_over_in_a_folder(folder: Path, name: str) -> None:
    """And read where they are named."""
    path = add(folder, name)
    assert names(FileFinder(), folder) == ["docs.jsonl"]
    assert names(FileFinder("jsonl"), path) == [path.name]


def test_a_hidden_folder_that_is_named_is_read(folder: Path) -> None:
    """Its own hidden files stay hidden."""
    add(folder, ".old/a.jsonl")
    add(folder, ".old/.b.jsonl")
    assert names(FileFinder(), folder / ".old") == ["a.jsonl"]


def test_a_model_in_a_folder_is_no_source(folder: Path) -> None:
    """The lexicon of a bundle is no text of the user's; a lexicon elsewhere is a file like any other."""
    for name in ("manifest.json", "words.utf8", "lexicon.txt"):
        add(folder, f"models/20260101T000000-abcdef/{name}")
    add(folder, "texts/lexicon.txt")
    assert names(FileFinder(), folder) == ["docs.jsonl", "texts/lexicon.txt"]


def test_rejects_of_an_earlier_run_are_left_out_of_a_folder(folder: Path) -> None:
    """Whatever their name; a sentence says so, and names them. Where they are named they are read."""
    add(folder, "notes.rejects.jsonl", REJECT)
    other = add(folder, "other.jsonl", REJECT)
    said: list[str] = []
    assert names(FileFinder(note=said.append), folder) == ["docs.jsonl"]
    (sentence,) = said
    assert "notes.rejects.jsonl, other.jsonl" in sentence and "an earlier run could not use" in sentence
    assert names(FileFinder(), other) == ["other.jsonl"]


def test_a_document_with_more_than_the_keys_of_a_reject_is_a_document(folder: Path) -> None:
    """Only the very keys tell a reject."""
    path = add(folder, "faults.jsonl", json.dumps({"where": "w", "reason": "r", "content": "c", "id": 1}))
    assert not holds_rejects(path)
    assert names(FileFinder(), folder) == ["docs.jsonl", "faults.jsonl"]


@pytest.mark.parametrize("content", ["", DOCUMENT])
def test_a_file_that_is_written_is_left_out_of_a_folder(folder: Path, content: str) -> None:
    """Whatever it holds so far, and by whatever name it is known."""
    written = add(folder, "out.jsonl", content)
    (folder / "link.jsonl").symlink_to(written)
    said: list[str] = []
    assert names(FileFinder(written=[written], note=said.append), folder) == ["docs.jsonl"]
    assert "link.jsonl, out.jsonl: this command writes it" in said[0]


def test_a_file_that_is_written_cannot_be_named(folder: Path) -> None:
    """Wrong usage, before anything is read."""
    path = folder / "docs.jsonl"
    with pytest.raises(UsageError, match=r"docs.jsonl' is written by this very command"):
        FileFinder(written=[path]).find(str(path))


@pytest.mark.parametrize("stream", [1, 2])
def test_standard_streams_that_are_files_are_written(folder: Path, stream: int) -> None:
    """As with `> out.jsonl` and `2> log.txt` in the folder of the documents."""
    kept = os.dup(stream)
    try:
        with (folder / "out.jsonl").open("w") as file:
            os.dup2(file.fileno(), stream)
        assert names(FileFinder(), folder) == ["docs.jsonl"]
        with pytest.raises(UsageError, match="written by this very command"):
            FileFinder().find(str(folder / "out.jsonl"))
    finally:
        os.dup2(kept, stream)
        os.close(kept)


def test_a_file_of_a_folder_is_read_once_whatever_leads_to_it(folder: Path) -> None:
    """By its folder twice, by itself, and by links of both kinds; a sentence says so."""
    (folder / "latest.jsonl").symlink_to("docs.jsonl")
    (folder / "twin.jsonl").hardlink_to(folder / "docs.jsonl")
    said: list[str] = []
    assert names(FileFinder(note=said.append), folder / "docs.jsonl", folder) == ["docs.jsonl"]
    assert "docs.jsonl, latest.jsonl, twin.jsonl: the same file" in said[0]
    said.clear()
    assert names(FileFinder(note=said.append), folder, folder, folder / "twin.jsonl") == ["docs.jsonl"]
    assert "twin.jsonl' was in a folder before: it is read once" in said[-1]


def test_a_file_that_is_named_twice_is_read_twice(folder: Path) -> None:
    """It was asked for."""
    path = folder / "docs.jsonl"
    assert names(FileFinder(), path, path) == ["docs.jsonl", "docs.jsonl"]


def test_links_of_folders_end_and_are_not_followed(folder: Path, tmp_path: Path) -> None:
    """One that leads out is said; one that leads back is searched through anyway."""
    add(tmp_path / "elsewhere", "far.jsonl")
    (folder / "loop").symlink_to(folder)
    (folder / "out").symlink_to(tmp_path / "elsewhere")
    said: list[str] = []
    assert names(FileFinder(note=said.append), folder) == ["docs.jsonl"]
    (sentence,) = said
    assert "out: a link to another folder is not followed" in sentence
    assert names(FileFinder(), folder / "out") == ["far.jsonl"]


def test_what_is_no_regular_file_is_left_out_of_a_folder(folder: Path) -> None:
    """A pipe, which would be waited for, links that lead nowhere or to themselves; a sentence names them."""
    os.mkfifo(folder / "pipe.jsonl")
    (folder / "gone.jsonl").symlink_to("nowhere")
    (folder / "self.txt").symlink_to("self.txt")
    said: list[str] = []
    assert names(FileFinder(note=said.append), folder) == ["docs.jsonl"]
    assert "gone.jsonl, pipe.jsonl, self.txt: it is no regular file" in said[0]


def test_a_pipe_that_is_named_is_a_source(folder: Path) -> None:
    """As where a shell puts a command in its place."""
    os.mkfifo(folder / "pipe.jsonl")
    assert names(FileFinder(), folder / "pipe.jsonl") == ["pipe.jsonl"]
    assert identity_of(folder / "pipe.jsonl") is None


def test_a_folder_of_which_all_is_left_out_is_refused(tmp_path: Path) -> None:
    """Like one that holds nothing."""
    add(tmp_path, ".hidden/a.jsonl")
    add(tmp_path, "r.jsonl", REJECT)
    with pytest.raises(SourceError, match="holds no"):
        FileFinder().find(str(tmp_path))


def test_a_tilde_is_the_home_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where no shell has replaced it."""
    monkeypatch.setenv("HOME", str(folder.parent))
    assert [file.name for file in FileFinder().find("~/data")] == ["docs.jsonl"]
