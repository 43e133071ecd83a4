"""A free name of an index, and the engine under test, on the real server."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import enricher
from enricher.enrichment import DocumentEnricher, EnricherRecipe
from enricher.settings import IndexConfiguration
from indexer.engines.cluster.bulk import RetryPolicy
from indexer.engines.tantivy.engine import TantivyEngine
from tests.server.engines import ServerEngine, engine_at, is_opensearch
from tests.server.ranking import FIELDS, fill

NOT_ON_OPENSEARCH = "not on OpenSearch: "
"""The beginning of why a test is skipped there."""
QUICK = RetryPolicy(tries=6, first=0.02, longest=0.2, total=60.0)
"""Retries that do not make a test wait."""


@pytest.fixture(autouse=True)
def _on_elasticsearch(request: pytest.FixtureRequest) -> None:
    """Skip tests of what OpenSearch has not."""
    marker = request.node.get_closest_marker("elasticsearch_only")
    if marker is not None and is_opensearch(request.getfixturevalue("server_url")):
        pytest.skip(f"{NOT_ON_OPENSEARCH}{marker.args[0]}")


@pytest.fixture
def index(server_url: str) -> Iterator[str]:
    """A free name; every index whose name begins with it is removed afterwards."""
    name = f"enricher-test-{uuid.uuid4().hex[:12]}"
    yield name
    engine = engine_at(server_url)
    try:
        for made in engine.client.indices.get(index=f"{name}*", expand_wildcards="all"):
            engine.client.indices.delete(index=made)
    finally:
        engine.close()


@pytest.fixture
def default_chain(models: Path, model: enricher.Model) -> DocumentEnricher:
    """The default recipe by the small model."""
    return EnricherRecipe(models, model.version, FIELDS, IndexConfiguration()).open()


@pytest.fixture
def embedded(tmp_path: Path, index: str, default_chain: DocumentEnricher) -> Iterator[TantivyEngine]:
    """The embedded engine, with the documents of `ranking` in an index of that name."""
    with closing(TantivyEngine(tmp_path / "index")) as opened:
        fill(opened, index, default_chain)
        yield opened


@pytest.fixture
def engine(server_url: str) -> Iterator[ServerEngine]:
    """The engine under test, on the real server."""
    opened = engine_at(server_url, retry=QUICK)
    yield opened
    opened.close()
