"""The mapping of an index that we make."""

from enricher.records import FieldKind, IndexLayout
from indexer.engines.fields import ENRICHMENT, LONGEST_KEYWORD
from indexer.engines.layouts import layout_as_json

META = "enricher"


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
        place[last] = _field(kind)
    return {
        "_meta": {META: layout_as_json(layout)},
        "date_detection": False,
        "dynamic_templates": [
            {kind: {"match_mapping_type": kind, "mapping": {"type": "double"}}} for kind in ("long", "double")
        ],
        "properties": {ENRICHMENT: {"dynamic": False, "properties": properties}},
    }


def _field(kind: FieldKind) -> dict[str, object]:
    match kind:
        case FieldKind.WORDS:
            return {"type": "text", "analyzer": "whitespace"}
        case FieldKind.TERMS:
            return {"type": "text", "analyzer": "whitespace", "index_options": "freqs"}
        case FieldKind.KEYWORD:
            return {"type": "keyword", "ignore_above": LONGEST_KEYWORD}
        case FieldKind.VECTOR:  # the length is that of the first
            return {
                "type": "dense_vector",
                "element_type": "byte",
                "similarity": "dot_product",
                "index": True,
                "index_options": {"type": "hnsw"},
            }
        case FieldKind.STORED:
            return {"type": "object", "enabled": False}
