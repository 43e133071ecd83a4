"""The server itself: its version, its health, and what the user may see of them."""

import re

from enricher.errors import AccessDenied, EngineError
from enricher.records import Check
from enricher.sentences import counted
from indexer.engines.cluster.errors import failures
from indexer.engines.cluster.server import Server


def versions_of(server: Server) -> list[str]:
    """The version of every node. Needs the cluster privilege `monitor`."""
    with failures(server):
        nodes = server.get("_nodes", filter_path="nodes.*.version").body.get("nodes", {})
        return [str(node["version"]) for node in nodes.values()]


def as_numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def check_server(server: Server) -> list[Check]:
    """Whether the server answers, and the health of the cluster."""
    try:
        versions = versions_of(server)
        with failures(server):
            status = server.get("_cluster", "health")["status"]
    except AccessDenied as error:
        return _check_user(server, error)
    except EngineError as error:
        return [Check("server", False, str(error))]
    named = ", ".join(sorted(set(versions)))
    return [
        Check("server", True, f"{server.product} {named} answers at {server.addresses}."),
        Check("cluster", status != "red", f"The cluster is {status}, with {counted(len(versions), 'node')}."),
    ]


def _check_user(server: Server, denied: AccessDenied) -> list[Check]:
    """The checks for a user who may not see the cluster; a failed one if the server rejects the user."""
    try:
        with failures(server):
            server.get(*server.dialect.user_path)
    except EngineError as error:
        return [Check("server", False, str(error))]
    return [
        Check("server", True, f"{server.product} answers at {server.addresses}."),
        Check("cluster", True, f"Not checked. {denied}"),
    ]
