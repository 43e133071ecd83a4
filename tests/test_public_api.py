"""The public names, and the rules that a machine can hold."""

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import enricher
from enricher.model.relatedness import DEFAULT_SHRINKAGE, DISAGREEMENT_NATS
from tests.conftest import ROOT


def test_the_public_names_are_these() -> None:
    """Sorted, each of them there."""
    assert enricher.__all__ == sorted(enricher.__all__)
    assert set(enricher.__all__) == {
        "Model", "EnricherError", "Keyword", "Neighbor", "Query", "QueryTerm", "RelatedWord", "load",
    }  # fmt: skip
    assert all(hasattr(enricher, name) for name in enricher.__all__)


def test_a_loaded_model_answers_as_documented(models: Path) -> None:
    """Shapes, order and units of every answer."""
    model = enricher.load(str(models))
    size = len(model.words)
    assert model.log_probabilities("事务").shape == (size,)
    assert model.log_probabilities("事务").dtype == np.float32
    assert model.log_probabilities(["事务", "ocean"]).shape == (2, size)
    assert model.log_probabilities([]).shape == (0, size)
    neighbors = model.neighbors("事务", top=3)
    assert len(neighbors) == 3 and neighbors[0].cosine >= neighbors[-1].cosine <= 1.0
    for item in model.related("事务", top=4, alpha=0.7, shrinkage=False):
        assert item.score == pytest.approx(item.log_probability - 0.7 * item.log_prior, abs=1e-5)
        column = list(model.words).index(item.word)
        assert item.log_probability == pytest.approx(float(model.log_probabilities("事务")[column]), abs=1e-5)
        share = model.word2vec.counts[column] / model.word2vec.counts.sum()
        assert item.log_prior == pytest.approx(float(np.log(share)), abs=1e-5)
    assert model.keywords("事务与索引。事务", top=1)[0].text == "事务"
    assert model.expand("事务").terms[0].term == "事务"


def test_related_words_are_the_best_of_the_whole_vocabulary(model: enricher.Model) -> None:
    """For several alphas, with and without shrinkage, in order, the word itself left out.

    With shrinkage the fifty best are ordered anew by how much their vectors agree with that of the word.
    """
    words = model.word2vec
    priors, counts, row = words.log_priors, np.asarray(words.counts), words.row("tide")
    vectors = words.vectors / np.linalg.norm(words.vectors, axis=1, keepdims=True)
    for alpha, shrinkage in itertools.product((0.0, 0.6, 0.9, 1.0, 1.3), (True, False)):
        scores = model.log_probabilities("tide") - np.float32(alpha) * priors
        scores -= DEFAULT_SHRINKAGE * shrinkage / np.sqrt(counts)
        scores[row] = -np.inf
        best = np.argsort(-scores, kind="stable")[:50]
        scores -= DISAGREEMENT_NATS * shrinkage * (1 - vectors @ vectors[row])
        expected = sorted(best, key=lambda y: -scores[y])[:7]
        found = model.related("tide", top=7, alpha=alpha, shrinkage=shrinkage)
        assert [item.word for item in found] == [model.words[y] for y in expected]
        assert [item.score for item in found] == pytest.approx(scores[expected], abs=1e-4)
        raw = model.log_probabilities("tide")[expected]
        assert [item.log_probability for item in found] == pytest.approx(raw, abs=1e-4)
    assert len(model.related("tide", top=10_000)) == len(model.words) - 1


def test_neighbors_are_the_nearest_of_the_whole_vocabulary(model: enricher.Model) -> None:
    """By brute force."""
    vectors = model.word2vec.vectors / np.linalg.norm(model.word2vec.vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors[model.word2vec.row("tide")]
    found = model.neighbors("tide", top=5)
    best = np.argsort(-cosines)[1:6]
    assert [neighbor.word for neighbor in found] == [model.words[y] for y in best]
    assert [neighbor.cosine for neighbor in found] == pytest.approx(cosines[best], abs=1e-5)


def test_an_unknown_word_proposes_close_ones(model: enricher.Model) -> None:
    """In the sentence and as data."""
    with pytest.raises(enricher.EnricherError, match=r"'oceans'.*ocean") as failure:
        model.related("oceans")
    assert "ocean" in failure.value.suggestions  # type: ignore[attr-defined]


def test_imports_only_point_down() -> None:
    """The contracts of pyproject.toml hold."""
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_importing_touches_no_handler_and_loads_no_heavy_library() -> None:
    """No log handler, no gensim, no engine, before they are needed."""
    code = (
        "import logging, sys, enricher, indexer.cli.running\n"
        "assert not logging.root.handlers\n"
        "heavy = {'gensim', 'jieba', 'numba', 'rjieba', 'elasticsearch', 'tantivy', 'scipy'}\n"
        "heavy &= set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


WRONG = (None, 3, ["事务"], b"tide", object())


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize("method", ["keywords", "neighbors", "related", "senses", "expand"])
def test_what_is_no_string_is_a_type_error(model: enricher.Model, method: str, value: object) -> None:
    """Nothing else is taken for an empty text."""
    with pytest.raises(TypeError, match=rf"must be a string, not {type(value).__name__}\."):
        getattr(model, method)(value)


@pytest.mark.parametrize("value", [None, 3, b"tide", ["tide", None], {"tide"}])
def test_log_probabilities_take_a_word_or_a_list_of_words(model: enricher.Model, value: Any) -> None:
    """And say what else they were given."""
    with pytest.raises(TypeError, match="must be a string"):
        model.log_probabilities(value)
    with pytest.raises(TypeError, match="context must be a string"):
        model.senses("tide", context=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("top", [10_000, 2**31, 2**63, 10**30])
def test_more_than_there_is_is_all(model: enricher.Model, top: int) -> None:
    """However large the number."""
    words = len(model.words)
    assert len(model.neighbors("tide", top)) == len(model.related("tide", top)) == words - 1
    assert model.senses("tide", top)
    for method in ("phrases", "published"):
        assert model.keywords("事务与索引。事务", top, method)
