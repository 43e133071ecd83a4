"""Senses of a word: groups of related words, and the one that a context means."""

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import enricher
from enricher.bundle.store import BundleStore
from enricher.errors import UnknownWord, UsageError
from enricher.model.related_table import related_rows
from enricher.model.relatedness import Relatedness
from enricher.model.senses import (
    MAX_GROUPS,
    MIN_GROUP_WORDS,
    first_come,
    group_fits,
    group_labels,
    word_groups,
)
from enricher.model.word2vec import Word2Vec
from enricher.records import Document, RelatedWord, Sense
from enricher.text import open_analyzer
from enricher.training.train import train_bundle
from indexer.cli.words import print_senses
from tests.conftest import SMALL, RunCommand
from tests.corpora import TOPICS, documents

MERGED = "双关"
"""Stands where the texts had a word of databases or one of the sea."""
DATABASES, SEA = (set(TOPICS[topic]) for topic in ("数据库", "ocean"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of texts in which two words have become one."""

    def merged(document: Document) -> Document:
        texts = {
            name: document.text(name).replace("事务", MERGED).replace("tide", MERGED)
            for name in ("title", "text")
        }
        return Document(document.id, texts)

    store = BundleStore(tmp_path_factory.mktemp("senses"))
    version = train_bundle(store, map(merged, documents(600)), ("title", "text"), open_analyzer(), SMALL)
    store.activate(version)
    return store.folder


@pytest.fixture(scope="module")
def model(models: Path) -> enricher.Model:
    """The opened model."""
    return enricher.load(models)


def topic_of(words: set[str]) -> str:
    """Which of the two topics most of the words belong to."""
    return "databases" if len(words & DATABASES) > len(words & SEA) else "sea"


def test_a_context_chooses_the_group_of_its_sense(model: enricher.Model) -> None:
    """Of twenty contexts of each sense nearly all."""
    chance = random.Random(2)
    right = 0
    for topic, words in (("databases", DATABASES - {"事务"}), ("sea", SEA - {"tide"})):
        for _ in range(20):
            context = " ".join(chance.sample(sorted(words), 4))
            best = model.senses(MERGED, top=8, context=context)[0]
            right += topic_of({item.word for item in best.related}) == topic
    assert right >= 36


def test_groups_part_the_related_words(model: enricher.Model) -> None:
    """Each word in one group, best first, no group too small, and the group of the best word first."""
    row = model.word2vec.row(MERGED)
    groups = word_groups(model.word2vec, row, Relatedness())
    rows = np.concatenate([group.rows for group in groups])
    assert 1 < len(groups) <= MAX_GROUPS and len(set(rows.tolist())) == len(rows) and row not in rows
    assert all(len(group.rows) >= MIN_GROUP_WORDS and (np.diff(group.scores) <= 0).all() for group in groups)
    assert groups[0].scores[0] == max(float(group.scores[0]) for group in groups)
    topics = Counter(topic_of({model.words[y] for y in group.rows}) for group in groups)
    assert set(topics) == {"databases", "sea"}


def test_the_fit_is_the_sum_of_mean_information(model: enricher.Model) -> None:
    """Over the words of the context, log p(y|x) − log p(y)."""
    groups = word_groups(model.word2vec, model.word2vec.row(MERGED), Relatedness())
    context = model.word2vec.rows(["索引", "日志", "reef"])
    information = model.word2vec.log_probabilities_of_rows(context) - model.word2vec.log_priors
    fits = group_fits(model.word2vec, [group.rows for group in groups], context)
    for group, fit in zip(groups, fits, strict=True):
        wanted = sum(float(information[i, group.rows].mean()) for i in range(3))
        assert fit == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize(
    ("context", "topic", "others"), [("索引", "databases", SEA), ("reef", "sea", DATABASES)]
)
def test_a_query_is_expanded_by_the_sense_that_it_means(
    model: enricher.Model, context: str, topic: str, others: set[str]
) -> None:
    """One other word decides; the ambiguous word by itself brings words of both senses."""
    added = {term.term for term in model.expand(f"{MERGED} {context}").terms if term.origin == "relatedness"}
    assert len(added) == 5 and topic_of(added) == topic and not added & others
    rows = related_rows(model.word2vec, model.bundle.related_table, model.word2vec.row(MERGED))
    alone = {model.words[y] for y in rows}
    assert alone & DATABASES and alone & SEA


def test_groups_are_those_of_plain_k_means() -> None:
    """On words of three clear directions, and one alone, which goes to the nearest of the larger groups."""
    generator = np.random.default_rng(3)
    centres = np.eye(3, 8)
    places = [0] * 9 + [1] * 12 + [2] * 8
    vectors = centres[places] + generator.normal(size=(len(places), 8), scale=0.1)
    lonely = np.array([[0.0, 0.6, 0, -1, 0, 0, 0, 0]])
    model = Word2Vec(
        [str(n) for n in range(30)],
        np.full(30, 9),
        np.vstack([vectors, lonely]).astype(np.float32),
        None,
        None,
    )
    labels = group_labels(model, np.arange(30, dtype=np.int32))
    for place in range(3):
        assert len({int(label) for label, of in zip(labels, places, strict=False) if of == place}) >= 1
    assert all(labels[i] != labels[j] for i in range(29) for j in range(29) if places[i] != places[j])
    assert min(np.bincount(labels)[np.unique(labels)]) >= MIN_GROUP_WORDS
    assert labels[29] in {labels[i] for i in range(29) if places[i] == 1}
    assert first_come(np.array([4, 2, 4, 0])) == [4, 2, 0]


def test_what_cannot_be_answered_is_a_sentence(model: enricher.Model) -> None:
    """A word or a context that the model does not know, and no words wanted."""
    with pytest.raises(UnknownWord):
        model.senses("zzz")
    with pytest.raises(UsageError, match="no other word"):
        model.senses(MERGED, context=f"zzz {MERGED}")
    with pytest.raises(UsageError, match="1 or more"):
        model.senses(MERGED, top=0)


def test_a_tiny_vocabulary_has_one_group(tmp_path: Path) -> None:
    """Two words are no senses."""
    store = BundleStore(tmp_path)
    texts = [Document(str(n), {"text": "reef coral tide " * 3}) for n in range(20)]
    store.activate(train_bundle(store, texts, ("text",), open_analyzer(), SMALL))
    [sense] = enricher.load(tmp_path).senses("reef")
    assert {item.word for item in sense.related} == {"coral", "tide"} and sense.fit is None


def test_the_command_prints_groups(run: RunCommand, models: Path) -> None:
    """A table for people, and JSON that has what it has without senses, and them."""
    plain = run("--models", models, "related", MERGED, "--senses")
    assert plain.returncode == 0 and plain.stdout.splitlines()[0].split() == ["sense", "related", "words"]
    fitted = run("--models", models, "related", MERGED, "--context", "索引 日志 备份").stdout.splitlines()
    assert "fit" in fitted[0] and topic_of(set(fitted[1].split())) == "databases"
    done = run("--models", models, "related", MERGED, "--context", "reef 索引", "--top", "3", "--json")
    answer = json.loads(done.stdout)
    assert set(answer) == {"word", "alpha", "related", "senses"} and len(answer["related"]) == 3
    fits = [sense["fit"] for sense in answer["senses"]]
    assert fits == sorted(fits, reverse=True) and all(len(s["related"]) <= 3 for s in answer["senses"])
    refused = run("--models", models, "related", MERGED, "--context", "zzz")
    assert refused.returncode == 2 and "no other word" in refused.stderr


def test_a_context_that_no_sense_fits_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    """On stderr, after the groups; nothing is said of one that fits, or where none was asked for."""
    words = (RelatedWord("reef", 1.0, -2.0, -5.0),)
    for fit, said in ((-0.5, True), (0.5, False), (None, False)):
        print_senses([Sense(words, fit)])
        shown = capsys.readouterr()
        assert "reef" in shown.out and ("No sense fits" in shown.err) == said
