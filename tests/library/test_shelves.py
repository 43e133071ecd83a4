"""Plans of shelves: small ones against all arrangements, larger ones by what must hold."""

from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from enricher.errors import UsageError
from enricher.library.pairs import Pairs, count_pairs
from enricher.library.records import records_of
from enricher.library.shelves import baselines, kernels
from enricher.library.shelves.blocks import Blocks
from enricher.library.shelves.bounds import least_distances, lower_bound
from enricher.library.shelves.cost import Partners, cost, partners_of
from enricher.library.shelves.places import Places
from enricher.library.shelves.plan import Plan, Wishes, plan_shelves
from enricher.library.shelves.plot import draw
from enricher.library.shelves.search import Search
from enricher.library.shelves.series import Series
from enricher.library.shelves.slots import slots_of
from enricher.library.shelves.snapping import MAX_EXACT_ITEMS, snapped
from enricher.library.shelves.softmax_positions import Kind, gradient_of, softmax_positions
from tests.library.shelves_cases import double_loop, least_cost, places_of, random_pairs


def names_of(number: int) -> list[str]:
    return [f"i{n}" for n in range(number)]


def planned(pairs: Pairs, places: Places, series: list[list[int]] | None = None, seed: int = 1) -> Plan:
    """A plan of items that are named by their numbers."""
    together = [Series(f"s{n}", [f"i{item}" for item in one]) for n, one in enumerate(series or [])]
    return plan_shelves(names_of(pairs.size), pairs, np.ones(pairs.size), places, Wishes(together, seed=seed))


def small_case(seed: int) -> tuple[Pairs, Places, list[list[int]]]:
    """Some items, places in two or three dimensions with capacities, and perhaps series that fit."""
    generator = np.random.default_rng(seed)
    items = int(generator.integers(2, 8))
    capacities: list[int] = []
    while sum(capacities) < items:
        capacities.append(int(generator.integers(1, 4)))
    if sum(capacities) < 7 and generator.random() < 0.7:
        capacities.append(1)
    points = np.round(generator.normal(0, 2, (len(capacities), 2 + seed % 2)), 1)
    order = generator.permutation(items).tolist()
    series = [order[:2]] if seed % 3 == 0 else []
    return random_pairs(generator, items), places_of(points.tolist(), capacities), series


def test_the_cost_is_its_definition() -> None:
    """The sum over ordered pairs of the way to an item and on to the other."""
    generator = np.random.default_rng(0)
    pairs, xyz = random_pairs(generator, 12), generator.normal(size=(12, 3))
    assert cost(pairs, xyz) == pytest.approx(double_loop(pairs, xyz))


@pytest.mark.parametrize("seed", range(24))
def test_a_small_plan_is_the_best_of_all(seed: int) -> None:
    """Also with capacities, with more places than items, and with series; the bound is below it."""
    pairs, places, series = small_case(seed)
    try:
        best = least_cost(pairs, places, series)
        plan = planned(pairs, places, series, seed)
    except UsageError:
        assert series and best == np.inf
        return
    assert plan.cost == pytest.approx(best)
    assert plan.lower_bound <= best
    for members in series:
        assert (np.diff(plan.item_slot[members]) == 1).all()


def hall_case(items: int = 90, seed: int = 5) -> tuple[Pairs, Places, NDArray[np.float64]]:
    """Items of six topics whose records mix little, in a hall with some room to spare."""
    generator = np.random.default_rng(seed)
    lists = []
    for _ in range(400):
        topic = int(generator.integers(6))
        own = generator.integers(items // 6, size=3) * 6 + topic
        lists.append([f"i{n}" for n in dict.fromkeys([*own.tolist(), int(generator.integers(items))])])
    records = records_of([names_of(items), *lists], [1e-9, *np.ones(len(lists))])
    points = [(x, y) for y in range(1, 9) for x in range(-6, 7)]
    return count_pairs(records), places_of(points), records.item_weights


def test_a_plan_beats_the_baselines_and_is_reproducible() -> None:
    """A seed gives the same plan again; every item has a place, and no place too many."""
    pairs, places, _ = hall_case()
    first, again, other = planned(pairs, places), planned(pairs, places), planned(pairs, places, seed=2)
    assert np.array_equal(first.item_slot, again.item_slot) and first.cost == again.cost
    assert set(first.baselines) == {"published", "sne", "popularity", "random"}
    for plan in (first, other):
        assert plan.lower_bound < plan.cost < min(plan.baselines.values())
        assert len(set(plan.item_slot.tolist())) == pairs.size
        assert (np.bincount(plan.item_place) <= 1).all()


def test_series_stay_together_in_a_larger_plan() -> None:
    """A series is in its order along the shelves, in one row of adjacent places."""
    pairs, places, _ = hall_case()
    series = [[3, 50, 7, 11], [20, 21], [80, 2, 60, 61, 62]]
    plan = planned(pairs, places, series)
    for members in series:
        slots = plan.item_slot[members]
        assert (np.diff(slots) == 1).all() and len(set(plan.slots.run[slots].tolist())) == 1
    assert len(set(plan.item_slot.tolist())) == pairs.size
    assert plan.cost < min(plan.baselines.values())


def test_what_is_used_together_may_share_a_place() -> None:
    """Two places of capacity two: each takes a pair, and the distance within is 0."""
    pairs = Pairs(4, np.array([0, 1], np.int32), np.array([2, 3], np.int32), np.array([0.6, 0.4]))
    plan = planned(pairs, places_of([(1, 0), (0, 2)], [2, 2]))
    assert plan.item_place.tolist() == [0, 1, 0, 1]
    assert plan.cost == pytest.approx(0.6 * 1 + 0.4 * 2) and plan.lower_bound <= plan.cost


def test_items_without_pairs_get_the_places_that_are_left() -> None:
    """The most used of them stands nearest to the entrance."""
    pairs = Pairs(5, np.array([1], np.int32), np.array([3], np.int32), np.array([1.0]))
    places = places_of([(4, 0), (1, 0), (3, 0), (2, 0), (5, 0)])
    plan = plan_shelves(names_of(5), pairs, np.array([1.0, 9, 3, 9, 2]), places)
    assert sorted(plan.item_place[[1, 3]].tolist()) == [1, 3]
    assert [places.names[place] for place in plan.item_place[[2, 4, 0]]] == ["p2", "p0", "p4"]


def test_records_without_any_pair_have_a_plan() -> None:
    """It costs nothing, and the most used item is nearest."""
    records = records_of([["a"], ["b"], ["b"]])
    plan = plan_shelves(
        records.items, count_pairs(records), records.item_weights, places_of([(2, 0), (1, 0)])
    )
    assert plan.cost == plan.lower_bound == 0 and plan.item_place.tolist() == [0, 1]


def test_more_items_than_room_is_an_error() -> None:
    """The sentence has both numbers."""
    with pytest.raises(UsageError, match="room for 3 items, but there are 4"):
        planned(random_pairs(np.random.default_rng(1), 4), places_of([(1, 0), (2, 0)], [1, 2]))


def test_huge_capacities_cost_no_memory() -> None:
    """A place counts at most as many slots as there are items."""
    pairs = random_pairs(np.random.default_rng(1), 4)
    plan = planned(pairs, places_of([(1, 0), (2, 0)], [10**18, 10**18]))
    assert len(plan.slots) == 8 and set(plan.item_place.tolist()) == {0}


def test_a_series_needs_a_row_of_adjacent_places() -> None:
    """A gap of more than twice the usual step ends a row; series that cannot stand are named."""
    pairs = random_pairs(np.random.default_rng(1), 6)
    gap = places_of([(1, 0), (2, 0), (3, 0), (13, 0), (14, 0), (15, 0)])
    assert slots_of(gap, 6).run.tolist() == [0, 0, 0, 1, 1, 1]
    with pytest.raises(
        UsageError, match="'s0' has 4 items, but the longest row of adjacent places has room for 3"
    ):
        planned(pairs, gap, [[0, 1, 2, 3]])
    with pytest.raises(UsageError, match="The 3 series do not fit"):
        planned(pairs, gap, [[0, 1], [2, 3], [4, 5]])
    tight = planned(pairs, gap, [[0, 1], [2, 3, 4]])
    assert (np.diff(tight.item_slot[[2, 3, 4]]) == 1).all() and tight.item_slot[1] == tight.item_slot[0] + 1


@pytest.mark.parametrize("heat", [0.0, 0.5])
def test_a_search_knows_what_it_gains(heat: float) -> None:
    """The sum of the changes is the change of the cost, also when series move."""
    pairs, places, _ = hall_case()
    slots, partners = slots_of(places, pairs.size), partners_of(pairs)
    blocks = Blocks(["a", "b"], [[3, 50, 7, 11], [20, 21]], pairs.size)
    start = baselines.at_random(slots, blocks, 3)
    search = Search(slots, partners, blocks)
    state = search.state_of(start)
    before = cost(pairs, state[2])
    gained = search.anneal(state, 30_000, heat, 7)
    assert cost(pairs, state[2]) - before == pytest.approx(gained) and gained < 0
    assert np.array_equal(state[2], slots.xyz[state[1]])
    assert np.array_equal(state[0][state[1]], np.arange(pairs.size))
    for members in blocks.items:
        assert (np.diff(state[1][list(members)]) == 1).all()


def test_a_search_ends_in_time() -> None:
    """With no time left it ends after the first temperature."""
    pairs, places, _ = hall_case()
    slots = slots_of(places, pairs.size)
    blocks = Blocks([], [], pairs.size)
    shares: list[float] = []
    search = Search(slots, partners_of(pairs), blocks)
    found = search.run(baselines.at_random(slots, blocks, 1), 1_000, 0.1, 1, shares.append, 0.0)
    assert shares == [1.0] and len(set(found.tolist())) == pairs.size


def test_many_items_are_snapped_near_where_they_would_stand() -> None:
    """Positions that are the places themselves, a little moved, get these places or near ones."""
    generator = np.random.default_rng(2)
    side = int(MAX_EXACT_ITEMS**0.5) + 2
    points = [(x, y) for y in range(side) for x in range(side)]
    slots = slots_of(places_of(points), side * side)
    order = generator.permutation(side * side)
    wanted = slots.xyz[order]
    wanted[:, :2] += generator.normal(0, 0.05, (len(order), 2))
    found = snapped(wanted, slots, Blocks([], [], len(order)))
    assert len(set(found.tolist())) == len(order)
    away = np.sqrt(((slots.xyz[found] - wanted) ** 2).sum(axis=1))
    assert np.median(away) < 1.5 and away.max() < side / 2


@pytest.mark.parametrize("capacity", [1, 3])
def test_least_distances_of_many_places_are_below_the_exact_ones(capacity: int) -> None:
    """And not far below."""
    generator = np.random.default_rng(4)
    points = generator.uniform(-20, 20, (1_010, 2))
    capacities = generator.integers(1, capacity + 1, len(points))
    slots = slots_of(places_of(points.tolist(), capacities.tolist()), 5_000)
    found = least_distances(slots, 200)
    distances = np.sqrt(((slots.xyz[:, None, :2] - slots.xyz[None, :, :2]) ** 2).sum(axis=2))
    exact = np.partition(distances, 200, axis=1)[:, :201]
    exact = np.sort(exact, axis=1)[:, 1:].min(axis=0)
    assert (found <= exact + 1e-12).all() and (np.diff(found) >= -1e-12).all()
    assert found.sum() > 0.75 * exact.sum()


def test_the_bound_is_below_any_arrangement() -> None:
    """Of many random ones, and of the plan."""
    pairs, places, _ = hall_case()
    slots = slots_of(places, pairs.size)
    bound = lower_bound(pairs, slots)
    costs = [
        cost(pairs, slots.xyz[baselines.at_random(slots, Blocks([], [], pairs.size), seed)])
        for seed in range(50)
    ]
    assert 0 < bound < min(costs) and bound > 0.5 * planned(pairs, places).cost


def loss(vectors: NDArray[np.float64], partners: Partners, kind: Kind) -> float:
    """−Σ p(i, j) ln q(j | i), a slow twin of what is minimised."""
    total = 0.0
    for i in range(len(vectors)):
        scores = vectors @ vectors[i]
        if kind == "sne":
            scores = -((vectors - vectors[i]) ** 2).sum(axis=1)
        logs = scores - np.log(np.exp(np.delete(scores, i)).sum())
        for k in range(partners.starts[i], partners.starts[i + 1]):
            total -= partners.shares[k] / 2 * logs[partners.others[k]]
    return total


@pytest.mark.parametrize("kind", ["skip-gram", "sne"])
def test_the_gradient_is_that_of_the_loss(kind: Kind) -> None:
    """By differences in every direction; and the positions that are found have a lower loss."""
    generator = np.random.default_rng(6)
    partners = partners_of(random_pairs(generator, 7))
    vectors = generator.normal(0, 0.7, (7, 3))
    expected = np.zeros_like(vectors)
    for at in np.ndindex(vectors.shape):
        step = np.zeros_like(vectors)
        step[at] = 1e-5
        expected[at] = (loss(vectors + step, partners, kind) - loss(vectors - step, partners, kind)) / 2e-5
    found = gradient_of(vectors, partners, kind, np.arange(7))
    np.testing.assert_allclose(found, expected, atol=2e-6)
    assert loss(softmax_positions(partners, 3, kind, 1), partners, kind) < loss(vectors, partners, kind)


def test_categories_have_an_area_each() -> None:
    """The most used category is nearest to the entrance, with its most used item first."""
    pairs = Pairs(
        4, np.array([0, 1], np.int32), np.array([1, 2], np.int32), np.array([0.9, 0.1])
    )  # 1 is used most, then 0, 2, 3
    slots = slots_of(places_of([(4, 0), (1, 0), (3, 0), (2, 0)]), 4)
    found = baselines.by_category(slots, partners_of(pairs), Blocks([], [], 4), ["x", "x", None, "y"])
    assert slots.distance[found].tolist() == [2, 1, 4, 3]


def test_partners_are_drawn_by_their_share() -> None:
    """A partner with three quarters of the share comes in about three quarters of the draws."""
    pairs = Pairs(4, np.array([0, 0], np.int32), np.array([1, 2], np.int32), np.array([0.25, 0.75]))
    partners = partners_of(pairs)
    drawn = [kernels.drawn_partner(0, partners.starts, partners.others, partners.sums) for _ in range(2_000)]
    assert 0.7 < np.mean(np.array(drawn) == 2) < 0.8
    assert kernels.drawn_partner(3, partners.starts, partners.others, partners.sums) == -1


def test_an_interrupted_plan_ends_at_once() -> None:
    """What the search raises comes through, and the comparison beside it ends too."""
    pairs, places, _ = hall_case()

    def interrupt(step: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        plan_shelves(names_of(pairs.size), pairs, np.ones(pairs.size), places, Wishes(), interrupt)

    def stop() -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        lower_bound(pairs, slots_of(places, pairs.size), stop)
    with pytest.raises(CancelledError):
        softmax_positions(partners_of(pairs), 2, "sne", 1, stop)


def test_each_height_has_a_plan(tmp_path: Path) -> None:
    """A picture of shelves with two boards; items that were never used are drawn too."""
    pairs = Pairs(5, np.array([0, 1], np.int32), np.array([1, 2], np.int32), np.array([0.7, 0.3]))
    places = places_of([(x, 1, z) for z in (0, 0.4) for x in range(3)])
    for name in ("plan.svg", "plan.png"):
        draw(planned(pairs, places), ["红楼梦", "$a_b", "c", "d", "e"], pairs, places, tmp_path / name)
    picture = (tmp_path / "plan.svg").read_text(encoding="utf-8")
    assert "z = 0.4" in picture and "红楼梦" in picture and "5 items, cost" in picture
    assert (tmp_path / "plan.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match=r"The plot .* cannot be written"):
        draw(planned(pairs, places), list("abcde"), pairs, places, tmp_path / "gone" / "plan.svg")
