"""Exports of a model, each read again by what it is for."""

import json
from pathlib import Path

import pytest
from gensim.models import KeyedVectors

import enricher
from enricher.bundle.store import BundleStore
from enricher.text import read_lexicon
from enricher.vocabulary.exports import MAX_RULES, export
from enricher.vocabulary.overlay import OverlayBuilder, overlay_with
from tests.conftest import RunCommand
from tests.vocabulary.terms import TERMS, documents_with_terms

FIELDS = ("title", "text")


@pytest.fixture(scope="module")
def extended(models: Path, tmp_path_factory: pytest.TempPathFactory) -> enricher.Model:
    """The small model with some words added."""
    store = BundleStore(tmp_path_factory.mktemp("extended"))
    model = enricher.load(models)
    documents = list(documents_with_terms(300))
    builder = OverlayBuilder(model, overlay_with(model, TERMS))
    builder.count(documents, FIELDS, len(documents))
    return enricher.load(store.folder, builder.build(store))


def test_a_user_dictionary_is_a_lexicon(extended: enricher.Model, tmp_path: Path) -> None:
    """With the added words; also as a list of words for IK."""
    assert export(extended, "userdict", tmp_path / "a.txt") == len(TERMS)
    words = {word.text for word in read_lexicon(tmp_path / "a.txt").words}
    assert words == {term.lower() for term in TERMS}
    export(extended, "ik-dictionary", tmp_path / "b.dic")
    assert set((tmp_path / "b.dic").read_text(encoding="utf-8").splitlines()) == words


def test_vectors_are_read_by_gensim(extended: enricher.Model, tmp_path: Path) -> None:
    assert export(extended, "word2vec", tmp_path / "a.txt") == len(extended.words) + 1
    read = KeyedVectors.load_word2vec_format(str(tmp_path / "a.txt"))
    assert list(read.index_to_key) == list(extended.words)
    row = extended.word2vec.row("变压器故障")
    assert read["变压器故障"] == pytest.approx(extended.word2vec.vectors[row], rel=1e-4, abs=1e-5)


def test_sparse_weights_are_idfs(extended: enricher.Model, tmp_path: Path) -> None:
    export(extended, "sparse-weights", tmp_path / "a.json")
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert list(found) == list(extended.words)
    row = extended.word2vec.row("数据库")
    assert found["数据库"] == pytest.approx(float(extended.word2vec.idf[row]), abs=1e-4)


def test_rules_have_a_word_and_others_for_it(extended: enricher.Model, tmp_path: Path) -> None:
    """In the formats of Solr and of Querqy; a rule never lacks its own word."""
    number = export(extended, "synonyms", tmp_path / "a.txt")
    lines = (tmp_path / "a.txt").read_text(encoding="utf-8").splitlines()
    assert 0 < number == len(lines) <= MAX_RULES
    for line in lines:
        word, _, others = line.partition(" => ")
        assert others.split(", ")[0] == word and len(others.split(", ")) > 1
    export(extended, "querqy", tmp_path / "a.rules")
    rules = (tmp_path / "a.rules").read_text(encoding="utf-8").split("\n\n")
    assert rules[0].splitlines()[0].endswith(" =>") and "  SYNONYM(" in rules[0]


def test_a_synonym_set_is_the_body_of_a_request(extended: enricher.Model, tmp_path: Path) -> None:
    """With an id for every rule, and no more rules than a server takes."""
    number = export(extended, "synonyms", tmp_path / "a.json") - 2
    rules = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["synonyms_set"]
    assert len(rules) == number == len({rule["id"] for rule in rules}) <= MAX_RULES
    export(extended, "synonyms", tmp_path / "a.txt")
    lines = (tmp_path / "a.txt").read_text(encoding="utf-8").splitlines()
    assert [rule["synonyms"] for rule in rules] == lines


def test_the_command_says_what_it_wrote(run: RunCommand, models: Path, tmp_path: Path) -> None:
    done = run("--models", models, "models", "export", "ik-dictionary", "a.dic")
    assert done.returncode == 0 and done.stdout == "0 lines written to a.dic.\n", done.stderr
    refused = run("--models", models, "models", "export", "synonyms", "no/folder/a.txt")
    assert refused.returncode == 2 and "cannot be written" in refused.stderr
    assert run("--models", models, "models", "export", "haiku", "a.txt").returncode == 2
