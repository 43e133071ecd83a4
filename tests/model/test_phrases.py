"""Phrases of known words: which are answered for, by which parts, and the sums over them."""

import numpy as np
import pytest

import enricher
from enricher.errors import UnknownWord, UsageError
from enricher.model.neighbors import unit

PHRASE, PARTS = "数据库事务", ("数据库", "事务")


def test_a_phrase_has_parts_and_a_word_has_none(model: enricher.Model) -> None:
    """Each part once, in the order of the phrase."""
    assert model.parts(PHRASE) == PARTS
    assert model.parts("Wave tide wave") == ("wave", "tide")
    assert model.parts("数据库") == model.parts("TIDE") == ()


def test_single_characters_count_only_in_a_phrase_of_the_training_text(model: enricher.Model) -> None:
    """研究锁 is one, 事务锁 is not."""
    usage = model.bundle.usage
    assert usage is not None and usage.knows(["研究", "锁"]) and not usage.knows(["事务", "锁"])
    assert model.parts("研究锁") == ("研究",)
    with pytest.raises(UnknownWord):
        model.parts("事务锁")


@pytest.mark.parametrize("word", ["", "锁", "数剧库", "数据库某某", "tide zzz", "，", "tide wave " * 3])
def test_what_is_no_phrase_of_known_words_is_unknown(model: enricher.Model, word: str) -> None:
    for ask in (model.parts, model.neighbors, model.related, model.senses):
        with pytest.raises(UnknownWord):
            ask(word)


def test_neighbors_of_a_phrase_are_nearest_to_the_mean_of_its_parts(model: enricher.Model) -> None:
    """Without the parts, by comparison with all vectors."""
    rows = model.word2vec.rows(PARTS)
    units = unit(model.word2vec.vectors)
    cosines = units @ unit(units[rows].mean(axis=0, keepdims=True))[0]
    cosines[rows] = -2
    found = model.neighbors(PHRASE, 5)
    assert [one.word for one in found] == [model.words[row] for row in np.argsort(-cosines)[:5]]
    assert [one.cosine for one in found] == pytest.approx(np.sort(cosines)[::-1][:5], abs=1e-5)


@pytest.mark.parametrize("shrinkage", [False, True])
def test_related_words_of_a_phrase_are_those_of_its_parts_together(
    model: enricher.Model, shrinkage: bool
) -> None:
    """Σ idf · score of the part / Σ idf, for every word."""
    every = len(model.words)
    shares = np.array(model.word2vec.idfs_of(PARTS))
    shares /= shares.sum()
    scores = [{one.word: one for one in model.related(part, every, 0.8, shrinkage)} for part in PARTS]
    found = model.related(PHRASE, every, 0.8, shrinkage)
    assert {one.word for one in found} == set(model.words) - set(PARTS)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    for one in found:
        parts = [score[one.word] for score in scores]
        assert one.score == pytest.approx(shares @ [part.score for part in parts], abs=1e-3)
        expected = shares @ [part.log_probability for part in parts]
        assert one.log_probability == pytest.approx(expected, abs=1e-3)


def test_a_phrase_has_one_sense(model: enricher.Model) -> None:
    """Its related words; with a context, also how they fit it."""
    related = model.related(PHRASE, 4)
    assert [sense.related for sense in model.senses(PHRASE, 4)] == [tuple(related)]
    fits = [model.senses(PHRASE, 4, context=text)[0].fit for text in ("索引 日志 备份", "法院 原告 判决")]
    assert fits[0] is not None and fits[1] is not None and fits[0] > fits[1]
    with pytest.raises(UsageError):
        model.senses(PHRASE, context="数据库")
