"""Words that are added to documents."""

from collections.abc import Sequence

import numpy as np
import pytest

import enricher
from enricher.expansion.documents import CLASSES, FULL_WEIGHT_WORDS, DocumentExpander
from enricher.plugins import PluginContext, load_enrichments, load_rewriters
from enricher.records import Document, Frequencies, Query, QueryTerm
from enricher.settings import IndexConfiguration
from tests.corpora import TOPICS

FIELDS = ("title", "text")
ONLY = IndexConfiguration(enrichments=("expansion",), rewriters=("expansion",))


@pytest.fixture
def expander(model: enricher.Model) -> DocumentExpander:
    """On the small model."""
    return DocumentExpander(model.word2vec, model.bundle.near_words)


def test_added_words_are_near_the_document_and_not_in_it(
    model: enricher.Model, expander: DocumentExpander
) -> None:
    """Of a text about databases mostly words about databases; as many as were asked for."""
    words = TOPICS["数据库"][:6]
    (found,) = expander.expand([model.word2vec.rows(words)], 5)
    added = [model.words[row] for row in found.rows]
    assert 1 <= len(added) <= 5 and not set(added) & set(words)
    assert len(set(added) & set(TOPICS["数据库"])) >= len(added) - 1
    assert list(found.weights) == sorted(found.weights, reverse=True)
    assert found.weights[0] == pytest.approx(min(1.0, len(words) / FULL_WEIGHT_WORDS))


def test_the_weights_are_the_formula(model: enricher.Model, expander: DocumentExpander) -> None:
    """With one word in the document: a word with its largest cosine, for its size."""
    word = TOPICS["数据库"][0]
    (found,) = expander.expand([model.word2vec.rows([word])], 1)
    rows, cosines = model.bundle.near_words.of(model.word2vec.row(word))
    assert found.rows.tolist() == [min(rows[cosines == cosines[0]])]
    assert found.weights == pytest.approx([1 / FULL_WEIGHT_WORDS])


def test_documents_without_known_words_get_none(expander: DocumentExpander) -> None:
    """Also among others."""
    nothing = np.empty(0, np.int32)
    assert [len(found.rows) for found in expander.expand([nothing, nothing], 20)] == [0, 0]
    assert expander.expand([], 20) == []


def test_every_added_word_is_in_one_class(model: enricher.Model, expander: DocumentExpander) -> None:
    """The heaviest in the first; nothing is lost but what weighs next to nothing."""
    words = [word for topic in TOPICS.values() for word in topic]
    (found,) = expander.expand([model.word2vec.rows(words[:20])], 20)
    classes = found.classes()
    assert list(classes) == list(CLASSES)
    joined = [row for rows in classes.values() for row in rows.tolist()]
    assert joined == found.rows[: len(joined)].tolist() and len(joined) >= (found.weights > 0.01).sum()


def test_a_query_finds_documents_by_added_words(model: enricher.Model) -> None:
    """Each content word in every class; heavier in the higher, and the rarer the word is."""
    counts = {"事务": 1, "索引": 40}

    def frequencies(family: str, terms: Sequence[str]) -> Frequencies:
        return Frequencies(100, tuple(counts[term] for term in terms))

    context = PluginContext(FIELDS, model.analyzer, model, frequencies=frequencies)
    (rewriter,) = load_rewriters(ONLY, context)
    typed = Query("事务 索引 the", (QueryTerm("事务"), QueryTerm("索引"), QueryTerm("the")))
    added = rewriter.rewrite(typed).terms[3:]
    assert [(term.term, term.field) for term in added] == [
        (word, f"expansion.{name}") for word in ("事务", "索引") for name in CLASSES
    ]
    weights = [term.weight for term in added]
    assert weights[0] > weights[1] > weights[2] > 0 and weights[0] > weights[3]
    assert rewriter.rewrite(Query("the", (QueryTerm("the"),))).terms == (QueryTerm("the"),)


def test_the_plugin_writes_words(model: enricher.Model) -> None:
    """Lists of words for each class of every document, in their order."""
    context = PluginContext(FIELDS, model.analyzer, model)
    (enrichment,) = load_enrichments(ONLY, context)
    texts = [" ".join(TOPICS["数据库"][:8]), ""]
    documents = [
        model.analyzer.analyze(Document(str(n), {"text": text}), FIELDS) for n, text in enumerate(texts)
    ]
    full, empty = enrichment.enrich(documents)
    assert set(full["expansion"]) == set(CLASSES)  # type: ignore[call-overload]
    assert any(full["expansion"].values())  # type: ignore[attr-defined]
    assert empty["expansion"] == {name: [] for name in CLASSES}
