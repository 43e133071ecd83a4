"""The vectors of an index: whether it can have them, and their length."""

from collections.abc import Mapping
from typing import Any

from enricher.records import ENRICHMENT, VECTOR
from indexer.engines.cluster.server import Refused, Server
from indexer.engines.fields import at
from indexer.engines.filters import dimensions_conflict


def vector_obstacle(server: Server, index: str | None) -> str | None:
    """Why an index cannot have vectors, as the end of a sentence; None if it can. Raises Refused, NoAnswer.

    index: None for a new one.
    """
    lacking = _nodes_without_vectors(server)
    if lacking:
        return f"the plug-in {server.dialect.vector_plugin} is not on {', '.join(lacking)}"
    if index is None or not server.dialect.needed_settings:
        return None
    found = server.get(index, "_settings", flat_settings=True).body
    obstacles = (server.dialect.vector_obstacle(one["settings"]) for one in found.values())
    return next((one for one in obstacles if one is not None), None)


def _nodes_without_vectors(server: Server) -> list[str]:
    """The nodes with data that lack the plug-in for vectors; none if the user may not see the nodes."""
    plugin = server.dialect.vector_plugin
    if plugin is None:
        return []
    try:
        found = server.get("_nodes", "data:true", "plugins", filter_path="nodes.*.name,nodes.*.plugins.name")
    except Refused as error:
        if error.status not in (401, 403):
            raise
        return []
    nodes = found.body.get("nodes", {}).values()
    return sorted(
        str(node["name"]) for node in nodes if plugin not in {one["name"] for one in node.get("plugins", ())}
    )


def dimensions_of(mapping: Mapping[str, Any]) -> int:
    """The dimensions of the vectors of an index; 0 before the first vector."""
    field = at(mapping, f"properties.{ENRICHMENT}.properties.{VECTOR}")
    if not isinstance(field, Mapping):
        return 0
    return int(field.get("dims") or field.get("dimension") or 0)


def check_length(index: str, mapping: Mapping[str, Any], length: int) -> None:
    """Raise IndexConflict if the vectors of an index, if there are any, have other dimensions."""
    held = dimensions_of(mapping)
    if held not in (0, length):
        raise dimensions_conflict(index, held, length)
