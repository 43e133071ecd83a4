"""Lexicon files, and lexicon words in texts."""

from pathlib import Path

import pytest

from enricher.errors import SourceError
from enricher.text import Analyzer, Lexicon, LexiconWord, open_analyzer, read_lexicon


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("云计算", LexiconWord("云计算")),
        ("云计算 5", LexiconWord("云计算", 5)),
        ("云计算 5 n", LexiconWord("云计算", 5, "n")),
        ("云计算 n", LexiconWord("云计算", 0, "n")),
        ("云计算\t5\tn", LexiconWord("云计算", 5, "n")),
        ("ＧＰＵ　集群", LexiconWord("gpu 集群")),
        ("type 2 diabetes", LexiconWord("type 2 diabetes")),
        ("Windows 11\t", LexiconWord("windows 11")),
        ("windows 11 7", LexiconWord("windows 11", 7)),
        ("vitamin d", LexiconWord("vitamin d")),
        ("word2vec 120 eng", LexiconWord("word2vec", 120, "eng")),
        ("C++ 3 nz", LexiconWord("c++", 3, "nz")),
        ("C#", LexiconWord("c#")),
        (".NET", LexiconWord(".net")),
    ],
)
def test_reads_a_line(tmp_path: Path, line: str, expected: LexiconWord) -> None:
    """A line is a word, normalised, with a frequency and a part of speech where they are given."""
    (tmp_path / "words.txt").write_text(f"\ufeff# words\n\n{line}\r\n", encoding="utf-8")
    assert read_lexicon(tmp_path / "words.txt").words == (expected,)


def test_names_bad_lines(tmp_path: Path) -> None:
    """One sentence names each bad line and what is wrong with it."""
    path = tmp_path / "words.txt"
    path.write_bytes(
        "好词\n***\n词\tmany\n".encode() + b"\xff\xfe\n" + ("长" * 65).encode() + b"\na\tb\tc\td\n"
    )
    with pytest.raises(SourceError) as failure:
        read_lexicon(path)
    sentence = str(failure.value)
    assert "line 1" not in sentence
    for part in (
        "line 2: no letter",
        "line 3: the frequency 'many'",
        "line 4: not UTF-8",
        "line 5: longer",
        "line 6: more",
    ):
        assert part in sentence


def test_names_no_more_than_ten(tmp_path: Path) -> None:
    """A file of another kind does not fill the screen."""
    (tmp_path / "words.txt").write_text("!\n" * 50, encoding="utf-8")
    with pytest.raises(SourceError, match="and 40 more"):
        read_lexicon(tmp_path / "words.txt")


def test_missing_file_is_a_sentence(tmp_path: Path) -> None:
    """A lexicon that is not there is a SourceError."""
    with pytest.raises(SourceError, match="cannot be read"):
        read_lexicon(tmp_path / "none.txt")


def test_the_last_of_equal_words_counts(tmp_path: Path) -> None:
    """Words that normalise alike are one."""
    (tmp_path / "words.txt").write_text("ＡＰＩ 3\napi 9\n", encoding="utf-8")
    assert read_lexicon(tmp_path / "words.txt").words == (LexiconWord("api", 9),)


@pytest.fixture(scope="module", params=["jieba", "rjieba"])
def analyzer(request: pytest.FixtureRequest) -> Analyzer:
    """An analyzer with words that a segmenter cannot be taught."""
    words = [
        "5G网络",
        "C++",
        "C++ Builder",
        "type 2 diabetes",
        "go",
        "node.js",
        "A股",
        "维生素 D",
        "碳达峰",
        "Qt5",
    ]
    return open_analyzer(request.param, Lexicon.of(words))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("建设５Ｇ网络安全", ["建设", "5g网络", "安全"]),
        ("Google goes; Go用go写", ["google", "goes", "go", "用", "go", "写"]),
        ("Type  2\nDiabetes patients", ["type_2_diabetes", "patients"]),
        ("prototype 2 diabetes", ["prototype", "2", "diabetes"]),
        ("C++ Builder, C++, c++11", ["c++_builder", "c++", "c++", "11"]),
        ("A股上涨，BA股", ["a股", "上涨", "ba", "股"]),
        ("补充维生素　D很好", ["补充", "维生素_d", "很", "好"]),
        ("node.js node.jsx qt5 qt51", ["node.js", "node", "jsx", "qt5", "qt51"]),
        ("实现碳达峰", ["实现", "碳达峰"]),
    ],
)
def test_words_of_the_lexicon_win(analyzer: Analyzer, text: str, expected: list[str]) -> None:
    """The longest lexicon word wins, at the borders of words, with white space written as _."""
    assert analyzer.words(text) == expected
    assert [token.text for token in analyzer.tokens(text)] == expected


def test_places_of_lexicon_words(analyzer: Analyzer) -> None:
    """A token with white space in it stands where the text has it."""
    text = "新的 Type  2 Diabetes。"
    token = analyzer.tokens(text)[-1]
    assert text[token.start : token.end] == "Type  2 Diabetes"


def test_thousands_of_words() -> None:
    """A large lexicon of mixed words is matched too."""
    analyzer = open_analyzer(lexicon=Lexicon.of(f"型号x{number}" for number in range(5000)))
    assert analyzer.words("型号X4999与型号x12345") == ["型号x4999", "与", "型号", "x12345"]


def test_refuses_what_cannot_be_a_word() -> None:
    """A word without a letter, or with the mark of an empty field, is named."""
    with pytest.raises(SourceError, match="∅a"):
        Lexicon.of(["∅a"])
