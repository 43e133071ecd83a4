"""The page of relevance: all its tables are computed from what was kept of the collections."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from benchmarks.collections import CHANGED, COLLECTIONS, JUDGED, KNOWN_ITEMS, MOST_DOCUMENTS, MOST_QUERIES
from benchmarks.gains import (
    BASE,
    FREQUENT,
    HEADS,
    SATURATED,
    Gain,
    Measured,
    chosen_recipes,
    frequent,
    head,
    mean,
    unsaturated,
    without,
    worst,
)
from benchmarks.measure import table, verdict
from enricher.evaluation.report import ENRICHED
from indexer.evaluation.systems import FEEDBACK, TYPED

TEXT = Path(__file__).with_name("relevance.md")
"""The words of the page; each table stands in the place of a comment with its name."""

OVER_BASE, OVER_PLAIN, LEAST = 15.0, 10.0, -1.0
"""The goals, in percent."""
KINDS = (JUDGED, KNOWN_ITEMS, CHANGED)
NOTHING = "–"

Series = dict[str, tuple[Gain, bool]]
"""Collection → gain over the strongest plain system, and whether that one is saturated."""


def page(found: Sequence[Measured], taught: Sequence[Measured] = ()) -> str:
    """The words with the tables in their places. taught: what was measured with background texts."""
    tables: dict[str, str] = {
        "goals": goals(found),
        "collections": collections(found),
        "means": means(found),
        "backgrounds": backgrounds(found, taught),
        "parts": parts(found),
        "head": weights(found),
        "frequent": frequent_parts(found),
        "cost": cost(found),
        "largest": largest(found),
        "origin": origin([*found, *taught]),
    }
    text = TEXT.read_text(encoding="utf-8")
    for name, made in tables.items():
        text = text.replace(f"<!-- {name} -->", made)
    return text


def series(found: Sequence[Measured]) -> Series:
    """What the plot shows."""
    return {item.name: (item.gain(), item.saturated) for item in found}


@dataclass(frozen=True, slots=True)
class Goal:
    """What is wanted, and what was found by the collections given: the value and whether it is met."""

    wanted: str
    found: Callable[[Sequence[Measured]], tuple[str, bool] | None]

    def row(self, *groups: Sequence[Measured]) -> list[str]:
        cells = [self.wanted]
        for group in groups:
            value = self.found(group)
            cells += [NOTHING, NOTHING] if value is None else [value[0], verdict(value[1])]
        return cells


def goals(found: Sequence[Measured]) -> str:
    """What is wanted of the default recipe, and whether it is so."""
    wanted = (
        Goal(
            f"{OVER_BASE:+g} % nDCG@10 over `{BASE}`, mean of all",
            lambda items: _at_least(mean(items, over=BASE), "ndcg", OVER_BASE),
        ),
        Goal(
            f"{OVER_PLAIN:+g} % nDCG@10 over the strongest plain system, mean of the unsaturated",
            lambda items: _at_least(mean(unsaturated(items)), "ndcg", OVER_PLAIN),
        ),
        Goal(
            f"{OVER_PLAIN:+g} % Recall@100 over the strongest plain system, mean of the unsaturated",
            lambda items: _at_least(mean(unsaturated(items)), "recall", OVER_PLAIN),
        ),
        Goal(f"nDCG@10 nowhere below {LEAST:g} % of the strongest plain system", _never_below),
        Goal(f"nDCG@10 ahead of `{FEEDBACK}` everywhere", _ahead_of_feedback),
    )
    natural = [item for item in found if item.kind != CHANGED]
    there = sum(recipe.kind != CHANGED for recipe in COLLECTIONS.values())
    columns = (
        *("goal", f"judged and known items ({len(natural)} of {there})", "met"),
        *(f"with the changed ones ({len(found)} of {len(COLLECTIONS)})", "met"),
    )
    return table(columns, [goal.row(natural, found) for goal in wanted])


def _at_least(gain: Gain | None, measure: str, least: float) -> tuple[str, bool] | None:
    if gain is None:
        return None
    value: float = getattr(gain, measure)
    return percent(value), value >= least


def _never_below(items: Sequence[Measured]) -> tuple[str, bool] | None:
    if not items:
        return None
    low = worst(items)
    return f"worst {percent(low.gain().ndcg)} ({low.name})", low.gain().ndcg >= LEAST


def _ahead_of_feedback(items: Sequence[Measured]) -> tuple[str, bool] | None:
    if not items:
        return None
    behind = [item.name for item in items if item.gain(ENRICHED, FEEDBACK).ndcg <= 0]
    return (f"not on {', '.join(behind)}" if behind else f"on all {len(items)}"), not behind


def collections(found: Sequence[Measured]) -> str:
    """One line a collection."""
    columns = (
        *("collection", "kind", "documents", "queries", "strongest plain system"),
        *(f"`{BASE}`", f"`{FEEDBACK}`", f"`{ENRICHED}`", "over the strongest plain", f"over `{BASE}`"),
        "saturated",
    )
    rows = [
        (
            item.name,
            item.kind,
            _drawn(item.documents, item.all_documents),
            _drawn(item.queries, item.all_queries),
            f"`{item.strongest}` {_figures(item, item.strongest)}",
            *(_figures(item, name) for name in (BASE, FEEDBACK, ENRICHED)),
            gains(item.gain()),
            gains(item.gain(over=BASE)),
            "yes" if item.saturated else "",
        )
        for item in found
    ]
    return table(columns, rows)


def _drawn(number: int, of: int) -> str:
    return f"{number:,}" if number >= of else f"{number:,} of {of:,}"


def _figures(item: Measured, system: str) -> str:
    figures = item.systems[system]
    return f"{figures.ndcg:.3f} / {figures.recall:.3f}"


def means(found: Sequence[Measured]) -> str:
    """By kind and of all."""
    groups = {kind: [item for item in found if item.kind == kind] for kind in KINDS}
    groups |= {
        "judged and known items": [item for item in found if item.kind != CHANGED],
        "all": list(found),
    }
    columns = (
        *("collections", "number", "unsaturated", "over the strongest plain, unsaturated"),
        *("over the strongest plain, all", f"over `{BASE}`, all", "worst over the strongest plain"),
    )
    rows = []
    for name, items in groups.items():
        if not items:
            rows.append([name, "0", "0", *[NOTHING] * 4])
            continue
        low = worst(items)
        rows.append(
            [
                *(name, str(len(items)), str(len(unsaturated(items)))),
                *(gains(mean(unsaturated(items))), gains(mean(items)), gains(mean(items, over=BASE))),
                f"{percent(low.gain().ndcg)} ({low.name})",
            ]
        )
    return table(columns, rows)


def backgrounds(found: Sequence[Measured], taught: Sequence[Measured]) -> str:
    """Gains over the strongest plain system of models that learned from other texts too."""
    alone = {item.name: item for item in found}
    both = [(alone[item.name], item) for item in taught if item.name in alone]
    if not both:
        return "Not measured yet."
    rows = [(mine.name, gains(mine.gain()), gains(other.gain())) for mine, other in both]
    first, second = ([pair[place] for pair in both] for place in (0, 1))
    rows.append(("mean", gains(mean(first)), gains(mean(second))))
    rows.append(("mean of the unsaturated", *(gains(mean(unsaturated(items))) for items in (first, second))))
    return table(("collection", "its documents alone", "with background texts"), rows)


def parts(found: Sequence[Measured]) -> str:
    """What each part gives to the words alone, and what the whole loses without it."""
    names = dict.fromkeys(
        name.removeprefix(f"{TYPED}+")
        for item in found
        for name in item.systems
        if name.startswith(f"{TYPED}+")
    )
    columns = (
        *("part", f"alone over `{TYPED}`, unsaturated", f"alone over `{TYPED}`, all", "worst"),
        *("the whole without it, unsaturated", "the whole without it, all"),
    )
    rows = []
    for name in names:
        alone = f"{TYPED}+{name}"
        lows = [item.gain(alone, TYPED).ndcg for item in found if alone in item.systems]
        rows.append(
            [
                f"`{name}`",
                *(gains(mean(items, alone, TYPED)) for items in (unsaturated(found), found)),
                percent(min(lows)),
                *(gains(mean(items, without(name), ENRICHED)) for items in (unsaturated(found), found)),
            ]
        )
    return table(columns, rows)


def weights(found: Sequence[Measured]) -> str:
    """nDCG@10 over the strongest plain system by the share of the vectors in the first ranks.

    Of the collections on which all shares were tried.
    """
    recipes = {f"{share:g}": head(share) for share in HEADS}
    found = _with_all(found, recipes.values())
    if not found:
        return "Not measured yet."
    chosen = chosen_recipes(found, list(recipes.values()))
    names = {recipe: name for name, recipe in recipes.items()}
    columns = ("collection", "default", *recipes, "chosen on the others", "its gain")
    rows, left_out = [], []
    for item in found:
        recipe = chosen[item.name]
        if recipe is not None:
            left_out.append(item.gain(recipe).ndcg)
        rows.append(
            [
                *(item.name, percent(item.gain().ndcg)),
                *(percent(item.gain(tried).ndcg) for tried in recipes.values()),
                *((NOTHING, NOTHING) if recipe is None else (names[recipe], percent(left_out[-1]))),
            ]
        )
    means = (
        percent(fmean(item.gain(tried).ndcg for item in found)) for tried in (ENRICHED, *recipes.values())
    )
    last = percent(fmean(left_out)) if left_out else NOTHING
    shares = sorted({item.default_head for item in found})
    sentence = f"The default is {' or '.join(f'{share:g}' for share in shares)}."
    return f"{sentence}\n\n{table(columns, [*rows, ['mean', *means, '', last]])}"


def frequent_parts(found: Sequence[Measured]) -> str:
    """What frequent Chinese sub-words gain over a query without them, by which of them are searched."""
    recipes = {name: frequent(name) for name in FREQUENT}
    found = [item for item in _with_all(found, recipes.values()) if item.name.startswith("zh/")]
    if not found:
        return "Not measured yet."
    chosen = chosen_recipes(found, list(recipes.values()))
    names = {recipe: name for name, recipe in recipes.items()}
    none, *others = recipes.values()
    rows = []
    for item in found:
        recipe = chosen[item.name]
        end = (NOTHING, NOTHING) if recipe is None else (names[recipe], gains(item.gain(recipe, none)))
        rows.append([item.name, *(gains(item.gain(tried, none)) for tried in others), *end])
    rows.append(["mean", *(gains(mean(found, tried, none)) for tried in others), "", ""])
    return table(("collection", *list(recipes)[1:], "chosen on the others", "its gain"), rows)


def _with_all(found: Sequence[Measured], recipes: Iterable[str]) -> list[Measured]:
    """The collections on which all these recipes were measured."""
    recipes = list(recipes)
    return [item for item in found if all(recipe in item.systems for recipe in recipes)]


def cost(found: Sequence[Measured]) -> str:
    """Time of a query and size of an index, in proportion to words alone, over the collections."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for item in found:
        for name, figures in item.systems.items():
            if name in (BASE, FEEDBACK, ENRICHED) or name.startswith(f"{TYPED}+"):
                ratios[f"a query by `{name}`"].append(figures.ms / item.systems[TYPED].ms)
    ratios["size of the enriched index"] = [item.growth for item in found if item.growth is not None]
    rows = [
        [name, *(f"{pick(values):.2f}" for pick in (median, min, max))]
        for name, values in ratios.items()
        if values
    ]
    return table((f"in proportion to `{TYPED}`", "median of the collections", "least", "most"), rows)


def largest(found: Sequence[Measured]) -> str:
    """What the systems cost and find on the collection with the most documents."""
    item = max(found, key=lambda one: one.documents)
    shown = (TYPED, item.strongest, FEEDBACK, f"{TYPED}+subwords", ENRICHED)
    rows = []
    for name in dict.fromkeys(name for name in shown if name in item.systems):
        figures = item.systems[name]
        times = figures.ms / item.systems[TYPED].ms
        rows.append((f"`{name}`", f"{figures.ms:.1f}", f"{times:.1f}", _figures(item, name)))
    sentence = f"{item.name}, {item.documents:,} documents:"
    columns = ("system", "ms a query, median", f"in proportion to `{TYPED}`", "nDCG@10 / Recall@100")
    return f"{sentence}\n\n{table(columns, rows)}"


def origin(found: Sequence[Measured]) -> str:
    """With what each collection was measured, and which are missing."""
    names = defaultdict(list)
    for item in found:
        names[item.origin].append(item.name)
    lines = [f"- {where}: {', '.join(measured)}." for where, measured in names.items()]
    there = {item.name for item in found}
    if missing := [name for name in COLLECTIONS if name not in there]:
        lines.append(f"- Not measured yet: {', '.join(missing)}.")
    drawn = (
        f"At most {MOST_QUERIES:,} queries and {MOST_DOCUMENTS:,} documents of a collection are taken, drawn "
        "at random with a fixed seed. Saturated means that nDCG@10 of the strongest plain system is "
        f"{SATURATED:g} or more."
    )
    return "\n".join([drawn, "", *lines])


def percent(value: float) -> str:
    """With its sign; nothing is below zero when it is shown as zero."""
    return f"{round(value, 1) + 0.0:+.1f} %"


def gains(gain: Gain | None) -> str:
    """nDCG@10 / Recall@100."""
    if gain is None:
        return NOTHING
    return " / ".join(f"{round(value, 1) + 0.0:+.1f}" for value in (gain.ndcg, gain.recall))
