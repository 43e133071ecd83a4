"""The layout of an index as plain JSON, the form in which both engines keep it."""

from collections.abc import Mapping

from enricher.errors import EngineError
from enricher.records import FieldKind, IndexLayout

_FORMAT = 1


def layout_as_json(layout: IndexLayout) -> dict[str, object]:
    """The layout as nested dictionaries and lists."""
    return {
        "format": _FORMAT,
        "fields": list(layout.fields),
        "mapping": {path: kind.value for path, kind in layout.mapping.items()},
        "model": layout.model,
        "compatible": list(layout.compatible),
        "segmenter": dict(layout.segmenter),
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
            fields=_texts(value["fields"]),
            mapping={path: FieldKind(kind) for path, kind in value["mapping"].items()},
            model=None if value["model"] is None else _texts([value["model"]])[0],
            compatible=_texts(value["compatible"]),
            segmenter=dict(value["segmenter"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EngineError(f"The layout of the index {index!r} is damaged: {error!r}.") from error


def _texts(value: object) -> tuple[str, ...]:
    """A list of strings; TypeError for anything else."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise TypeError(f"not a list of strings: {value!r}")
    return tuple(value)
