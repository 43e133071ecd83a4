"""Masking the markup of HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from enricher.text import highlight, normalize, open_analyzer
from enricher.text.markup import without_markup
from tests.text.strategies import PROPERTY

STRIPPING = open_analyzer(strip_html=True)


def seen(text: str, *, every_tag: bool = False) -> str:
    """What is left, with single blanks."""
    masked = without_markup(text, every_tag=every_tag)
    assert len(masked) == len(text)
    return " ".join(normalize(masked).split())


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('<div class="post"><p>The <b>green tea</b>&nbsp;is good.</p></div>', "the green tea is good."),
        ("数据<b>库</b>的索引<br>很快", "数据库的索引 很快"),
        ("<A HREF='http://x.y/?a=1&b=2' target=_blank>绿茶</A>", "绿茶"),
        ("caf&eacute; AT&amp;T &#20013;&#x6587; a&nbspb a&amp;nbsp;b", "café at&t 中文 a b a b"),
        ("<script>var a = 1 < 2;</script>x<!-- c <b> -->y<style>p{}</style>z", "x y z"),
        ("<a>Home</a><a>News</a>", "home news"),
        ("<item id=3>k</item> <note>n</note> <x/>", "k n"),
        ("<?xml version='1.0'?><!DOCTYPE html><![CDATA[x]]>", "x"),
        ('tea <a href="http://x', "tea"),
        ("<!-- never closed", ""),
        ('<input type="checkbox" checked disabled> tea <img src="data:image/png;base64,AA/+=">', "tea"),
    ],
)
def test_markup_is_masked(text: str, left: str) -> None:
    """Tags, attributes, comments, scripts, styles; entities become their characters."""
    assert seen(text) == left
    assert seen(text, every_tag=True) == left


@pytest.mark.parametrize(
    "text",
    [
        "if a < b and c > d",
        "list<string> vector<int> map<k, v> optional<t> <t> x<y",
        "#include <stdio.h>",
        "use <b and c> d",
        "r&d at&t &foo; a & b; ?a=1&copy=2",
        "# title\n* a **b** `c<d>`\n> quote\n[x](y)",
        "a <- b; a <= b; a <> b; x << 2",
    ],
)
def test_text_about_code_keeps_its_words(text: str) -> None:
    """What is no tag of HTML stays as it is."""
    assert without_markup(text) is text or without_markup(text) == text


def test_a_text_known_to_be_html_has_no_generics() -> None:
    """There whatever looks like a tag is one, but for a single angle bracket."""
    assert seen("a <custom>b</custom> <T> c", every_tag=True) == "a b c"
    assert seen("a < b and c > d", every_tag=True) == "a < b and c > d"


@PROPERTY
@given(
    st.lists(
        st.sampled_from(["<", ">", "b", "div", "/", " ", "=", '"', "&", "amp;", "#1;", "中", "!--", "-->"])
    )
)
def test_any_text_keeps_its_length(parts: list[str]) -> None:
    """Masked or not, and masking again changes no length."""
    text = "".join(parts)
    for every_tag in (False, True):
        assert len(without_markup(text, every_tag=every_tag)) == len(text)


def test_words_of_html_keep_their_places() -> None:
    """Every token is the place of its word in the original text."""
    text = "<p>The <b>green</b> tea &amp; caf&eacute; 数据<i>库</i></p>"
    tokens = STRIPPING.tokens(text)
    assert [token.text for token in tokens] == STRIPPING.words(text)
    assert [t.text for t in tokens] == ["the", "green", "tea", "café", "数据库"]
    assert text[tokens[1].start :].startswith("green")
    assert text[tokens[3].start : tokens[3].end] == "caf&eacute;"
    assert text[tokens[4].start : tokens[4].end].startswith("数据<i>库")


def test_fragments_of_html_mark_the_words_alone() -> None:
    """The tags around a word are outside of the marks, and no tag is cut in two."""
    text = '<div class="tea">All about it.</div><p>The <b>green</b> tea of caf&eacute; and green.</p>'
    (fragment,) = highlight(text, STRIPPING, {"green", "café"}, size=60)
    assert "<b><em>green</em></b>" in fragment
    assert "<em>caf&eacute;</em>" in fragment
    assert fragment.replace("<em>", "").replace("</em>", "") in text
    assert not highlight(text, STRIPPING, {"div", "class"})


def test_the_analyzer_tells_that_it_strips() -> None:
    """And one that does not describes itself as before."""
    plain = open_analyzer()
    assert "strip_html" not in plain.describe()
    assert STRIPPING.describe() == {**plain.describe(), "strip_html": "yes"}
    assert plain.stripping_html(True).describe() == STRIPPING.describe()
    assert plain.stripping_html(False) is plain
