"""All benchmarks: `python -m benchmarks` writes docs/performance.md, docs/related.md and docs/plots/.

The models that are measured are trained once, from the corpora of the evaluation data, and kept.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
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
"""
PLOTS = """
## Cost against size

Vocabularies smaller than the large model are cut from it, larger ones have words split in two:
[benchmarks/models.py](../benchmarks/models.py) says how. A walk in Python is timed on a part of the words.
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


def origin() -> str:
    return f"{machine()}; {datetime.now(UTC):%B %Y}."


def keep(folder: Path, part: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Keep what a part has measured, so that it can be measured again by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    found = {"origin": origin(), "columns": columns, "rows": rows}
    (folder / f"{part}.json").write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")


def page(folder: Path, parts: Iterable[str]) -> str:
    """The page of all parts that were measured, each with where and when."""
    sections = [HEAD]
    for part in parts:
        if (folder / f"{part}.json").exists():
            found = json.loads((folder / f"{part}.json").read_text(encoding="utf-8"))
            heading = f"## {part.capitalize()}\n\n{found['origin']}"
            sections.append(f"\n{heading}\n\n{table(found['columns'], found['rows'])}\n")
    plots = sorted((DOCS / "plots").glob("*.svg"))
    pictures = [f"\n![cost against {path.stem}](plots/{path.name})\n" for path in plots]
    return "".join([*sections, PLOTS, *pictures])


def main() -> None:
    """Run all parts, or some, and write the page of all that were ever run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--models", type=Path, default=MODELS, help="where the models are kept")
    parser.add_argument("--data", type=Path, default=DATA, help="the evaluation data")
    parser.add_argument("--only", metavar="PART", action="append", help="run this part alone; repeatable")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.exit(f"The benchmarks need the evaluation data, and there is no folder {options.data}.")
    run = Benchmarks(options.models, options.data)
    names = [*run.parts, "segmenters", "words"]
    if unknown := set(options.only or ()) - set(names):
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(names)}")
    folder = options.models / "measured"
    for name in options.only or names:
        if name == "words":
            (DOCS / "related.md").write_text(related_words.page(run.large, origin()), encoding="utf-8")
        elif name == "segmenters":
            keep(folder, name, segmentation.COLUMNS, segmentation.rows(options.data))
        else:
            keep(folder, name, COLUMNS, [row.row() for row in run.parts[name]()])
    (DOCS / "performance.md").write_text(page(folder, names), encoding="utf-8")


if __name__ == "__main__":
    main()
