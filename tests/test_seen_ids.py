"""Repeated ids, counted in bounded memory."""

import random
import tempfile
import tracemalloc
from pathlib import Path

import pytest

from enricher import seen_ids
from enricher.errors import EnricherError
from enricher.records import Document
from enricher.seen_ids import SeenIds


def test_repeated_ids_are_counted() -> None:
    """The documents pass through unchanged."""
    given = [Document(name, {}) for name in ("a", "b", "a", "a", "\ud800")]
    seen = SeenIds()
    assert (seen.distinct, seen.repeated) == (0, 0)
    assert list(seen.watch(given)) == given
    assert (seen.distinct, seen.repeated) == (3, 2)


@pytest.mark.parametrize(("block", "counted"), [(10, 7), (10, 1_000), (16, 16), (400, 30), (1_000, 10)])
def test_ids_on_disk_count_as_those_in_memory(
    monkeypatch: pytest.MonkeyPatch, block: int, counted: int
) -> None:
    """At every moment, for the first ids of every number, also in the middle of a block."""
    monkeypatch.setattr(seen_ids, "BLOCK_IDS", block)
    monkeypatch.setattr(seen_ids, "COUNTED_IDS", counted)
    chance = random.Random(block)
    names = [str(chance.randrange(150)) for _ in range(400)]
    seen = SeenIds()
    for number, name in enumerate(names, start=1):
        seen.add(name)
        if number % 37 == 0 or number == len(names):
            distinct = len(set(names[:number]))
            assert (seen.distinct, seen.repeated) == (distinct, number - distinct)
    for first in range(0, len(names) + 1, 3):
        assert seen.distinct_among(first) == len(set(names[:first]))


def test_memory_does_not_grow_with_the_ids() -> None:
    """Eight bytes an id would be 8 MB for a million, and counting them three times as much."""
    seen = SeenIds()
    tracemalloc.start()
    for number in range(1_000_000):
        seen.add(str(number // 2))
    adding = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    assert seen.distinct == 500_000
    counting = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert adding < 12e6 and counting < 20e6


def test_a_full_folder_for_temporary_files_is_a_sentence(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which names it, and the way out. What was added before can be counted."""
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    monkeypatch.setattr(seen_ids, "BLOCK_IDS", 50_000)
    with pytest.raises(EnricherError, match=rf"{small_disk}.*TMPDIR"):
        seen = SeenIds()
        for number in range(3_000_000):
            seen.add(str(number))
    assert seen.distinct_among(50_000) == 50_000
    assert list(small_disk.iterdir()) == []
