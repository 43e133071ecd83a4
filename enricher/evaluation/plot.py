"""The systems of a report as bars."""

from importlib.util import find_spec
from pathlib import Path

from enricher.errors import UsageError
from enricher.evaluation.report import Report


def need_matplotlib() -> None:
    """Raise UsageError, with the way out, where nothing can be drawn."""
    if find_spec("matplotlib") is None:
        raise UsageError("A plot needs matplotlib: pip install 'search-enricher[maps]'.")


def draw(report: Report, path: Path) -> None:
    """Write an SVG: a bar of nDCG@10 and one of Recall@100 for every system. Raises UsageError, OSError."""
    need_matplotlib()
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    names = [system.name for system in report.systems]
    places = range(len(names))
    figure = Figure(figsize=(8, 1.2 + 0.45 * len(names)))
    FigureCanvasSVG(figure)
    axes = figure.subplots()
    measured = {
        "nDCG@10": [system.ndcg for system in report.systems],
        "Recall@100": [system.recall for system in report.systems],
    }
    for shift, (label, values) in zip((-0.2, 0.2), measured.items(), strict=True):
        bars = axes.barh([place + shift for place in places], values, height=0.38, label=label)
        axes.bar_label(bars, fmt="%.3f", padding=3, fontsize=8)
    axes.set_yticks(list(places), labels=names)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    with matplotlib.rc_context({"svg.hashsalt": "enricher", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", bbox_inches="tight", metadata={"Date": None})
