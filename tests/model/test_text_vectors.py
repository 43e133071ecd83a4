"""Text vectors: features, samples, pairs, tuning, and the codes that are stored."""

import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import enricher
from enricher.bundle.store import BundleStore
from enricher.errors import BundleInvalid
from enricher.model.text_vectors import vectors as vector_files
from enricher.model.text_vectors.features import choose_features, features_of
from enricher.model.text_vectors.kernels import encode_bags
from enricher.model.text_vectors.vectors import (
    FEATURES,
    QUERY,
    TEXT,
    TextVectors,
    cosines_of,
    dequantize,
    from_numbers,
    from_stored,
    quantize,
    to_numbers,
)
from enricher.model.word_list import WordList
from enricher.records import Document
from enricher.text import open_analyzer
from enricher.training import sample as sampling
from enricher.training import tuning
from enricher.training.pair_kernels import NOISE, REST, TITLE, draw_pairs
from enricher.training.sample import DocumentSample, SegmentedSample, UnitSegmenter, segment_sample
from enricher.training.train import train_bundle
from tests.conftest import SMALL
from tests.corpora import TOPICS, documents

FIELDS = ("title", "text")


@pytest.mark.parametrize(
    ("word", "features"),
    [
        ("数据库", ["w数据库", "c数", "c据", "c库"]),
        ("天天", ["w天天", "c天", "c天"]),
        ("boats", ["wboats", "sboat", "g<boa", "gboat", "goats", "gats>", "g<boat", "gboats", "goats>"]),
        ("the", ["wthe"]),
        ("x86", ["wx86"]),
        ("b超", ["wb超", "c超"]),
    ],
)
def test_a_word_has_itself_and_its_parts_as_features(word: str, features: list[str]) -> None:
    """Characters of Chinese, stem and n-grams of English; stop words and codes have none."""
    assert features_of(word) == features


def test_frequent_features_are_chosen_and_no_more_than_asked_for() -> None:
    """A part counts for all its words; what stands in too few documents is left out."""
    rows = choose_features(["数据", "数字", "罕见"], [3, 2, 1], min_documents=2, max_features=3)
    assert list(rows) == ["c数", "w数据", "c据"]
    assert list(rows.values()) == [0, 1, 2]


def test_every_document_of_a_stream_has_the_same_chance_to_be_sampled() -> None:
    """The stream passes through unchanged, the sample is bounded and not its beginning."""
    sample = DocumentSample(("text",), max_documents=50)
    stream = [Document(str(number), {"text": "x" * 10_000, "other": 1}) for number in range(1000)]
    assert list(sample.watch(stream)) == stream
    numbers = [int(document.id) for document in sample.documents]
    assert sample.seen == 1000 and len(numbers) == len(set(numbers)) == 50
    assert 350 < np.mean(numbers) < 650
    assert set(sample.documents[0].source) == {"text"}
    assert len(sample.documents[0].text("text")) == sampling.MAX_FIELD_CHARACTERS


def test_units_are_sentences_and_pieces_of_what_has_none() -> None:
    """A title that begins the text is not a part of it; unit borders are sentence marks of both scripts."""
    cutter = UnitSegmenter(open_analyzer(), FIELDS)
    text = "Open data. 数据库很快！索引也是；是的\nIt costs 3.5 euros? Yes"
    (title, units), (_, pieces) = cutter(
        [
            Document("1", {"title": "Open data", "text": text}),
            Document("2", {"title": "", "text": " ".join(f"word{number}" for number in range(100))}),
        ]
    )
    assert title == ["open", "data"]
    assert ["it", "costs", "3.5", "euros"] in units and ["yes"] in units
    assert not any({"open", "很快"} <= set(unit) or {"数据库", "索引"} <= set(unit) for unit in units)
    assert [len(piece) for piece in pieces] == [33, 33, 34]


def small_sample() -> SegmentedSample:
    """The generated documents, cut."""
    sample = DocumentSample(FIELDS)
    for _ in sample.watch(documents(120)):
        pass
    return segment_sample(sample, FIELDS, open_analyzer(), workers=1)


def words_of(sample: SegmentedSample, document: int) -> tuple[set[int], set[int]]:
    """The words of a document's text and of its title."""
    first, last = sample.document_units[document : document + 2]
    text = sample.words[sample.unit_ends[first] : sample.unit_ends[last]]
    return set(text.tolist()), set(sample.titles[slice(*sample.title_ends[document : document + 2])].tolist())


@pytest.mark.parametrize("real_titles", [True, False])
def test_pairs_are_two_views_of_one_document(real_titles: bool) -> None:
    """Every side holds words of its document alone; titles are used where they are real."""
    sample = small_sample()
    chosen = np.arange(sample.documents, dtype=np.int64)
    fields = (sample.words, sample.unit_ends, sample.document_units, sample.titles, sample.title_ends)
    drawn = draw_pairs(chosen, *fields, sample.is_content, real_titles, tuning.PAIRS, 5)
    again = draw_pairs(chosen, *fields, sample.is_content, real_titles, tuning.PAIRS, 5)
    for one, other in zip(drawn, again, strict=True):
        assert np.array_equal(one, other)
    query_pairs, query_words, text_pairs, text_words, kinds = drawn
    assert set(kinds.tolist()) <= {-1, TITLE, REST, NOISE}
    assert (TITLE in kinds) is real_titles and NOISE in kinds
    for pair in range(sample.documents):
        text, title = words_of(sample, pair)
        query = query_words[query_pairs == pair].tolist()
        other = text_words[text_pairs == pair].tolist()
        if kinds[pair] < 0:
            assert not query and not other
            continue
        assert query and other
        assert set(query) <= (title if kinds[pair] == TITLE else text)
        assert set(other) <= text | title


def obvious_vectors(
    bags: list[dict[int, int]],
    table: list[list[int]],
    weights: np.ndarray,
    codes: np.ndarray,
    mean_length: float,
) -> np.ndarray:
    """What `encode_bags` is to answer, in plain Python."""
    found = np.zeros((len(bags), codes.shape[1]))
    for place, bag in enumerate(bags):
        times: Counter[int] = Counter()
        for word, count in bag.items():
            for feature in table[word]:
                times[feature] += count
        norm = 1.2 * (1 - 0.75 + 0.75 * times.total() / mean_length)
        for feature, tf in times.items():
            found[place] += weights[feature] * tf / (tf + norm) * codes[feature]
        length = np.linalg.norm(found[place])
        found[place] /= length if length else 1
    return found


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_the_encoder_equals_its_obvious_twin(data: st.DataObject) -> None:
    """Any bags, features that repeat within a word, words without features, empty texts."""
    features, words = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 5))
    table = data.draw(
        st.lists(st.lists(st.integers(0, features - 1), max_size=4), min_size=words, max_size=words)
    )
    bags = data.draw(
        st.lists(st.dictionaries(st.integers(0, words - 1), st.integers(1, 5), max_size=words), max_size=5)
    )
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    codes = random.integers(-127, 128, (features, 7)).astype(np.int8)
    weights = random.random(features).astype(np.float32) + np.float32(0.1)
    found = encode_bags(
        np.cumsum([0, *map(len, bags)]).astype(np.int64),
        np.array([word for bag in bags for word in bag], np.int32),
        np.array([count for bag in bags for count in bag.values()], np.float32),
        np.cumsum([0, *map(len, table)]).astype(np.int64),
        np.array([feature for row in table for feature in row], np.int32),
        weights,
        codes,
        np.float32(3.0),
    )
    assert found == pytest.approx(obvious_vectors(bags, table, weights, codes, 3.0), abs=2e-4)


@settings(max_examples=25, deadline=None)
@given(words=st.lists(st.sampled_from(["boats", "boat", "数据库", "天天", "the", "☃"])))
def test_the_vector_of_a_query_is_the_sum_of_its_features(words: list[str]) -> None:
    """With the weights of queries, as often as they occur; what is not known counts for nothing."""
    random = np.random.default_rng(5)
    names = sorted({name for word in ("boats", "数据库", "天") for name in features_of(word)})
    codes = random.integers(-127, 128, (len(names), 7)).astype(np.int8)
    weights = random.random(len(names)).astype(np.float32)
    absent = np.zeros_like(codes), np.zeros_like(weights)
    with tempfile.TemporaryDirectory() as folder:
        WordList.write(Path(folder), names, FEATURES)
        vectors = TextVectors(
            WordList.open(Path(folder), FEATURES), {QUERY: (codes, weights), TEXT: absent}, 3.0
        )
    expected = np.zeros(7)
    for name in (name for word in words for name in features_of(word) if name in names):
        expected += weights[names.index(name)] * codes[names.index(name)].astype(float)
    expected /= max(np.linalg.norm(expected), 1e-9)
    assert vectors.query(words) == pytest.approx(expected, abs=1e-5)


def test_the_gradient_is_that_of_the_loss(model: enricher.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of vectors and of weights, on both sides: against differences of the loss in double precision."""
    start = tuning._Start(model.word2vec, small_sample())
    start.vectors = start.vectors.astype(np.float64)
    bags = sparse.random(8, len(start.features), 0.05, "csr", random_state=1)
    others = sparse.random(8, len(start.features), 0.05, "csr", random_state=2)
    changes: list[tuple[np.ndarray, np.ndarray]] = []
    monkeypatch.setattr(tuning._Adam, "step", lambda self, rows, gradient: changes.append((rows, gradient)))
    sides = tuning._Side(start), tuning._Side(start)
    contrast = tuning._Contrast(start, small_sample(), True, *sides)
    monkeypatch.setattr(tuning._Contrast, "_pairs", lambda self, documents, seed: (bags, others))
    monkeypatch.setattr(tuning, "MIN_BATCH_PAIRS", 1)
    contrast._step(np.arange(8), 1)

    def loss() -> float:
        u, v = sides[0].encode(bags).astype(np.float64), sides[1].encode(others).astype(np.float64)
        scores = u @ v.T / tuning.TEMPERATURE
        both = [np.log(np.exp(scores).sum(axis)) - np.diagonal(scores) for axis in (0, 1)]
        return float(sum(part.sum() for part in both)) / 2

    step = 1e-4
    parameters = [values for side in sides for values in (side.vectors, side._logs)]
    for values, (rows, gradient) in zip(parameters, changes, strict=True):
        for place in (0, len(rows) // 2):
            at = (rows[place], 3) if values.ndim == 2 else rows[place]
            before = values[at].copy()
            values[at] = before + step
            above = loss()
            values[at] = before - step
            below = loss()
            values[at] = before
            expected = gradient[place, 3] if values.ndim == 2 else gradient[place]
            assert (above - below) / (2 * step) == pytest.approx(expected, rel=0.05, abs=0.02)


def share_found(vectors: TextVectors) -> float:
    """The share of documents, of those not trained on, whose nearest title is their own topic's."""
    analyzer = open_analyzer()
    unseen = list(documents(100, seed=23))
    texts = vectors.documents([analyzer.words(document.text("text")) for document in unseen])
    topics = list(TOPICS)
    queries = np.array([vectors.query(analyzer.words(topic)) for topic in topics])
    best = (texts @ queries.T).argmax(1)
    return float(
        np.mean(
            [document.source["topic"] == topics[place] for document, place in zip(unseen, best, strict=True)]
        )
    )


def test_tuned_vectors_tell_what_texts_are_about(model: enricher.Model) -> None:
    """Documents that the model has not seen are nearest to the name of their topic."""
    vectors = model.bundle.text_vectors
    assert vectors is not None and vectors.dimensions == SMALL.dimensions
    facts = model.bundle.manifest.text_vectors
    assert facts is not None and facts.loss is not None and 0 < facts.loss < np.log(tuning.BATCH_PAIRS)
    assert share_found(vectors) > 0.8


def test_texts_of_unknown_words_have_no_vector(model: enricher.Model) -> None:
    """Neither have empty ones; what a text is about has length 1."""
    vectors = model.bundle.text_vectors
    assert vectors is not None
    found = vectors.documents([[], ["☃"], open_analyzer().words(next(iter(TOPICS)))])
    assert np.linalg.norm(found, axis=1) == pytest.approx([0, 0, 1], abs=1e-5)
    assert not vectors.query([]).any()


def test_words_are_found_alike_by_halves_and_in_memory(
    model: enricher.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text has the same vector whichever way its features were looked up."""
    texts = [list(words) for words in TOPICS.values()] + [["neverseen", "从未见过"]]
    facts = model.bundle.manifest.text_vectors
    assert facts is not None
    found = []
    for many in (1, 3, 10**9):
        monkeypatch.setattr(vector_files, "MIN_WORDS_TO_READ_ALL", many)
        found.append(TextVectors.open(model.bundle.path, facts.mean_length).documents(texts))
    assert np.array_equal(found[0], found[1]) and np.array_equal(found[1], found[2])


def test_without_tuning_and_from_little_text_there_are_no_vectors(tmp_path: Path) -> None:
    """Both train all the same."""
    store = BundleStore(tmp_path)
    untuned = enricher.training.word2vec.TrainingSettings(dimensions=8, min_count=1, epochs=1, tuning=False)
    for number, chosen in ((60, untuned), (10, SMALL)):
        store.activate(train_bundle(store, documents(number), FIELDS, open_analyzer(), chosen))
        bundle = enricher.load(tmp_path).bundle
        assert bundle.manifest.text_vectors is None
        assert bundle.text_vectors is None


def test_damaged_vectors_are_refused_in_a_sentence(tmp_path: Path) -> None:
    """Also files that do not fit each other."""
    store = BundleStore(tmp_path)
    store.activate(train_bundle(store, documents(60), FIELDS, open_analyzer(), SMALL))
    folder = enricher.load(tmp_path).bundle.path
    whole = TextVectors.open(folder, 10.0)
    np.save(folder / "text_weights.npy", np.ones(3, np.float32))
    with pytest.raises(BundleInvalid, match="differ in length"):
        TextVectors.open(folder, 10.0)
    (folder / "text_codes.npy").write_bytes(b"junk")
    with pytest.raises(BundleInvalid, match="cannot be read"):
        TextVectors.open(folder, 10.0)
    assert whole.dimensions == SMALL.dimensions


@pytest.mark.parametrize("dimensions", [2, 24, 100, 300])
def test_eight_bits_keep_cosines_and_survive_writing(dimensions: int) -> None:
    """Products of codes are whole numbers that stand for cosines within .02."""
    random = np.random.default_rng(dimensions)
    vectors = random.standard_normal((50, dimensions)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    codes = quantize(vectors)
    assert codes.dtype == np.int8 and abs(codes.astype(int)).max() <= 127
    products = codes.astype(int) @ codes.astype(int).T
    assert cosines_of(products, dimensions) == pytest.approx(vectors @ vectors.T, abs=0.02)
    assert dequantize(codes) == pytest.approx(vectors, abs=0.01)
    assert np.array_equal(from_numbers(to_numbers(codes[0])), codes[0])


def test_stored_codes_are_read_in_both_forms() -> None:
    """Numbers, and the hexadecimal digits of older versions; nothing else."""
    codes = np.array([-127, 0, 5, 127], np.int8)
    assert from_stored([-127, 0, 5, 127]).tolist() == from_stored("8100057f").tolist() == codes.tolist()
    assert np.dtype(np.int8) == from_stored([1, 2]).dtype == from_stored("0102").dtype
    for wrong in ("zz", "abc", None, [], 5, [1.5], [128], [-128], ["1"], [True], {"a": 1}):
        with pytest.raises(ValueError):
            from_stored(wrong)
    with pytest.raises(ValueError):
        from_numbers("8100057f")


def test_backgrounds_teach_words_but_not_what_titles_are_worth(tmp_path: Path) -> None:
    """Titles of backgrounds, here labels, leave the share of the documents as it is."""
    labels = [Document(f"b{n}", {"title": f"Section {n}", "text": "黑洞 观测 数据 " * 5}) for n in range(300)]
    store = BundleStore(tmp_path)
    alone = train_bundle(store, documents(60), FIELDS, open_analyzer(), SMALL)
    both = train_bundle(store, documents(60), FIELDS, open_analyzer(), SMALL, backgrounds=labels)
    first, second = store.open(alone), store.open(both)
    for fact in ("title_share", "mean_words"):
        assert getattr(first.manifest.corpus, fact) == getattr(second.manifest.corpus, fact) > 0
    assert "黑洞" in second.word2vec.words and "黑洞" not in first.word2vec.words
