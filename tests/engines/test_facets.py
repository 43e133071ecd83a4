"""The measure by which keywords are ranked."""

import math
import random

import pytest

from enricher.records import FacetCount
from enricher.search.facets import FACET_SIZE, by_distinction, distinction


@pytest.mark.parametrize(("count", "found", "everywhere", "documents"), [(5, 10, 20, 1000), (9, 50, 9, 60)])
def test_the_measure_is_the_mutual_information_of_two_facts(
    count: int, found: int, everywhere: int, documents: int
) -> None:
    """That a document was found, and that it has the keyword; times the number of documents."""
    table = [[count, found - count], [everywhere - count, documents - found - everywhere + count]]
    rows, columns = list(map(sum, table)), [sum(column) for column in zip(*table, strict=True)]
    information = sum(
        n / documents * math.log(n * documents / (rows[i] * columns[j]))
        for i, row in enumerate(table)
        for j, n in enumerate(row)
        if n
    )
    assert distinction(count, found, everywhere, documents) == pytest.approx(information * documents)


def test_what_is_no_more_frequent_than_elsewhere_sets_nothing_apart() -> None:
    """As frequent, rarer, or all documents were found; deleted documents may still be counted."""
    assert distinction(5, 10, 50, 100) == distinction(1, 10, 50, 100) == distinction(5, 100, 5, 100) == 0
    assert distinction(5, 10, 3, 100) > 0


def test_there_are_no_more_values_than_a_facet_has() -> None:
    """The first ones in the order of the measure."""
    counts = [FacetCount(f"k{n:02}", 40 - n) for n in range(40)]
    assert by_distinction(counts, lambda value: 40, 50, 1000) == tuple(counts[:FACET_SIZE])


@pytest.mark.parametrize("seed", range(20))
def test_rare_values_are_left_out_only_where_they_cannot_matter(seed: int) -> None:
    """The same as all of them ranked; of thousands of rare ones most are not asked for."""
    chance = random.Random(seed)
    documents, found = 5000, chance.choice([3, 40, 700, 4900])
    sizes = [min(found, 1 + int(chance.paretovariate(1))) for _ in range(3000)]
    counts = [FacetCount(f"k{n}", size) for n, size in enumerate(sorted(sizes, reverse=True))]
    everywhere = {
        one.value: chance.choice([None, one.count, one.count + chance.randrange(documents - found)])
        for one in counts
    }

    def rank(facet: FacetCount) -> tuple[float, int, str]:
        there = everywhere[facet.value]
        value = distinction(facet.count, found, there, documents) if there is not None else 0.0
        return -round(value, 6), -facet.count, facet.value

    asked: list[str] = []

    def ask(value: str) -> int | None:
        asked.append(value)
        return everywhere[value]

    assert by_distinction(counts, ask, found, documents) == tuple(sorted(counts, key=rank)[:FACET_SIZE])
    assert found != 700 or len(asked) < 1000
