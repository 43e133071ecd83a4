"""Fragments around what was searched."""

import re

from hypothesis import given
from hypothesis import strategies as st

from enricher.text import Lexicon, highlight, open_analyzer
from tests.text.strategies import PROPERTY, TEXTS

ANALYZER = open_analyzer()
MARKS = str.maketrans("", "", "\x01\x02")
CHINESE = (
    "山谷里的茶园在春天最热闹。工人们清晨采茶，午后把茶叶送到工厂烘干。"
    "去年工厂换了新的设备，耗电少了一半！今年他们打算用太阳能发电，再把多余的电卖给电网。"
)
ENGLISH = (
    "The lighthouse on the cliff was built of granite. Every evening the keeper climbed the stairs "
    "and lit the lamp. Ships far out at sea could see the lamp through rain. Today an automatic lamp "
    "does the work, and the keeper's house is a museum."
)


def test_marks_the_original_text() -> None:
    """The fragment is a piece of the original, with its words marked as they are written there."""
    (fragment,) = highlight("新出的ＧＰＵ很快", ANALYZER, {"gpu"})
    assert fragment == "新出的<em>ＧＰＵ</em>很快"


def test_chinese_fragments_begin_with_a_sentence() -> None:
    """A fragment begins at a sentence where one is near."""
    fragments = highlight(CHINESE, ANALYZER, {"太阳能", "设备"}, size=18)
    assert len(fragments) == 2
    assert fragments[0].startswith("去年工厂")
    assert "<em>设备</em>" in fragments[0]
    assert fragments[1].startswith("今年他们")
    assert "<em>太阳能</em>" in fragments[1]


def test_fragment_with_most_terms_is_chosen() -> None:
    """Of all the places with the lamp the one that has the ships as well is shown."""
    (fragment,) = highlight(ENGLISH, ANALYZER, {"lamp", "ships", "rain"}, fragments=1, size=55)
    assert fragment == "<em>Ships</em> far out at sea could see the <em>lamp</em> through <em>rain</em>."


def test_words_are_not_cut() -> None:
    """Without a sentence mark a fragment begins and ends between words."""
    text = " ".join(f"number{index}" for index in range(200))
    (fragment,) = highlight(text, ANALYZER, {"number100"}, size=50)
    assert re.fullmatch(r"(number\d+ )+<em>number100</em>( number\d+)+", fragment)
    assert len(fragment) < 70


def test_touching_matches_are_one() -> None:
    """Matches that touch stand under one mark."""
    assert highlight("学习机器学习方法", ANALYZER, {"机器", "学习"}) == ["<em>学习机器学习</em>方法"]


def test_parts_and_stems_are_marked_where_they_stand() -> None:
    """Parts of Chinese words also within another word, stems at the whole word that has them."""
    assert highlight("踢足球的球队在比赛", ANALYZER, (), {"足球", "球队", "比赛"}) == [
        "踢<em>足球</em>的<em>球队</em>在<em>比赛</em>"
    ]
    assert highlight("Ｈappy refugees, happiness", ANALYZER, (), {"happi", "refuge"}) == [
        "<em>Ｈappy</em> <em>refugees</em>, <em>happiness</em>"
    ]
    assert highlight("ﬁne 绿茶叶", ANALYZER, {"fine"}, {"茶", "茶叶"}) == ["<em>ﬁne</em> 绿<em>茶叶</em>"]


def test_no_match_gives_nothing() -> None:
    """No fragment is shown where no word matches, nor part of a word."""
    assert highlight(ENGLISH, ANALYZER, {"light"}) == []
    assert highlight(ENGLISH, ANALYZER, []) == []
    assert highlight("", ANALYZER, {"lamp"}) == []


def test_escapes_only_when_asked() -> None:
    """Text is made safe for HTML on demand, the marks are left alone."""
    text = "if a < b & lamp"
    assert highlight(text, ANALYZER, {"lamp"}) == ["if a < b & <em>lamp</em>"]
    assert highlight(text, ANALYZER, {"lamp"}, escape=True) == ["if a &lt; b &amp; <em>lamp</em>"]
    assert highlight(text, ANALYZER, {"lamp"}, pre="[", post="]") == ["if a < b & [lamp]"]


def test_lexicon_words_are_found() -> None:
    """A lexicon word with spaces is searched with _ and shown as it is written."""
    analyzer = open_analyzer(lexicon=Lexicon.of(["type 2 diabetes"]))
    assert highlight("Mild Type 2  Diabetes.", analyzer, {"type_2_diabetes"}) == [
        "Mild <em>Type 2  Diabetes</em>."
    ]


def test_very_long_text() -> None:
    """A very long text is searched as far as it was analysed, and no further."""
    within = "word " * 300_000 + "the lamp. " + "word " * 5_000_000
    (fragment,) = highlight(within, ANALYZER, {"lamp"}, fragments=1)
    assert "the <em>lamp</em>." in fragment
    assert highlight("x" * 20_000_000 + " lamp", ANALYZER, {"lamp"}) == []


def test_matches_in_the_context_are_marked() -> None:
    """Every match that a fragment shows is marked, also those it was not chosen for."""
    text = "the lamp and the lamp near one ship"
    (fragment,) = highlight(text, ANALYZER, {"lamp", "ship"}, size=30)
    assert fragment.count("<em>lamp</em>") == fragment.count("lamp")


@PROPERTY
@given(TEXTS, st.integers(1, 60))
def test_fragments_are_of_the_text(text: str, size: int) -> None:
    """Without its marks every fragment is a piece of the text, and each holds a mark."""
    terms = set(ANALYZER.words(text)[:4])
    fragments = highlight(text, ANALYZER, terms, size=size, pre="\x01", post="\x02")
    assert bool(fragments) == bool(terms)
    for fragment in fragments:
        assert "\x01" in fragment
        assert fragment.replace("\x01", "").replace("\x02", "").strip() in text.replace("\x01", "").replace(
            "\x02", ""
        )
