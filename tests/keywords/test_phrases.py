"""Keywords as phrases."""

import math
import random
from itertools import pairwise

import pytest

import enricher
from enricher.keywords.phrases import (
    CHINESE,
    ENGLISH,
    LONG_CHINESE,
    LONG_ENGLISH,
    MAX_SHORT_WORDS,
    PhraseExtractor,
)
from enricher.keywords.word_features import MAX_VERBAL_SHARE, WordFeatures, closing_score, opening_score
from enricher.model.usage import MAX_PHRASE_WORDS, Role, Usage
from enricher.records import Document, Keyword
from enricher.text import is_content, is_lexical
from enricher.training.mining import mine_word_runs
from tests.model.test_usage import row_of


def keywords(model: enricher.Model, text: str, title: str = "", top: int = 5) -> list[str]:
    """The keywords of a document with a title."""
    document = model.analyzer.analyze(Document("1", {"title": title, "text": text}), ("title", "text"))
    return [keyword.text for keyword in model.document_keywords([document], top, "phrases", "title")[0]]


def test_a_run_that_is_repeated_becomes_one_keyword(model: enricher.Model) -> None:
    """分布式 and 事务, always side by side, are one phrase and not three keywords."""
    found = keywords(model, "分布式事务很难。分布式事务需要日志，而备份不需要。")
    assert found[0] == "分布式事务"
    assert "分布式" not in found and "事务" not in found


def test_english_phrases_keep_their_spaces_and_hyphens(model: enricher.Model) -> None:
    """The phrase is written as in the text, normalised."""
    found = keywords(model, "Coral reef: the Coral\u00a0Reef is old. It is semi-arid, and semi-arid.")
    assert "coral reef" in found
    assert "semi-arid" in found


def test_a_phrase_never_crosses_punctuation_or_stop_words(model: enricher.Model) -> None:
    """Adjacent means nothing in between but a space or a hyphen."""
    found = keywords(model, "事务，索引。事务，索引。事务的索引。事务的索引。", top=10)
    assert set(found) == {"事务", "索引"}


def test_words_of_the_title_come_first(model: enricher.Model) -> None:
    """Of two words alike in everything the one in the title wins."""
    assert keywords(model, "电压与负荷。", title="负荷")[0] == "负荷"
    assert keywords(model, "电压与负荷。", title="电压")[0] == "电压"


def test_mixed_text_joins_across_scripts(model: enricher.Model) -> None:
    """5G网络 is one phrase of two words."""
    assert "5g网络" in keywords(model, "5G网络建设。5G网络优化。")


USED = mine_word_runs(
    [
        [
            ["热", "传导", "方程", "的", "数值", "解"],
            ["we", "measure", "the", "heat", "transfer", "of", "coral"],
        ]
    ]
    * 4
    + [[["数值", "方程"], ["heat", "transfer", "equation"], ["the", "coral", "reef", "is", "large"]]] * 3
)


def by_plain_loops(model: enricher.Model, title: list[str], text: list[str]) -> dict[str, float]:
    """The probability of every candidate of a document whose words are parted by blanks."""
    is_chinese = sum(word >= "\u4e00" for word in title + text) >= 0.2 * len(title + text)
    size = len(title) + len(text)
    short, long = (CHINESE, LONG_CHINESE) if is_chinese else (ENGLISH, LONG_ENGLISH)
    weights = short if size <= MAX_SHORT_WORDS else long

    def stands_in_runs(word: str) -> bool:
        is_verb = word.isascii() and word.isalpha() and USED.roles(word)[Role.VERBAL] > MAX_VERBAL_SHARE
        return is_lexical(word) and not is_verb

    def joined(first: str, second: str) -> bool:
        return stands_in_runs(first) and stands_in_runs(second) and first != second

    places: dict[tuple[str, ...], list[tuple[int, bool, bool]]] = {}
    for field, offset, words in (("title", 0, title), ("text", len(title), text)):
        for start in range(len(words)):
            for end in range(start + 1, min(start + MAX_PHRASE_WORDS, len(words)) + 1):
                part = tuple(words[start:end])
                if (
                    all(map(stands_in_runs, part))
                    and all(joined(*pair) for pair in pairwise(part))
                    and len(set(part)) == len(part)
                ):
                    whole = (start == 0 or not joined(words[start - 1], part[0])) and (
                        end == len(words) or not joined(part[-1], words[end])
                    )
                    places.setdefault(part, []).append((offset + start, whole, field == "title"))

    def is_candidate(part: tuple[str, ...]) -> bool:
        found = places[part]
        if len(part) == 1:
            return is_content(part[0])
        titled = any(place[2] for place in found)
        alone = all(place[1] for place in found)
        known = row_of(USED, *part) >= 0
        return not is_chinese or len(found) > 1 or known or (len(part) == 2 and titled and alone)

    candidates = list(filter(is_candidate, places))
    features = WordFeatures(model.word2vec, USED)
    scores = {}
    for part in candidates:
        found = places[part]
        row = row_of(USED, *part)
        inside = max(
            (
                len(places[other])
                for other in candidates
                if len(other) > len(part)
                and any(other[i : i + len(part)] == part for i in range(len(other) - len(part) + 1))
            ),
            default=0,
        )
        idf = sum(float(value) for value in features.of(part)["idf"])
        score = (
            weights.tf * math.log(math.log1p(len(found)))
            + weights.idf * math.log(min(idf, weights.cap))
            + weights.title * any(place[2] for place in found)
            - weights.place * math.log(0.03 + found[0][0] / size)
            + weights.boundary_entropy * math.log1p(float(USED.boundary_entropy[row]) if row >= 0 else 0.0)
            + weights.alone * sum(place[1] for place in found) / len(found)
            + weights.inside * min(inside / len(found), 1)
            + weights.short * (len(part) == 1 and len(part[0]) <= 2)
            + weights.single * (len(part) == 1 and part[0] != "c3")  # a name
            + weights.long * max(len(part) - weights.usual, 0)
            + weights.once * (len(found) == 1)
            + weights.letters * sum(word == "q" for word in part)
        )
        if not is_chinese:
            score += sum(
                of(USED.roles(word)) if word.isalpha() else 0
                for of, word in ((opening_score, part[0]), (closing_score, part[-1]))
            )
        logit = weights.scale * score + weights.shift - 0.5 * math.log(size / 100)
        scores[" ".join(part)] = 1 / (1 + math.exp(-logit))
    return scores


@pytest.mark.parametrize(
    "vocabulary",
    [
        ["热", "传导", "方程", "数值", "解", "的", "事务", "heat", "q", "1,200"],
        [
            "heat",
            "transfer",
            "equation",
            "coral",
            "reef",
            "the",
            "of",
            "measure",
            "large",
            "c3",
            "q",
            "1,200",
        ],
    ],
)
def test_the_score_is_the_formula(model: enricher.Model, vocabulary: list[str]) -> None:
    """Of every candidate of short and long documents of random words, in Chinese and English."""
    chance = random.Random(5)
    extractor = PhraseExtractor(model.word2vec, USED)
    for words in [40] * 30 + [800] * 4:
        title, text = (chance.choices(vocabulary, k=chance.randrange(most)) for most in (6, words))
        document = model.analyzer.analyze(
            Document("1", {"title": " ".join(title), "text": " ".join(text)}), ("title", "text")
        )
        if [token.text for token in document.tokens["text"]] != text:
            continue
        wanted = by_plain_loops(model, title, text)
        (found,) = extractor.keywords([document], 10**6, "title")
        assert found or not wanted
        for keyword in found:
            assert keyword.score == pytest.approx(wanted[keyword.text], rel=1e-5)
        assert [keyword.score for keyword in found] == sorted((k.score for k in found), reverse=True)
        if found:
            assert found[0].score == pytest.approx(max(wanted.values()), rel=1e-5)
        left_out = set(wanted) - {keyword.text for keyword in found}
        for phrase in left_out:
            assert any(
                f" {phrase} " in f" {keyword.text} " and keyword.score >= wanted[phrase] - 1e-6
                for keyword in found
            )


LINES = "The lantern of the harbour, and the sand.\n" * (MAX_SHORT_WORDS // 4)
"""More than MAX_SHORT_WORDS words."""


def test_a_phrase_of_the_beginning_counts_more_in_a_long_text(model: enricher.Model) -> None:
    """Reports begin with a summary."""
    summary = "A study of the coral reef. The coral reef grows."
    begins, ends = (
        {keyword.text: keyword.score for keyword in model.keywords(text, 10)}
        for text in (f"{summary}\n{LINES}", f"{LINES}{summary}")
    )
    assert begins["coral reef"] > 2 * ends["coral reef"]


def test_what_occurs_once_in_a_long_text_comes_last(model: enricher.Model) -> None:
    """A phrase of the beginning too."""
    found = [k.text for k in model.keywords(f"The warm tide. A coral reef, a coral reef.\n{LINES}", 20)]
    assert found.index("warm tide") > max(map(found.index, ("coral reef", "lantern", "harbour")))


def test_single_letters_of_formulas_are_behind_words_in_a_long_text(model: enricher.Model) -> None:
    """A formula is no phrase, even if it is repeated."""
    found = [k.text for k in model.keywords(f"The p k, the p k. The warm tide, the warm tide.\n{LINES}", 20)]
    assert found.index("warm tide") < found.index("p k")


def test_words_that_point_to_other_parts_of_the_text_are_in_no_keyword(model: enricher.Model) -> None:
    """Such as 参见, however often they are repeated."""
    found = keywords(model, "备份用法请参见日志。备份用法请参见日志。备份用法请参见日志。", top=10)
    assert "备份" in " ".join(found) and not any("请" in one or "参见" in one for one in found)


def found_in(extractor: PhraseExtractor, model: enricher.Model, text: str) -> list[Keyword]:
    """The keywords of a text by an extractor."""
    return extractor.keywords([model.analyzer.analyze(Document("1", {"text": text}), ("text",))], 10)[0]


def test_a_phrase_of_the_training_text_needs_no_repetition(model: enricher.Model) -> None:
    """In Chinese, where most runs of words are chance."""
    text = "本文讨论数值方程。锁与事务日志。"
    with_usage = [k.text for k in found_in(PhraseExtractor(model.word2vec, USED), model, text)]
    without = [k.text for k in found_in(PhraseExtractor(model.word2vec, None), model, text)]
    assert "数值方程" in with_usage and "数值方程" not in without


def test_english_verbs_part_phrases(model: enricher.Model) -> None:
    """What the training text uses as one, and what ends as such words do."""
    lines = [["we", verb, "the", "reef"] for verb in ("standardise", "realise", "organise")] * 10
    extractor = PhraseExtractor(model.word2vec, mine_word_runs([lines]))
    found = [k.text for k in found_in(extractor, model, "Coral reefs stabilise harbour sediment.")]
    assert {"coral reefs", "harbour sediment"} <= set(found)
    assert not any("stabilise" in phrase for phrase in found)


def test_a_plural_does_not_stand_beside_its_singular(model: enricher.Model) -> None:
    """They are one word to the reader."""
    found = keywords(model, "Coral reefs. A coral reef. The reef, the reefs.", top=10)
    assert len([phrase for phrase in found if phrase in ("coral reef", "coral reefs")]) == 1
    assert not {"reef", "reefs"} & set(found)


def test_a_probability_means_the_same_in_every_document(model: enricher.Model) -> None:
    """Between 0 and 1, and the lower the longer the text that a candidate stands in."""
    text = "分布式事务很难。分布式事务需要日志。"
    short, long = (
        {keyword.text: keyword.score for keyword in model.keywords(text + "而且如此。" * times)}
        for times in (0, 200)
    )
    assert 0 < long["分布式事务"] < short["分布式事务"] < 1


@pytest.mark.parametrize("usage", [None, USED])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("事务", ["事务"]),
        ("reef " * 1000, ["reef"]),
        ("事务" * 1000, ["事务"]),
        ("CORAL REEF CORAL REEF", ["coral reef"]),
        ("коралл риф", ["коралл риф"]),
        ("for (int i = 0; i < n; i++) { total += row[i]; }", None),
        ("| 名称 | 值 |\n| --- | --- |\n| 电压 | 10 |", None),
    ],
)
def test_odd_texts_have_keywords_too(
    model: enricher.Model, usage: Usage | None, text: str, expected: list[str] | None
) -> None:
    """One word, one repeated, all upper case, another language, code, tables."""
    found = found_in(PhraseExtractor(model.word2vec, usage), model, text)
    assert found and all(0 < keyword.score < 1 for keyword in found)
    if expected is not None:
        assert [keyword.text for keyword in found][:1] == expected


def test_a_text_of_a_million_characters_has_keywords(model: enricher.Model) -> None:
    """In Chinese and English."""
    chance = random.Random(1)
    for words, gap in (
        (["分布式", "事务", "需要", "日志", "。"], ""),
        (["coral", "reef", "the", "tide"], " "),
    ):
        text = gap.join(chance.choices(words, k=1_000_000 // 3))
        assert model.keywords(text)


@pytest.mark.parametrize("text", ["", "的 了 and the", "123 45.6", "😀😀 ，。", "\x00\ud800"])
def test_a_text_without_words_has_no_keywords(model: enricher.Model, text: str) -> None:
    """An empty list, not an error."""
    assert model.keywords(text) == []
    assert model.keywords(text, method="published") == []
