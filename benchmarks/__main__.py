"""All benchmarks: `python -m benchmarks` writes their figures into the pages of docs, and plots/ there.

The models that are measured are trained once, from the corpora of the evaluation data, and kept.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from pathlib import Path

from benchmarks import (
    applying,
    co_reading,
    fitted_vectors,
    following,
    http_stacks,
    implied,
    indexing,
    kernels,
    keyphrases,
    keywords,
    maps,
    million,
    neighbors,
    ngram_scale,
    opening,
    pseudowords,
    quality,
    reindexing,
    related_words,
    relevance,
    sampling,
    searching,
    segmentation,
    serving,
    shelves,
    vocabulary,
    wordpairs,
)
from benchmarks.collections import COLLECTIONS
from benchmarks.measure import COLUMNS, ROOT, Row, machine, table, wrapped
from benchmarks.models import SIZES, corpora, trained
from benchmarks.plots import draw, draw_gains
from enricher import Model, load
from enricher.errors import EnricherError, SourceError

DOCS = ROOT / "docs"
MODELS = ROOT / "build/bench-models"
DATA = ROOT.parent / "shared/data"
COSTS = (
    "kernels",
    "keywords",
    "neighbors",
    "opening",
    "indexing",
    "training",
    "storage",
    "memory",
    "reindexing",
    "searching",
    "million",
    "following",
    "serving",
)
"""The parts that need the large models."""
TABLES = (*COSTS, "stacks", "segmenters")
"""The parts of docs/performance.md."""
RELEVANCE = ("quality", "backgrounds")
"""The parts of docs/relevance.md."""
WORDS = ("keyphrases", "implied", "senses", "wordpairs", "sampling", "related")
"""The parts of docs/words.md."""
VOCABULARY = ("terms", "vocabulary", "scale", "applied", "fitted")
"""The parts of docs/vocabulary.md."""
LIBRARY = ("next", "reordering", "shelves", "searches", "maps")
"""The parts of docs/library.md."""
PARTS = (*TABLES, *RELEVANCE, *WORDS, *VOCABULARY, *LIBRARY)


class Benchmarks:
    """The parts of the run; each prints its rows as they come, and trains the models that it needs."""

    def __init__(self, models: Path, data: Path) -> None:
        self.data = data
        self.folder = models

    def folder_of(self, name: str) -> Path:
        """The folder of a model of SIZES."""
        return trained(self.folder / name, corpora(self.data), *SIZES[name])

    @cached_property
    def large(self) -> Model:
        return load(self.folder_of("large"))

    @cached_property
    def medium(self) -> Model:
        return load(self.folder_of("medium"))

    def rows(self, part: str) -> list[Row]:
        """Run a part of COSTS."""
        parts: dict[str, Callable[[], list[Row]]] = {
            "kernels": self.kernels,
            "keywords": self.keywords,
            "neighbors": self.neighbors,
            "opening": self.opening,
            "indexing": self.indexing,
            "training": self.training,
            "storage": self.storage,
            "memory": self.memory,
            "reindexing": self.reindexing,
            "searching": self.searching,
            "million": self.million,
            "following": self.following,
            "serving": self.serving,
        }
        return parts[part]()

    def kernels(self) -> list[Row]:
        vectors = {"large": self.large.word2vec, "medium": self.medium.word2vec}
        rows = shown(kernels.rows(vectors, self.folder_of("large")))
        draw(DOCS / "plots/vocabulary.svg", kernels.series(self.large.word2vec), "words", "ms a word")
        return rows

    def keywords(self) -> list[Row]:
        phrases = keyphrases.speed(self.folder, self.data)
        rows = shown(chain(keywords.rows(self.medium, self.data), [phrases]))
        lines = keywords.series(self.medium, self.data)
        draw(DOCS / "plots/length.svg", lines, "words of the document", "ms a document")
        return rows

    def neighbors(self) -> list[Row]:
        rows, lines = neighbors.measured(self.large.word2vec)
        draw(DOCS / "plots/neighbors.svg", lines, "words", "ms a word")
        return shown(rows)

    def opening(self) -> list[Row]:
        return shown(opening.rows(self.large, self.folder_of("large"), self.data))

    def indexing(self) -> list[Row]:
        return shown(indexing.rows(self.folder_of("medium"), self.data))

    def training(self) -> list[Row]:
        return shown([indexing.training(self.data)])

    def storage(self) -> list[Row]:
        return shown(indexing.storage(self.folder_of("medium"), self.data))

    def memory(self) -> list[Row]:
        rows, lines = indexing.memory(self.folder_of("medium"), self.data)
        draw(DOCS / "plots/documents.svg", lines, "documents", "ms a document, MB")
        return shown(rows)

    def reindexing(self) -> list[Row]:
        return shown(reindexing.rows(self.folder_of("medium"), self.data))

    def searching(self) -> list[Row]:
        return shown(searching.rows(self.folder_of("medium"), self.data))

    def serving(self) -> list[Row]:
        return shown(serving.rows(self.folder_of("medium"), self.data))

    def million(self) -> list[Row]:
        return shown(million.rows(self.folder_of("medium"), self.data, self.folder / "million"))

    def following(self) -> list[Row]:
        return shown(following.rows(self.folder_of("medium"), self.data))


def shown(rows: Iterable[Row]) -> list[Row]:
    """The rows, each printed as soon as it is there."""
    kept = []
    for row in rows:
        print(f"| {' | '.join(row.row())} |", flush=True)
        kept.append(row)
    return kept


def origin() -> str:
    return f"{machine()}; {datetime.now(UTC):%B %Y}."


def put(page: Path, part: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Put what a part has measured in its place on a page, with where and when; all else stays."""
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {part} -->", f"<!-- end of {part} -->"
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise SourceError(f"The page {page} has no place for {part}: {begin} and {end} are missing.")
    shown = f"{begin}\n\n{table(columns, rows)}\n\n{origin()}\n\n{end}"
    page.write_text(wrapped(before + shown + after), encoding="utf-8")


def put_as_measured(page: str, part: str, columns: Sequence[str], found: Iterable[Sequence[str]]) -> None:
    """Print rows as they are measured, and put those that are there on a page of docs after each."""
    rows: list[Sequence[str]] = []
    for row in found:
        print(f"| {' | '.join(row)} |", flush=True)
        rows.append(row)
        put(DOCS / page, part, columns, rows)


def write_relevance(folder: Path) -> None:
    """Write the page of all collections that were ever measured, and draw its plot."""
    found, taught = (quality.kept(folder / part) for part in RELEVANCE)
    if not found:
        raise SourceError(f"No collection was measured yet: there is no report in {str(folder)!r}.")
    draw_gains(DOCS / "plots/gains.svg", relevance.series(found))
    (DOCS / "relevance.md").write_text(wrapped(relevance.page(found, taught)), encoding="utf-8")


def measure(part: str, benchmarks: Benchmarks, options: argparse.Namespace) -> None:
    """Run one part, and write what it has found."""
    folder = options.models / "measured"
    if part in RELEVANCE:
        with_backgrounds = part == "backgrounds"
        quality.run(folder / part, options.data, options.collection or (), with_backgrounds=with_backgrounds)
        write_relevance(folder)
    elif part in WORDS:
        put_as_measured("words.md", part, *words_measured(part, folder, options))
    elif part in VOCABULARY:
        put_as_measured("vocabulary.md", part, *vocabulary_measured(part, options))
    elif part in LIBRARY:
        put_as_measured("library.md", part, *library_measured(part, benchmarks))
    elif part == "stacks":
        put(DOCS / "performance.md", part, http_stacks.COLUMNS, list(http_stacks.rows()))
    elif part == "segmenters":
        put(DOCS / "performance.md", part, segmentation.COLUMNS, segmentation.rows(options.data))
    else:
        put(DOCS / "performance.md", part, COLUMNS, [row.row() for row in benchmarks.rows(part)])


def library_measured(part: str, benchmarks: Benchmarks) -> tuple[Sequence[str], Iterable[Sequence[str]]]:
    """The columns and rows of a part of docs/library.md; rows are measured as they are asked for."""
    data = benchmarks.data
    if part == "next":
        return co_reading.NEXT_COLUMNS, co_reading.next_rows(data)
    if part == "reordering":
        return co_reading.SEARCH_COLUMNS, co_reading.search_rows(data)
    if part == "maps":
        maps.draw_picture(DOCS / "plots/map.png")
        return maps.COLUMNS, maps.rows(benchmarks.medium, data)
    if part == "shelves":
        return shelves.COLUMNS, shelves.rows()
    return shelves.WAY_COLUMNS, shelves.way_rows()


def words_measured(
    part: str, folder: Path, options: argparse.Namespace
) -> tuple[Sequence[str], Iterable[Sequence[str]]]:
    """The columns and rows of a part of docs/words.md; rows are measured as they are asked for."""
    parts: dict[str, Callable[[], tuple[Sequence[str], Iterable[Sequence[str]]]]] = {
        "keyphrases": lambda: (keyphrases.COLUMNS, keyphrases.rows(options.models, options.data)),
        "implied": lambda: (implied.COLUMNS, implied.rows(options.models, options.data)),
        "senses": lambda: (pseudowords.COLUMNS, pseudowords.rows(options.data)),
        "wordpairs": lambda: (wordpairs.COLUMNS, wordpairs.rows(options.data, folder / "wordpairs.json")),
        "related": lambda: (related_words.COLUMNS, related_words.rows(options.models, options.data)),
        "sampling": lambda: (
            sampling.COLUMNS,
            sampling.rows(options.models, options.data, folder / "sampling"),
        ),
    }
    return parts[part]()


def vocabulary_measured(
    part: str, options: argparse.Namespace
) -> tuple[Sequence[str], Iterable[Sequence[str]]]:
    """The columns and rows of a part of docs/vocabulary.md; rows are measured as they are asked for."""
    models, data = options.models, options.data
    parts: dict[str, Callable[[], tuple[Sequence[str], Iterable[Sequence[str]]]]] = {
        "terms": lambda: (vocabulary.TERM_COLUMNS, vocabulary.term_rows(data)),
        "vocabulary": lambda: (vocabulary.COST_COLUMNS, vocabulary.cost_rows(data)),
        "scale": lambda: (ngram_scale.COLUMNS, ngram_scale.rows(data)),
        "applied": lambda: (applying.COLUMNS, applying.rows(models, data)),
        "fitted": lambda: (fitted_vectors.COLUMNS, fitted_vectors.rows(models, data)),
    }
    return parts[part]()


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help="where the models are kept")
    parser.add_argument("--data", type=Path, default=DATA, help="the evaluation data")
    parser.add_argument(
        "--only", metavar="PART", action="append", choices=PARTS,
        help=f"run this part alone; repeatable; of {', '.join(PARTS)}",
    )  # fmt: skip
    parser.add_argument(
        "--collection", metavar="NAME", action="append", choices=COLLECTIONS,
        help="of quality and backgrounds measure this collection alone, and anew; repeatable",
    )  # fmt: skip
    return parser


def main() -> None:
    """Run all parts, or some, and write the pages of all that were ever run."""
    options = arguments().parse_args()
    if not options.data.is_dir():
        sys.exit(f"The benchmarks need the evaluation data, and there is no folder {options.data}.")
    benchmarks = Benchmarks(options.models, options.data)
    try:
        for part in options.only or PARTS:
            measure(part, benchmarks, options)
    except EnricherError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
