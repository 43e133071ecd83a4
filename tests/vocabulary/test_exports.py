"""Exports of a model, each read again by what it is for."""

import json
from datetime import date
from pathlib import Path

import pytest
from gensim.models import KeyedVectors

import enricher
from enricher.bundle.store import BundleStore
from enricher.text import read_lexicon
from enricher.vocabulary.exports import MAX_RULES, Variants, export, variants_of
from enricher.vocabulary.overlay import OverlayBuilder, overlay_with
from enricher.vocabulary.review_file import read_review
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


def test_merged_words_are_synonyms_of_each_other(
    extended: enricher.Model, run: RunCommand, models: Path, tmp_path: Path
) -> None:
    """Before all others, once for each word; a decision that has expired does not count."""
    rows = (
        "数据库\taccept\t\t\n资料库\tmerge\t数据库\t\ndata base\tmerge\t资料库\t\n"
        "甲方\tmerge\t乙方\t\n乙方\tmerge\t甲方\t\n自己\tmerge\t自己\t\n旧词\tmerge\t索引\t2020-01-01\n"
    )
    (tmp_path / "words.tsv").write_text(f"word\tstate\tinto\texpiry\n{rows}", encoding="utf-8")
    variants = variants_of(read_review(tmp_path / "words.tsv"), date(2026, 6, 1))
    assert variants == {
        "数据库": ["资料库", "data_base"],
        "资料库": ["数据库", "data_base"],
        "data_base": ["数据库", "资料库"],
        "甲方": ["乙方"],
        "乙方": ["甲方"],
    }
    without = {line.partition(" => ")[0]: line for line in exported(extended, tmp_path / "a.txt")}
    lines = exported(extended, tmp_path / "b.txt", variants)
    assert lines[0].startswith("数据库 => 数据库, 资料库, data base")
    assert lines[1:5] == [
        "资料库 => 资料库, 数据库, data base",
        "data base => data base, 数据库, 资料库",
        "乙方 => 乙方, 甲方",
        "甲方 => 甲方, 乙方",
    ]
    others = {line.partition(" => ")[0]: line for line in lines[5:]}
    assert others == {word: line for word, line in without.items() if word not in variants}
    export(extended, "querqy", tmp_path / "c.rules", variants)
    assert "data base =>\n  SYNONYM(1.00): 数据库\n" in (tmp_path / "c.rules").read_text(encoding="utf-8")
    done = run("--models", models, "models", "export", "synonyms", "d.txt", "--merged", "words.tsv")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "d.txt").read_text(encoding="utf-8").startswith("数据库 => 数据库, 资料库, data base")
    refused = run("--models", models, "models", "export", "userdict", "e.txt", "--merged", "words.tsv")
    assert refused.returncode == 2 and "omit --merged" in refused.stderr


def exported(model: enricher.Model, path: Path, variants: Variants | None = None) -> list[str]:
    """The lines of exported synonyms."""
    export(model, "synonyms", path, variants)
    return path.read_text(encoding="utf-8").splitlines()


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
