"""Facets of keywords: ranked by how much more frequent they are in what was found than elsewhere.

The measure is the log-likelihood ratio of the two shares, which is the mutual information of two facts, that
a document was found and that it has the keyword (T. Dunning, "Accurate methods for the statistics of
surprise and coincidence", 1993). So what nearly every document has comes last, and a keyword of one document
does not come first because it is nowhere else.
"""

from bisect import insort
from collections.abc import Callable, Iterable
from math import log

from enricher.records import FacetCount

FACET_SIZE = 20
"""Values of a facet."""


def by_distinction(
    counts: Iterable[FacetCount], everywhere: Callable[[str], int | None], found: int, documents: int
) -> tuple[FacetCount, ...]:
    """The values that set the `found` documents apart from all `documents` of the index, then the others by
    their number.

    counts: the most frequent first. everywhere: in how many documents of the index a value is; one for which
    it answers None sets nothing apart. It is not asked for the many values that are too rare to come among
    the first ones even if they are nowhere else.
    """
    best: list[tuple[float, int, str]] = []
    highest, of_count = 0.0, -1
    for facet in counts:
        if facet.count != of_count:
            of_count, highest = facet.count, distinction(facet.count, found, facet.count, documents)
        if len(best) == FACET_SIZE and -round(highest, 6) > best[-1][0]:
            break
        there = everywhere(facet.value)
        value = distinction(facet.count, found, there, documents) if there is not None else 0.0
        insort(best, (-round(value, 6), -facet.count, facet.value))
        del best[FACET_SIZE:]
    return tuple(FacetCount(value, -count) for _, count, value in best)


def distinction(count: int, found: int, everywhere: int, documents: int) -> float:
    """The log-likelihood ratio, in nats: `count` of `found` documents have a value, and `everywhere` of all.

    0 where the value is no more frequent among them than elsewhere.
    """
    everywhere = max(everywhere, count)
    others, elsewhere = documents - found, everywhere - count
    if others <= 0 or count * others <= elsewhere * found:
        return 0.0
    cells = (
        (count, found, everywhere),
        (found - count, found, documents - everywhere),
        (elsewhere, others, everywhere),
        (others - elsewhere, others, documents - everywhere),
    )
    return sum(n * log(n * documents / (row * column)) for n, row, column in cells if n > 0)
