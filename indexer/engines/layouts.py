"""The layout of an index as plain JSON, the form in which both engines keep it.

`dimensions` is there only where an index has vectors; older versions did not write it.
"""

from collections.abc import Mapping

from enricher.errors import EngineError
from enricher.records import FieldKind, IndexLayout

_FORMAT = 1


def layout_as_json(layout: IndexLayout) -> dict[str, object]:
    """The layout as nested dictionaries and lists."""
    optional = {"dimensions": dict(layout.dimensions)} if layout.dimensions else {}
    return {
        "format": _FORMAT,
        "fields": list(layout.fields),
        "mapping": {path: kind.value for path, kind in layout.mapping.items()},
        "model": layout.model,
        "compatible": list(layout.compatible),
        "segmenter": dict(layout.segmenter),
        **optional,
    }


def layout_from_json(index: str, value: object) -> IndexLayout:
    """The layout that `layout_as_json` wrote; EngineError where it is damaged or newer."""
    if not isinstance(value, Mapping) or value.get("format") != _FORMAT:
        raise EngineError(
            f"The layout of the index {index!r} is of another format than {_FORMAT}; "
            "it was made by another version of this program."
        )
    try:
        return IndexLayout(
            fields=tuple(value["fields"]),
            mapping={path: FieldKind(kind) for path, kind in value["mapping"].items()},
            model=value["model"],
            compatible=tuple(value["compatible"]),
            segmenter=dict(value["segmenter"]),
            dimensions={path: int(length) for path, length in value.get("dimensions", {}).items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EngineError(f"The layout of the index {index!r} is damaged: {error!r}.") from error
