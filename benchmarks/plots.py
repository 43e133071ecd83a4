"""Plots of cost against size, as SVG."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "enricher"
import matplotlib.pyplot as plt  # noqa: E402


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
