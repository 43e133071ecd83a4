"""Query plans: check a search request and resolve its terms to the fields of an index, for any engine."""

from dataclasses import dataclass

from enricher.errors import UsageError
from enricher.records import (
    EMPTY_MARK,
    MAX_TERM_CHARACTERS,
    IndexLayout,
    QueryTerm,
    SearchRequest,
    clean,
)

MAX_HITS = 10_000
MAX_WEIGHT = 1e6
"""Maximum weight of a term: single precision can still hold the sum of a thousand such scores."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One term and the fields in which it is searched, as paths under `enrichment`.

    The score is weight × the sum of BM25 over the fields. exact: the term matches exact values, and the
    score is the weight itself. typed: whether the user typed this term.
    """

    term: str
    weight: float
    fields: tuple[str, ...]
    exact: bool = False
    typed: bool = False

    @property
    def size(self) -> int:
        """The number of term queries that this clause needs."""
        return len(self.fields)


Group = tuple[Clause, ...]
"""Alternative clauses for one query word. The group scores as its best clause."""


def plan(request: SearchRequest, layout: IndexLayout, index: str) -> list[Group]:
    """The groups of clauses for a request.

    Raises UsageError if a term names a field that the index lacks, or a weight, `top` or `from_` is out of
    range.
    """
    if not 0 <= request.top <= MAX_HITS:
        raise UsageError(f"The number of hits is {request.top}; choose one from 0 to {MAX_HITS}.")
    if not 0 <= request.from_ <= MAX_HITS - request.top:
        raise UsageError(
            f"The hits from {request.from_:,} to {request.from_ + request.top:,} are out of range: a search "
            f"shows the first {MAX_HITS:,}. Add a filter to reach the others."
        )
    groups = []
    for terms in request.query.groups():
        best: dict[tuple[str, str], Clause] = {}
        for term in terms:
            clause = _clause(term, layout, index)
            known = best.get((term.field, clause.term))
            if clause.term != EMPTY_MARK and (known is None or known.weight < clause.weight):
                best[term.field, clause.term] = clause
        if best:
            groups.append(tuple(best.values()))
    return groups


def _clause(term: QueryTerm, layout: IndexLayout, index: str) -> Clause:
    if not 0 <= term.weight <= MAX_WEIGHT:
        raise UsageError(
            f"The weight of {term.term!r} is {term.weight:g}; a weight is from 0 to {MAX_WEIGHT:,.0f}."
        )
    kind = layout.mapping.get(term.field)
    if kind is not None and kind.exact:
        return Clause(clean(term.term), term.weight, (term.field,), exact=True)
    fields = tuple(layout.family(term.field))
    if not fields:
        searchable = [path for path, kind in layout.mapping.items() if kind.has_terms]
        has = ", ".join(sorted({path.split(".")[0] for path in searchable})) or "none"
        raise UsageError(f"The index {index!r} has no field {term.field!r} to search; it has {has}.")
    return Clause(clean(term.term)[:MAX_TERM_CHARACTERS], term.weight, fields, typed=term.is_typed)


def lighten(groups: list[Group], max_queries: int) -> list[Group]:
    """Drop the least important clauses, so that at most `max_queries` term queries remain.

    Typed words are kept first, then other scored clauses, then exact values, whose weights are on
    another scale. Within each kind the heaviest are kept; with equal weights, the first.
    """
    ranked = sorted(
        (not clause.typed, clause.exact, -clause.weight, rank, place)
        for place, group in enumerate(groups)
        for rank, clause in enumerate(group)
    )
    kept: list[dict[int, Clause]] = [{} for _ in groups]
    room = max_queries
    for *_, rank, place in ranked:
        clause = groups[place][rank]
        if clause.size <= room:
            kept[place][rank] = clause
            room -= clause.size
    return [tuple(chosen[rank] for rank in sorted(chosen)) for chosen in kept if chosen]
