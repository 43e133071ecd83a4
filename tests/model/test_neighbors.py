"""Cosine neighbours: recall against brute force, memory-mapping, damaged files, odd vocabularies."""

import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest

import enricher
from enricher.errors import BundleInvalid, UsageError
from enricher.model import neighbors as cosine
from enricher.model.arrays import FloatArray
from enricher.model.neighbors import CodeIndex, NeighborIndex, neighbors, unit
from enricher.model.text_vectors.vectors import Codes, quantize


def clustered(number: int, dimensions: int = 20, seed: int = 0) -> FloatArray:
    """Vectors of words: clusters of unlike sizes, spread wide enough to touch, rows of unlike lengths."""
    generator = np.random.default_rng(seed)
    centres = generator.standard_normal((max(1, number // 50), dimensions))
    cluster = (len(centres) * generator.random(number) ** 2).astype(int)
    vectors = centres[cluster] + 0.5 * generator.standard_normal((number, dimensions))
    return (vectors * generator.uniform(0.1, 5, (number, 1))).astype(np.float32)


def recall(index: NeighborIndex, vectors: FloatArray, rows: np.ndarray, top: int = 10) -> float:
    """Share of the nearest words that are found, by a product with everything; equal cosines are right."""
    points = unit(vectors)
    words = [str(row) for row in range(len(vectors))]
    shares = []
    for row in rows:
        cosines = points @ points[row]
        expected = np.sort(np.delete(cosines, row))[::-1][:top]
        found = [int(near.word) for near in neighbors(index, words, vectors, int(row), top)]
        assert int(row) not in found and len(set(found)) == len(found) == len(expected)
        shares.append(np.mean(cosines[found] >= expected[-1] - 1e-5))
    return float(np.mean(shares))


def lists_of_8_bits(vectors: FloatArray) -> faiss.Index:
    """The index that older versions saved: 8 bits a number, an eighth of the lists read."""
    width = -(-vectors.shape[1] // 16) * 16
    wide = np.pad(unit(vectors), ((0, 0), (0, width - vectors.shape[1])))
    bits, kind = faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT
    index = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(width), width, 64, bits, kind, False)
    index.train(wide)
    index.add(wide)
    index.nprobe = 8
    return index


@pytest.fixture
def lists_from_1000(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cosine, "MIN_LIST_WORDS", 1000)


@pytest.mark.usefixtures("lists_from_1000")
@pytest.mark.parametrize(
    ("size", "exact"), [(2, True), (11, True), (999, True), (1000, False), (6000, False)]
)
def test_recall_is_99_percent_at_every_size(tmp_path: Path, size: int, exact: bool) -> None:
    """On both sides of the threshold, opened from its file, words that calibration did not see among them."""
    vectors = clustered(size)
    NeighborIndex.build(vectors).save(tmp_path / "index")
    index = NeighborIndex.open(tmp_path / "index", vectors)
    assert index.exact is exact
    rows = np.random.default_rng(7).choice(size, min(size, 400), replace=False)
    assert recall(index, vectors, rows) >= (1 if exact else 0.99)


def test_recall_at_the_real_threshold() -> None:
    """The vocabulary that is just large enough to be divided."""
    vectors = clustered(cosine.MIN_LIST_WORDS)
    assert NeighborIndex.build(vectors[:-1]).exact
    index = NeighborIndex.build(vectors)
    assert not index.exact
    rows = np.random.default_rng(7).choice(len(vectors), 300, replace=False)
    assert recall(index, vectors, rows) >= 0.99


@pytest.mark.usefixtures("lists_from_1000")
def test_vectors_that_do_not_cluster_are_compared_with_whole() -> None:
    """A quarter of the lists is not enough for noise, so the index is exact."""
    noise = np.random.default_rng(0).standard_normal((3000, 60)).astype(np.float32)
    assert NeighborIndex.build(noise).exact


@pytest.mark.usefixtures("lists_from_1000")
@pytest.mark.parametrize("dimensions", [5, 17, 33])
def test_any_number_of_dimensions_is_divided(dimensions: int) -> None:
    """A last dimension that has no other to share a code with."""
    vectors = clustered(2500, dimensions)
    index = NeighborIndex.build(vectors)
    assert not index.exact
    assert recall(index, vectors, np.arange(0, 2500, 10)) >= 0.99


@pytest.mark.usefixtures("lists_from_1000")
def test_a_higher_recall_reads_more_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of lists is the smallest that reaches the target, and not all are needed."""
    vectors, effort = clustered(4000), []
    for target in (0.5, 0.9, 0.994):
        monkeypatch.setattr(cosine, "TARGET_RECALL", target)
        index = NeighborIndex.build(vectors)._index
        effort.append(index.nprobe / index.nlist)
    assert effort == sorted(effort) and effort[0] < effort[-1] < 0.26


@pytest.mark.usefixtures("lists_from_1000")
@pytest.mark.parametrize("size", [900, 3000])
def test_a_saved_index_gives_the_same_answers(tmp_path: Path, size: int) -> None:
    """Rows and cosines, in a batch and alone."""
    vectors = clustered(size)
    index = NeighborIndex.build(vectors)
    index.save(tmp_path / "index")
    opened = NeighborIndex.open(tmp_path / "index", vectors)
    for queries in (vectors[:40], vectors[:1]):
        for before, after in zip(index.search(queries, 10), opened.search(queries, 10), strict=True):
            np.testing.assert_array_equal(before, after)


def test_lists_of_an_older_version_are_searched(tmp_path: Path) -> None:
    """Eight bits a number, as bundles have it that were made before the 4-bit codes."""
    vectors = clustered(3000)
    faiss.write_index(lists_of_8_bits(vectors), str(tmp_path / "index"))
    index = NeighborIndex.open(tmp_path / "index", vectors)
    assert not index.exact
    assert recall(index, vectors, np.arange(0, 3000, 10)) >= 0.97


@pytest.mark.usefixtures("lists_from_1000")
def test_more_words_are_asked_for_than_a_few_lists_hold() -> None:
    """Asking for a hundred words, or for all of them, reads more lists."""
    vectors = clustered(3000)
    index = NeighborIndex.build(vectors)
    assert not index.exact
    assert recall(index, vectors, np.arange(100), top=100) >= 0.98
    assert recall(index, vectors, np.arange(3), top=3000) == 1


@pytest.mark.usefixtures("lists_from_1000")
def test_cosines_of_a_divided_index_are_exact() -> None:
    """Codes choose the candidates, float32 vectors score them, in a batch as one by one."""
    vectors = clustered(2000)
    index = NeighborIndex.build(vectors)
    cosines, rows = index.search(vectors[:50], 5)
    assert not index.exact and (rows[:, 0] == np.arange(50)).all()
    expected = np.einsum("nd,nkd->nk", unit(vectors[:50]), unit(vectors)[rows])
    np.testing.assert_allclose(cosines, expected, atol=1e-6)
    for row in range(50):
        np.testing.assert_allclose(index.search(vectors[row : row + 1], 5)[0][0], cosines[row], atol=1e-6)


@pytest.mark.usefixtures("lists_from_1000")
@pytest.mark.parametrize(
    "vectors",
    [
        np.zeros((1500, 8), np.float32),
        np.ones((1500, 8), np.float32),
        np.linspace(-1, 1, 1501, dtype=np.float32)[:, np.newaxis],
        np.repeat(clustered(60), 25, axis=0),
        np.concatenate([np.zeros((300, 20), np.float32), clustered(1200)]),
        np.zeros((2, 1), np.float32),
    ],
    ids=["zero", "equal", "one dimension", "duplicates", "some zero", "two words"],
)
def test_odd_vocabularies_have_neighbors(vectors: FloatArray) -> None:
    """Zero vectors, equal ones and a single dimension: any of equal cosines will do."""
    index = NeighborIndex.build(vectors)
    assert recall(index, vectors, np.arange(0, len(vectors), 7)) >= 0.99


@pytest.mark.usefixtures("lists_from_1000")
def test_the_same_vectors_give_the_same_file(tmp_path: Path) -> None:
    """Centres and sample are seeded."""
    for name in "ab":
        NeighborIndex.build(clustered(1500)).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.usefixtures("lists_from_1000")
@pytest.mark.parametrize("size", [900, 1500])
def test_a_damaged_or_foreign_file_is_a_sentence(tmp_path: Path, size: int) -> None:
    """Cut, emptied, garbled, or made of other vectors."""
    vectors, path = clustered(size), tmp_path / "neighbors.faiss"
    NeighborIndex.build(vectors).save(path)
    whole = path.read_bytes()
    for damaged in (b"", b"abcd", whole[: len(whole) // 2], b"\xff" * len(whole)):
        path.write_bytes(damaged)
        with pytest.raises(BundleInvalid, match=r"neighbors\.faiss cannot be read"):
            NeighborIndex.open(path, vectors)
    path.write_bytes(whole)
    for others in (vectors[:-1], np.pad(vectors, ((0, 0), (0, 40)))):
        with pytest.raises(BundleInvalid, match="belongs to other vectors"):
            NeighborIndex.open(path, others)
    with pytest.raises(BundleInvalid, match="cannot be read"):
        NeighborIndex.open(tmp_path / "missing", vectors)


def codes_of(number: int, dimensions: int = 20, seed: int = 0) -> Codes:
    return quantize(unit(clustered(number, dimensions, seed)))


@pytest.mark.parametrize("dimensions", [3, 16, 100])
def test_lists_of_codes_find_the_nearest(dimensions: int) -> None:
    """Of some rows, with exact dot products and the numbers of the rows."""
    codes = codes_of(3000, dimensions)
    rows = np.arange(500, 3000)
    index, exact = CodeIndex.with_lists(codes, rows), CodeIndex.exact(codes[500:])
    assert len(index) == 2500
    shares = []
    for query in codes[:50]:
        products, ids = index.nearest(query, 200)
        assert np.array_equal(products, codes[ids].astype(int) @ query.astype(int))
        assert np.all(np.diff(products) <= 0) and ids.min() >= 500 and len(set(ids.tolist())) == 200
        shares.append(np.mean(products >= exact.nearest(query, 200)[0][-1]))
    assert np.mean(shares) >= 0.97


@pytest.mark.parametrize("has_lists", [False, True])
def test_codes_that_are_not_allowed_are_not_found(has_lists: bool) -> None:
    """The next ones are found in their place; fewer than requested if there are no more."""
    codes = codes_of(2000)
    index = CodeIndex.with_lists(codes, np.arange(2000)) if has_lists else CodeIndex.exact(codes)
    _, nearest = index.nearest(codes[0], 100)
    allowed = np.ones(2000, bool)
    allowed[nearest[::2]] = False
    _, others = index.nearest(codes[0], 50, allowed)
    assert others.tolist() == nearest[1::2].tolist()
    allowed[:] = False
    allowed[nearest[:3]] = True
    assert index.nearest(codes[0], 50, allowed)[1].tolist() == nearest[:3].tolist()


def test_a_damaged_file_of_codes_is_an_error(tmp_path: Path) -> None:
    """As is one that is missing. A whole one gives the same answers."""
    codes = codes_of(1000)
    index = CodeIndex.with_lists(codes, np.arange(1000))
    with (tmp_path / "lists").open("wb") as file:
        index.write(file)
    opened = CodeIndex.open(tmp_path / "lists")
    assert np.array_equal(opened.nearest(codes[5], 20)[1], index.nearest(codes[5], 20)[1])
    (tmp_path / "half").write_bytes((tmp_path / "lists").read_bytes()[:10_000])
    for name in ("half", "missing"):
        with pytest.raises(OSError, match=f"The vector index {name} cannot be read"):
            CodeIndex.open(tmp_path / name)


def test_asking_for_no_words_is_refused() -> None:
    vectors = clustered(5)
    with pytest.raises(UsageError, match="1 or more, not 0"):
        neighbors(NeighborIndex.build(vectors), list("abcde"), vectors, 0, 0)


_OPEN = """
import sys
from pathlib import Path
import numpy as np
from enricher.model.neighbors import NeighborIndex

def anonymous():
    status = Path("/proc/self/status").read_text()
    return int(status.split("RssAnon:")[1].split()[0]) / 1024

vectors = np.load(sys.argv[2], mmap_mode="r")
before = anonymous()
index = NeighborIndex.open(Path(sys.argv[1]), vectors)
rows = index.search(vectors[:1], 3)[1]
assert rows[0, 0] == 0, rows
print(anonymous() - before)
"""


def _kept_in_memory(folder: Path, vectors: FloatArray) -> float:
    """Megabytes that a search of one word in folder/index keeps in memory of its own."""
    np.save(folder / "vectors.npy", vectors)
    command = [sys.executable, "-c", _OPEN, folder / "index", folder / "vectors.npy"]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("older", [False, True], ids=["exact", "older lists"])
def test_opening_maps_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, older: bool) -> None:
    """A search of one word keeps under 6 MB of a larger index in memory of its own."""
    monkeypatch.setattr(cosine, "MIN_LIST_WORDS", 10**9)
    vectors = np.random.default_rng(0).standard_normal((20_000, 512)).astype(np.float32)
    index = NeighborIndex(lists_of_8_bits(vectors), vectors) if older else NeighborIndex.build(vectors)
    assert index.exact is not older
    index.save(tmp_path / "index")
    assert (tmp_path / "index").stat().st_size > 10_000_000
    assert _kept_in_memory(tmp_path, vectors) < 6


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_opening_reads_the_codes_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A divided index keeps a quarter of a byte a dimension in memory, and leaves the vectors mapped."""
    monkeypatch.setattr(cosine, "MIN_LIST_WORDS", 0)
    monkeypatch.setattr(cosine, "TARGET_RECALL", 0)
    monkeypatch.setattr(cosine, "SAMPLE_WORDS", 10)
    vectors = np.random.default_rng(0).standard_normal((40_000, 256)).astype(np.float32)
    index = NeighborIndex.build(vectors)
    assert not index.exact
    index.save(tmp_path / "index")
    codes = len(vectors) * (256 / 4 + 8) / 1e6
    assert (tmp_path / "index").stat().st_size < 2e6 + codes * 1e6
    assert _kept_in_memory(tmp_path, vectors) < 2 * codes + 6 < vectors.nbytes / 2e6


_LAZY = """
import sys
import enricher
model = enricher.load(sys.argv[1])
model.related("tide"), model.keywords("tide and ocean"), model.expand("tide")
assert "faiss" not in sys.modules
assert model.neighbors("tide")
assert "faiss" in sys.modules
"""


def test_faiss_is_imported_by_the_first_question(models: Path, model: enricher.Model) -> None:
    """Opening a model, related words, keywords and expansion do without it."""
    assert "tide" in model.words
    done = subprocess.run([sys.executable, "-c", _LAZY, models], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
