"""Maps: what t-SNE, SNE and PCA keep of who is near whom, and how long they take.

Words and documents are those of the evaluation data. Items are simulated: records of readers who mostly keep
to one of many subjects, so that it is known which items belong together.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import verdict
from enricher import Model
from enricher.library.maps.affinities import Likeness, symmetric
from enricher.library.maps.drawing import EVERYTHING, PCA, TSNE, Map, MapSettings, draw_map
from enricher.library.maps.embedding import embed
from enricher.library.maps.page import page_of
from enricher.library.maps.picture import picture_of
from enricher.library.maps.points import Points, points_of_pairs
from enricher.library.maps.quality import Quality, nearest_places, neighbors_compared, qualities
from enricher.library.pairs import count_pairs
from enricher.library.records import Records, records_of
from indexer.maps import DocumentMap, document_points, word_points

COLUMNS = (
    "points", "method", "seconds", "10 nearest kept", "trustworthiness", "same subject", "page",
    "goal of t-SNE", "met",
)  # fmt: skip
POINTS, THREADS, MAX_SECONDS = 20_000, 2, 600
SUBJECTS, ITEMS_OF_SUBJECT, RECORDS = 200, 100, 120_000
LONGEST_RECORD, SHARE_OF_SUBJECT = 12, 0.85
SHOWN_SUBJECTS = (
    "历史", "诗歌", "小说", "法律", "数学", "医学",
    "ocean", "garden", "music", "travel", "physics", "cooking",
)  # fmt: skip
"""The subjects of the picture in docs/library.md."""
SHOWN_ITEMS, SHOWN_RECORDS = 60, 6_000
SETTINGS = MapSettings(threads=THREADS)
RAW = "t-SNE of p(i, j) itself"


def rows(model: Model, data: Path) -> Iterator[Sequence[str]]:
    """The rows of the table: of words, documents and items each method."""
    yield from _rows("words", draw_map(word_points(model.word2vec, POINTS), SETTINGS))
    yield from _rows("documents", draw_map(_documents(model, data), SETTINGS))
    points = _items(simulated(np.random.default_rng(SETTINGS.seed)))
    drawn = draw_map(points, SETTINGS)
    yield from _rows("items of records", drawn)
    assert points.pairs is not None
    begin = time.perf_counter()
    places = embed(symmetric(points.pairs), drawn.others[PCA], SETTINGS.seed, THREADS)
    seconds = time.perf_counter() - begin
    quality = qualities(Likeness(points), {RAW: places}, SETTINGS.seed)[RAW]
    yield _row("items of records", points, RAW, places, quality, seconds)


def _items(records: Records) -> Points:
    """The items of simulated records, with their subjects as categories."""
    points = points_of_pairs(records.items, records.item_weights, count_pairs(records), POINTS)
    return points.with_categories([name.partition("/")[0] for name in points.names])


def _documents(model: Model, data: Path) -> Points:
    """A sample of Chinese abstracts and news."""
    sources = tuple(str(data / f"zh/corpus_{name}/corpus.jsonl.gz") for name in ("science", "news"))
    request = DocumentMap(sources, POINTS, SETTINGS.seed)

    def no_engine() -> None:
        raise AssertionError("All sources are files.")

    return document_points(no_engine, model, request, print)  # type: ignore[arg-type]


def _rows(name: str, drawn: Map) -> Iterator[Sequence[str]]:
    """A row for each method; the goal is that t-SNE keeps most, and that all of it takes minutes."""
    everything = drawn.seconds[EVERYTHING]
    is_best = drawn.quality[TSNE].kept == max(one.kept for one in drawn.quality.values())
    size = f"{len(page_of(drawn)) / 1000:,.0f} kB"
    goal = f"keeps most; page within {MAX_SECONDS // 60} minutes: {everything:.0f} s"
    ends = {TSNE: (size, goal, verdict(is_best and everything <= MAX_SECONDS))}
    for method, quality in drawn.quality.items():
        places = drawn.others.get(method, drawn.places)
        row = _row(name, drawn.points, method, places, quality, drawn.seconds[method])
        yield (*row[:6], *ends.get(method, row[6:]))


def _row(
    name: str, points: Points, method: str, places: NDArray[np.float64], quality: Quality, seconds: float
) -> Sequence[str]:
    """The figures of a method; what follows them is empty."""
    pure = f"{purity(places, points.categories):.3f}" if points.has_categories else ""
    figures = (f"{quality.kept:.3f}", f"{quality.trustworthiness:.3f}", pure)
    return (f"{len(points):,} {name}", method, f"{seconds:.1f}", *figures, "", "", "")


def purity(places: NDArray[np.float64], categories: Sequence[str], sample: int = 2_000) -> float:
    """The mean share of the 10 nearest points on a map that are of the category of the point."""
    numbers = np.unique(np.array(categories), return_inverse=True)[1]
    size = len(places)
    chosen = np.sort(np.random.default_rng(1).choice(size, min(sample, size), replace=False))
    near = neighbors_compared(size)
    shares = []
    for rows_ in np.array_split(chosen, max(1, len(chosen) // 100)):
        nearest = nearest_places(places, rows_, near)
        shares.append((numbers[nearest] == numbers[rows_, None]).mean(axis=1))
    return float(np.concatenate(shares).mean())


def draw_picture(path: Path) -> None:
    """Draw the picture of the documentation, as `enricher library map` draws it."""
    generator = np.random.default_rng(SETTINGS.seed)
    records = simulated(generator, SHOWN_SUBJECTS, SHOWN_ITEMS, SHOWN_RECORDS)
    drawn = draw_map(_items(records), replace(SETTINGS, compare=False))
    path.write_bytes(picture_of(drawn))


def simulated(
    generator: np.random.Generator,
    subjects: Sequence[str] = tuple(f"s{number}" for number in range(SUBJECTS)),
    items: int = ITEMS_OF_SUBJECT,
    number: int = RECORDS,
) -> Records:
    """Records of readers: each has a subject, from which most of its items are; some items are popular."""
    popularity = 1 / np.arange(1, items + 1) ** 0.8
    popularity /= popularity.sum()
    lengths = generator.integers(2, LONGEST_RECORD + 1, number)
    total = int(lengths.sum())
    subject = np.repeat(generator.integers(len(subjects), size=number), lengths)
    others = generator.integers(len(subjects), size=total)
    chosen = np.where(generator.random(total) < SHARE_OF_SUBJECT, subject, others)
    item = generator.choice(items, total, p=popularity)
    names = [f"{subjects[s]}/{n}" for s, n in zip(chosen.tolist(), item.tolist(), strict=True)]
    bounds = np.concatenate([[0], np.cumsum(lengths)]).tolist()
    return records_of(names[a:b] for a, b in pairwise(bounds))
