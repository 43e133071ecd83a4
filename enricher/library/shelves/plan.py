"""A plan of shelves: which item stands in which place, what that costs, and what others would cost."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from enricher.errors import UsageError
from enricher.library.pairs import Pairs
from enricher.library.shelves import baselines
from enricher.library.shelves.blocks import Blocks
from enricher.library.shelves.bounds import lower_bound
from enricher.library.shelves.cost import Partners, cost, partners_of, within
from enricher.library.shelves.places import Places
from enricher.library.shelves.relaxation import relaxed
from enricher.library.shelves.search import Search
from enricher.library.shelves.series import Series
from enricher.library.shelves.slots import Slots, slots_of
from enricher.library.shelves.snapping import snapped
from enricher.sentences import counted

Progress = Callable[[str, int, int], object]
"""Takes a step, what is done of it, and its total."""
MOVES = 400
"""How many moves are proposed for each item."""
HEATS = (0.1, 0.3, 1.0, 3.0)
"""First temperatures of the runs, in turn: the start is worth keeping, but it may be far from the best."""
RUNS = ((30, 12), (400, 3))
"""(items, runs): so few items are arranged several times, and the best arrangement is kept."""
MIN_MOVES = 20_000
"""The least number of moves of a run."""
SHOWN_STEPS = 100


@dataclass(frozen=True)
class Wishes:
    """What a plan must keep, and how long it may take.

    series: items that stand together; each is an item. categories: of items, for the baseline. seconds: the
    time for the search, or None: then a seed always gives the same plan.
    """

    series: Sequence[Series] = ()
    categories: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1
    seconds: float | None = None


@dataclass(frozen=True)
class Plan:
    """An arrangement of items.

    item_slot: int32 (items,), indexes `slots`. cost: S, in the unit of the coordinates. lower_bound: no
    arrangement costs less. baselines: the costs of others, by name.
    """

    slots: Slots
    item_slot: NDArray[np.int32]
    cost: float
    lower_bound: float
    baselines: Mapping[str, float]

    @property
    def item_place(self) -> NDArray[np.int32]:
        """The number of the place of each item: int32 (items,)."""
        return self.slots.place[self.item_slot]

    @property
    def order(self) -> NDArray[np.int64]:
        """The items in the order along the shelves: int64 (items,)."""
        return np.argsort(self.item_slot, kind="stable")


def plan_shelves(
    items: Sequence[str],
    pairs: Pairs,
    uses: NDArray[np.float64],
    places: Places,
    wishes: Wishes = Wishes(),
    progress: Progress = lambda step, done, total: None,
) -> Plan:
    """Assign items to places so that S is small: see `cost`.

    items: their names. pairs: of their numbers. uses: float64 (items,), how often each was used: items that
    are in no pair cost nothing and get the places that are left, the most used of them nearest to the
    entrance. Raises UsageError if there are more items than the places hold, or if a series does not fit.
    """
    if len(items) > places.room:
        raise UsageError(
            f"The places have room for {counted(places.room, 'item')}, but there are {len(items):,}. Add "
            "places or capacity, or leave items out of the records."
        )
    slots = slots_of(places, len(items))
    numbers = {name: number for number, name in enumerate(items)}
    together = [[numbers[name] for name in series.items] for series in wishes.series]
    bound_items = {number for members in together if len(members) > 1 for number in members}
    kept = np.flatnonzero((pairs.item_shares > 0) | _among(bound_items, len(items)))
    compact = {int(number): at for at, number in enumerate(kept)}
    named = [
        (series.name, [compact[number] for number in members])
        for series, members in zip(wishes.series, together, strict=True)
        if len(members) > 1
    ]
    blocks = Blocks([name for name, _ in named], [members for _, members in named], len(kept))
    categories = [wishes.categories.get(items[number]) for number in kept.tolist()]
    item_slot = np.full(len(items), -1, np.int32)
    found, others, least = _Planner(within(pairs, kept), slots, blocks, wishes, categories).best(progress)
    item_slot[kept] = found
    rest = np.flatnonzero(item_slot < 0)
    free = np.ones(len(slots), bool)
    free[found] = False
    left = slots.by_distance[free[slots.by_distance]]
    item_slot[rest[np.argsort(-uses[rest], kind="stable")]] = left[: len(rest)]
    return Plan(slots, item_slot, cost(pairs, slots.xyz[item_slot]), least, others)


def _among(numbers: Iterable[int], size: int) -> NDArray[np.bool_]:
    found = np.zeros(size, bool)
    found[list(numbers)] = True
    return found


class _Planner:
    """Finds the arrangement of items that are used together, and of others to compare with it."""

    def __init__(
        self, pairs: Pairs, slots: Slots, blocks: Blocks, wishes: Wishes, categories: Sequence[str | None]
    ) -> None:
        self.pairs, self.slots, self.blocks, self.wishes = pairs, slots, blocks, wishes
        self.categories = categories
        self.partners: Partners = partners_of(pairs)
        self._ended = Event()

    def best(self, progress: Progress) -> tuple[NDArray[np.int32], dict[str, float], float]:
        """The best arrangement found, the costs of the baselines, and the lower bound."""
        if not self.pairs.size:
            return np.empty(0, np.int32), dict.fromkeys((*baselines.KINDS, "popularity", "random"), 0.0), 0.0
        # One thread compares while the other searches; BLAS must not start more.
        with threadpool_limits(1), ThreadPoolExecutor(1) as pool:
            compared = pool.submit(self._others)
            least = pool.submit(lower_bound, self.pairs, self.slots, self._go_on)
            try:
                found = self._searched(progress)
                progress("Comparing with other arrangements", 0, 0)
                others = compared.result()
                costs = {name: self._cost(slots) for name, slots in others.items()}
                nearest = min(costs, key=lambda name: costs[name])
                if costs[nearest] < self._cost(found):
                    found = self._search().run(others[nearest], self._moves(), 0.0, self.wishes.seed)
                return found, costs, least.result()
            finally:
                self._ended.set()

    def _go_on(self) -> None:
        """End the comparison if the search was interrupted."""
        if self._ended.is_set():
            raise CancelledError

    def _cost(self, item_slot: NDArray[np.int32]) -> float:
        return cost(self.pairs, self.slots.xyz[item_slot])

    def _moves(self) -> int:
        return max(MIN_MOVES, MOVES * self.pairs.size)

    def _search(self) -> Search:
        return Search(self.slots, self.partners, self.blocks)

    def _searched(self, progress: Progress) -> NDArray[np.int32]:
        """The best of one or more runs."""
        seed, seconds = self.wishes.seed, self.wishes.seconds
        runs = next((runs for most, runs in RUNS if self.pairs.size <= most), 1)
        seconds = None if seconds is None else seconds / runs
        start = baselines.by_popularity(self.slots, self.partners, self.blocks)
        total, search = runs * SHOWN_STEPS, self._search()
        progress("Arranging", 0, total)
        free = relaxed(self.slots.xyz[start], self.slots, self.partners)
        start = min((start, snapped(free, self.slots, self.blocks)), key=self._cost)
        best = start
        for run in range(runs):

            def shown(share: float, done: int = run) -> None:
                progress("Arranging", round((done + share) * SHOWN_STEPS), total)

            heat = HEATS[run % len(HEATS)]
            found = search.run(start, self._moves(), heat, seed * runs + run, shown, seconds)
            best = min((best, found), key=self._cost)
        return best

    def _others(self) -> dict[str, NDArray[np.int32]]:
        """The baselines: the slot of each item, by name."""
        slots, partners, blocks, seed = self.slots, self.partners, self.blocks, self.wishes.seed
        found = {
            name: baselines.learned(name, slots, partners, blocks, seed, self._go_on)
            for name in baselines.KINDS
        }
        found["popularity"] = baselines.by_popularity(slots, partners, blocks)
        if self.wishes.categories:
            found["category"] = baselines.by_category(slots, partners, blocks, self.categories)
        found["random"] = baselines.at_random(slots, blocks, seed)
        return found
