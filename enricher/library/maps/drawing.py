"""Draw a map: from points to places, regions, groups of color and quality figures."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from enricher.errors import UsageError
from enricher.library.maps.affinities import Likeness, joint_affinities
from enricher.library.maps.components import principal_components
from enricher.library.maps.embedding import (
    ALL_ITERATIONS,
    GAUSSIAN,
    HEAVY_TAIL,
    embed,
    need_opentsne,
    neighbor_affinities,
    neighbors_for,
)
from enricher.library.maps.groups import Groups, groups_of
from enricher.library.maps.points import Points
from enricher.library.maps.quality import Quality, neighbors_compared, qualities
from enricher.library.maps.regions import Region, find_regions

TSNE, SNE, PCA = "t-SNE", "SNE", "PCA"
EVERYTHING = "all"
Progress = Callable[[str, int, int], None]
"""Takes the step, and how much of how much of it is done; a total of 0 is unknown."""


@dataclass(frozen=True, slots=True)
class MapSettings:
    """How a map is drawn.

    perplexity: about how many points are near each one; of vectors only. seed: makes it reproducible.
    compare: also draw it by SNE, for its quality figures. threads: does not change the result.
    """

    perplexity: float = 30.0
    seed: int = 1
    compare: bool = True
    threads: int = 1


@dataclass(frozen=True)
class Map:
    """A drawn map.

    places: float64 (n, 2), within −1 to 1. others: places by the other methods, of any scale. quality: by
    method, t-SNE first. perplexity: None for a map of pairs. seconds: of each method, and of everything, by
    name.
    """

    points: Points
    places: NDArray[np.float64]
    others: dict[str, NDArray[np.float64]] = field(repr=False)
    regions: list[Region]
    groups: Groups
    quality: dict[str, Quality]
    perplexity: float | None
    seed: int
    seconds: dict[str, float]

    @property
    def title(self) -> str:
        """What the map is called if it has no other title."""
        return f"Map of {len(self.points):,} {self.points.kind}"

    def as_json(self) -> dict[str, Any]:
        """The facts of the map without its points."""
        return {
            "of": self.points.kind,
            "points": len(self.points),
            "left_out": self.points.left_out,
            "passed_over": self.points.passed_over,
            "seed": self.seed,
            "perplexity": self.perplexity,
            "neighbors": neighbors_compared(len(self.points)),
            "quality": {
                name: {"kept": round(one.kept, 4), "trustworthiness": round(one.trustworthiness, 4)}
                for name, one in self.quality.items()
            },
            "regions": [region.label for region in self.regions if region.level == 0],
            "groups": list(self.groups.names),
            "seconds": {name: round(seconds, 2) for name, seconds in self.seconds.items()},
        }


def draw_map(
    points: Points, settings: MapSettings = MapSettings(), progress: Progress = lambda step, done, total: None
) -> Map:
    """Draw the map of points by t-SNE, and measure it beside PCA and SNE.

    Raises UsageError if openTSNE is not installed, or for a perplexity below 1.
    """
    need_opentsne()
    if not settings.perplexity >= 1:
        raise UsageError(f"The perplexity must be 1 or more, not {settings.perplexity:g}.")
    clock = _Clock()
    likeness = Likeness(points)
    progress("affinities", 0, 0)
    affinities, perplexity = _affinities(likeness, settings)
    clock.skip()
    start = principal_components(likeness.matrix, settings.seed)
    clock.took(PCA)
    maps = {}
    kernels = {TSNE: HEAVY_TAIL} | ({SNE: GAUSSIAN} if settings.compare else {})
    for name, freedom in kernels.items():
        progress(name, 0, ALL_ITERATIONS)
        report = partial(_report, progress, name)
        maps[name] = embed(affinities, start, settings.seed, settings.threads, freedom, report)
        clock.took(name)
    maps[PCA] = start
    progress("quality", 0, 0)
    quality = qualities(likeness, maps, settings.seed)
    places = _scaled(maps.pop(TSNE))
    regions, large = find_regions(points, places, settings.seed)
    groups = groups_of(points.categories) if points.has_categories else _groups_of_regions(regions, large)
    return Map(points, places, maps, regions, groups, quality, perplexity, settings.seed, clock.all())


class _Clock:
    """Measures the seconds of steps."""

    def __init__(self) -> None:
        self._begin = self._last = time.monotonic()
        self._seconds: dict[str, float] = {}

    def skip(self) -> None:
        """Begin a step; the one before has no name."""
        self._last = time.monotonic()

    def took(self, step: str) -> None:
        """End a step, and begin the next."""
        now = time.monotonic()
        self._seconds[step], self._last = now - self._last, now

    def all(self) -> dict[str, float]:
        """The seconds of each step, and of everything."""
        return self._seconds | {EVERYTHING: time.monotonic() - self._begin}


def _report(progress: Progress, step: str, done: int) -> None:
    progress(step, done, ALL_ITERATIONS)


def _affinities(likeness: Likeness, settings: MapSettings) -> tuple[Any, float | None]:
    """The affinities of the points, and the perplexity, which is lower for few points."""
    if likeness.points.pairs is not None:
        return joint_affinities(likeness.points.pairs), None
    perplexity = min(settings.perplexity, (len(likeness) - 1) / 3)
    neighbors, distances = likeness.nearest(min(neighbors_for(perplexity), len(likeness) - 1))
    return neighbor_affinities(neighbors, distances, perplexity, settings.threads), perplexity


def _scaled(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """The places around the middle, the larger side from −1 to 1."""
    low, high = places.min(axis=0), places.max(axis=0)
    scaled: NDArray[np.float64] = (places - (low + high) / 2) / max(float((high - low).max()) / 2, 1e-12)
    return scaled


def _groups_of_regions(regions: list[Region], large: NDArray[np.int16]) -> Groups:
    """The large regions as groups, for a map without categories."""
    return Groups(tuple(region.label for region in regions if region.level == 0), large)
