"""Filters, facets and counts: what they name, and the errors where an index has no such field."""

from enricher.errors import IndexConflict, UsageError
from enricher.records import ENRICHMENT, KEYWORDS, FieldKind, IndexLayout
from indexer.engines.field_types import FieldType
from indexer.engines.fields import number


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
