"""A free name of an index, and the engine under test, on the real server."""

import uuid
from collections.abc import Iterator

import pytest

from indexer.engines.addresses import parse_addresses
from indexer.engines.cluster.bulk import RetryPolicy
from indexer.engines.elasticsearch.engine import ElasticsearchEngine

QUICK = RetryPolicy(tries=6, first=0.02, longest=0.2, total=60.0)
"""Retries that do not make a test wait."""


@pytest.fixture
def index(server_url: str) -> Iterator[str]:
    """A free name; every index whose name begins with it is removed afterwards."""
    name = f"enricher-test-{uuid.uuid4().hex[:12]}"
    yield name
    engine = ElasticsearchEngine(parse_addresses(server_url))
    try:
        for made in engine.client.indices.get(index=f"{name}*", expand_wildcards="all"):
            engine.client.indices.delete(index=made)
    finally:
        engine.close()


@pytest.fixture
def engine(server_url: str) -> Iterator[ElasticsearchEngine]:
    """The engine under test, on the real server."""
    opened = ElasticsearchEngine(parse_addresses(server_url), retry=QUICK)
    yield opened
    opened.close()
