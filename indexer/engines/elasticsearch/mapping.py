"""The mapping of an enriched index, and checks of existing mappings."""

from collections.abc import Mapping
from typing import Any

from enricher.errors import UsageError
from enricher.records import ENRICHMENT, FieldKind, IndexLayout
from enricher.records.layout_json import layout_as_json
from indexer.engines.fields import MAX_KEYWORD_UTF16_UNITS

META = "enricher"


def mapping_of(layout: IndexLayout) -> dict[str, object]:
    """The mapping of a new index.

    The user's fields are mapped dynamically, with two changes to the defaults. Date detection is off, because
    a first string that looks like a date would make the server refuse later strings. All numbers are doubles,
    because fractions would be rounded to 32 bits, or truncated in a field whose first value is an integer.
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
            return {"type": "keyword", "ignore_above": MAX_KEYWORD_UTF16_UNITS}
        case FieldKind.VECTOR:  # if unknown, the first vector decides the dimensions
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


def check_whole_source(index: str, mapping: Mapping[str, Any]) -> None:
    """Raise UsageError if an index does not store the complete `_source` of its documents."""
    source = mapping.get("_source", {})
    if source.get("enabled") in (False, "false") or source.get("mode") == "disabled":
        raise UsageError(f"The index {index!r} does not store _source: its documents cannot be read.")
    kept = [key for key in ("includes", "excludes") if source.get(key)]
    if kept:
        said = ", ".join(f"{key} {', '.join(map(str, source[key]))}" for key in kept)
        raise UsageError(
            f"The index {index!r} stores only a part of each _source ({said}), so its documents are "
            "incomplete. Index the documents from their original source instead."
        )
