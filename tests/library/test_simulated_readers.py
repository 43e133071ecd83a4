"""The instruments of the benchmarks of shelves: simulated readers, and another way to search."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks import shelves
from benchmarks.simulated_readers import LENGTHS, hall, simulate
from enricher.library.pairs import count_pairs
from enricher.library.records import read_records
from enricher.library.shelves.cost import cost
from enricher.library.shelves.slots import slots_of
from tests.conftest import ROOT
from tests.library.shelves_cases import random_pairs


def test_readers_take_items_of_their_topics() -> None:
    """A seed gives the same readers; popular items are taken more; pairs share topics."""
    readers, again = simulate(600, 4_000, 3), simulate(600, 4_000, 3)
    records = readers.records
    assert np.array_equal(records.members, again.records.members) and len(records) == 4_000
    assert records.lengths.min() >= 1 and records.lengths.max() < LENGTHS[1]
    popular = np.argsort(-readers.popularity)
    uses = records.item_weights
    assert uses[popular[:60]].mean() > 4 * uses[popular[-300:]].mean()
    pairs = count_pairs(records)
    same = readers.topics[pairs.first] == readers.topics[pairs.second]
    assert 0.5 < pairs.shares[same].sum() < 0.9


def test_files_of_readers_can_be_read(tmp_path: Path) -> None:
    """The records, a place for each item, and the topic of each."""
    names = ["records.jsonl", "places.csv", "categories.csv"]
    options = [
        part for option, name in zip(("--out", "--places", "--categories"), names, strict=True)
        for part in (option, str(tmp_path / name))
    ]  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.simulated_readers", "--items", "50", "--records", "80"]
    subprocess.run([*command, *options], check=True, cwd=ROOT)
    records = read_records([str(tmp_path / "records.jsonl")], lambda rejected: None)
    assert len(records) == 80
    for name, columns in (("places.csv", ["place", "x", "y"]), ("categories.csv", ["item", "category"])):
        rows = list(csv.reader((tmp_path / name).open(newline="")))
        assert rows[0] == columns and len(rows) == 51


def test_a_hall_is_walked_to_and_fro() -> None:
    """Each step leads to a place beside the last one."""
    steps = np.abs(np.diff(hall(30), axis=0)).sum(axis=1)
    assert steps.tolist() == [1.0] * 29


def test_frank_wolfe_is_an_arrangement_of_low_cost() -> None:
    """Every item has a place of its own; the cost is below that of chance."""
    pairs = random_pairs(np.random.default_rng(8), 16, 0.3)
    slots = slots_of(shelves.places_of(16), 16)
    found = shelves.frank_wolfe(pairs, slots)
    chance = [cost(pairs, slots.xyz[np.random.default_rng(n).permutation(16)]) for n in range(20)]
    assert sorted(found.tolist()) == list(range(16)) and cost(pairs, slots.xyz[found]) < min(chance)


def test_rows_of_the_benchmark_have_all_columns() -> None:
    """For a small hall."""
    (row,) = shelves.rows([(40, 120)])
    assert len(row) == len(shelves.COLUMNS)
    ways = list(shelves.way_rows([(40, 120)]))
    assert len(ways) == 8 and all(len(one) == len(shelves.WAY_COLUMNS) for one in ways)
