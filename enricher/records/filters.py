"""Filters and sort orders by fields of the documents, as a request names them."""

import re
from dataclasses import dataclass
from enum import StrEnum

from enricher.errors import UsageError


class Operator(StrEnum):
    """How a filter compares the values of a field with its own value."""

    EQUAL = "="
    NOT_EQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="

    @property
    def is_range(self) -> bool:
        """Whether the operator compares by order."""
        return self not in (Operator.EQUAL, Operator.NOT_EQUAL)

    @property
    def is_upper(self) -> bool:
        """Whether the value of the filter is an upper bound."""
        return self in (Operator.LESS, Operator.AT_MOST)

    @property
    def includes_bound(self) -> bool:
        """Whether a range contains its bound."""
        return self in (Operator.AT_MOST, Operator.AT_LEAST)


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on one field. A document matches if one of its values does.

    NOT_EQUAL: matches documents none of whose values equals `value`, also documents without the field.
    """

    field: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        return f"{self.field}{self.operator}{self.value}"


@dataclass(frozen=True, slots=True)
class Sort:
    """The order of hits by a field. Documents without a value come last.

    Of several values of a document, the smallest counts, or the largest if `descending`.
    """

    field: str
    descending: bool = False


FILTER_FORM = "FIELD=VALUE"
_FILTER = re.compile(r"([^=<>]*?)(!=|<=|>=|=|<|>)(.*)", re.DOTALL)


def parse_filter(text: str) -> Filter:
    """Parse a filter: FIELD, an operator (`Operator`), VALUE.

    The first operator ends the name of the field, so the value may contain operators. If there are spaces
    before the operator, neither they nor those after it count. Raises UsageError.
    """
    found = _FILTER.fullmatch(text)
    if found is None or not found[1].strip():
        raise UsageError(
            f"A filter is written {FILTER_FORM}, or with one of the operators != < <= > >=, not {text!r}."
        )
    field, operator, value = found[1].rstrip(), Operator(found[2]), found[3]
    if field != found[1]:
        value = value.lstrip()
    if operator.is_range and not value:
        raise UsageError(f"The filter {text!r} has no value after {operator}.")
    return Filter(field, operator, value)


def parse_sort(text: str) -> Sort:
    """Parse a sort order: FIELD, FIELD:asc or FIELD:desc. Raises UsageError if there is no field."""
    field, separator, direction = text.rpartition(":")
    if not separator or direction not in {"asc", "desc"}:
        field, direction = text, "asc"
    if not field:
        raise UsageError(f"A sort order is written FIELD or FIELD:desc, not {text!r}.")
    return Sort(field, direction == "desc")
