"""Simulated readers, whose topics are known: records of use, places, and the topic of each item.

    python -m benchmarks.simulated_readers --items 1000 --records 5000 --seed 1 --out records.jsonl

An item has one topic and a popularity by Zipf's law. A reader takes two to eight items: most of one topic,
some of a second, each drawn by its popularity. Neighboring topics share readers more often than others do.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from enricher.library.records import Records

ITEMS_OF_A_TOPIC = 40
"""In the mean."""
ZIPF = 0.8
"""The exponent of popularity."""
SECOND, NEIGHBOR = 0.2, 0.6
"""How many items are of the reader's second topic, and how often that is a neighbor of the first."""
LENGTHS = (2, 9)


@dataclass(frozen=True)
class Readers:
    """What was simulated. records: their items are named i0, i1, … in no order of popularity.

    topics: int64 (items,), the topic of each item. popularity: float64 (items,), sums to 1.
    """

    records: Records
    topics: NDArray[np.int64]
    popularity: NDArray[np.float64]


def simulate(items: int, records: int, seed: int = 1) -> Readers:
    """Simulate readers. Every run with a seed gives the same; items that nobody takes have no record."""
    generator = np.random.default_rng(seed)
    topics_count = max(2, items // ITEMS_OF_A_TOPIC)
    topics = generator.integers(topics_count, size=items)
    popularity = 1 / (1 + generator.permutation(items)) ** ZIPF
    popularity /= popularity.sum()
    order = np.argsort(topics, kind="stable")
    sums = np.cumsum(popularity[order])
    bounds = np.searchsorted(topics[order], np.arange(topics_count + 1))
    edges = np.concatenate([[0.0], sums])[bounds]
    lengths = generator.integers(*LENGTHS, size=records)
    first = _drawn(edges, generator.random(records) * sums[-1])
    step = np.where(generator.random(records) < 0.5, 1, -1)
    other = _drawn(edges, generator.random(records) * sums[-1])
    second = np.where(generator.random(records) < NEIGHBOR, (first + step) % topics_count, other)
    reader = np.repeat(np.arange(records), lengths)
    topic = np.where(generator.random(len(reader)) < SECOND, second[reader], first[reader])
    low, high = edges[topic], edges[topic + 1]
    taken = np.searchsorted(sums, low + generator.random(len(reader)) * (high - low), side="right")
    return Readers(_records(items, reader, order[np.minimum(taken, items - 1)]), topics, popularity)


def _drawn(edges: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The topic whose share of the popularity holds each value. An empty topic holds none."""
    return np.minimum(np.searchsorted(edges, values, side="right") - 1, len(edges) - 2)


def _records(items: int, reader: NDArray[np.int64], taken: NDArray[np.int64]) -> Records:
    """The records, each item once in each."""
    keys = np.unique(reader * items + taken)
    reader, taken = np.divmod(keys, items)
    lengths = np.bincount(reader)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    names = [f"i{number}" for number in range(items)]
    return Records(names, starts, taken.astype(np.int32), np.ones(len(lengths)))


def hall(places: int) -> NDArray[np.float64]:
    """Places in rows, walked to and fro; the entrance is in the middle of the front: float64 (places, 2)."""
    width = max(1, int(np.ceil(np.sqrt(places))))
    row, column = np.divmod(np.arange(places), width)
    column = np.where(row % 2, width - 1 - column, column)
    return np.stack([column - (width - 1) / 2, row + 1.0], axis=1)


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulated_readers", description=__doc__)
    parser.add_argument("--items", type=int, default=1_000)
    parser.add_argument("--records", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="the records, a line each")
    parser.add_argument("--places", type=Path, help="also write a hall with a place for each item")
    parser.add_argument("--categories", type=Path, help="also write the topic of each item")
    return parser


def main() -> None:
    """Write what was simulated."""
    options = arguments().parse_args()
    readers = simulate(options.items, options.records, options.seed)
    records = readers.records
    with options.out.open("w", encoding="utf-8") as file:
        for start, end in zip(records.starts[:-1], records.starts[1:], strict=True):
            items = [records.items[number] for number in records.members[start:end]]
            file.write(json.dumps({"items": items}) + "\n")
    if options.places is not None:
        rows = [(f"p{n}", f"{x:g}", f"{y:g}") for n, (x, y) in enumerate(hall(options.items))]
        write_table(options.places, ("place", "x", "y"), rows)
    if options.categories is not None:
        rows = [(name, f"t{topic}") for name, topic in zip(records.items, readers.topics, strict=True)]
        write_table(options.categories, ("item", "category"), rows)


if __name__ == "__main__":
    main()
