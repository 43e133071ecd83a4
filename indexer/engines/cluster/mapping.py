"""The mapping of an enriched index, the documents that fit it, and checks of existing mappings.

Words, document expansion and vectors are derived from the text and are searched, but not shown. New indexes
leave them out of `_source`, which is most of what an enriched document needs on disk and in an answer. A
vector is stored a second time, in the doc values of `vector_codes`, from which searches read many at once.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from enricher.errors import UsageError
from enricher.model.text_vectors.vectors import from_numbers
from enricher.records import ENRICHMENT, VECTOR, FieldKind, IndexLayout
from enricher.records.layout_json import layout_as_json
from indexer.engines.cluster.dialect import Dialect
from indexer.engines.cluster.errors import refusal_of
from indexer.engines.cluster.server import Refused, Server
from indexer.engines.fields import MAX_KEYWORD_UTF16_UNITS, Prepared, at, encode, of_kinds

META = "enricher"
VECTOR_CODES = "vector_codes"
"""The field under `enrichment` that repeats the vector as bytes, in base64. Only clusters have it."""
DERIVED = (FieldKind.WORDS, FieldKind.TERMS, FieldKind.EXACT, FieldKind.VECTOR)
"""The kinds of fields that new indexes leave out of `_source`."""
STORED = tuple(kind for kind in FieldKind if kind not in DERIVED)


def mapping_of(layout: IndexLayout, dialect: Dialect) -> dict[str, object]:
    """The mapping of a new index. Raises ConfigurationError if the family cannot have it.

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
        is_vector = kind is FieldKind.VECTOR
        place[last] = dialect.vector_field(layout.dimensions.get(path)) if is_vector else _field(kind)
    if layout.has_vectors:
        properties[VECTOR_CODES] = {"type": "binary", "doc_values": True}
    return {
        "_meta": {META: layout_as_json(layout)},
        "_source": {"excludes": derived_fields(layout)},
        "date_detection": False,
        "dynamic_templates": [
            {kind: {"match_mapping_type": kind, "mapping": {"type": "double"}}} for kind in ("long", "double")
        ],
        "properties": {ENRICHMENT: {"dynamic": False, "properties": properties}},
    }


def create_index(
    server: Server,
    index: str,
    layout: IndexLayout,
    settings: Mapping[str, object],
    mapping: Mapping[str, Any],
) -> None:
    """Create an index for enriched documents. Raises Refused and NoAnswer.

    settings, mapping: of the index; to the settings those are added that vectors need on this server.
    """
    needed = server.dialect.needed_settings if layout.has_vectors else {}
    wanted = server.dialect.wanted_settings if layout.has_vectors else {}
    while True:
        try:
            server.put(index, body={"settings": {**wanted, **settings, **needed}, "mappings": mapping})
            return
        except Refused as error:
            reason = refusal_of(error).reason
            known = {name: value for name, value in wanted.items() if name not in reason}
            if error.status != 400 or known == wanted:
                raise
            wanted = known  # an older server has neither setting


def derived_fields(layout: IndexLayout) -> list[str]:
    """The full paths of the fields and objects that a new index leaves out of `_source`.

    An object is left out whole if all its fields are: OpenSearch would keep it, without fields.
    """
    stored = {_top(path) for path, kind in layout.mapping.items() if kind not in DERIVED}
    found = [
        path if _top(path) in stored else _top(path)
        for path, kind in layout.mapping.items()
        if kind in DERIVED
    ]
    found += [VECTOR_CODES] if layout.has_vectors else []
    return [f"{ENRICHMENT}.{path}" for path in dict.fromkeys(found)]


def _top(path: str) -> str:
    return path.partition(".")[0]


def excess_of(layout: IndexLayout, sources: Sequence[Mapping[str, Any]]) -> float:
    """The share of `_source` of some documents that a new index leaves out, from 0 to 1."""
    whole = left_out = 0
    for source in sources:
        enrichment = source.get(ENRICHMENT, {})
        whole += len(encode(source))
        left_out += len(encode(enrichment)) - len(encode(of_kinds(enrichment, layout, STORED)))
    return left_out / whole if whole else 0.0


def has_vectors(mapping: Mapping[str, Any]) -> bool:
    """Whether an index has a field for vectors."""
    return _has_field(mapping, VECTOR)


def has_vector_codes(mapping: Mapping[str, Any]) -> bool:
    """Whether the documents of an index hold their vectors in `vector_codes` too."""
    return _has_field(mapping, VECTOR_CODES)


def _has_field(mapping: Mapping[str, Any], name: str) -> bool:
    return at(mapping, f"properties.{ENRICHMENT}.properties.{name}") is not None


def line_of(document: Prepared, *, with_codes: bool) -> bytes:
    """A document with its enrichment as one line of JSON. with_codes: for an index with `vector_codes`."""
    vector = at(document.enrichment, VECTOR) if with_codes else None
    if vector is None:
        return document.line()
    codes = base64.b64encode(from_numbers(vector).tobytes())
    more = b',"%s":"%s"}' % (VECTOR_CODES.encode(), codes)
    return document._replace(enrichment_json=document.enrichment_json[:-1] + more).line()


def _field(kind: FieldKind) -> dict[str, object]:
    match kind:
        case FieldKind.WORDS:
            return {"type": "text", "analyzer": "whitespace"}
        case FieldKind.TERMS:
            return {"type": "text", "analyzer": "whitespace", "index_options": "freqs"}
        case FieldKind.KEYWORD:
            return {"type": "keyword", "ignore_above": MAX_KEYWORD_UTF16_UNITS}
        case FieldKind.EXACT:
            return {"type": "keyword", "ignore_above": MAX_KEYWORD_UTF16_UNITS, "doc_values": False}
        case FieldKind.VALUE:
            return {"type": "keyword", "index": False}
        case _:  # FieldKind.STORED
            return {"type": "object", "enabled": False}


def check_whole_source(index: str, mapping: Mapping[str, Any]) -> None:
    """Raise UsageError if an index does not store the complete `_source` of the user's documents."""
    source = mapping.get("_source", {})
    if source.get("enabled") in (False, "false") or source.get("mode") == "disabled":
        raise UsageError(f"The index {index!r} does not store _source: its documents cannot be read.")
    partial = {key: [str(name) for name in source.get(key) or ()] for key in ("includes", "excludes")}
    partial["excludes"] = [name for name in partial["excludes"] if not name.startswith(f"{ENRICHMENT}.")]
    said = ", ".join(f"{key} {', '.join(names)}" for key, names in partial.items() if names)
    if said:
        raise UsageError(
            f"The index {index!r} stores only a part of each _source ({said}), so its documents are "
            "incomplete. Index the documents from their original source instead."
        )
