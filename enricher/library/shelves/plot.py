"""A picture of a plan: places from above, colored by use, and the strongest pairs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
from numpy.typing import NDArray

from enricher.errors import UsageError
from enricher.files import why_not_written
from enricher.library.pairs import Pairs
from enricher.library.shelves.places import Places
from enricher.library.shelves.plan import Plan
from enricher.sentences import counted

MAX_LABELS = 60
"""With more items, names are omitted."""
MAX_LINES = 150
"""So many pairs are drawn, those with the largest shares."""
MAX_LEVELS = 6
"""So many heights have a plan each; more are drawn as one plan."""
MAX_VECTOR_DOTS = 5_000
"""With more places, dots in a vector format are drawn as an image."""
COLUMNS = 3
"""So many plans are beside one another."""
LINE, EMPTY, STRONG, COLORS = "#5b6770", "#d9dde0", "#b5482a", "YlOrBr"


def draw(plan: Plan, items: Sequence[str], pairs: Pairs, places: Places, path: Path) -> None:
    """Draw a plan in the format of the file name; of places with several heights, a plan for each.

    Raises UsageError if the file cannot be written.
    """
    form = path.suffix.lower().removeprefix(".")
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    levels = _levels(places)
    wide, high = (float(np.ptp(places.xyz[:, axis])) or 1.0 for axis in (0, 1))
    height = min(9.0, max(2.5, 6.5 * high / wide))
    rows, columns = -(-len(levels) // COLUMNS), min(len(levels), COLUMNS)
    figure = Figure(figsize=(7.5 * columns, height * rows + 0.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[len(levels) :]:
        ax.set_visible(False)
    for ax, (title, chosen) in zip(axes, levels, strict=False):
        _draw_level(ax, plan, items, pairs, places, chosen)
        ax.set_title(title, loc="right", fontsize=9)
    axes[0].set_title(
        f"{counted(len(items), 'item')}, cost {plan.cost:.4g}", loc="left", fontweight="bold", fontsize=10
    )
    details = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
    with matplotlib.rc_context({"svg.hashsalt": "enricher", "svg.fonttype": "none"}), catch_warnings():
        simplefilter("ignore", UserWarning)  # about characters that the font lacks
        try:
            figure.savefig(path, format=form, dpi=150, metadata=details)
        except OSError as error:
            raise UsageError(
                f"The plot {str(path)!r} cannot be written: {why_not_written(error)}."
            ) from error


def _levels(places: Places) -> list[tuple[str, NDArray[np.bool_]]]:
    """The heights that are drawn: a title, and which places they have."""
    heights = np.unique(places.xyz[:, 2])
    if 1 < len(heights) <= MAX_LEVELS:
        return [(f"z = {z:g}", places.xyz[:, 2] == z) for z in heights.tolist()]
    return [("", np.ones(len(places), bool))]


def _draw_level(
    ax: Any, plan: Plan, items: Sequence[str], pairs: Pairs, places: Places, chosen: NDArray[np.bool_]
) -> None:
    """Draw the places that are chosen, bool (P,), and the pairs among them.

    All plans have one scale of colors; places without any use have the color of the least used.
    """
    from matplotlib.colors import LogNorm

    at = plan.item_place
    share = np.bincount(at, pairs.item_shares, minlength=len(places)) * 100
    taken = np.bincount(at, minlength=len(places)) > 0
    shown = chosen & taken
    empty = chosen & ~shown
    size = float(np.clip(4_000 / max(1, int(chosen.sum())), 1.5, 160))
    raster = len(places) > MAX_VECTOR_DOTS
    _draw_pairs(ax, at, pairs, places, chosen)
    x, y, _ = places.xyz.T
    ax.scatter(x[empty], y[empty], s=size / 2, color=EMPTY, rasterized=raster, linewidths=0)
    used = share[taken & (share > 0)]
    norm: Any = LogNorm(used.min(), used.max()) if len(used) else None
    dots = ax.scatter(
        x[shown], y[shown], c=np.maximum(share[shown], used.min(initial=100)), s=size, cmap=COLORS, norm=norm,
        zorder=2, rasterized=raster, linewidths=0.3 if size > 10 else 0, edgecolors=LINE,
    )  # fmt: skip
    ax.scatter([0], [0], marker="^", s=90, color=STRONG, zorder=3)
    ax.annotate("entrance", (0, 0), xytext=(6, -10), textcoords="offset points", fontsize=8, color=STRONG)
    if len(items) <= MAX_LABELS:
        for place in np.flatnonzero(shown).tolist():
            label = ", ".join(items[number] for number in np.flatnonzero(at == place).tolist())
            ax.annotate(
                label, (x[place], y[place]), xytext=(4, 4), textcoords="offset points", fontsize=7,
                parse_math=False,
            )  # fmt: skip
    ax.set_aspect("equal")
    ax.margins(0.08)
    ax.spines[["top", "right"]].set_visible(False)
    ax.tick_params(labelsize=8)
    if shown.any():
        bar = ax.figure.colorbar(dots, ax=ax, shrink=0.7)
        bar.set_label("share of use, %", fontsize=8)
        bar.ax.tick_params(labelsize=7)


def _draw_pairs(
    ax: Any, at: NDArray[np.int32], pairs: Pairs, places: Places, chosen: NDArray[np.bool_]
) -> None:
    """Draw lines between the places of the strongest pairs, broader for larger shares."""
    strong = np.argsort(-pairs.shares, kind="stable")[:MAX_LINES]
    most = pairs.shares.max(initial=0)
    for pair in strong.tolist():
        ends = [at[pairs.first[pair]], at[pairs.second[pair]]]
        if chosen[ends].all() and ends[0] != ends[1]:
            width = 0.3 + 1.7 * pairs.shares[pair] / most
            ax.plot(*places.xyz[ends, :2].T, color=LINE, linewidth=width, alpha=0.35, zorder=1)
