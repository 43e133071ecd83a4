"""The layout of an index as plain JSON, the form in which both engines keep it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from enricher.errors import EngineError
from enricher.records import FieldKind, IndexLayout

_FORMAT = 1


def layout_as_json(layout: IndexLayout) -> dict[str, object]:
    """The layout as nested dictionaries and lists."""
    return {
        "format": _FORMAT,
        "fields": list(layout.fields),
        "mapping": {path: kind.value for path, kind in layout.mapping.items()},
        "model": layout.model_version,
        "compatible": list(layout.compatible),
        "segmenter": dict(layout.segmenter),
        **_recorded(layout),
    }


def _recorded(layout: IndexLayout) -> dict[str, object]:
    """What came to the format later: each key is left out where it says nothing."""
    found: dict[str, object] = {}
    if layout.enrichments is not None:
        found["enrichments"] = {name: dict(settings) for name, settings in layout.enrichments.items()}
        found["settings_hash"] = settings_hash(layout.enrichments)
    if layout.mixed:
        found["mixed"] = True
    if layout.dimensions:
        found["dimensions"] = dict(layout.dimensions)
    return found


def settings_hash(enrichments: Mapping[str, Mapping[str, object]]) -> str:
    """A hash of the plug-ins and their settings, whatever their order: 16 hexadecimal digits."""
    text = json.dumps(enrichments, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def layout_from_json(index: str, value: object) -> IndexLayout:
    """The layout that `layout_as_json` wrote; EngineError where it is damaged or newer."""
    if not isinstance(value, Mapping) or value.get("format") != _FORMAT:
        raise EngineError(
            f"The layout of the index {index!r} is of another format than {_FORMAT}; "
            "it was made by another version of this program."
        )
    try:
        return IndexLayout(
            fields=_texts(value["fields"]),
            mapping={path: FieldKind(kind) for path, kind in value["mapping"].items()},
            model_version=None if value["model"] is None else _texts([value["model"]])[0],
            compatible=_texts(value["compatible"]),
            segmenter=dict(value["segmenter"]),
            enrichments=_enrichments(value.get("enrichments")),
            mixed=bool(value.get("mixed", False)),
            dimensions={path: int(length) for path, length in value.get("dimensions", {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EngineError(f"The layout of the index {index!r} is damaged: {error!r}.") from error


def _enrichments(value: Any) -> dict[str, dict[str, object]] | None:
    """The plug-ins and their settings as they were recorded."""
    return None if value is None else {name: dict(settings) for name, settings in value.items()}


def _texts(value: object) -> tuple[str, ...]:
    """A list of strings; TypeError for anything else."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"not a list of strings: {value!r}")
    return tuple(value)
