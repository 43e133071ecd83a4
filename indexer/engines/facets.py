"""Facets of keywords: ranked by how much more frequent they are in what was found than elsewhere.

The measure is the log-likelihood ratio of the two shares, which is the mutual information of two facts, that
a document was found and that it has the keyword (T. Dunning, "Accurate methods for the statistics of
surprise and coincidence", 1993). So what nearly every document has comes last, and a keyword of one document
does not come first because it is nowhere else.
"""

from collections.abc import Iterable, Mapping
from math import log

from enricher.records import FacetCount

FACET_SIZE = 20
"""Values of a facet."""


def by_distinction(
    counts: Iterable[FacetCount], everywhere: Mapping[str, int], found: int, documents: int
) -> tuple[FacetCount, ...]:
    """The values that set the `found` documents apart from all `documents` of the index, then the others by
    their number.

    everywhere: in how many documents of the index a value is; one without it sets nothing apart.
    """

    def rank(facet: FacetCount) -> tuple[float, int, str]:
        there = everywhere.get(facet.value)
        value = distinction(facet.count, found, there, documents) if there is not None else 0.0
        return -round(value, 6), -facet.count, facet.value

    return tuple(sorted(counts, key=rank)[:FACET_SIZE])


def distinction(count: int, found: int, everywhere: int, documents: int) -> float:
    """The log-likelihood ratio, in nats: `count` of `found` documents have a value, and `everywhere` of all.

    0 where the value is no more frequent among them than elsewhere.
    """
    others, elsewhere = documents - found, max(everywhere - count, 0)
    if others <= 0 or count * others <= elsewhere * found:
        return 0.0
    cells = (
        (count, found, everywhere),
        (found - count, found, documents - everywhere),
        (elsewhere, others, everywhere),
        (others - elsewhere, others, documents - everywhere),
    )
    return sum(n * log(n * documents / (row * column)) for n, row, column in cells if n > 0)
