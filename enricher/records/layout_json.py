"""The layout of an index as plain JSON, the form in which both engines keep it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec

from enricher.decoding import DecodingError, decode
from enricher.errors import EngineError
from enricher.records.layout import FieldKind, IndexLayout

FORMAT = 1


class _RecordedLayout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The keys in their order; those with a default came to the format later, and are left out where they say
    nothing.
    """

    format: int
    fields: list[str]
    mapping: Mapping[str, FieldKind]
    model: str | None
    compatible: list[str]
    segmenter: Mapping[str, str]
    enrichments: Mapping[str, Mapping[str, Any]] | None = None
    settings_hash: str | None = None
    mixed: bool = False
    dimensions: Mapping[str, int] = {}


def layout_as_json(layout: IndexLayout) -> dict[str, object]:
    """The layout as nested dictionaries and lists."""
    recorded = _RecordedLayout(
        format=FORMAT,
        fields=list(layout.fields),
        mapping=layout.mapping,
        model=layout.model_version,
        compatible=list(layout.compatible),
        segmenter=layout.segmenter,
        enrichments=layout.enrichments,
        settings_hash=None if layout.enrichments is None else settings_hash(layout.enrichments),
        mixed=layout.mixed,
        dimensions=dict(layout.dimensions),
    )
    return dict(msgspec.to_builtins(recorded))


def settings_hash(enrichments: Mapping[str, Mapping[str, object]]) -> str:
    """A hash of the plug-ins and their settings, whatever their order: 16 hexadecimal digits."""
    text = json.dumps(enrichments, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def layout_from_json(index: str, value: object) -> IndexLayout:
    """The layout that `layout_as_json` wrote; EngineError where it is damaged or newer."""
    if not isinstance(value, Mapping) or value.get("format") != FORMAT:
        raise EngineError(
            f"The layout of the index {index!r} is of another format than {FORMAT}; "
            "it was made by another version of this program."
        )
    try:
        recorded = decode(_RecordedLayout, value)
    except DecodingError as error:
        raise EngineError(f"The layout of the index {index!r} is damaged: {error}") from error
    return IndexLayout(
        fields=tuple(recorded.fields),
        mapping=recorded.mapping,
        model_version=recorded.model,
        compatible=tuple(recorded.compatible),
        segmenter=recorded.segmenter,
        enrichments=recorded.enrichments,
        mixed=recorded.mixed,
        dimensions=recorded.dimensions,
    )
