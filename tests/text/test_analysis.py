"""What a word is."""

import pickle
from collections.abc import Sequence

import pytest
from hypothesis import given

from enricher.records import Document
from enricher.text import (
    STOP_WORDS,
    Analyzer,
    Lexicon,
    is_content,
    language_of,
    normalize,
    open_analyzer,
    open_segmenter,
)
from enricher.text.words import words_between
from tests.text.strategies import PROPERTY, TEXTS

ANALYZERS = [
    open_analyzer(),
    open_analyzer("jieba"),
    open_analyzer(lexicon=Lexicon.of(["type 2 diabetes", "5G网络", "C++", "node.js", "网络安", "a/b"])),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("iPhone15 and word2vec", ["iphone15", "and", "word2vec"]),
        ("5G网络，2024年", ["5g", "网络", "2024", "年"]),
        ("costs 3.14 or 1,000 or 8.19.21", ["costs", "3.14", "or", "1,000", "or", "8.19.21"]),
        ("1,2 and 2019,2020", ["1", "2", "and", "2019", "2020"]),
        (
            "covid-19 a/b index.max_result_window",
            ["covid", "19", "a", "b", *["index", "max", "result", "window"]],
        ),
        ("The company's dogs' don't rock'n'roll", ["the", "company", "dogs", "don't", "rock'n'roll"]),
        ("‘quoted’ 'words'", ["quoted", "words"]),
        (
            "C++, C#, F# and .NET but c++11 and a#b",
            ["c++", "c#", "f#", "and", ".net", "but", "c++", "11", "and", "a", "b"],
        ),
        ("...net and asp.net", ["net", "and", "asp", ".net"]),
        ("iPhoneケースとデータ", ["iphone", "ケース", "と", "データ"]),
        ("데이터베이스를 хлеб שלום", ["데이터베이스를", "хлеб", "שלום"]),
        ("हिन्दी ภาษาไทยabc", ["हिन्दी", "ภาษาไทย", "abc"]),
        ("Café naïve", ["café", "naïve"]),
        ("x" * 130, ["x" * 64, "x" * 64, "xx"]),
        ("① ㎏ ½", ["1", "kg", "1", "2"]),
        ("😀 → ∅ ©❤️ ——", []),
        ("", []),
        (" \0\ud800 ", []),
    ],
)
def test_cuts_by_rule(text: str, expected: list[str]) -> None:
    """Words are runs of letters and digits, with the few exceptions that people search for."""
    for analyzer in ANALYZERS[:2]:
        assert analyzer.words(text) == expected


@PROPERTY
@given(TEXTS)
def test_tokens_and_words_agree(text: str) -> None:
    """The fast way gives the words of the slow one, and places lead back to the original text."""
    for analyzer in ANALYZERS:
        tokens = analyzer.tokens(text)
        assert [token.text for token in tokens] == analyzer.words(text)
        end = 0
        for token in tokens:
            assert 0 <= token.start < token.end <= len(text)
            assert token.end >= end
            end = token.end
            original = "_".join(normalize(text[token.start : token.end]).split())
            assert token.text in original


@PROPERTY
@given(TEXTS)
def test_what_a_token_never_is(text: str) -> None:
    """No token is empty, longer than 64 characters, holds white space, or is a bare symbol."""
    for analyzer in ANALYZERS:
        for word in analyzer.words(text):
            assert 0 < len(word) <= 64
            assert word.split() == [word]
            assert "∅" not in word
            assert "\ufffd" not in word
            assert word == normalize(word)


@PROPERTY
@given(TEXTS)
def test_analysis_is_stable(text: str) -> None:
    """The words of the normalised text are the words of the text."""
    for analyzer in ANALYZERS:
        assert analyzer.words(normalize(text)) == analyzer.words(text)


@PROPERTY
@given(TEXTS.map(lambda text: "".join(filter(str.isascii, text))))
def test_patterns_agree(text: str) -> None:
    """English is cut the same beside a character of a rarer script."""
    text = normalize(text)
    assert words_between(text) == words_between(text + " é")[:-1] == words_between(text + " ก")[:-1]


@pytest.mark.parametrize("analyzer", ANALYZERS)
def test_subwords(analyzer: Analyzer) -> None:
    """Han runs give characters and pairs across word borders, other words their stems and pairs of them."""
    found = analyzer.subwords("网络安全, running the networks 2024 数据")
    han = [*"网络安全", "网络", "络安", "安全", *"数据", "数据"]
    others = ["run", "the", "network", "2024", "run_network", "network_2024"]
    assert sorted(found) == sorted(han + others)


def test_subwords_do_not_depend_on_the_lexicon() -> None:
    """A lexicon word is found by its parts as well."""
    text = "5G网络安全与type 2 diabetes"
    assert sorted(ANALYZERS[0].subwords(text)) == sorted(ANALYZERS[2].subwords(text))


@PROPERTY
@given(TEXTS)
def test_subwords_never_hold_white_space(text: str) -> None:
    """Sub-words are written separated by spaces as words are."""
    for analyzer in ANALYZERS:
        for subword in analyzer.subwords(text):
            assert subword.split() == [subword]


def test_content_words() -> None:
    """Stop words, numbers and single characters are left out."""
    assert ANALYZERS[0].content_words("The 5G network of 2024, 和我们的量子 3.14 人 x") == [
        "5g",
        "network",
        "量子",
    ]
    assert not is_content("的")
    assert not is_content("1,000.5")
    assert is_content("covid")


def test_a_long_text_is_cut_off() -> None:
    """What lies beyond the limit is not analysed, and the caller can tell."""
    analyzer = Analyzer(open_segmenter(), limit=10)
    assert analyzer.words("word " * 5) == ["word", "word"]
    assert len(analyzer.tokens("word " * 5)) == 2
    assert analyzer.truncates("word " * 5)
    assert not analyzer.truncates("0123456789")


@pytest.mark.parametrize("text", ["x" * 50_000_000, "字" * 50_000_000, "e\u0301" * 3_000_000])
def test_very_long_text_without_spaces(text: str) -> None:
    """A text of fifty million characters is analysed up to the limit, in tokens of bounded length."""
    analyzer = Analyzer(open_segmenter(), limit=100_000)
    assert max(len(token.text) for token in analyzer.tokens(text)) <= 64
    assert analyzer.tokens(text)[-1].end <= 100_000


def test_analyze_keeps_the_document() -> None:
    """Every asked field has tokens, none where it is missing or no text; the source is untouched."""
    source = {"title": "Quantum 网络", "year": 2024}
    analyzed = ANALYZERS[0].analyze(Document("7", source), ["title", "year", "text"])
    assert analyzed.id == "7"
    assert analyzed.source is source
    assert {field: [token.text for token in tokens] for field, tokens in analyzed.tokens.items()} == {
        "title": ["quantum", "网络"],
        "year": ["2024"],
        "text": [],
    }


def test_describe_tells_analyzers_apart() -> None:
    """Segmenter, its dictionary, the lexicon and the format decide how a text is cut."""
    described = [analyzer.describe() for analyzer in ANALYZERS]
    assert described[0]["segmenter.name"] == "rjieba"
    assert described[0]["analysis"] == "1"
    assert open_analyzer().describe() == described[0]
    assert len({tuple(sorted(one.items())) for one in described}) == 3


def test_travels_to_another_process() -> None:
    """A pickled analyzer, lexicon and all, cuts as before."""
    for analyzer in ANALYZERS:
        copy: Analyzer = pickle.loads(pickle.dumps(analyzer))
        text = "5G网络安全 type 2 diabetes"
        assert copy.words(text) == analyzer.words(text)
        assert copy.describe() == analyzer.describe()


def test_stop_words_are_words() -> None:
    """Each stop word is normalised and one token of the analyzer, so that it can be met at all."""
    for word in STOP_WORDS:
        assert words_between(normalize(word)) == [word] or normalize(word) == word
    for word in ("的", "the", "don't", "我们"):
        assert word in STOP_WORDS


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["使用", "api", "查询", "数据"], "zh"),
        (["the", "network"], "en"),
        ([], "en"),
        (["a"] * 9 + ["字"], "en"),
    ],
)
def test_language(words: Sequence[str], expected: str) -> None:
    """A sample with a fair share of Han words is Chinese."""
    assert language_of(words) == expected
