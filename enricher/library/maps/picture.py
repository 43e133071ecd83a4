"""A map as a picture, by matplotlib."""

from importlib.util import find_spec
from io import BytesIO
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from enricher.errors import UsageError
from enricher.library.maps.drawing import Map
from enricher.library.maps.groups import OTHER
from enricher.library.maps.points import Points

COLORS = (
    "#2068b4", "#c9520c", "#1d7f4c", "#8040a8", "#8f7400", "#c81e5b",
    "#008591", "#7c4a2d", "#5a66c4", "#5c8a1e", "#b53434", "#a0529e",
)  # fmt: skip
OTHER_COLOR, INK = "#87909c", "#1a2028"
OTHER_NAME = "other"
CHINESE_FONTS = (
    "Noto Sans CJK SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuan Micro Hei", "WenQuan Zen Hei",
    "Microsoft YaHei", "SimHei", "PingFang SC", "Heiti SC", "Hiragino Sans GB", "Noto Serif CJK SC",
    "AR PL UMing CN", "Droid Sans Fallback", "Arial Unicode MS", "Noto Sans CJK JP", "Noto Sans CJK TC",
)  # fmt: skip
WIDTH, DOTS_PER_INCH = 10.0, 150
MIN_HEIGHT, MAX_HEIGHT, TITLE_HEIGHT = 4.0, 10.0, 0.4
COLORS_OF_FILE = 256
"""Number of colors in a picture: a third of the bytes of one with all colors."""
MAX_LABEL, MAX_NAME = 40, 28
LEVELS_SHOWN = 2
"""Levels of regions whose labels are drawn where there is room."""


def need_matplotlib() -> None:
    """Raise UsageError if matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        raise UsageError(
            'A map as PNG needs matplotlib. Run: pip install "search-enricher[maps]", or write a page: '
            "--out FILE.html"
        )


def lacks_chinese_font(points: Points) -> bool:
    """Whether names are Chinese, and matplotlib finds no font for them: boxes would be drawn."""
    is_chinese = any("\u2e80" <= sign <= "\u9fff" for name in points.names for sign in name)
    return is_chinese and _chinese_font() is None


def picture_of(drawn: Map, title: str | None = None) -> bytes:
    """A map as PNG. The same map gives the same bytes. Raises UsageError if matplotlib is not installed."""
    need_matplotlib()
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    fonts = [font for font in (_chinese_font(),) if font]
    with matplotlib.rc_context({"font.family": [*fonts, "DejaVu Sans"]}), catch_warnings():
        simplefilter("ignore", UserWarning)  # about characters that the fonts lack
        size = (WIDTH, _height(drawn))
        figure = Figure(figsize=size, dpi=DOTS_PER_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        _draw_points(axes, drawn)
        axes.set(xticks=[], yticks=[], aspect="equal")
        axes.spines[:].set_visible(False)
        axes.set_title(title or drawn.title, loc="left", fontweight="bold", parse_math=False)
        if drawn.points.has_categories:
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=8, markerscale=2)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        _draw_labels(axes, drawn)
        raw, content = BytesIO(), BytesIO()
        figure.savefig(raw, format="png")
    few = Image.open(raw).convert("RGB").quantize(COLORS_OF_FILE, dither=Image.Dither.NONE)
    few.save(content, format="png", optimize=True)
    return content.getvalue()


def _height(drawn: Map) -> float:
    """The height of the picture in inches that suits the shape of the map."""
    wide, high = np.ptp(drawn.places, axis=0)
    room = WIDTH * (0.8 if drawn.points.has_categories else 1.0)
    return float(np.clip(room * high / max(wide, 1e-9), MIN_HEIGHT, MAX_HEIGHT)) + TITLE_HEIGHT


def _chinese_font() -> str | None:
    """The name of an installed font with Chinese characters."""
    if find_spec("matplotlib") is None:
        return None
    from matplotlib.font_manager import fontManager

    present = {font.name for font in fontManager.ttflist}
    return next((name for name in CHINESE_FONTS if name in present), None)


def _draw_points(axes: Any, drawn: Map) -> None:
    """The points of each group in its color, those of no group below."""
    area = float(np.clip(30_000 / len(drawn.points), 2.0, 40.0))
    for number, name in [*enumerate(drawn.groups.names), (OTHER, OTHER_NAME)]:
        chosen = drawn.places[drawn.groups.of_point == number]
        if not len(chosen):
            continue
        color = OTHER_COLOR if number == OTHER else COLORS[number % len(COLORS)]
        label = _plain(name, MAX_NAME)
        axes.scatter(chosen[:, 0], chosen[:, 1], s=area, color=color, alpha=0.75, linewidths=0, label=label)


def _draw_labels(axes: Any, drawn: Map) -> None:
    """The labels of regions, the larger first, each once, where it covers no other."""
    from matplotlib.patheffects import withStroke

    taken: list[Any] = []
    labels: set[str] = set()
    for region in drawn.regions:
        if region.level >= LEVELS_SHOWN or region.label in labels:
            continue
        text = axes.text(
            region.x, region.y, _plain(region.label, MAX_LABEL), ha="center", va="center", color=INK,
            fontsize=9 if region.level == 0 else 6.5, fontweight="bold" if region.level == 0 else "normal",
            path_effects=[withStroke(linewidth=2.5, foreground="white")], parse_math=False, zorder=3,
        )  # fmt: skip
        box = text.get_window_extent().expanded(1.02, 1.1)
        if any(box.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(box)
            labels.add(region.label)


def _plain(label: str, limit: int) -> str:
    """A label on one line, shortened. matplotlib keeps a label that begins with _ out of a legend."""
    line = " ".join(label.split())
    line = line if len(line) <= limit else f"{line[: limit - 1]}…"
    return f"\u200b{line}" if line.startswith("_") else line
