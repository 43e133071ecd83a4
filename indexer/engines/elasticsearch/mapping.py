"""The mapping of an index that we make."""

from collections.abc import Mapping
from typing import Any

from enricher.errors import UsageError
from enricher.records import ENRICHMENT, FieldKind, IndexLayout
from enricher.records.layout_json import layout_as_json
from indexer.engines.fields import LONGEST_KEYWORD

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


def check_whole_source(index: str, mapping: Mapping[str, Any]) -> None:
    """UsageError where an index does not keep its documents as they were written."""
    source = mapping.get("_source", {})
    if source.get("enabled") in (False, "false") or source.get("mode") == "disabled":
        raise UsageError(f"The index {index!r} keeps no _source: its documents cannot be read.")
    kept = [key for key in ("includes", "excludes") if source.get(key)]
    if kept:
        said = ", ".join(f"{key} {', '.join(map(str, source[key]))}" for key in kept)
        raise UsageError(
            f"The index {index!r} keeps only a part of each _source ({said}): what is read from it would "
            "lose the rest. Write the documents from where they came from instead."
        )
