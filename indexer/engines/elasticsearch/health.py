"""The server itself: its version, its health, and what the user may see of them."""

import re

from elasticsearch import Elasticsearch

from enricher.errors import AccessDenied, EngineError
from enricher.records import Check
from enricher.sentences import counted
from indexer.engines.elasticsearch.errors import failures


def versions_of(client: Elasticsearch, addresses: object) -> list[str]:
    """The version of every node. Needs the cluster privilege `monitor`."""
    with failures(addresses):
        nodes = client.nodes.info(filter_path="nodes.*.version").get("nodes", {})
        return [str(node["version"]) for node in nodes.values()]


def as_numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def check_server(client: Elasticsearch, addresses: object) -> list[Check]:
    """Whether the server answers, and the health of the cluster."""
    try:
        versions = versions_of(client, addresses)
        with failures(addresses):
            status = client.cluster.health()["status"]
    except AccessDenied as error:
        return _check_user(client, addresses, error)
    except EngineError as error:
        return [Check("server", False, str(error))]
    named = ", ".join(sorted(set(versions)))
    return [
        Check("server", True, f"Elasticsearch {named} answers at {addresses}."),
        Check("cluster", status != "red", f"The cluster is {status}, with {counted(len(versions), 'node')}."),
    ]


def _check_user(client: Elasticsearch, addresses: object, denied: AccessDenied) -> list[Check]:
    """The checks for a user who may not see the cluster; a failed one if the server rejects the user."""
    try:
        with failures(addresses):
            client.security.authenticate()
    except EngineError as error:
        return [Check("server", False, str(error))]
    return [
        Check("server", True, f"Elasticsearch answers at {addresses}."),
        Check("cluster", True, f"Not checked. {denied}"),
    ]
