"""Relevance of the default recipe: every collection is measured once, and its report is kept.

The model of a collection learns from its documents alone, or from background corpora too.
"""

import json
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from benchmarks.collections import COLLECTIONS, JUDGED, CollectionRecipe, bounded, write
from benchmarks.gains import FREQUENT, HEADS, Measured, frequent, head, without
from benchmarks.measure import machine
from enricher.plugins import vector
from enricher.records import SUBWORDS, VECTOR, Rejection
from enricher.settings import Configuration, IndexConfiguration
from indexer.engines import Connection
from indexer.evaluation import Evaluation, evaluate

WITH_ALTERNATIVES = "with alternatives"
"""The default recipe and alternatives of every word of the query."""
WORKERS = 2


def recipes() -> dict[str, IndexConfiguration]:
    """Further recipes, measured on the same index: a part less or more, other weights of vectors."""
    default = IndexConfiguration()
    less = {
        without(part): replace(default, rewriters=tuple(name for name in default.rewriters if name != part))
        for part in default.rewriters
    }
    more = {WITH_ALTERNATIVES: replace(default, rewriters=(*default.rewriters, "alternatives"))}
    heads = {head(share): replace(default, settings={VECTOR: {"head": share}}) for share in HEADS}
    parts = {frequent(name): replace(default, settings={SUBWORDS: kept}) for name, kept in FREQUENT.items()}
    return less | more | heads | parts


def run(folder: Path, data: Path, names: Iterable[str], *, with_backgrounds: bool = False) -> None:
    """Measure the collections of that name anew; where none is named, those that are not kept yet.

    With backgrounds these are the judged ones.
    """
    chosen = list(names)
    usual = [recipe for recipe in COLLECTIONS.values() if recipe.kind == JUDGED or not with_backgrounds]
    for recipe in [COLLECTIONS[name] for name in chosen] or usual:
        path = file_of(folder, recipe.name)
        if not chosen and path.exists():
            print(f"{recipe.name}: kept from an earlier run in {path.name}", flush=True)
            continue
        backgrounds = recipe.backgrounds(data) if with_backgrounds else ()
        found = measure(recipe, data, folder.parent / "collections", backgrounds)
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        unfinished.replace(path)
        gain = Measured.from_json(found).gain()
        print(f"{recipe.name}: nDCG@10 {gain.ndcg:+.1f} %, Recall@100 {gain.recall:+.1f} %", flush=True)


def measure(
    recipe: CollectionRecipe, data: Path, folder: Path, backgrounds: Iterable[Path] = ()
) -> dict[str, object]:
    """Everything about one collection, as JSON; its files are written to a folder of their own."""
    whole = recipe.make(data)
    contents = bounded(whole)
    place = folder / _plain_name(recipe.name)
    write(contents, place)
    default = IndexConfiguration()
    engine = f"tantivy:{place / 'index'}"  # Named only: what is made there is scratch, and elsewhere.
    job = Evaluation(
        place,
        None,
        place,
        Connection(engine),
        Configuration(),
        train=True,
        backgrounds=tuple(map(str, backgrounds)),
        workers=WORKERS,
        others=recipes(),
    )
    report = evaluate(job, _refuse, _Steps(recipe.name))
    return {
        "name": recipe.name,
        "kind": recipe.kind,
        "texts": recipe.texts,
        "origin": f"{machine()}; {datetime.now(UTC):%B %Y}",
        "head": default.settings.get(VECTOR, {}).get("head", vector.Settings().head),
        "all_documents": len(whole.documents),
        "all_queries": len(whole.queries),
        "report": report.as_full_json(),
    }


def _refuse(rejection: Rejection) -> None:
    """Documents without text are part of the data, and found by no system."""
    print(f"  {rejection.where}: {rejection.reason}", file=sys.stderr)


class _Steps:
    """Says each step of an evaluation once."""

    def __init__(self, name: str) -> None:
        self._name, self._last = name, ""

    def __call__(self, step: str, done: int, total: int) -> None:
        if step != self._last:
            print(f"  {self._name}: {step}", file=sys.stderr, flush=True)
            self._last = step


def kept(folder: Path) -> list[Measured]:
    """What was ever measured, in the order of the collections."""
    paths = [file_of(folder, name) for name in COLLECTIONS]
    return [Measured.from_json(json.loads(path.read_text("utf-8"))) for path in paths if path.exists()]


def file_of(folder: Path, name: str) -> Path:
    """Where the report of a collection is kept."""
    return folder / f"{_plain_name(name)}.json"


def _plain_name(name: str) -> str:
    return name.replace("/", "_")
