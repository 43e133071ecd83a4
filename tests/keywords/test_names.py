"""Names that hold a number or a sign, among the keywords."""

import pytest

import enricher
from enricher.keywords.phrases import PhraseExtractor
from enricher.records import Document
from enricher.text.names import is_quantity, split_name
from enricher.text.word_runs import word_runs
from enricher.training.mining import WordRunSegmenter, mine_word_runs

NAMES = {
    "covid-19": "COVID-19 vaccines. COVID-19 is a disease; the vaccines against COVID-19 work.",
    "gpt-4": "GPT-4 is a language model. GPT-4 was released after GPT-3.",
    "boeing 737": "The Boeing 737 is a jet. The Boeing 737 flies.",
    "h.264": "Video in H.264 format. H.264 is a codec.",
    "sk-ii": "SK-II 很好用。SK-II 是品牌。",
    "5w-30": "Motor oil 5W-30 is good. 5W-30 flows in the cold.",
    "糖类抗原19-9": "血清糖类抗原19-9的水平。糖类抗原19-9的诊断。",
    "5g基站": "5G基站的建设。5G基站的覆盖。",
    "tcp连接": "TCP连接的断开。TCP连接的建立。",
    "sars-cov-2": "SARS-CoV-2 infects cells. The SARS-CoV-2 virus. SARS-CoV-2 again.",
    "il-6": "IL-6 is high. Serum IL-6 is high. IL-6 is a cytokine.",
    "windows 11": "At home windows 11 is slow. On windows 11 it is not. Here windows 11 is good.",
    "iphone 15 pro": "The iPhone 15 Pro is here. An iPhone 15 Pro is not.",
    "a320neo": "The A320neo is a jet. An A320neo is not.",
    "x86-64": "The x86-64 is here. An x86-64 is not.",
    "utf-8": "In UTF-8 it is. With utf-8 it is not.",
    "iso 9001": "By ISO 9001 it is. By ISO 9001 it is not.",
    "vitamin b12": "The vitamin B12 is here. A vitamin B12 is not.",
    "2,4-d": "The 2,4-D is here. A 2,4-D is not.",
    "node.js": "In Node.js it is. By node.js it is not.",
    "3d打印": "3D打印的发展。3D打印的应用。",
    "维生素b12": "维生素B12的缺乏。维生素B12的补充。",
    "gb/t 19001": "企业的GB/T 19001。我的GB/T 19001。",
    "c++17": "In C++17 it is. By C++17 it is not.",
    "usb 3.0": "A USB 3.0 is here.",
    "波音737": "波音737的停飞。波音737的复飞。",
    "歼-20": "歼-20的试飞。歼-20的列装。",
    "ps/2": "The PS/2 is here. A PS/2 is not.",
    "mpeg-4": "By MPEG-4 it is.",
    "pentium 4-m": "The Pentium 4-M is here.",
    "usb-c": "USB-C接口很小。",
    "her-2": "HER-2阳性，患者多。",
}


@pytest.mark.parametrize(("name", "text"), NAMES.items(), ids=list(NAMES))
def test_a_name_keeps_its_number_and_signs(model: enricher.Model, name: str, text: str) -> None:
    """It is one keyword, spelled as in the text, also by a model without usage."""
    assert name in [keyword.text for keyword in model.keywords(text, 8)]
    without = PhraseExtractor(model.word2vec, None)
    document = model.analyzer.analyze(Document("1", {"text": text}), ("text",))
    assert name in [keyword.text for keyword in without.keywords([document], 8)[0]]


def test_a_falling_range_is_a_name_even_before_a_character_that_is_a_unit(model: enricher.Model) -> None:
    """升 is also a litre. A range of counts would rise."""
    found = [keyword.text for keyword in model.keywords("糖类抗原19-9升高，糖类抗原19-9检测。", 8)]
    assert "糖类抗原19-9" in found and "抗原" not in found
    assert "汽油18-65" not in [keyword.text for keyword in model.keywords("汽油18-65升，汽油18-65升。", 8)]


@pytest.mark.parametrize("hyphen", ["-", "\u2010", "\u2011", "\u2013", "\uff0d"])
def test_hyphens_of_any_kind_make_one_name(model: enricher.Model, hyphen: str) -> None:
    """Full-width forms too: the keyword has the plain one, so that a facet counts one value."""
    found = [
        keyword.text for keyword in model.keywords(f"The COVID{hyphen}19 is here. ＣＯＶＩＤ－１９ again.")
    ]
    assert found[0] == "covid-19"


@pytest.mark.parametrize(
    "text",
    [
        "In 2020 and in 2020 again.",
        "The dose of 10 mg, and 10 mg, and 10mg.",
        "The share of 3.5 %, 3.5% and 3.5 percent.",
        "On pages 12-15, on page 12, see Table 3, Table 3 and Fig. 3.",
        "Ages 18-65, aged 18-65, and 18-65 years.",
        "On 2020-01-05, 5 May 2020, May 2020 and 05/01/2020.",
        "Version 2.1.3, v2.1.3 and 2.1.3.",
        "The 1st, 2nd and 1990s, mid-1990s.",
        "Smith 2019 said, Smith 2019 said.",
        "About 50 of them, Nearly 300 of them, Approximately 300 of them.",
        "2020年新增病例35例，占3.5%，第12页，图3，共12个。2020年新增病例35例，图3。",
        "约50人，年龄18-65岁，2020年5月，约50人，温度为37℃。",
        "The result.3 of them, and the end.The beginning e.g. this.",
    ],
)
def test_numbers_dates_and_quantities_are_no_keywords(model: enricher.Model, text: str) -> None:
    """Whatever stands beside them."""
    for keyword in model.keywords(text, 20):
        assert not any(character.isdigit() for character in keyword.text), keyword
        assert keyword.text not in ("mg", "年", "the end.the")


def test_a_name_is_a_keyword_beside_longer_ones_that_hold_it(model: enricher.Model) -> None:
    """Where it occurs more often than they do; its parts by themselves are none."""
    found = [k.text for k in model.keywords("H.264 video. H.264 stream. H.264 codec.", 8)]
    assert "h.264" in found and "h" not in found
    assert "covid" not in [k.text for k in model.keywords("COVID-19 and COVID-19 and COVID.", 8)]


def test_a_lower_case_word_and_a_number_are_a_name_when_they_come_again(model: enricher.Model) -> None:
    """Once is chance."""
    once = [k.text for k in model.keywords("In this way windows 11 is slow.", 8)]
    again = [k.text for k in model.keywords("In this way windows 11 is slow, and windows 11 is old.", 8)]
    assert "windows 11" not in once and "windows 11" in again


def test_words_of_the_index_are_not_changed(model: enricher.Model) -> None:
    """A name is searched by its words, as before."""
    assert model.analyzer.words("COVID-19 H.264 GB/T 19001") == [
        "covid",
        "19",
        "h",
        "264",
        "gb",
        "t",
        "19001",
    ]


def test_every_word_is_in_one_run(model: enricher.Model) -> None:
    """Joined names lose and repeat no place of the text."""
    text = " ".join(NAMES.values()) + " a,b 1,2 x/y 3/4 end.The v.2 (5) -6- 7-8-9-10 a-1,2-b"
    tokens = model.analyzer.tokens(text)
    found = [token for run in word_runs(text, tokens) for token in run]
    assert found[0].start == tokens[0].start and found[-1].end == tokens[-1].end
    ends = [token.end for token in found]
    assert all(start >= end for start, end in zip([t.start for t in found][1:], ends, strict=False))
    inside = {t.start for t in tokens}
    assert {t.start for t in found} <= inside
    covered = sum(any(t.start <= token.start < t.end for t in found) for token in tokens)
    assert covered == len(tokens)


def test_names_of_the_training_text_are_counted(model: enricher.Model) -> None:
    """So that it is known how rare they are, and in what company they stand."""
    documents = [Document(str(n), {"text": f"The GPT-4 of {n}."}) for n in range(4)]
    cut = WordRunSegmenter(model.analyzer, ("text",))(documents)
    assert cut[0] == [["the", "gpt-4", "of", "0"]]
    assert len(mine_word_runs(cut).keys)


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("covid-19", ["covid", "19"]),
        ("gb/t 19001", ["gb", "t", "19001"]),
        ("抗原19-9", ["抗原", "19", "9"]),
        ("h.264", ["h", "264"]),
        ("c++17", ["c++", "17"]),
        ("c4.5", ["c4.5"]),
        ("node.js", ["node", "js"]),
        (".net", ["net"]),
        ("-", ["-"]),
    ],
)
def test_parts_of_a_name(word: str, parts: list[str]) -> None:
    """The words that the analyser makes of it."""
    assert split_name(word) == parts


def test_quantities() -> None:
    """Counts with units, ordinals, decades and versions, but not 5g, 3d and b12."""
    for word in ("10mg", "10 mg", "2nd", "1990s", "v2.1", "0x1f", "2020年", "100g", "3.5个月"):
        assert is_quantity(word), word
    for word in ("5g", "3d", "b12", "4k", "p53", "mp3", "10", "volume", "802.11ac"):
        assert not is_quantity(word), word
