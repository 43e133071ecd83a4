"""What is said before anything is written."""

from collections.abc import Callable

import pytest

from enricher.errors import EngineError, UsageError
from indexer.engines.elasticsearch import ElasticsearchEngine
from indexer.pipeline import DocumentEnricher
from indexer.reindex.cluster import Cluster
from indexer.reindex.preflight import check
from tests.server.reindex.truth import fill

Prepare = Callable[[ElasticsearchEngine, str], None]


def _index_of_that_name(engine: ElasticsearchEngine, index: str) -> None:
    engine.client.indices.create(index=index)


def _no_source(engine: ElasticsearchEngine, index: str) -> None:
    engine.client.indices.delete(index=f"{index}-old")
    engine.client.indices.create(index=f"{index}-old", mappings={"_source": {"enabled": False}})


def _alias_of_another(engine: ElasticsearchEngine, index: str) -> None:
    engine.client.indices.create(index=f"{index}-other", aliases={index: {}})


def _field_of_that_name(engine: ElasticsearchEngine, index: str) -> None:
    engine.client.indices.put_mapping(index=f"{index}-old", properties={"enrichment": {"type": "keyword"}})


def _few_fields(engine: ElasticsearchEngine, index: str) -> None:
    engine.client.indices.put_settings(index=f"{index}-old", settings={"index.mapping.total_fields.limit": 5})


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (_index_of_that_name, "is an index"),
        (_no_source, "keeps no _source"),
        (_alias_of_another, "and not for"),
        (_field_of_that_name, "field 'enrichment' of their own"),
        (_few_fields, "total_fields.limit"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_written(
    engine: ElasticsearchEngine,
    cluster: Cluster,
    index: str,
    chain: DocumentEnricher,
    prepare: Prepare,
    said: str,
) -> None:
    """A sentence each."""
    fill(engine, f"{index}-old", 3)
    prepare(engine, index)
    with pytest.raises((UsageError, EngineError), match=said):
        check(cluster, f"{index}-old", index, chain.layout())
