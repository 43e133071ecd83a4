"""Maps: from points to places, regions, groups and quality figures."""

import math
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from enricher.errors import ModelError, SourceError, UsageError
from enricher.library.categories import read_categories
from enricher.library.maps.affinities import Likeness, conditional, joint_affinities, symmetric
from enricher.library.maps.components import principal_components
from enricher.library.maps.drawing import PCA, SNE, TSNE, Map, MapSettings, draw_map
from enricher.library.maps.groups import MAX_GROUPS, OTHER, groups_of
from enricher.library.maps.points import MIN_POINTS, Points, points_of_pairs, points_of_vectors
from enricher.library.maps.quality import neighbors_compared, qualities
from enricher.library.maps.regions import LEVELS, clusters, find_regions, typicality
from enricher.library.pairs import count_pairs
from enricher.library.records import Records, records_of

GROUPS, EACH = 4, 15
FAST = MapSettings(perplexity=8, compare=False)


def clouds(seed: int = 0) -> Points:
    """Words in four clouds; the first of each cloud is the most frequent."""
    generator = np.random.default_rng(seed)
    middles = np.repeat(np.eye(GROUPS, 12) * 4, EACH, axis=0)
    vectors = (middles + generator.standard_normal(middles.shape)).astype(np.float32)
    names = [f"w{group}-{number}" for group in range(GROUPS) for number in range(EACH)]
    counts = np.tile(np.arange(EACH, 0, -1), GROUPS)
    return points_of_vectors("words", names, counts, vectors)


def shelves(seed: int = 0) -> Records:
    """Records of items of four kinds, nearly always of one kind."""
    generator = np.random.default_rng(seed)
    lists = []
    for _ in range(600):
        kind = generator.integers(GROUPS)
        kinds = np.where(generator.random(4) < 0.9, kind, generator.integers(GROUPS, size=4))
        lists.append([f"{k}:{generator.integers(EACH)}" for k in kinds])
    return records_of(lists)


def item_points(records: Records, limit: int | None = None) -> Points:
    """The items of records as points."""
    return points_of_pairs(records.items, records.item_weights, count_pairs(records), limit)


def purity(drawn: Map) -> float:
    """The share of the five nearest points on a map whose names begin alike."""
    kinds = np.array([name[: name.index("-" if "-" in name else ":")] for name in drawn.points.names])
    distances = np.square(drawn.places[:, None] - drawn.places[None]).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    return float((kinds[np.argsort(distances, axis=1)[:, :5]] == kinds[:, None]).mean())


@pytest.fixture(scope="module")
def drawn() -> Map:
    """The map of the clouds, with SNE."""
    return draw_map(clouds(), MapSettings(perplexity=8))


def test_what_belongs_together_is_near(drawn: Map) -> None:
    """Points of one cloud are neighbors; t-SNE keeps more of the neighbors than PCA."""
    assert purity(drawn) > 0.9
    assert list(drawn.quality) == [TSNE, SNE, PCA]
    assert drawn.quality[TSNE].kept > drawn.quality[PCA].kept
    assert drawn.quality[TSNE].trustworthiness > 0.85
    assert np.abs(drawn.places).max() == pytest.approx(1)


def test_a_map_of_records_shows_what_is_used_together() -> None:
    """Items of one kind are neighbors, the rarely used ones too."""
    steps: list[tuple[str, int, int]] = []
    points = item_points(shelves())
    found = draw_map(points, FAST, lambda *step: steps.append(step))
    assert purity(found) > 0.85
    assert found.perplexity is None and found.as_json()["points"] == len(points)
    assert steps[-1][0] == "quality" and (TSNE, 750, 750) in steps


def test_the_seed_makes_a_map_reproducible() -> None:
    """The number of threads does not change it."""
    one = draw_map(clouds(), FAST)
    again = draw_map(clouds(), MapSettings(8, compare=False, threads=2))
    other = draw_map(clouds(), MapSettings(8, seed=2, compare=False))
    assert np.array_equal(one.places, again.places) and one.regions == again.regions
    assert not np.array_equal(one.places, other.places)


@pytest.mark.parametrize("number", [MIN_POINTS, 7, 12])
def test_few_points_lower_the_perplexity(number: int) -> None:
    """A map of four points is drawn."""
    vectors = np.random.default_rng(1).standard_normal((number, 5))
    points = points_of_vectors("words", [f"w{n}" for n in range(number)], np.ones(number), vectors)
    found = draw_map(points, MapSettings(compare=False))
    assert found.perplexity == pytest.approx((number - 1) / 3)
    assert np.isfinite(found.places).all() and len(found.regions) >= 1
    assert 0 <= found.quality[TSNE].kept <= 1


def test_equal_vectors_have_places() -> None:
    """A map of points that are all alike is drawn."""
    points = points_of_vectors("words", list("abcdefgh"), np.ones(8), np.ones((8, 3)))
    assert np.isfinite(draw_map(points, FAST).places).all()


def test_points_that_say_nothing_are_left_out() -> None:
    """A vector of zeros, an item without a partner; the limit keeps the heaviest."""
    vectors = np.eye(6, dtype=np.float32)
    vectors[2] = 0
    points = points_of_vectors("words", list("abcdef"), [1, 6, 5, 4, 3, 2], vectors, limit=5)
    assert points.names == ["b", "d", "e", "f"] and (points.left_out, points.passed_over) == (1, 1)
    records = records_of([["a", "b"], ["b", "c"], ["c", "d"], ["alone"], ["a", "rare"], *[["alone"]] * 9])
    items = item_points(records, limit=5)
    assert set(items.names) == set("abcd") and (items.left_out, items.passed_over) == (1, 1)
    assert items.pairs is not None and items.pairs.shares.sum() == pytest.approx(1)
    first, second = items.pairs.first, items.pairs.second
    found = {frozenset((items.names[i], items.names[j])) for i, j in zip(first, second, strict=True)}
    assert found == {frozenset("ab"), frozenset("bc"), frozenset("cd")} and (first < second).all()


def test_bad_points_are_refused_in_a_sentence() -> None:
    """Too few points, vectors with NaN, a perplexity below 1."""
    with pytest.raises(UsageError, match="needs at least 4 words with a vector, and there are 3"):
        points_of_vectors("words", list("abc"), np.ones(3), np.eye(3))
    with pytest.raises(UsageError, match="needs at least 4 items with another item"):
        item_points(records_of([["a", "b"], ["c"], ["d"]]))
    vectors = np.ones((5, 2))
    vectors[3] = math.nan
    with pytest.raises(
        ModelError, match="of 1 of 5 points contain NaN or infinity; the first is that of 'd'"
    ):
        points_of_vectors("words", list("abcde"), np.ones(5), vectors)
    with pytest.raises(UsageError, match="perplexity must be 1 or more, not nan"):
        draw_map(clouds(), MapSettings(perplexity=math.nan))


def test_affinities_are_distributions() -> None:
    """p(i, j) and the affinities sum to 1, rows of p(j|i) too; every item has a share of the affinities."""
    pairs = count_pairs(shelves())
    joint, rows, both = symmetric(pairs), conditional(pairs), joint_affinities(pairs)
    assert joint.sum() == pytest.approx(1) and both.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.asarray(rows.sum(axis=1)).ravel(), 1)
    dense = joint.toarray()
    p = dense / dense.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(both.toarray(), (p + p.T) / (2 * pairs.size))
    assert both.sum(axis=1).min() >= 0.5 / pairs.size


def test_the_nearest_points_are_exact() -> None:
    """As by the cosines of all pairs."""
    likeness = Likeness(clouds())
    assert likeness.points.vectors is not None
    cosines = likeness.points.vectors @ likeness.points.vectors.T
    np.fill_diagonal(cosines, -np.inf)
    neighbors, distances = likeness.nearest(9)
    np.testing.assert_array_equal(neighbors, np.argsort(-cosines, axis=1)[:, :9])
    expected = np.sqrt(2 - 2 * np.take_along_axis(cosines, neighbors, 1))
    np.testing.assert_allclose(distances, expected, atol=1e-3)


def test_principal_components_are_those_of_an_svd() -> None:
    """Of a dense matrix and of a sparse one; a matrix of one column has one."""
    from scipy.sparse import csr_matrix

    generator = np.random.default_rng(4)
    matrix = generator.standard_normal((60, 20)) * np.linspace(5, 0.1, 20)
    left, sizes, _ = np.linalg.svd(matrix - matrix.mean(axis=0))
    for given in (matrix, csr_matrix(matrix)):
        found = principal_components(given, seed=1)
        np.testing.assert_allclose(np.abs(found), np.abs(left[:, :2] * sizes[:2]), rtol=1e-3, atol=1e-3)
        assert (found[np.abs(found).argmax(axis=0), [0, 1]] > 0).all()
    assert principal_components(matrix[:, :1], seed=1)[:, 1].tolist() == [0.0] * 60


def test_threads_change_no_digit_of_what_a_map_starts_from() -> None:
    """Neither the principal components nor the nearest points: t-SNE would make another map of them."""
    vectors = np.random.default_rng(1).standard_normal((3_000, 64))
    likeness = Likeness(points_of_vectors("words", [str(n) for n in range(3_000)], np.ones(3_000), vectors))
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            neighbors, distances = likeness.nearest(30)
            found.append((principal_components(vectors, seed=1), neighbors, distances))
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one, other)


def test_quality_is_that_of_scikit_learn() -> None:
    """Trustworthiness, and the share of the nearest points by a slow loop."""
    from sklearn.manifold import trustworthiness

    points, places = clouds(), np.random.default_rng(2).standard_normal((GROUPS * EACH, 2))
    likeness = Likeness(points)
    assert points.vectors is not None
    near = neighbors_compared(len(points))
    found = qualities(likeness, {"random": places, "true": points.vectors[:, :2].astype(float)}, seed=1)
    for name, map_ in (("random", places), ("true", points.vectors[:, :2])):
        expected = trustworthiness(points.vectors, map_, n_neighbors=near)
        assert found[name].trustworthiness == pytest.approx(expected, abs=1e-4)
    kept = []
    for i in range(len(points)):
        alike = np.argsort(-likeness.rows(np.array([i]))[0])[:near]
        distances = np.square(places - places[i]).sum(axis=1)
        distances[i] = np.inf
        kept.append(len(set(alike) & set(np.argsort(distances)[:near])) / near)
    assert found["random"].kept == pytest.approx(np.mean(kept))


def test_partners_are_the_neighbors_of_an_item() -> None:
    """An item with two partners keeps all its neighbors if both are near."""
    chain = [[f"i{n}", f"i{n + 1}"] for n in range(30)]
    likeness = Likeness(item_points(records_of(chain)))
    numbers = np.array([float(name[1:]) for name in likeness.points.names])
    line = np.stack([numbers, np.zeros(31)], axis=1)
    found = qualities(likeness, {"line": line, "random": np.random.default_rng(1).random((31, 2))}, seed=1)
    assert found["line"].kept == 1 and found["random"].kept < 0.6
    assert found["line"].trustworthiness > found["random"].trustworthiness


def test_regions_are_named_by_what_is_typical(drawn: Map) -> None:
    """Words by their cloud, documents by terms, items by categories or by the most used ones."""
    large = [region for region in drawn.regions if region.level == 0]
    assert sum(region.size for region in large) == len(drawn.points)
    for region in large:
        assert len({word.split("-")[0] for word in region.label.split(" · ")}) == 1
    assert drawn.groups.names == tuple(region.label for region in large)
    places = np.repeat([[0.0, 0.0], [1.0, 1.0]], 10, axis=0) + np.random.default_rng(1).random((20, 2)) * 0.1
    terms = [["common", "tide"]] * 10 + [["common", "law"]] * 10
    documents = Points("documents", [f"d{n}" for n in range(20)], np.ones(20), terms=terms)
    regions, numbers = find_regions(documents, places, seed=1)
    assert {region.label.split(" · ")[0] for region in regions} == {"tide", "law"}
    assert len(set(numbers[:10])) == 1 and numbers[0] != numbers[10]
    items = Points("items", [f"i{n}" for n in range(20)], np.arange(20.0, 0, -1))
    assert {region.label for region in find_regions(items, places, 1)[0]} == {"i0 · i1", "i10 · i11"}
    named = items.with_categories(["novel"] * 10 + [""] * 10)
    assert {region.label for region in find_regions(named, places, 1)[0]} == {"novel", "i10 · i11"}


def test_large_maps_have_more_regions_as_one_zooms_in() -> None:
    """Each level has all points, in more regions."""
    number = LEVELS[-1] * 10
    places = np.random.default_rng(1).random((number, 2))
    points = Points("items", [f"i{n}" for n in range(number)], np.ones(number))
    regions, _ = find_regions(points, places, seed=1)
    for level, wanted in enumerate(LEVELS):
        sizes = [region.size for region in regions if region.level == level]
        assert len(sizes) == wanted and sum(sizes) == number and sizes == sorted(sizes, reverse=True)


def test_clusters_are_never_empty() -> None:
    """Points far apart are in different clusters; points in one place are one, however many are wanted."""
    places = np.repeat([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]], [7, 5, 3], axis=0)
    assert clusters(places, 3, seed=1).tolist() == [0] * 7 + [1] * 5 + [2] * 3
    assert clusters(places, 8, seed=1).tolist() == [0] * 7 + [1] * 5 + [2] * 3
    assert clusters(places, 1, seed=1).tolist() == [0] * 15


def test_typicality_is_a_part_of_a_divergence() -> None:
    """A term that is as frequent inside as outside is not typical."""
    assert typicality(5, 10, 50, 100) == 0 and typicality(0, 10, 5, 100) == 0
    assert typicality(8, 10, 10, 100) == pytest.approx(8 * math.log(8))


def test_categories_are_read_from_a_table(tmp_path: Path) -> None:
    """Other columns are passed over; the first category of an item counts; unknown items are counted."""
    path = tmp_path / "kinds.csv"
    path.write_text('id,category,item\n1,小说,红楼梦\n2, novel ,"a, b"\n3,poem,红楼梦\n4,,c\n', "utf-8-sig")
    found = read_categories(path)
    assert found.of_item == {"红楼梦": "小说", "a, b": "novel"} and found.repeated == 1
    assert found.of(["a, b", "x"]) == ["novel", ""] and found.unknown(["a, b", "x"]) == ["红楼梦"]
    tabs = tmp_path / "kinds.tsv"
    tabs.write_text("item\tcategory\na\tx\n")
    assert read_categories(tabs).of_item == {"a": "x"}


def test_a_table_without_the_columns_is_refused(tmp_path: Path) -> None:
    """Also an empty, a missing and a binary one."""
    path = tmp_path / "kinds.csv"
    for content, reason in (
        (b"item,kind\na,b\n", r"no column 'category' \(there: 'item', 'kind'\)"),
        (b"", "is empty; its first line must be item,category"),
        (b"item,category\n\xff\xfe,b\n", "is not UTF-8"),
    ):
        path.write_bytes(content)
        with pytest.raises(SourceError, match=reason):
            read_categories(path)
    with pytest.raises(SourceError, match="There is no file"):
        read_categories(tmp_path / "gone.csv")


def test_rare_categories_share_a_color() -> None:
    """The most frequent ones have their own."""
    categories = [f"c{n:02}" for n in range(MAX_GROUPS + 3) for _ in range(40 - n)] + [""]
    groups = groups_of(categories)
    assert groups.names == tuple(f"c{n:02}" for n in range(MAX_GROUPS))
    assert groups.of_point[-1] == OTHER and (groups.of_point == OTHER).sum() == 1 + sum(range(26, 29))
