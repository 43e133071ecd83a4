"""Queries: their words, and the words added to them."""

import pytest

import enricher
from enricher.expansion import RelatednessExpansion, parse_query
from enricher.records import Query, QueryTerm
from tests.corpora import TOPICS


def test_original_words_keep_weight_one_and_come_first(model: enricher.Model) -> None:
    """Each once, with the origin query."""
    query = model.expand("事务 与 索引 事务")
    original = [term for term in query.terms if term.origin == "query"]
    assert [(term.term, term.weight) for term in original] == [("事务", 1.0), ("索引", 1.0)]
    assert query.terms[: len(original)] == tuple(original)


def test_added_words_are_of_the_topic_lighter_and_give_their_reason(model: enricher.Model) -> None:
    """Every added word names the query words that it occurs with."""
    query = model.expand("事务 索引")
    added = [term for term in query.terms if term.origin == "relatedness"]
    assert 1 <= len(added) <= 5
    assert len({term.term for term in added} & set(TOPICS["数据库"])) >= len(added) - 1
    assert all(0 < term.weight <= 0.15 and term.for_ is None for term in added)
    assert all(
        "occurs with" in term.because and ("事务" in term.because or "索引" in term.because) for term in added
    )
    assert not {"事务", "索引"} & {term.term for term in added}


def test_the_whole_query_decides(model: enricher.Model) -> None:
    """The added words fit both query words together, not one of them alone."""
    words = model.word2vec
    query = model.expand("ocean garden", RelatednessExpansion(terms=3))
    for term in query.terms[2:]:
        shares = words.idf[words.rows(["ocean", "garden"])]
        shares = shares / shares.sum()
        information = [
            float(model.log_probabilities(x)[words.row(term.term)] - words.log_priors[words.row(term.term)])
            for x in ("ocean", "garden")
        ]
        assert shares @ information >= RelatednessExpansion().floor - 1e-4


def test_words_that_are_hardly_related_are_not_added(model: enricher.Model) -> None:
    """A floor that no word reaches leaves the query as it was typed."""
    query = model.expand("事务 索引", RelatednessExpansion(floor=50.0))
    assert [term.origin for term in query.terms] == ["query", "query"]


def test_unknown_words_are_kept_and_add_nothing(model: enricher.Model) -> None:
    """A query that the model knows nothing of stays as typed."""
    query = model.expand("zzyzx")
    assert [(term.term, term.origin) for term in query.terms] == [("zzyzx", "query")]


def test_stop_words_stay_only_where_there_is_nothing_else(model: enricher.Model) -> None:
    """To be or not to be is still a query."""
    assert [t.term for t in parse_query(model.analyzer, "the ocean and the tide").terms] == ["ocean", "tide"]
    assert [t.term for t in parse_query(model.analyzer, "to be or not to be").terms] == [
        "to",
        "be",
        "or",
        "not",
    ]


@pytest.mark.parametrize("text", ["", "   ", "，。！?", "😀", "∅"])
def test_a_query_without_words_has_no_terms(model: enricher.Model, text: str) -> None:
    """Whoever searches says so."""
    assert model.expand(text).terms == ()


def test_alternatives_of_a_word_form_one_group() -> None:
    """A word and its alternatives count once; terms of the whole query stand alone."""
    terms = (
        QueryTerm("a"),
        QueryTerm("b"),
        QueryTerm("x", 0.5, "rewriter", "", "a"),
        QueryTerm("y", 0.5, "rewriter", "", None),
        QueryTerm("z", 0.5, "rewriter", "", None),
    )
    groups = Query("a b", terms).groups()
    assert [[term.term for term in group] for group in groups] == [["a", "x"], ["b"], ["y"], ["z"]]
