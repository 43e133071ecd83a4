"""A lexicon from raw text, and the segmenter that knows nothing else."""

import json
import random
from pathlib import Path

import pytest

from enricher.errors import ConfigurationError
from enricher.text import Lexicon, open_segmenter, read_lexicon
from tests.conftest import RunCommand

WORDS = [
    "".join(chr(0x5000 + 4 * number + place) for place in range(2 + number % 2)) for number in range(150)
]
"""Words of two and three characters that no dictionary has."""


def verses(number: int) -> list[str]:
    """Lines in which the words stand side by side, without anything between them."""
    chance = random.Random(5)
    return ["，".join("".join(chance.choices(WORDS, k=3)) for _ in range(9)) for _ in range(number)]


@pytest.fixture
def poems(tmp_path: Path) -> Path:
    path = tmp_path / "poems.jsonl"
    lines = (json.dumps({"id": str(number), "text": text}) for number, text in enumerate(verses(300)))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_words_are_learned_and_segment_the_text(run: RunCommand, poems: Path, tmp_path: Path) -> None:
    """A model is trained with them, and remembers its segmenter."""
    done = run("vocabulary", "lexicon", poems, "--out", "words.txt")
    assert done.returncode == 0, done.stderr
    lexicon = read_lexicon(tmp_path / "words.txt")
    assert set(WORDS) <= {word.text for word in lexicon.words}
    segmenter = open_segmenter("lexicon", lexicon)
    assert segmenter.cut(f"{WORDS[1]}{WORDS[2]}{WORDS[5]} {WORDS[8]}") == [
        *(WORDS[number] for number in (1, 2, 5)),
        " ",
        WORDS[8],
    ]
    fast = ("--dimensions", "8", "--epochs", "1", "--workers", "1", "--min-count", "2")
    trained = run("train", poems, "--segmenter", "lexicon", "--lexicon", "words.txt", *fast)
    assert trained.returncode == 0, trained.stderr
    assert run("index", poems, "--to", "poems").returncode == 0
    hits = json.loads(run("search", WORDS[1], "--in", "poems", "--json", "--top", "3").stdout)["hits"]
    assert len(hits) == 3 and all(f"<em>{WORDS[1]}</em>" in hit["highlight"][0] for hit in hits)


def test_a_lexicon_is_needed(run: RunCommand, poems: Path) -> None:
    done = run("train", poems, "--segmenter", "lexicon")
    assert done.returncode == 2 and "needs a lexicon" in done.stderr
    with pytest.raises(ConfigurationError, match="needs a lexicon"):
        open_segmenter("lexicon", Lexicon.of(["only latin"]))


def test_text_without_chinese_is_refused(run: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("only latin\n", encoding="utf-8")
    done = run("vocabulary", "lexicon", "a.txt", "--out", "words.txt")
    assert done.returncode == 1 and "no Chinese text" in done.stderr
    assert not (tmp_path / "words.txt").exists()
