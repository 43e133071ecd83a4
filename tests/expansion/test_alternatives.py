"""Alternatives of the words of a query."""

import numpy as np
import pytest

import enricher
from enricher.errors import ConfigurationError, UsageError
from enricher.expansion.alternatives import AlternativesExpansion, AlternativeWords
from enricher.expansion.query import parse_query
from enricher.model.relatedness import mutual_information
from enricher.plugins import PluginContext, load_rewriters
from enricher.records import Query, QueryTerm
from enricher.settings import IndexConfiguration
from tests.corpora import TOPICS


def alternatives(model: enricher.Model, text: str, **settings: object) -> list[QueryTerm]:
    """The terms that are added to a query."""
    bundle = model.bundle
    chosen = AlternativesExpansion(**settings)  # type: ignore[arg-type]
    words = AlternativeWords(model.word2vec, bundle.near_words, bundle.related_table, chosen)
    query = parse_query(model.analyzer, text)
    return list(words.expand(query).terms[len(query.terms) :])


def test_alternatives_are_the_words_near_a_word(model: enricher.Model) -> None:
    """The nearest first, each for its word, with a share of the weight and the reason."""
    word = TOPICS["数据库"][0]
    found = alternatives(model, word, most=3)
    nearest = model.neighbors(word, 3)
    assert [term.term for term in found] == [neighbor.word for neighbor in nearest]
    assert all(term.for_ == word and term.origin == "alternatives" for term in found)
    idf = model.word2vec.idf
    for term, neighbor in zip(found, nearest, strict=True):
        rarity = min(1.0, idf[model.word2vec.index[word]] / idf[model.word2vec.index[term.term]])
        assert term.weight == pytest.approx(0.7 * neighbor.cosine * rarity, abs=0.003)
        assert term.because == f"near {word} ({neighbor.cosine:.2f})"


def test_the_query_chooses_the_sense(model: enricher.Model) -> None:
    """What never occurs with the other words of the query is no alternative in it."""
    first, other = TOPICS["数据库"][0], "tide"
    rows = [model.word2vec.index[term.term] for term in alternatives(model, first, most=50, least=0.3)]
    together = alternatives(model, f"{first} {other}", most=50, least=0.3)
    fit = {term.term for term in together if term.for_ == first}
    information = mutual_information(
        model.word2vec, np.array([model.word2vec.index[other]], np.int32), np.array(rows, np.int32)
    )[0]
    expected = {model.words[row] for row, value in zip(rows, information, strict=True) if value > 0}
    assert fit == expected and len(fit) < len(rows)


def test_related_words_can_be_alternatives(model: enricher.Model) -> None:
    """By mutual information, over 8 nats."""
    word = TOPICS["数据库"][0]
    found = alternatives(model, word, by="relatedness", least=0.0, most=5)
    assert len(found) == 5 and all(term.because.startswith(f"occurs with {word}") for term in found)
    rows = np.array([model.word2vec.index[term.term] for term in found], np.int32)
    information = mutual_information(model.word2vec, np.array([model.word2vec.index[word]], np.int32), rows)[
        0
    ]
    assert list(information) == sorted(information, reverse=True)
    idf = model.word2vec.idf
    rarity = np.minimum(1, idf[model.word2vec.index[word]] / idf[rows])
    expected = 0.7 * np.minimum(1, information / 8) * rarity
    assert [term.weight for term in found] == pytest.approx(expected, abs=1e-4)


def test_what_is_in_the_query_or_unknown_has_no_part(model: enricher.Model) -> None:
    """Words of the query are no alternatives of each other; stop words and unknown words have none."""
    first, second = TOPICS["数据库"][:2]
    found = alternatives(model, f"{first} {second} the zzzz", most=50, least=0.0)
    assert found and not {first, second} & {term.term for term in found}
    assert {term.for_ for term in found} <= {first, second}
    assert alternatives(model, "the zzzz") == alternatives(model, first, most=0) == []


def test_settings_are_checked(model: enricher.Model) -> None:
    for wrong in ({"by": "luck"}, {"most": -1}, {"weight": -0.1}, {"least": float("nan")}):
        with pytest.raises(UsageError):
            AlternativesExpansion(**wrong)  # type: ignore[arg-type]
    context = PluginContext(("text",), model.analyzer, model)
    for table, said in (({"by": 3}, "by must be cosine or relatedness, not 3"), ({"by": "luck"}, "luck")):
        chosen = IndexConfiguration(rewriters=("alternatives",), settings={"alternatives": table})
        with pytest.raises(ConfigurationError, match=said):
            load_rewriters(chosen, context)


def test_the_plugin_rewrites(model: enricher.Model) -> None:
    """Under its name, where the configuration has it."""
    context = PluginContext(("text",), model.analyzer, model)
    (rewriter,) = load_rewriters(IndexConfiguration(rewriters=("alternatives",)), context)
    word = TOPICS["数据库"][0]
    rewritten = rewriter.rewrite(Query(word, (QueryTerm(word),)))
    assert len(rewritten.groups()) == 1 and len(rewritten.terms) == 6
