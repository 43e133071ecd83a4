"""Names and values in filters, facets and sort orders, and the errors for fields that do not exist."""

from collections.abc import Sequence

from enricher.errors import IndexConflict, UsageError
from enricher.records import ENRICHMENT, KEYWORDS, FieldKind, IndexLayout, Operator
from indexer.engines.field_types import FieldType
from indexer.engines.fields import number


def enrichment_field(name: str, layout: IndexLayout) -> str | None:
    """The path of the KEYWORD field of the enrichment with this name; None if the name is a user's field."""
    path = name.removeprefix(ENRICHMENT + ".") if name != KEYWORDS else KEYWORDS
    if (name == KEYWORDS or path != name) and layout.mapping.get(path) is FieldKind.KEYWORD:
        return path
    return None


def filter_value(index: str, name: str, kind: FieldType, value: str) -> str | int | float | bool:
    """Convert the value of a filter to the type of its field. Raises UsageError."""
    match kind:
        case FieldType.NUMBER:
            found = number(value)
            if found is None:
                raise UsageError(
                    f"The field {name!r} of the index {index!r} holds numbers, but {value!r} is not a number."
                )
            return found
        case FieldType.BOOLEAN:
            spelled = value.lower()  # also accepts True and False
            if spelled not in {"true", "false"}:
                raise UsageError(
                    f"The field {name!r} of the index {index!r} holds true or false, but {value!r} is "
                    "neither."
                )
            return spelled == "true"
        case _:
            return value


def no_order(index: str, name: str, operator: Operator) -> UsageError:
    """The error for a range of true and false."""
    return UsageError(
        f"The field {name!r} of the index {index!r} holds true or false, which have no order; filter it with "
        f"= or !=, not with {operator}."
    )


def no_order_of_hits(index: str, name: str, why: str) -> UsageError:
    """The error for a field by which hits cannot be sorted."""
    return UsageError(f"The hits of the index {index!r} cannot be sorted by the field {name!r}: {why}.")


def no_scored_field(index: str, name: str) -> UsageError:
    """The error for term frequencies in a field that the index does not have or does not score."""
    return UsageError(f"The index {index!r} has no scored field {name!r}.")


def dimensions_conflict(index: str, held: int, given: int) -> IndexConflict:
    """The error for an index whose vectors have other dimensions than those of its model.

    Older versions sent vectors as hexadecimal digits, which some servers read as base64: these vectors have
    1.5 times the dimensions.
    """
    misread = "An older version wrote them to a server that misread them. " if 2 * held == 3 * given else ""
    return IndexConflict(
        f"The vectors of the index {index!r} have {held} dimensions, those of its model have {given}. "
        f"{misread}Index into a new name, or run `enricher reindex start {index} --to ALIAS`."
    )


MAX_SHOWN_FIELDS = 50


def no_such_field(index: str, name: str, known: Sequence[str], layout: IndexLayout) -> UsageError:
    """The error for a filter or a facet on a field that no document has.

    known: the user's fields. The message also names the fields of exact values under `enrichment`.
    """
    exact = [path for path, kind in layout.mapping.items() if kind is FieldKind.KEYWORD]
    ours = [path if path == KEYWORDS else f"{ENRICHMENT}.{path}" for path in exact]
    more = ", …" if len(known) > MAX_SHOWN_FIELDS else ""
    names = ", ".join([*known[:MAX_SHOWN_FIELDS]]) + more
    has = f"its fields are {names}" if known else "its documents have no fields yet"
    has += f", and of the enrichment {', '.join(ours)}" if ours else ""
    return UsageError(f"The index {index!r} has no field {name!r} to filter, count or sort by; {has}.")
