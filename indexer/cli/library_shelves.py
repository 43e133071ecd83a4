"""`enricher library shelves`: a place for every item."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from indexer.cli.app import Command, Json, context_of
from indexer.cli.library import (
    CategoryFile,
    ItemField,
    RecordFilesOption,
    SessionField,
    categories_of,
    library,
    report_unknown,
    used_items,
)
from indexer.cli.output import (
    Rejects,
    counted,
    print_json,
    print_line,
    print_table,
    progress_display,
    say,
)

if TYPE_CHECKING:
    from enricher.library.shelves.plan import Plan

PlacesFile = Annotated[
    Path,
    typer.Argument(metavar="PLACES", help="CSV: place,x,y[,z][,capacity]; the entrance is at 0."),
]


@library.command("shelves", cls=Command)
def shelves(
    context: typer.Context,
    places_file: PlacesFile,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The plan, as CSV: item,place.")],
    sources: RecordFilesOption = None,
    session_field: SessionField = "session",
    item_field: ItemField = "item",
    min_distance: Annotated[
        float | None, typer.Option(min=0, help="Fail if two places are nearer to each other than this.")
    ] = None,
    together: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Series that stand together: CSV series,item, or lines with tabs.",
        ),
    ] = None,
    categories: CategoryFile = None,
    plot_file: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw the plan: .svg, .png or .pdf.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0, help="Time for the search; with it, a run cannot be reproduced by its seed."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="For the search; a seed always gives the same plan.")] = 1,
    as_json: Json = False,
) -> None:
    """Assign items to real places: together what is used together, near the entrance what is used most.

    Minimises the mean way from the entrance to an item and on to the next. Reports what other arrangements
    would cost, and a lower bound that no arrangement is below.

    Example: enricher library shelves places.csv --out plan.csv
    """
    from enricher.evaluation.plot import format_of, need_matplotlib
    from enricher.library.outputs import check_outputs
    from enricher.library.shelves.places import check_distance, read_places
    from enricher.library.shelves.plan import Wishes, plan_shelves
    from enricher.library.shelves.plan_file import write_plan
    from enricher.library.shelves.plot import draw
    from enricher.library.shelves.series import known_series, read_series, unknown_items

    check_outputs([out, plot_file], [places_file, together, categories, *(sources or ())])
    if plot_file is not None:
        format_of(plot_file)
        need_matplotlib()
    places = read_places(places_file)
    if min_distance is not None:
        check_distance(places, min_distance)
    series = read_series(together) if together is not None else []
    with Rejects() as rejects:
        items, pairs, uses = used_items(context_of(context), sources, rejects, session_field, item_field)
    if rejects.count:
        say(rejects.summary())
    known = set(items)
    if together is not None:
        report_unknown(together, unknown_items((name for one in series for name in one.items), known))
    named = {} if categories is None else categories_of(categories, items).of_item
    wishes = Wishes(known_series(series, known), named, seed, seconds)
    with progress_display() as progress:
        plan = plan_shelves(items, pairs, uses, places, wishes, progress)
    write_plan(plan, items, places, out)
    if plot_file is not None:
        draw(plan, items, pairs, places, plot_file)
    _print(plan, out, len(items), as_json)
    if rejects.count:
        raise typer.Exit(1)


def _print(plan: Plan, out: Path, items: int, as_json: bool) -> None:
    if as_json:
        print_json({"cost": plan.cost, "lower_bound": plan.lower_bound, "baselines": dict(plan.baselines)})
        return
    print_line(f"{counted(items, 'item')} assigned to places in {out}.")
    others = sorted(plan.baselines.items(), key=lambda one: one[1])
    rows = [("this plan", plan.cost), *others, ("lower bound", plan.lower_bound)]
    print_table(
        ("arrangement", "cost", "to the bound"),
        [(name, cost, _ratio(cost, plan.lower_bound)) for name, cost in rows],
    )


def _ratio(cost: float, bound: float) -> str:
    return f"{cost / bound:.2f}" if bound > 0 else ""
