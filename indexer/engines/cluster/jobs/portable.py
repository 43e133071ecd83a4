"""What the settings and the mapping of an index are in another cluster, which may be of another family."""

from collections.abc import Collection, Mapping
from typing import Any

SETTINGS = (
    "index.analysis.", "index.similarity.", "index.sort.", "index.max_", "index.number_of_",
    "index.auto_expand_replicas", "index.refresh_interval", "index.gc_deletes", "index.mapping.total_fields.",
    "index.mapping.depth.", "index.mapping.nested_", "index.mapping.field_name_length.",
    "index.mapping.coerce", "index.mapping.ignore_malformed", "index.query.default_field",
    "index.routing_partition_size",
)  # fmt: skip
"""Prefixes of the settings that mean the same in every cluster. Pipelines and policies stay behind."""
STORED = {"type": "object", "enabled": False}
"""The mapping of a field whose type the other cluster lacks: it is stored, but not searched."""
SAME = {"flattened": "flat_object", "flat_object": "flattened"}
"""Types that the families call by different names."""


def portable_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that an index can have in another cluster, by their full names."""
    return {name: value for name, value in settings.items() if name.startswith(SETTINGS)}


def portable_mapping(mapping: Mapping[str, Any], missing: Collection[str]) -> dict[str, Any]:
    """A mapping for another cluster. missing: the types of fields that it lacks."""
    made = dict(mapping)
    made.pop("_data_stream_timestamp", None)
    made["_source"] = {name: value for name, value in made.get("_source", {}).items() if name != "mode"}
    if "runtime" in missing:
        made.pop("runtime", None)
    if "properties" in made:
        made["properties"] = _properties(made["properties"], missing)
    return made


def lacking(mapping: Mapping[str, Any], missing: Collection[str], prefix: str = "") -> dict[str, str]:
    """The fields of a mapping that another cluster stores but does not search, each with its type."""
    found: dict[str, str] = {}
    for name, field in mapping.get("properties", {}).items():
        kind = str(field.get("type", "object"))
        if kind in missing and SAME.get(kind, kind) in missing:
            found[f"{prefix}{name}"] = kind
        else:
            found |= lacking(field, missing, f"{prefix}{name}.")
    return found | {
        f"{prefix}{name}": "runtime" for name in mapping.get("runtime", {}) if "runtime" in missing
    }


def _properties(properties: Mapping[str, Any], missing: Collection[str]) -> dict[str, Any]:
    return {name: _field(field, missing) for name, field in properties.items()}


def _field(field: Mapping[str, Any], missing: Collection[str]) -> dict[str, Any]:
    kind = str(field.get("type", "object"))
    if kind in missing:
        return {"type": SAME[kind]} if SAME.get(kind, kind) not in missing else dict(STORED)
    made = dict(field)
    if "properties" in made:
        made["properties"] = _properties(made["properties"], missing)
    if "fields" in made:
        parts = made["fields"].items()
        made["fields"] = {name: part for name, part in parts if part.get("type") not in missing}
    return made
