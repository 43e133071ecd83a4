"""The server itself: its version, its health, and what the user may see of them."""

import re

from enricher.errors import AccessDenied, ConfigurationError, EngineError
from enricher.records import Check
from enricher.sentences import counted
from indexer.engines.cluster.errors import failures
from indexer.engines.cluster.server import Server


def versions_of(server: Server) -> list[str]:
    """The version of every node. Needs the cluster privilege `monitor`."""
    with failures(server):
        nodes = server.get("_nodes", filter_path="nodes.*.version").body.get("nodes", {})
        return [str(node["version"]) for node in nodes.values()]


def cluster_ids(server: Server) -> set[str]:
    """The clusters to which the addresses of a server belong: more than one if the user has mixed them up.

    Needs the cluster privilege `monitor`. The client goes from address to address with each request.
    """
    with failures(server):
        answers = [
            server.get("_cluster", "state", "version", filter_path="cluster_uuid")
            for _ in server.addresses.hosts
        ]
    return {str(answer["cluster_uuid"]) for answer in answers}


def check_one_cluster(server: Server) -> None:
    """Raise ConfigurationError if the addresses of a server belong to several clusters."""
    if len(server.addresses.hosts) > 1 and len(cluster_ids(server)) > 1:
        raise ConfigurationError(
            f"The addresses {server.addresses} belong to different clusters: name the nodes of one."
        )


def as_numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def check_server(server: Server) -> list[Check]:
    """Whether the server answers, and the health of the cluster."""
    try:
        versions = versions_of(server)
        with failures(server):
            status = server.get("_cluster", "health")["status"]
        check_one_cluster(server)
    except AccessDenied as error:
        return _check_user(server, error)
    except (ConfigurationError, EngineError) as error:
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
