"""A map as one page that needs nothing else: data, style and script are in one HTML file."""

import base64
import html
import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.library.categories import NO_CATEGORY
from enricher.library.maps.drawing import Map
from enricher.library.maps.groups import OTHER
from enricher.library.maps.policy import own_sources
from enricher.library.maps.quality import neighbors_compared

SIZES = 8
"""Number of sizes of a point."""
NO_GROUP = 255
STEPS = 65535
"""Places are rounded to this many steps from side to side: a tenth of a pixel at a zoom of 5."""
UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""Characters of JSON that could end or confuse a script element, and how JSON also writes them."""
POLICY = (
    "default-src 'none'; script-src {script}; style-src {style}; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def page_of(drawn: Map, title: str | None = None) -> bytes:
    """The page of a map, UTF-8. Its content security policy allows its own script and style alone."""
    folder = files("enricher.library.maps") / "pages"
    template, style, script = (
        (folder / name).read_text(encoding="utf-8") for name in ("map.html", "map.css", "map.js")
    )
    own = own_sources()
    parts = {
        "title": html.escape(title or drawn.title),
        "style": style,
        "script": script,
        "data": embedded(data_of(drawn) | {"title": title}),
        "policy": POLICY.format(script=own[0], style=own[1]),
    }
    page = re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)
    return page.encode("utf-8", "replace")


def embedded(value: object) -> str:
    """JSON that can stand in a script element, whatever the strings in it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return re.sub("[<>&\u2028\u2029]", lambda found: UNSAFE[found[0]], text)


def data_of(drawn: Map) -> dict[str, Any]:
    """What the page shows, as JSON. Numbers of all points are base64 of little-endian integers."""
    points = drawn.points
    names, numbers = _numbered(points.categories)
    whole = np.rint((drawn.places + 1) / 2 * STEPS)
    groups = np.where(drawn.groups.of_point == OTHER, NO_GROUP, drawn.groups.of_point)
    return {
        "of": points.kind,
        "names": list(points.names),
        "details": list(points.details) or None,
        "places": _base64(np.clip(whole, 0, STEPS), "<u2"),
        "sizes": _base64(sizes_of(points.weights), "u1"),
        "weights": None if points.kind == "documents" else [_short(one) for one in points.weights.tolist()],
        "groups": _base64(groups, "u1"),
        "groupNames": list(drawn.groups.names),
        "coloredBy": "category" if points.has_categories else "region",
        "categoryNames": names if points.has_categories else None,
        "categories": _base64(numbers, "<u2") if points.has_categories else None,
        "regions": [
            [one.level, round(one.x, 4), round(one.y, 4), one.label, one.size] for one in drawn.regions
        ],
        "quality": {
            name: [round(q.kept, 4), round(q.trustworthiness, 4)] for name, q in drawn.quality.items()
        },
        "facts": {
            "seed": drawn.seed,
            "perplexity": drawn.perplexity and _short(round(drawn.perplexity, 1)),
            "neighbors": neighbors_compared(len(points)),
        },
    }


def sizes_of(weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """The size of each point, 0 to SIZES − 1, by the logarithm of its weight: int64 (n,)."""
    heavy = np.log(np.maximum(weights, 1e-12))
    low, high = np.quantile(heavy, 0.5), heavy.max()
    if high - low < 1e-9:
        return np.full(len(weights), SIZES // 3)
    return np.asarray(np.clip((heavy - low) / (high - low), 0, 1) * (SIZES - 1), np.int64)


def _numbered(categories: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The names of categories, and the number of each point's."""
    names = list(dict.fromkeys(categories)) or [NO_CATEGORY]
    numbers = {name: number for number, name in enumerate(names)}
    return names, np.array([numbers[one] for one in categories], np.int64)


def _base64(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values.astype(kind)).tobytes()).decode("ascii")


def _short(value: float) -> float | int:
    """A number without a fraction that is zero."""
    return int(value) if value == int(value) else round(value, 3)
