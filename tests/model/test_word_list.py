"""The mapped words of a model."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.errors import BundleInvalid
from enricher.model.word_list import WordList


@given(words=st.lists(st.text(min_size=1), min_size=1, max_size=30, unique=True), other=st.text())
def test_it_is_the_list_that_was_written(
    tmp_path_factory: pytest.TempPathFactory, words: list[str], other: str
) -> None:
    """Any text at all: line ends, surrogates, emoji."""
    folder = tmp_path_factory.mktemp("words")
    WordList.write(folder, words)
    found = WordList.open(folder)
    assert list(found) == words and found == words and len(found) == len(words)
    assert [found[row] for row in range(len(words))] == words
    assert found[-1] == words[-1] and found[1:3] == words[1:3]
    assert [found.find(word) for word in words] == list(range(len(words)))
    assert (other in found) == (other in words)


def test_a_place_beyond_the_end_is_an_error(tmp_path: Path) -> None:
    """As in any list."""
    WordList.write(tmp_path, ["a", "b"])
    for place in (2, -3):
        with pytest.raises(IndexError):
            WordList.open(tmp_path)[place]


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    """Bytes that are no text when they are read, lengths that do not fit at once."""
    WordList.write(tmp_path, ["ocean", "tide"])
    (tmp_path / "words.utf8").write_bytes(b"\xff" * 9)
    with pytest.raises(BundleInvalid):
        list(WordList.open(tmp_path))
    (tmp_path / "words.utf8").write_bytes(b"short")
    with pytest.raises(ValueError, match="length"):
        WordList.open(tmp_path)
