"""Derived bundles: the rows of the training stay as they are, and only affected documents change."""

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import enricher
from enricher.bundle.store import BundleStore
from enricher.enrichment import EnricherRecipe
from enricher.errors import SourceError
from enricher.records import Document
from enricher.settings import IndexConfiguration
from enricher.text import open_analyzer
from enricher.training.train import train_bundle
from enricher.training.word2vec import TrainingSettings
from enricher.vocabulary.affected import AffectedDocuments
from enricher.vocabulary.overlay import OverlayBuilder, overlay_with, overlay_without
from tests.conftest import SMALL
from tests.corpora import TOPICS
from tests.vocabulary.terms import TERMS, documents_with_terms

FIELDS = ("title", "text")
DOCUMENTS = list(documents_with_terms(400))
NEGATIVE = TrainingSettings(
    loss="negative-sampling", dimensions=24, window=5, min_count=2, epochs=8, workers=1, seed=3
)


def trained(folder: Path, settings: TrainingSettings) -> BundleStore:
    """A store with one model, which is active."""
    store = BundleStore(folder)
    store.activate(train_bundle(store, DOCUMENTS, FIELDS, open_analyzer(), settings))
    return store


def derived(store: BundleStore, words: Sequence[str], former: str | None = None) -> str:
    """The version with added words, learned from all documents."""
    model = enricher.load(store.folder, former)
    builder = OverlayBuilder(model, overlay_with(model, words))
    builder.count(DOCUMENTS, FIELDS, len(DOCUMENTS))
    return builder.build(store)


@pytest.fixture(scope="module", params=[SMALL, NEGATIVE], ids=["hierarchical-softmax", "negative-sampling"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BundleStore:
    """A small model of either loss."""
    return trained(tmp_path_factory.mktemp("models"), request.param)


@pytest.fixture(scope="module")
def version(store: BundleStore) -> str:
    """The version with TERMS."""
    return derived(store, TERMS)


def test_the_rows_of_the_training_are_byte_identical(store: BundleStore, version: str) -> None:
    """In every array with a row for each word, and in every other file but those of the overlay."""
    active = store.active_version()
    assert active is not None
    parent, child = store.open(active), store.open(version)
    assert child.manifest.parent == child.manifest.root == active
    rows = len(parent.word2vec.words)
    assert list(child.word2vec.words)[:rows] == list(parent.word2vec.words)
    assert list(child.word2vec.words)[rows:] == [
        term.lower().replace(" ", "_") for term in TERMS
    ] and child.word2vec.added == len(TERMS)
    for name, facts in parent.manifest.files.items():
        same = child.manifest.files[name].sha256 == facts.sha256
        if name.endswith(".npy") and not same and not name.startswith(("words_", "phrase_", "text_")):
            before, after = (np.load(bundle.path / name) for bundle in (parent, child))
            assert after[: len(before)].tobytes() == before.tobytes(), name
            assert len(after) == len(before) + len(TERMS), name
        elif not same:
            assert name.startswith(("words", "phrase_", "text_", "neighbors")), name
    child.verify()


def test_only_affected_documents_are_enriched_differently(store: BundleStore, version: str) -> None:
    """Document by document, with all plug-ins."""
    before, after = (
        EnricherRecipe(store.folder, one, FIELDS, IndexConfiguration()).open()
        for one in (store.active_version(), version)
    )
    affected = AffectedDocuments([enricher.load(store.folder)], enricher.load(store.folder, version), FIELDS)
    changed = {
        document.id
        for document, one, other in zip(
            DOCUMENTS, before.enrich(DOCUMENTS), after.enrich(DOCUMENTS), strict=True
        )
        if one | {"model": None} != other | {"model": None}
    }
    assert changed == {document.id for document in DOCUMENTS if affected(document)}
    assert 20 < len(changed) < 50


def test_texts_without_an_added_word_have_the_same_words(store: BundleStore, version: str) -> None:
    """Random strings of characters, many of them from the added words."""
    chance = random.Random(4)
    characters = "".join(TERMS) + "".join(TOPICS["电网"] + TOPICS["法律"]) + "， .G5的"
    former, present = enricher.load(store.folder).analyzer, enricher.load(store.folder, version).analyzer
    affected = AffectedDocuments([enricher.load(store.folder)], enricher.load(store.folder, version), FIELDS)
    unaffected = 0
    for _ in range(2_000):
        text = "".join(chance.choices(characters, k=chance.randint(1, 40)))
        if not affected.may_affect(text):
            unaffected += 1
            assert present.tokens(text) == former.tokens(text)
        assert [token.text for token in present.tokens(text)] == present.words(text)
    assert unaffected > 500


def test_an_added_word_has_neighbors_and_related_words(store: BundleStore, version: str) -> None:
    """They come from its contexts."""
    model = enricher.load(store.folder, version)
    near = {one.word for one in model.neighbors("变压器故障", 20)}
    related = {one.word for one in model.related("变压器故障", 12)}
    assert len(near & set(TOPICS["电网"])) >= 3, near
    assert len(related & set(TOPICS["电网"])) >= 3, related
    assert "变压器故障" in {one.word for one in model.neighbors("变压器", 40)}
    assert any(word in TOPICS["电网"] for word in (one.word for one in model.neighbors("5g基站", 10)))


def test_probabilities_of_the_training_still_sum_to_one(store: BundleStore, version: str) -> None:
    """Those of added words stand beside them, and follow from Bayes' rule."""
    model = enricher.load(store.folder, version)
    word2vec = model.word2vec
    if word2vec.tree is None:
        pytest.skip("negative sampling has no probabilities")
    found = model.log_probabilities(["变压器", "变压器故障"])
    assert found.shape == (2, len(word2vec.words))
    assert np.exp(found[:, : word2vec.trained]).sum(axis=1) == pytest.approx(1, abs=1e-5)
    x, y = word2vec.row("变压器"), word2vec.row("变压器故障")
    expected = found[1, x] + word2vec.log_priors[y] - word2vec.log_priors[x]
    assert found[0, y] == pytest.approx(expected, abs=1e-4)
    before = enricher.load(store.folder).log_probabilities(["变压器"])
    assert model.log_probabilities(["变压器"])[:, : word2vec.trained].tobytes() == before.tobytes()


def test_removed_words_leave_no_trace(store: BundleStore, version: str) -> None:
    """After all words are removed again, every file is that of the parent; one of several leaves the rest."""
    model = enricher.load(store.folder, version)
    back = OverlayBuilder(model, overlay_without(model, TERMS)).build(store)
    parent = store.open(store.active_version()).manifest.files
    child = store.open(back).manifest.files
    assert {name: child[name].sha256 for name in parent} == {
        name: facts.sha256 for name, facts in parent.items()
    }
    fewer = enricher.load(store.folder, OverlayBuilder(model, overlay_without(model, TERMS[1:])).build(store))
    assert [word.text for word in fewer.analyzer.overlay.words] == [TERMS[0]]
    vectors = [one.word2vec.vectors[one.word2vec.row(TERMS[0])] for one in (fewer, model)]
    assert fewer.word2vec.added == 1 and vectors[0].tobytes() == vectors[1].tobytes()


def test_words_are_added_in_steps(store: BundleStore, version: str) -> None:
    """A version derived from a derived one equals that of all words at once, but for what is random."""
    first = derived(store, TERMS[:2])
    second = derived(store, TERMS[2:], first)
    manifest = store.open(second).manifest
    assert (manifest.parent, manifest.root) == (first, store.active_version())
    one, other = (enricher.load(store.folder, name) for name in (version, second))
    assert list(one.words) == list(other.words)
    assert np.asarray(one.word2vec.vectors) == pytest.approx(np.asarray(other.word2vec.vectors))
    sample = DOCUMENTS[:100]
    enrich = [
        EnricherRecipe(store.folder, name, FIELDS, IndexConfiguration()).open().enrich(sample)
        for name in (version, second)
    ]
    assert [document["tokens"] if "tokens" in document else document["all"] for document in enrich[0]] == [
        document["tokens"] if "tokens" in document else document["all"] for document in enrich[1]
    ]


def test_a_word_without_documents_gets_the_mean_of_its_parts(store: BundleStore) -> None:
    """It is found by its parts' neighbors until documents have it."""
    model = enricher.load(store.folder)
    builder = OverlayBuilder(model, overlay_with(model, ["合同证据"]))
    builder.count([Document("1", {"text": "法院"})], FIELDS, 1)
    present = enricher.load(store.folder, builder.build(store))
    assert {one.word for one in present.neighbors("合同证据", 5)} & set(TOPICS["法律"])


def test_what_cannot_be_a_word_is_said(store: BundleStore) -> None:
    model = enricher.load(store.folder)
    with pytest.raises(SourceError, match="no letter"):
        overlay_with(model, ["…"])
