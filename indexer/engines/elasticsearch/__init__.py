"""The Elasticsearch engine, based on the official client."""

from enricher.records import SearchEngine
from indexer.engines.addresses import parse_addresses
from indexer.engines.kinds import EngineKind


def _open(url: str) -> SearchEngine:
    addresses = parse_addresses(url)
    from indexer.engines.elasticsearch.engine import ElasticsearchEngine

    return ElasticsearchEngine(addresses)


KIND = EngineKind("elasticsearch", ("http", "https"), "http(s)://[user:password@]host:port", _open)
