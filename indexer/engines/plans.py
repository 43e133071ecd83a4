"""A search request made ready for any engine: checked, cut, and resolved against the layout."""

from dataclasses import dataclass

from enricher.errors import IndexConflict, UsageError
from enricher.records import ENRICHMENT, KEYWORDS, FieldKind, IndexLayout, QueryTerm, SearchRequest
from indexer.engines.field_types import FieldType
from indexer.engines.fields import EMPTY_MARK, LONGEST_WORD, clean, number

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


def enrichment_field(name: str, layout: IndexLayout) -> str | None:
    """The KEYWORD field of the layout that a filter or facet names, None for a user's field."""
    path = name.removeprefix(ENRICHMENT + ".") if name != KEYWORDS else KEYWORDS
    if (name == KEYWORDS or path != name) and layout.mapping.get(path) is FieldKind.KEYWORD:
        return path
    return None


def filter_value(index: str, name: str, kind: FieldType, value: str) -> str | int | float | bool:
    """The value of a filter as a field of a type has it; UsageError where it is none of that type."""
    match kind:
        case FieldType.NUMBER:
            found = number(value)
            if found is None:
                raise UsageError(
                    f"The field {name!r} of the index {index!r} holds numbers, and {value!r} is none."
                )
            return found
        case FieldType.BOOLEAN:
            spelled = value.lower()  # also as Python writes them
            if spelled not in {"true", "false"}:
                raise UsageError(
                    f"The field {name!r} of the index {index!r} holds true or false, and {value!r} is "
                    "neither."
                )
            return spelled == "true"
        case _:
            return value


def valid_models(layout: IndexLayout) -> tuple[str, ...]:
    """The versions of which the documents of an index may be; none where it has no model."""
    return () if layout.model_version is None else (layout.model_version, *layout.compatible)


def no_scored_field(index: str, name: str) -> UsageError:
    """The error for the frequencies of terms in a field that the index does not have."""
    return UsageError(f"The index {index!r} has no field {name!r} to count terms in.")


def other_vectors(index: str, held: int, given: int) -> IndexConflict:
    """The error for an index whose vectors have another length than one of its model.

    One and a half times the length is what some servers make of the hexadecimal digits that older versions
    sent: they read them as base64.
    """
    misread = "An older version wrote them to a server that misread them. " if 2 * held == 3 * given else ""
    return IndexConflict(
        f"The vectors of the index {index!r} have {held} numbers, those of its model have {given}: they "
        f"cannot be compared. {misread}Index into a new name, or run "
        f"`enricher reindex start {index} --to ALIAS`."
    )


def no_such_field(index: str, name: str, known: list[str]) -> UsageError:
    """The error for a filter or facet on a field that no document has."""
    has = f"its fields are {', '.join(known)}" if known else "it has no fields yet"
    return UsageError(f"The index {index!r} has no field {name!r} to filter or count by; {has}.")
