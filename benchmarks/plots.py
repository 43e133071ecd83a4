"""Plots of cost against size, and of gains, as SVG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "enricher"
import matplotlib.pyplot as plt  # noqa: E402

from benchmarks.gains import Gain  # noqa: E402


def draw(path: Path, lines: Mapping[str, Sequence[tuple[int, float]]], size: str, cost: str) -> None:
    """Lines of cost against size on logarithmic axes, each with its name at its end."""
    figure, axes = plt.subplots(figsize=(8, 4.5))
    for name, points in lines.items():
        sizes, costs = zip(*points, strict=True)
        (line,) = axes.plot(sizes, costs, marker="o", markersize=3.5, linewidth=1.6)
        axes.annotate(
            name, (sizes[-1], costs[-1]), xytext=(6, 0), textcoords="offset points",
            va="center", fontsize=8, color=line.get_color(),
        )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel=size, ylabel=cost)
    axes.grid(which="major", linewidth=0.4, alpha=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


def draw_gains(path: Path, gains: Mapping[str, tuple[Gain, bool]]) -> None:
    """Bars of the gains in percent, two a collection; names of saturated ones are grey."""
    figure, axes = plt.subplots(figsize=(8, 1.4 + 0.42 * len(gains)))
    places = range(len(gains))
    measured = {
        "nDCG@10": [gain.ndcg for gain, _ in gains.values()],
        "Recall@100": [gain.recall for gain, _ in gains.values()],
    }
    for shift, (label, values) in zip((-0.2, 0.2), measured.items(), strict=True):
        bars = axes.barh([place + shift for place in places], values, height=0.38, label=label)
        axes.bar_label(bars, fmt="%+.1f", padding=3, fontsize=8)
    axes.set_yticks(list(places), labels=list(gains))
    for name, (_, saturated) in zip(axes.get_yticklabels(), gains.values(), strict=True):
        name.set_color("grey" if saturated else "black")
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xlabel("% over the strongest plain system")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
