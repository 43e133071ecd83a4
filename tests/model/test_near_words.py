"""The words near words against all pairs of vectors."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import enricher
from enricher.errors import BundleInvalid
from enricher.model import near_words
from enricher.model.arrays import FloatArray
from enricher.model.near_words import (
    COSINE_STEPS,
    COSINES_FILE,
    MAX_NEAR_WORDS,
    MIN_COSINE,
    WORDS_FILE,
    NearWords,
    build_near_words,
)

Near = list[tuple[int, float]]
ROUNDING = 0.5 / COSINE_STEPS + 1e-6


def random_vectors(seed: int, size: int, dimensions: int) -> FloatArray:
    """Of any length, some equal to another, one of length 0."""
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(size, dimensions)).astype(np.float32)
    vectors[random.integers(size, size=size // 4)] = vectors[random.integers(size)]
    vectors[random.integers(size)] = 0
    return vectors


def slow_near(vectors: FloatArray, word: int, targets: int) -> Near:
    """The words near a word with their cosines, from all pairs."""
    exact = vectors.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1)
    if lengths[word] == 0:
        return []
    cosines = exact @ exact[word] / (np.where(lengths > 0, lengths, 1) * lengths[word])
    others = [(-cosine, row) for row, cosine in enumerate(cosines[:targets].tolist()) if row != word]
    return [(row, -negative) for negative, row in sorted(others)[:MAX_NEAR_WORDS] if -negative >= MIN_COSINE]


def built(folder: Path, vectors: FloatArray) -> NearWords:
    """The lists of some vectors, built and opened."""
    build_near_words(folder, vectors)
    return NearWords.open(folder, len(vectors))


def list_of(near: NearWords, word: int) -> Near:
    """The list of a word up to its end."""
    rows, cosines = near.of(word)
    assert rows.dtype == np.int32 and cosines.dtype == np.float32
    assert (near.cosines[word, len(rows) :] == 0).all() and (cosines > 0).all()
    return list(zip(rows.tolist(), cosines.tolist(), strict=True))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(2, 300),
    dimensions=st.sampled_from([2, 3, 16]),
    targets=st.sampled_from([1, 40, 2**16]),
)
def test_near_words_are_those_of_all_pairs(
    tmp_path_factory: pytest.TempPathFactory, seed: int, size: int, dimensions: int, targets: int
) -> None:
    """Within the rounding, whatever the vectors; in lists are only the most frequent words, each once."""
    vectors = random_vectors(seed, size, dimensions)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_words, "MAX_TARGET_WORDS", targets)
        patch.setattr(near_words, "BATCH_WORDS", 64)
        patch.setattr(near_words, "BLOCK_VECTORS", 50)
        near = built(tmp_path_factory.mktemp("near"), vectors)
    for word in range(size):
        found, expected = list_of(near, word), slow_near(vectors, word, targets)
        rows = [row for row, _ in found]
        assert word not in rows and len(set(rows)) == len(rows) and all(row < targets for row in rows)
        values = [cosine for _, cosine in found]
        assert values == sorted(values, reverse=True)
        sure = [cosine for _, cosine in expected if cosine >= MIN_COSINE + 1e-6]
        assert len(sure) <= len(found) <= MAX_NEAR_WORDS
        assert values[: len(sure)] == pytest.approx(sure, abs=ROUNDING)
        last = expected[-1][1] if len(expected) == MAX_NEAR_WORDS else MIN_COSINE
        assert {row for row, cosine in expected if cosine > last + 1e-6} <= set(rows)


def test_of_equal_cosines_the_lower_row_is_nearer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the words are compared in blocks, and there are more than a list holds."""
    monkeypatch.setattr(near_words, "BLOCK_VECTORS", 7)
    near = built(tmp_path, np.tile(np.array([[2.0, 0.0]], np.float32), (80, 1)))
    assert near.words[10].tolist() == [*range(10), *range(11, MAX_NEAR_WORDS + 1)]
    assert near.words[70].tolist() == list(range(MAX_NEAR_WORDS))
    assert (near.cosines == COSINE_STEPS).all()


def test_near_words_are_the_neighbours_of_the_model(model: enricher.Model) -> None:
    """The same that the index of neighbours answers."""
    near = model.bundle.near_words
    assert near.words.dtype == np.uint16 and near.cosines.dtype == np.uint8
    assert near.words.shape == near.cosines.shape == (len(model.words), MAX_NEAR_WORDS)
    for word in range(5):
        nearest = model.neighbors(model.words[word], MAX_NEAR_WORDS)
        expected = [n.cosine for n in nearest if n.cosine >= MIN_COSINE]
        assert [cosine for _, cosine in list_of(near, word)] == pytest.approx(expected, abs=ROUNDING)


@pytest.mark.parametrize("rows", [0, 1, 64, 299])
def test_interrupted_lists_are_completed_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """Half a file does not pass for a whole one, and is taken up where it ends."""
    monkeypatch.setattr(near_words, "BATCH_WORDS", 64)
    vectors = random_vectors(3, 300, 4)
    build_near_words(tmp_path, vectors)
    names = {WORDS_FILE: 2, COSINES_FILE: 1}
    whole = {name: (tmp_path / name).read_bytes() for name in names}
    for name, width in names.items():
        with (tmp_path / name).open("rb+") as file:
            file.truncate(128 + rows * MAX_NEAR_WORDS * width + 3)
        with pytest.raises(BundleInvalid, match="cannot be read"):
            NearWords.open(tmp_path, 300)
    steps: list[tuple[int, int]] = []
    build_near_words(tmp_path, vectors, lambda done, total: steps.append((done, total)))
    assert {name: (tmp_path / name).read_bytes() for name in names} == whole
    assert steps[0] == (min(300, rows // 64 * 64 + 64), 300) and steps[-1] == (300, 300)


def test_lists_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    """By the number of their words, by the kind of their values, by words that there are not."""
    near = built(tmp_path, random_vectors(4, 60, 2))
    words, cosines = near.words.copy(), near.cosines.copy()
    with pytest.raises(BundleInvalid, match="another model"):
        NearWords.open(tmp_path, 61)
    for wrong in (words.astype(np.int32), words[:, :40], words[:50]):
        np.save(tmp_path / WORDS_FILE, wrong)
        with pytest.raises(BundleInvalid, match="another model"):
            NearWords.open(tmp_path, 60)
    np.save(tmp_path / WORDS_FILE, np.where(cosines > 0, 60, 0).astype(np.uint16))
    with pytest.raises(BundleInvalid, match="no words of it"):
        NearWords.open(tmp_path, 60)
    for harm in (b"no array", b""):
        (tmp_path / WORDS_FILE).write_bytes(harm)
        with pytest.raises(BundleInvalid, match="cannot be read"):
            NearWords.open(tmp_path, 60)
    (tmp_path / WORDS_FILE).unlink()
    with pytest.raises(BundleInvalid, match="cannot be read"):
        NearWords.open(tmp_path, 60)
