"""A search request made ready for any engine: checked, cut, and resolved against the layout."""

from dataclasses import dataclass

from enricher.errors import UsageError
from enricher.records import EMPTY_MARK, LONGEST_WORD, FieldKind, IndexLayout, QueryTerm, SearchRequest, clean

MOST_HITS = 10_000
MOST_WEIGHT = 1e6
"""The largest weight of a term: single precision still holds the sum of a thousand such scores."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One term on the fields that it is searched in, by their paths under `enrichment`.

    Its score is weight × the sum of BM25 over the fields, or the weight alone where `exact`.
    typed: whether it is a word as the user typed it.
    """

    term: str
    weight: float
    fields: tuple[str, ...]
    exact: bool = False
    typed: bool = False

    @property
    def size(self) -> int:
        """How many elementary queries it takes."""
        return len(self.fields)


Group = tuple[Clause, ...]
"""Alternatives: the best of their scores counts."""


def plan(request: SearchRequest, layout: IndexLayout, index: str) -> list[Group]:
    """The groups of the query; UsageError where a term names a field that the index lacks."""
    if not 0 <= request.top <= MOST_HITS:
        raise UsageError(f"The number of hits is {request.top}; choose one from 0 to {MOST_HITS}.")
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
    if not 0 <= term.weight <= MOST_WEIGHT:
        raise UsageError(
            f"The weight of {term.term!r} is {term.weight:g}; a weight is from 0 to {MOST_WEIGHT:,.0f}."
        )
    if layout.mapping.get(term.field) is FieldKind.KEYWORD:
        return Clause(clean(term.term), term.weight, (term.field,), exact=True)
    fields = tuple(layout.family(term.field))
    if not fields:
        searchable = [path for path, kind in layout.mapping.items() if kind.has_terms]
        has = ", ".join(sorted({path.split(".")[0] for path in searchable})) or "none"
        raise UsageError(f"The index {index!r} has no field {term.field!r} to search; it has {has}.")
    return Clause(clean(term.term)[:LONGEST_WORD], term.weight, fields, typed=term.is_typed)


def lighten(groups: list[Group], most: int) -> list[Group]:
    """The groups without their lightest clauses, so that at most `most` elementary queries remain.

    Typed words are kept first, then what is scored, then exact values, whose weights are of another
    kind; of each the heaviest; within a weight, those that stand first.
    """
    ranked = sorted(
        (not clause.typed, clause.exact, -clause.weight, rank, place)
        for place, group in enumerate(groups)
        for rank, clause in enumerate(group)
    )
    kept: list[dict[int, Clause]] = [{} for _ in groups]
    room = most
    for *_, rank, place in ranked:
        clause = groups[place][rank]
        if clause.size <= room:
            kept[place][rank] = clause
            room -= clause.size
    return [tuple(chosen[rank] for rank in sorted(chosen)) for chosen in kept if chosen]
