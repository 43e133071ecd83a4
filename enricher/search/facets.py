"""Significant keyword facets: values that are more frequent in the hits than in the rest of the index.

The measure is the log-likelihood ratio of the two shares: the mutual information of the events "the document
matches" and "the document has the keyword" (T. Dunning, "Accurate methods for the statistics of surprise and
coincidence", 1993). A keyword that nearly every document has comes last. A keyword of a single matching
document does not come first only because it occurs nowhere else.
"""

from bisect import insort
from collections.abc import Callable, Iterable
from math import log

from enricher.records import FacetCount

FACET_SIZE = 20
"""Maximum values of a facet."""


def by_distinction(
    counts: Iterable[FacetCount], everywhere: Callable[[str], int | None], found: int, documents: int
) -> tuple[FacetCount, ...]:
    """The FACET_SIZE most significant values, best first; values of equal significance by falling count.

    counts: values with their counts in the matching documents, the most frequent first. everywhere: returns
    the document frequency of a value in the whole index; None means a significance of 0. It is not called for
    values too rare to be among the best, even if they occurred nowhere else. found: number of matching
    documents. documents: number of documents in the index.
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
    """The log-likelihood ratio of a facet value, in nats.

    count: matching documents with the value, out of `found`. everywhere: documents of the index with the
    value, out of `documents`. Returns 0 if the value is not more frequent in the matching documents than in
    the others.
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
