"""Bar charts of the systems in a report."""

from importlib.util import find_spec
from pathlib import Path
from warnings import catch_warnings, simplefilter

from enricher.errors import UsageError
from enricher.evaluation.report import ENRICHED, Report
from enricher.sentences import counted

FORMATS = ("svg", "png", "pdf")
STRONG, PLAIN = ("#b5482a", "#e3a792"), ("#5b6770", "#b9c1c7")
"""Colors of the two bars of the enriched search, and of the other systems."""


def need_matplotlib() -> None:
    """Raise UsageError if matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise UsageError(
            "A plot needs matplotlib. Run: pip install matplotlib, or in a clone: pip install '.[maps]'."
        )


def format_of(path: Path) -> str:
    """The format of a plot by the suffix of its file. Raises UsageError if it is not in FORMATS."""
    suffix = path.suffix.lower().removeprefix(".")
    if suffix not in FORMATS:
        raise UsageError(
            f"The plot {str(path)!r} has no known format. Use a file name that ends in .svg, .png or .pdf."
        )
    return suffix


def draw(report: Report, path: Path) -> None:
    """Draw bars of nDCG@10 and Recall@100 for every system, in the format of the file name.

    The enriched search is highlighted; a star marks the strongest plain system. Raises UsageError, OSError.
    """
    form = format_of(path)
    need_matplotlib()
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    systems = report.systems
    figure = Figure(figsize=(8.5, 1.9 + 0.5 * len(systems)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    measured = (
        ("nDCG@10", -0.2, [system.ndcg for system in systems]),
        ("Recall@100", 0.2, [system.recall for system in systems]),
    )
    for number, (_, shift, values) in enumerate(measured):
        colors = [(STRONG if system.name == ENRICHED else PLAIN)[number] for system in systems]
        places = [place + shift for place in range(len(systems))]
        bars = axes.barh(places, values, height=0.38, color=colors)
        axes.bar_label(bars, fmt="%.3f", padding=3, fontsize=8)
    names = [f"{s.name} *" if s.name == report.strongest else s.name for s in systems]
    axes.set_yticks(range(len(systems)), labels=names)
    for label, system in zip(axes.get_yticklabels(), systems, strict=True):
        if system.name in (ENRICHED, report.strongest):
            label.set_fontweight("bold")
        if system.name == ENRICHED:
            label.set_color(STRONG[0])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.08)
    axes.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    axes.set_axisbelow(True)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.8)
    axes.set_xlabel("mean over the queries (more is better);  * the strongest plain system")
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    queries = counted(report.queries, "query", "queries")
    axes.set_title(f"{report.collection}: {queries}", loc="left", fontweight="bold", parse_math=False)
    handles = [Patch(color=color, label=name) for color, (name, _, _) in zip(PLAIN, measured, strict=True)]
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False)
    details = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(form)
    with matplotlib.rc_context({"svg.hashsalt": "enricher", "svg.fonttype": "none"}), catch_warnings():
        simplefilter("ignore", UserWarning)  # about characters that the font lacks
        figure.savefig(path, format=form, dpi=150, metadata=details)
