"""Training and the import of gensim's models."""

import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gensim.models import FastText
from gensim.models import Word2Vec as GensimWord2Vec

import enricher
from enricher.bundle.store import BundleStore
from enricher.errors import BundleInvalid, ModelError, NotSupported, TrainingFailed, UsageError
from enricher.records import Document
from enricher.text import open_analyzer
from enricher.training.train import import_bundle, train_bundle
from enricher.training.word2vec import TrainingSettings, import_gensim
from tests.conftest import SMALL
from tests.corpora import TOPICS, documents

SENTENCES = [["Alpha", "βeta", "two words", "Alpha", "数据库"], ["数据库", "索引", "Alpha", "alpha"]] * 30


def train_small(folder: Path, settings: TrainingSettings = SMALL) -> enricher.Model:
    """A model trained on the small corpus."""
    store = BundleStore(folder)
    store.activate(train_bundle(store, documents(150), ("title", "text"), open_analyzer(), settings))
    return enricher.load(folder)


def gensim_model(path: Path, **options: int) -> GensimWord2Vec:
    """A model trained and saved by gensim itself."""
    model = GensimWord2Vec(SENTENCES, vector_size=12, min_count=1, seed=1, workers=1, **options)
    model.save(str(path))
    return model


def imported(tmp_path: Path, **options: int) -> tuple[GensimWord2Vec, enricher.Model]:
    """A gensim model and the bundle made from it."""
    original = gensim_model(tmp_path / "gensim.model", **options)
    store = BundleStore(tmp_path / "models")
    store.activate(import_bundle(store, tmp_path / "gensim.model", open_analyzer()))
    return original, enricher.load(tmp_path / "models")


@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
@pytest.mark.parametrize("loss", ["hierarchical-softmax", "negative-sampling"])
def test_one_worker_and_a_seed_give_the_same_model_twice(
    tmp_path: Path, architecture: str, loss: str
) -> None:
    """Two trainings alike in everything write the same bytes."""
    settings = TrainingSettings(architecture, loss, dimensions=16, min_count=2, epochs=3, workers=1, seed=9)
    first = train_small(tmp_path / "first", settings).bundle.manifest
    second = train_small(tmp_path / "second", settings).bundle.manifest
    assert first.files == second.files
    assert first.corpus == second.corpus
    assert first.training["loss"] == loss


def test_words_that_occur_together_are_related(model: enricher.Model) -> None:
    """The words related to a word are those of its topic, in either language."""
    for word in ("事务", "salinity"):
        topic = next(set(words) for words in TOPICS.values() if word in words)
        found = [item.word for item in model.related(word, top=5)]
        assert len(topic.intersection(found)) >= 4, (word, found)


def test_negative_sampling_ranks_by_inner_product(tmp_path: Path) -> None:
    """Such a model relates words and refuses log-probabilities in a sentence."""
    settings = TrainingSettings(loss="negative-sampling", dimensions=24, min_count=2, epochs=20, workers=1)
    model = train_small(tmp_path, settings)
    product = (
        model.word2vec.vectors[model.word2vec.row("事务")]
        @ model.word2vec.outputs[model.word2vec.row("索引")]
    )
    found = {
        item.word: item for item in model.related("事务", top=len(model.words), alpha=1.0, shrinkage=False)
    }
    assert found["索引"].score == pytest.approx(float(product), abs=1e-4)
    ranked = [item.word for item in model.related("事务", top=len(model.words))]
    products = model.word2vec.outputs @ model.word2vec.vectors[model.word2vec.row("事务")]
    assert ranked == [
        model.words[y] for y in np.argsort(-products, kind="stable") if model.words[y] != "事务"
    ]
    assert model.keywords("事务与索引和日志", method="published")
    with pytest.raises(NotSupported, match="negative sampling"):
        model.log_probabilities("事务")


def test_epochs_and_min_count_follow_the_size_of_the_corpus() -> None:
    """Small corpora are read more often and keep rarer words; what is given is kept."""
    small, large = TrainingSettings().resolve(50_000), TrainingSettings().resolve(50_000_000)
    assert (small.epochs, small.min_count) == (25, 2)
    assert (large.epochs, large.min_count) == (5, 5)
    given = TrainingSettings(epochs=1, min_count=3).resolve(50_000)
    assert (given.epochs, given.min_count) == (1, 3)


def test_a_model_of_a_sample_has_the_counts_of_the_corpus(tmp_path: Path) -> None:
    """Its words are frequent enough in the sample; epochs go by the sample; the manifest has both sizes."""
    whole = train_small(tmp_path / "whole", replace(SMALL, min_count=5))
    settings = replace(SMALL, max_tokens=1_500, min_count=20, epochs=None)
    model = train_small(tmp_path / "sampled", settings)
    facts = model.bundle.manifest.training
    assert facts["tokens"] == whole.bundle.manifest.training["tokens"] > 3_000
    assert 1_400 < facts["learned_tokens"] <= 1_500
    assert (facts["max_tokens"], facts["epochs"]) == (1_500, 25)
    assert 0 < len(model.words) < len(whole.words)
    both = [word for word in model.words if word in whole.word2vec.index]
    assert len(both) == len(model.words)
    for name in ("counts", "document_frequencies"):
        mine, others = getattr(model.word2vec, name), getattr(whole.word2vec, name)
        assert np.array_equal(mine, others[whole.word2vec.rows(both)]), name
    assert list(model.word2vec.counts) == sorted(model.word2vec.counts, reverse=True)
    assert model.bundle.manifest.corpus == whole.bundle.manifest.corpus
    assert model.bundle.manifest.usage == whole.bundle.manifest.usage


def test_a_sample_with_too_few_repetitions_names_the_option(tmp_path: Path) -> None:
    """Besides --min-count, --max-tokens helps."""
    settings = replace(SMALL, min_count=50, max_tokens=20)
    with pytest.raises(TrainingFailed, match=r"29 sampled words of 150 documents .* larger --max-tokens"):
        train_small(tmp_path, settings)


@pytest.mark.parametrize(
    "options",
    [
        {"max_tokens": -1},
        {"architecture": "rnn"},
        {"loss": "hinge"},
        {"dimensions": 0},
        {"window": -1},
        {"min_count": 0},
        {"epochs": 0},
        {"workers": 0},
        {"seed": -5},
        {"seed": 2**32},
    ],
)
def test_settings_out_of_range_are_refused(options: dict[str, object]) -> None:
    """Each in a sentence that names the value."""
    with pytest.raises(UsageError, match=str(next(iter(options.values())))):
        TrainingSettings(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("texts", [[], [""], ["，。！", "的 了 and the", "12 345"]])
def test_a_corpus_without_words_is_refused(tmp_path: Path, texts: list[str]) -> None:
    """Nothing to learn from is a sentence, and leaves nothing behind."""
    stream = [Document(str(n), {"text": text}) for n, text in enumerate(texts)]
    with pytest.raises(TrainingFailed, match="nothing to learn"):
        train_bundle(BundleStore(tmp_path), stream, ("text",), open_analyzer(), SMALL)
    assert [path.name for path in tmp_path.iterdir()] == []


def test_too_few_repetitions_are_refused(tmp_path: Path) -> None:
    """A minimum count that fewer than two words reach says which option to change."""
    stream = [Document("1", {"text": "ocean ocean and tide, which occurs just once"})]
    with pytest.raises(TrainingFailed, match="min-count"):
        train_bundle(BundleStore(tmp_path), stream, ("text",), open_analyzer(), SMALL)


@pytest.mark.parametrize("text", ["ocean tide", "ocean ocean ocean tide"])
def test_a_vocabulary_of_two_words_works(tmp_path: Path, text: str) -> None:
    """The smallest models still answer, and their probabilities sum to one."""
    stream = [Document(str(n), {"text": text}) for n in range(20)]
    store = BundleStore(tmp_path)
    settings = TrainingSettings(dimensions=4, min_count=1, epochs=2, workers=2)
    store.activate(train_bundle(store, stream, ("text",), open_analyzer(), settings))
    model = enricher.load(tmp_path)
    assert np.exp(model.log_probabilities("ocean").astype(float)).sum() == pytest.approx(1)
    assert len(model.related("ocean", top=5)) == len(model.words) - 1
    assert len(model.neighbors("ocean", top=5)) == len(model.words) - 1
    assert model.keywords("ocean ocean", method="published")[0].text == "ocean"


@pytest.mark.parametrize("options", [{"sg": 1, "hs": 1, "negative": 0}, {"sg": 0, "hs": 1, "negative": 5}])
def test_an_imported_model_keeps_words_order_and_probabilities(
    tmp_path: Path, options: dict[str, int]
) -> None:
    """Every word finds its own row, and log p equals a walk over gensim's own paths and weights."""
    original, model = imported(tmp_path, **options)
    assert list(model.words) == list(original.wv.index_to_key)
    for row, word in enumerate(model.words):
        assert model.word2vec.row(word) == row
        assert np.array_equal(model.word2vec.vectors[row], original.wv[word])
    result = model.log_probabilities(list(model.words))
    for x, word in enumerate(model.words):
        for y, target in enumerate(model.words):
            points = original.wv.get_vecattr(target, "point")
            signs = 1.0 - 2.0 * original.wv.get_vecattr(target, "code")
            activations = original.syn1[points].astype(float) @ original.wv[word].astype(float)
            assert result[x, y] == pytest.approx(-np.log1p(np.exp(-signs * activations)).sum(), abs=1e-4)


def test_a_look_up_takes_the_word_as_it_stands_before_its_normalised_form(tmp_path: Path) -> None:
    """Alpha and alpha are two rows; ALPHA, which the model lacks, is found as alpha."""
    _, model = imported(tmp_path, sg=1, hs=1, negative=0)
    assert model.word2vec.row("Alpha") != model.word2vec.row("alpha")
    assert model.word2vec.row("ALPHA") == model.word2vec.row("alpha")
    assert model.word2vec.row("two words") == list(model.words).index("two words")


def test_an_imported_model_extracts_keywords_by_its_counts(tmp_path: Path) -> None:
    """Without document frequencies both methods still answer."""
    _, model = imported(tmp_path, sg=1, hs=1, negative=0)
    for method in ("phrases", "published"):
        assert {k.text for k in model.keywords("数据库的索引，数据库", method=method)} <= {"数据库", "索引"}


def test_what_is_no_word2vec_model_is_refused(tmp_path: Path) -> None:
    """Vectors alone, another kind of model, text and a missing file: a sentence each."""
    original = gensim_model(tmp_path / "whole.model", sg=1, hs=1, negative=0)
    original.wv.save(str(tmp_path / "vectors.kv"))
    FastText([["a", "b"]] * 5, vector_size=4, min_count=1).save(str(tmp_path / "fast.model"))
    (tmp_path / "text.model").write_text("not a pickle")
    (tmp_path / "empty.model").write_bytes(b"")
    store = BundleStore(tmp_path / "models")
    for name in ("vectors.kv", "fast.model", "text.model", "empty.model", "missing.model"):
        with pytest.raises(BundleInvalid):
            import_bundle(store, tmp_path / name, open_analyzer())
    assert store.versions() == []


def test_imported_values_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    """NaN in the vectors is a sentence, not a model."""
    model = gensim_model(tmp_path / "whole.model", sg=1, hs=1, negative=0)
    model.wv.vectors[0, 0] = np.nan
    model.save(str(tmp_path / "nan.model"))
    with pytest.raises(ModelError, match="NaN"):
        import_bundle(BundleStore(tmp_path / "models"), tmp_path / "nan.model", open_analyzer())


def saved_with_words(path: Path, words: list[object], **options: int) -> GensimWord2Vec:
    """A model whose words are these, whatever they are, saved by gensim."""
    sentences = [[f"w{place}" for place in range(len(words))]] * 30
    model = GensimWord2Vec(sentences, vector_size=8, min_count=1, seed=1, workers=1, **options)
    names = [words[int(name[1:])] for name in model.wv.index_to_key]
    model.wv.index_to_key = names
    model.wv.key_to_index = {name: row for row, name in enumerate(names)}
    model.save(str(path))
    return model


@pytest.mark.parametrize("options", [{"hs": 1, "negative": 0}, {"hs": 0, "negative": 5}])
@pytest.mark.parametrize("kind", [int, np.int64])
def test_words_that_are_whole_numbers_are_written_in_digits(
    tmp_path: Path, options: dict[str, int], kind: type
) -> None:
    """As of item2vec and node2vec; each keeps its own row, though gensim takes numbers for rows."""
    model = saved_with_words(tmp_path / "m", [kind(n) for n in (7, 0, 3, 1, -2, 10**12)], **options)
    learned = import_gensim(tmp_path / "m")
    assert list(learned.words) == [str(word) for word in model.wv.index_to_key]
    assert np.array_equal(learned.vectors, model.wv.vectors)
    assert list(learned.counts) == list(model.wv.expandos["count"])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([b"a", "b"], "b'a' is not text but of the type bytes"),
        ([("a", 1), "b"], "is not text but of the type tuple"),
        ([None, "b"], "None is not text but of the type NoneType"),
        ([True, "b"], "True is not text but of the type bool"),
        ([1.5, "b"], "1.5 is not text but of the type float"),
        ([1, "1", "b"], "(1 and '1'|'1' and 1) would be equal"),
    ],
)
def test_words_that_are_no_text_are_refused(tmp_path: Path, words: list[object], reason: str) -> None:
    """The sentence names one."""
    saved_with_words(tmp_path / "m", words, hs=1, negative=0)
    with pytest.raises(BundleInvalid, match=reason):
        import_gensim(tmp_path / "m")


def test_a_missing_file_of_a_large_model_is_named(tmp_path: Path) -> None:
    """Each of them."""
    model = gensim_model(tmp_path / "m", hs=1, negative=0)
    model.save(str(tmp_path / "big.model"), sep_limit=10)
    sides = sorted(tmp_path.glob("big.model.*"))
    assert len(sides) > 1
    for side in sides:
        side.rename(tmp_path / "elsewhere")
        with pytest.raises(BundleInvalid, match=f"{side.name}', which belongs to 'big.model', is missing"):
            import_gensim(tmp_path / "big.model")
        (tmp_path / "elsewhere").rename(side)
    assert len(import_gensim(tmp_path / "big.model").words)
    os.truncate(sides[0], 200)
    with pytest.raises(BundleInvalid, match="damaged"):
        import_gensim(tmp_path / "big.model")


class _Failing:
    """What cannot be unpickled, for a reason of its own."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1 / 0",)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("folder", "is a folder: name the file"),
        ("missing", "There is no file"),
        ("empty", "is empty"),
        ("cut", "is cut off or damaged"),
        ("text", "is not a Word2Vec model"),
        ("dictionary", "is not a Word2Vec model"),
        ("failing", "is not a Word2Vec model"),
        ("keyed", "Vectors alone have no output weights"),
        ("plain", "holds vectors in the format of word2vec. Vectors alone"),
        ("binary", "holds vectors in the format of word2vec. Vectors alone"),
    ],
)
def test_what_is_no_model_of_gensim_is_one_sentence(tmp_path: Path, name: str, reason: str) -> None:
    """Which says what it is where that can be told."""
    model = gensim_model(tmp_path / "m", hs=1, negative=0)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "cut").write_bytes((tmp_path / "m").read_bytes()[:-100])
    (tmp_path / "text").write_text("hello\n")
    (tmp_path / "dictionary").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "failing").write_bytes(pickle.dumps(_Failing()))
    model.wv.save(str(tmp_path / "keyed"))
    model.wv.save_word2vec_format(str(tmp_path / "plain"))
    model.wv.save_word2vec_format(str(tmp_path / "binary"), binary=True)
    with pytest.raises(BundleInvalid, match=reason):
        import_gensim(tmp_path / name)
