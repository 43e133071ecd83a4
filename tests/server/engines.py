"""The engine of the server that tests run on, whichever family it is of, with a client for what tests do."""

import dataclasses
import json
import urllib.request
from collections.abc import Mapping
from typing import Any, cast

from elastic_transport import HttpHeaders, Urllib3HttpNode
from elastic_transport._node import NodeApiResponse
from elasticsearch import Elasticsearch

from indexer.engines.addresses import parse_addresses
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.engines.opensearch.engine import OpenSearchEngine

PRODUCT = "x-elastic-product"


class ServerEngine(ClusterEngine):
    """An engine with a client. It is never made: `engine_at` adds the client to an engine of a family."""

    client: Elasticsearch


class EitherNode(Urllib3HttpNode):
    """Lets the client of Elasticsearch talk to OpenSearch too."""

    def perform_request(  # type: ignore[override]
        self, method: str, target: str, body: bytes | None = None, headers: Any = None, **options: Any
    ) -> NodeApiResponse:
        sent = {name: value.replace("vnd.elasticsearch+", "") for name, value in (headers or {}).items()}
        answer = super().perform_request(method, target, body, HttpHeaders(sent), **options)
        received = HttpHeaders({**answer.meta.headers, PRODUCT: "Elasticsearch"})
        return NodeApiResponse(dataclasses.replace(answer.meta, headers=received), answer.body)


def is_opensearch(url: str) -> bool:
    """Whether a server is of OpenSearch. (The artefact of Elasticsearch cannot be asked with `GET /`.)"""
    with urllib.request.urlopen(f"{url}/_cluster/health", timeout=30) as answer:
        return PRODUCT not in answer.headers


def client_of(urls: str | list[str], **options: Any) -> Elasticsearch:
    """A client for either family."""
    return Elasticsearch(urls, node_class=EitherNode, **options)


def mapped(engine: ServerEngine, properties: Mapping[str, Any], runtime: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping of fields and runtime fields. On OpenSearch, which has no runtime fields, all are fields."""
    if engine.name != "opensearch":
        return {"properties": properties, "runtime": runtime}
    text = json.dumps({**properties, **runtime}).replace('"flattened"', '"flat_object"')
    return {"properties": json.loads(text)}


def engine_at(url: str, **options: Any) -> ServerEngine:
    """An engine for a server without security, or several nodes of it. options: of the engine."""
    addresses = parse_addresses(url)
    kind = OpenSearchEngine if is_opensearch(addresses.hosts[0]) else ElasticsearchEngine
    made: Any = kind(addresses, **options)
    made.client = client_of(list(addresses.hosts))
    return cast(ServerEngine, made)
