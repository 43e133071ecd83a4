"""The mapping of an index: the one that we make, and what filters find in anybody's."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from enricher.errors import EngineError, UsageError
from enricher.records import FieldKind, IndexLayout
from indexer.engines.fields import ENRICHMENT, LONGEST_KEYWORD, clean, number
from indexer.engines.layouts import layout_as_json
from indexer.engines.plans import enrichment_field, no_such_field

META = "enricher"

_INTEGERS = frozenset({"long", "integer", "short", "byte", "unsigned_long"})
_NUMBERS = _INTEGERS | {"double", "float", "half_float", "scaled_float"}
_UNCOUNTABLE = frozenset(
    {"text", "match_only_text", "annotated_text", "search_as_you_type", "object", "nested", "dense_vector"}
)


def mapping_of(layout: IndexLayout) -> dict[str, object]:
    """The mapping of a new index.

    The user's fields are mapped as the server does by itself, but for its surprises: a string
    that looks like a date would make the next one that does not be refused; a fraction would be
    rounded to 32 bits, cut to an integer where an integer was seen before it, and refused where
    both are in one document.
    """
    properties: dict[str, object] = {}
    for path, kind in layout.mapping.items():
        *outer, last = path.split(".")
        place = properties
        for step in outer:
            below = place.setdefault(step, {"properties": {}})
            place = below["properties"]  # type: ignore[index]
        place[last] = _field(kind, layout.dimensions.get(path))
    return {
        "_meta": {META: layout_as_json(layout)},
        "date_detection": False,
        "dynamic_templates": [
            {kind: {"match_mapping_type": kind, "mapping": {"type": "double"}}} for kind in ("long", "double")
        ],
        "properties": {ENRICHMENT: {"dynamic": False, "properties": properties}},
    }


def _field(kind: FieldKind, dimensions: int | None) -> dict[str, object]:
    match kind:
        case FieldKind.WORDS:
            return {"type": "text", "analyzer": "whitespace"}
        case FieldKind.TERMS:
            return {"type": "text", "analyzer": "whitespace", "index_options": "freqs"}
        case FieldKind.KEYWORD:
            return {"type": "keyword", "ignore_above": LONGEST_KEYWORD}
        case FieldKind.VECTOR:  # where the length is not known, it is that of the first
            return {
                **({"dims": dimensions} if dimensions else {}),
                "type": "dense_vector",
                "element_type": "byte",
                "similarity": "dot_product",
                "index": True,
                "index_options": {"type": "hnsw"},
            }
        case FieldKind.STORED:
            return {"type": "object", "enabled": False}


class Column(NamedTuple):
    """A field that can be filtered and counted: its full name and type on the server."""

    name: str
    type: str


class Columns:
    """Finds the fields that filters and facets mean, in the mapping of one index."""

    def __init__(self, index: str, layout: IndexLayout, mapping: Mapping[str, object]) -> None:
        self._index = index
        self._layout = layout
        self._fields = dict(_walk(mapping, ""))

    def find(self, name: str) -> Column:
        """The field of that name; UsageError where no document has it or it is full text only."""
        ours = enrichment_field(name, self._layout)
        if ours is not None:
            return Column(f"{ENRICHMENT}.{ours}", "keyword")
        name = clean(name)
        field = self._fields.get(name)
        if field is None or name.startswith(ENRICHMENT + "."):
            known = [one for one in sorted(self._fields) if not one.startswith(ENRICHMENT + ".")]
            raise no_such_field(self._index, name, known[:50])
        inner = field.get("fields")
        kind = str(field.get("type"))
        if isinstance(inner, Mapping) and kind in _UNCOUNTABLE:
            for below, details in inner.items():
                if isinstance(details, Mapping) and details.get("type") == "keyword":
                    return Column(f"{name}.{below}", "keyword")
        if kind in _UNCOUNTABLE:
            raise UsageError(
                f"The field {name!r} of the index {self._index!r} is full text; filter or count by a field "
                "of exact values."
            )
        return Column(name, kind)

    def filter(self, name: str, value: str) -> dict[str, object]:
        """The query for the documents whose field has exactly that value."""
        column, value = self.find(name), clean(value)
        wanted: object = value
        if column.type in _NUMBERS:
            wanted = number(value)
            whole = isinstance(wanted, int) and -(2**63) <= wanted < 2**63
            if wanted is None or (column.type in _INTEGERS and not whole):
                return {"match_none": {}}
        elif column.type == "boolean" and value not in {"true", "false"}:
            return {"match_none": {}}
        return {"term": {column.name: {"value": wanted}}}


def _walk(mapping: Mapping[str, object], prefix: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    properties = mapping.get("properties")
    if not isinstance(properties, Mapping):
        return
    for name, field in properties.items():
        if not isinstance(field, Mapping):
            raise EngineError(f"The mapping of {prefix + name!r} cannot be read.")
        if "properties" in field:
            yield from _walk(field, f"{prefix}{name}.")
        elif field.get("type") != "object":
            yield f"{prefix}{name}", field
