"""Keywords as phrases."""

import math

import pytest

import enricher
from enricher.keywords.phrases import score
from enricher.records import Document


def keywords(model: enricher.Enricher, text: str, title: str = "", top: int = 5) -> list[str]:
    """The keywords of a document with a title."""
    document = model.analyzer.analyze(Document("1", {"title": title, "text": text}), ("title", "text"))
    return [keyword.text for keyword in model.document_keywords([document], top, "phrases", "title")[0]]


def test_a_run_that_is_repeated_becomes_one_keyword(model: enricher.Enricher) -> None:
    """分布式 and 事务, always side by side, are one phrase and not three keywords."""
    found = keywords(model, "分布式事务很难。分布式事务需要日志，而备份不需要。")
    assert found[0] == "分布式事务"
    assert "分布式" not in found and "事务" not in found


def test_english_phrases_keep_their_spaces_and_hyphens(model: enricher.Enricher) -> None:
    """The phrase is written as in the text, normalised."""
    found = keywords(
        model, "Coral reef surveys: the Coral\u00a0Reef is old. A semi-arid garden, semi-arid soil."
    )
    assert "coral reef" in found
    assert "semi-arid" in found


def test_a_phrase_never_crosses_punctuation_or_stop_words(model: enricher.Enricher) -> None:
    """Adjacent means nothing in between but a space or a hyphen."""
    found = keywords(model, "事务，索引。事务，索引。事务的索引。事务的索引。", top=10)
    assert set(found) == {"事务", "索引"}


def test_words_of_the_title_come_first(model: enricher.Enricher) -> None:
    """Of two words alike in everything the one in the title wins."""
    assert keywords(model, "电压与负荷。", title="负荷")[0] == "负荷"
    assert keywords(model, "电压与负荷。", title="电压")[0] == "电压"


def test_mixed_text_joins_across_scripts(model: enricher.Enricher) -> None:
    """5G网络 is one phrase of two words."""
    assert "5g网络" in keywords(model, "5G网络建设。5G网络优化。")


def test_the_score_is_the_formula(model: enricher.Enricher) -> None:
    """ln ln(1 + tf) + ln min(Σ idf, 10) + title − inside − short."""
    row = model.model.row("ocean")
    idf = float(model.model.idf[row])
    assert score(("ocean",), 3, idf, True, 0) == pytest.approx(
        math.log(math.log(4)) + math.log(min(idf, 10)) + 0.6
    )
    both = idf + float(model.model.idf[model.model.row("tide")])
    pair = score(("ocean", "tide"), 2, both, False, 1)
    assert pair == pytest.approx(math.log(math.log(3)) + math.log(min(both, 10)) - 0.2 * 0.5)
    idf = float(model.model.idf[model.model.row("事务")])
    short = score(("事务",), 1, idf, False, 0)
    assert short == pytest.approx(math.log(math.log(2)) + math.log(min(idf, 10)) - 0.2)


@pytest.mark.parametrize("text", ["", "的 了 and the", "123 45.6", "😀😀 ，。", "\x00\ud800"])
def test_a_text_without_words_has_no_keywords(model: enricher.Enricher, text: str) -> None:
    """An empty list, not an error."""
    assert model.keywords(text) == []
    assert model.keywords(text, method="published") == []
