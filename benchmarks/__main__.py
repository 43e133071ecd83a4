"""All benchmarks: `python -m benchmarks` writes docs/performance.md, docs/related.md and docs/plots/.

The models that are measured are trained once, from the corpora of the evaluation data, and kept.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import enricher
from benchmarks import indexing, kernels, keywords, neighbors, opening, related_words, segmentation
from benchmarks.measure import COLUMNS, ROOT, Row, machine, table
from benchmarks.models import trained
from benchmarks.plots import draw

DOCS = ROOT / "docs"
MODELS = ROOT / "build/bench-models"
DATA = ROOT.parent / "shared/data"
HEAD = """# Performance

Written by `make bench`: do not edit. Every figure is measured in one run, our work and its competitor in
turn, several times each; times are medians with quartiles, of wall clock where nothing else is said. Both
models are real, trained on the same corpora in Chinese and English with 128 dimensions: the large one keeps
every word, the medium one those of twenty occurrences.

{origin}

{rows}

## Cost against size

Vocabularies smaller than the large model are cut from it, larger ones have words split in two:
[benchmarks/models.py](../benchmarks/models.py) says how. A walk in Python is timed on a part of the words.

![cost of a word against the size of the vocabulary](plots/vocabulary.svg)

![cost of the neighbours of a word against the size of the vocabulary](plots/neighbors.svg)

![cost of keywords against the length of the document](plots/length.svg)

![cost and memory of indexing against the number of documents](plots/documents.svg)

## Segmenters

{segmenters}
"""


class Benchmarks:
    """The parts of the run; each prints its rows as they come."""

    def __init__(self, models: Path, data: Path) -> None:
        self.data = data
        self.folders = {name: trained(models, name, data) for name in ("medium", "large")}
        self.models = {name: enricher.load(folder) for name, folder in self.folders.items()}
        self.large = self.models["large"]
        self.parts: dict[str, Callable[[], list[Row]]] = {
            "kernels": self.kernels,
            "keywords": self.keywords,
            "neighbors": self.neighbors,
            "opening": self.opening,
            "indexing": self.indexing,
            "memory": self.memory,
        }

    def kernels(self) -> list[Row]:
        vectors = {name: model.model for name, model in self.models.items()}
        rows = shown(kernels.rows(vectors, self.folders["large"]))
        draw(DOCS / "plots/vocabulary.svg", kernels.series(self.large.model), "words", "ms a word")
        return rows

    def keywords(self) -> list[Row]:
        rows = shown(keywords.rows(self.models["medium"], self.data))
        lines = keywords.series(self.models["medium"], self.data)
        draw(DOCS / "plots/length.svg", lines, "words of the document", "ms a document")
        return rows

    def neighbors(self) -> list[Row]:
        rows, lines = neighbors.measured(self.large.model)
        draw(DOCS / "plots/neighbors.svg", lines, "words", "ms a word")
        return shown(rows)

    def opening(self) -> list[Row]:
        return shown(opening.rows(self.large, self.folders["large"], self.data))

    def indexing(self) -> list[Row]:
        return shown(indexing.rows(self.folders["medium"], self.data))

    def memory(self) -> list[Row]:
        rows, lines = indexing.memory(self.folders["medium"], self.data)
        draw(DOCS / "plots/documents.svg", lines, "documents", "ms a document, MB")
        return shown(rows)


def shown(rows: Iterable[Row]) -> list[Row]:
    """The rows, each printed as soon as it is there."""
    kept = []
    for row in rows:
        print(f"| {' | '.join(row.row())} |", flush=True)
        kept.append(row)
    return kept


def main() -> None:
    """Run all parts and write the pages, or run some and only print their rows."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help="where the models are kept")
    parser.add_argument("--data", type=Path, default=DATA, help="the evaluation data")
    parser.add_argument("--only", metavar="PART", action="append", help="print this part alone; repeatable")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"The benchmarks need the evaluation data, and there is no folder {options.data}.")
    run = Benchmarks(options.models, options.data)
    if unknown := set(options.only or ()) - set(run.parts):
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(run.parts)}")
    rows = [row for name in options.only or run.parts for row in run.parts[name]()]
    if options.only:
        return
    origin = f"{machine()}; {datetime.now(UTC):%B %Y}."
    page = HEAD.format(
        origin=origin,
        rows=table(COLUMNS, [row.row() for row in rows]),
        segmenters=segmentation.page(options.data),
    )
    (DOCS / "performance.md").write_text(page, encoding="utf-8")
    (DOCS / "related.md").write_text(related_words.page(run.large, origin), encoding="utf-8")


if __name__ == "__main__":
    main()
