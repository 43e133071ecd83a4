"""Lexicon files, and lexicon words in texts."""

from pathlib import Path

import pytest

from enricher.errors import SourceError
from enricher.text import Analyzer, Lexicon, LexiconWord, lexicon_text, open_analyzer, read_lexicon


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
        ("糖尿病史 3 disease", LexiconWord("糖尿病史", 3, "disease")),
        ("云计算 5 NN", LexiconWord("云计算", 5, "NN")),
        ("云计算 5 名词", LexiconWord("云计算", 5, "名词")),
        ("人工智能芯片 n 10", LexiconWord("人工智能芯片", 10, "n")),
        ("云计算   5    n", LexiconWord("云计算", 5, "n")),
        ("云计算　5　n", LexiconWord("云计算", 5, "n")),
        ("云计算 ５ n", LexiconWord("云计算", 5, "n")),
        ("云计算 5.0 n", LexiconWord("云计算", 5, "n")),
        ("云计算\tn", LexiconWord("云计算", 0, "n")),
        ("云计算\tn\t5", LexiconWord("云计算", 5, "n")),
        ("云计算\t\tn", LexiconWord("云计算", 0, "n")),
        ("云计算\t\tterm", LexiconWord("云计算", 0, "term")),
        ("云计算\t5\tterm", LexiconWord("云计算", 5, "term")),
        ("云计算\t5 n", LexiconWord("云计算", 5, "n")),
        ("神仙水 product\t", LexiconWord("神仙水 product")),
        ("苹果 iPhone", LexiconWord("苹果 iphone")),
        ("5G网络 3 tech", LexiconWord("5g网络", 3, "tech")),
        ("b超 5 exam", LexiconWord("b超", 5, "exam")),
        ("machine learning 5", LexiconWord("machine learning", 5)),
        ("machine learning 5 n", LexiconWord("machine learning", 5, "n")),
        ("machine learning\t5\ttech", LexiconWord("machine learning", 5, "tech")),
        ("web 2.0", LexiconWord("web 2.0")),
        ("1,2-二氯乙烷", LexiconWord("1,2-二氯乙烷")),
        ("一不做,二不休", LexiconWord("一不做,二不休")),
        ("Washington, D.C.", LexiconWord("washington, d.c.")),
    ],
)
def test_reads_a_line(tmp_path: Path, line: str, expected: LexiconWord) -> None:
    """A line is a word, normalised, with a frequency and a part of speech where they are given."""
    (tmp_path / "words.txt").write_text(f"\ufeff# words\n\n{line}\r\n", encoding="utf-8")
    assert read_lexicon(tmp_path / "words.txt").words == (expected,)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("神仙水 product", "it may be the word '神仙水' .* or the word '神仙水 product'; write a tab"),
        ("神仙水 product 20", "it may be the word"),
        ("machine learning 3 tech", "it may be the word"),
        ("machine learning n 3", "it may be the word"),
        ("machine learning n", "it may be the word"),
        ("C++ 3 lang", "it may be the word"),
        ("云计算 NN\n大数据 NN", "it may be the word"),
        ("糖尿病 疾病", "several words"),
        ("云计算 大数据 人工智能", "several words"),
        ("云计算 3.5 n", "the frequency '3.5' is not a whole number of at most"),
        ("云计算 -5", "the frequency '-5'"),
        ("云计算\t3.5", "the frequency '3.5'"),
        ("云计算\tterm", "the frequency 'term'"),
        ("云计算 99999999999999", "the frequency '99999999999999'"),
        ("云计算 nz 5 n 3", "more than a word"),
        ("云计算 5 3", "more than a word"),
        ("云计算,5,n", "separated by commas"),
        ("云计算，5", "separated by commas"),
        ("云计算,n", "separated by commas"),
        ("云计算;n;5", "separated by commas"),
        ("云计算|5|n", "separated by commas"),
        ('"云计算",5,"n"', "separated by commas"),
        ("python,5,n", "separated by commas"),
        ('"云计算"', "quotation marks"),
        ("云计算 5 n # 注释", "a comment needs a line of its own"),
        ("// 医学", "a comment needs"),
        ("ipod, i-pod => ipod", "a synonym rule"),
        ("'yun'ji'suan 云计算", "begins with the pronunciation"),
        ("yun'ji'suan 云计算 5", "begins with the pronunciation"),
        ("你好\tni hao\t5", "more than a word"),
    ],
)
def test_a_line_that_could_be_read_wrongly_is_refused(tmp_path: Path, line: str, problem: str) -> None:
    """In a sentence with its number and the way out, not taken without effect."""
    (tmp_path / "words.txt").write_text(f"好词\n{line}\n", encoding="utf-8")
    with pytest.raises(SourceError, match=f"line 2: .*{problem}"):
        read_lexicon(tmp_path / "words.txt")


def test_a_tag_of_ones_own_is_known_by_the_lines_that_have_a_frequency(tmp_path: Path) -> None:
    """In whatever order the lines come."""
    lines = "神仙水 product\n糖尿病史 3 disease\n精华液 20 product\nC++ 3 lang\n编程语言 5 lang\n"
    (tmp_path / "words.txt").write_text(lines, encoding="utf-8")
    assert [(word.text, word.tag) for word in read_lexicon(tmp_path / "words.txt").words] == [
        ("神仙水", "product"),
        ("糖尿病史", "disease"),
        ("精华液", "product"),
        ("c++", "lang"),
        ("编程语言", "lang"),
    ]


@pytest.mark.parametrize("segmenter", ["jieba", "rjieba"])
def test_every_word_of_a_dictionary_is_whole(tmp_path: Path, segmenter: str) -> None:
    """Whatever follows it on its line, alone and in a text."""
    lines = (
        "糖尿病史 3 disease\n区块链技术 100 nsf\n神仙水 20 product\n人工智能芯片 n 10\n患者依从性\n"
        "5G网络 1 n\nC++ Builder\t3\ntype 2 diabetes\n超导量子\t1\tterm\n"
    )
    (tmp_path / "words.txt").write_text(lines, encoding="utf-8")
    lexicon = read_lexicon(tmp_path / "words.txt")
    analyzer = open_analyzer(segmenter, lexicon)
    for word in lexicon.words:
        whole = word.text.replace(" ", "_")
        assert analyzer.words(word.text) == [whole]
        assert whole in analyzer.words(f"这是 {word.text} 的说明。")


def test_a_lexicon_is_written_as_it_is_read(tmp_path: Path) -> None:
    """Words that would be ambiguous by spaces too."""
    lines = "云计算 5 n\n神仙水 product\t\nwindows 11\t\n糖尿病史 3 disease\ntype 2 diabetes\n好词\t\txy\n"
    path = tmp_path / "words.txt"
    path.write_text(lines, encoding="utf-8")
    lexicon = read_lexicon(path)
    path.write_text(lexicon_text(lexicon), encoding="utf-8")
    again = read_lexicon(path)
    assert (again.words, again.sha256) == (lexicon.words, lexicon.sha256)
    assert len(again.words) == 6


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_encoding_of_a_dictionary_is_told_by_its_mark(tmp_path: Path, encoding: str) -> None:
    """As editors on Windows save it."""
    (tmp_path / "words.txt").write_text("云计算 5 n\r\n好词\r\n", encoding=encoding)
    assert [word.text for word in read_lexicon(tmp_path / "words.txt").words] == ["云计算", "好词"]


def test_a_dictionary_of_another_encoding_is_one_sentence(tmp_path: Path) -> None:
    """Not one for every line."""
    (tmp_path / "words.txt").write_text("云计算\n大数据\n好词\n", encoding="gb18030")
    with pytest.raises(SourceError, match=r"words.txt' is not UTF-8 text but in another encoding"):
        read_lexicon(tmp_path / "words.txt")


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
        "line 2: it contains no letter",
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
