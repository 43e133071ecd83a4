"""Reading all documents of an index of Elasticsearch, as they were at one moment."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from enricher.records import Document
from indexer.engines.elasticsearch_errors import failures
from indexer.engines.fields import ENRICHMENT

_KEEP_ALIVE = "5m"
"""How long the server keeps the moment after each page."""

_SECONDS_TO_CLOSE = 5.0
"""How long a server may take to forget a moment, which it does by itself later."""

_PAGE = 500
_PAGE_BYTES = 20_000_000


def read_documents(
    client: Elasticsearch, addresses: object, index: str, moments: set[str]
) -> Iterator[Document]:
    """Fix the moment now, and answer the documents of it as they are asked for.

    The server's name of it is among `moments` until all documents are read, or the iterator is closed.
    """
    with failures(addresses, index):
        opened = client.open_point_in_time(index=index, keep_alive=_KEEP_ALIVE)
    moment = str(opened["id"])
    moments.add(moment)
    return _pages(client, addresses, index, moment, moments)


def close_moments(client: Elasticsearch, moments: set[str]) -> None:
    """Let the server forget moments that are still open."""
    hurried = client.options(request_timeout=_SECONDS_TO_CLOSE, max_retries=0)
    with suppress(ApiError, TransportError):
        while moments:
            hurried.close_point_in_time(id=moments.pop())


def _pages(
    client: Elasticsearch, addresses: object, index: str, moment: str, moments: set[str]
) -> Iterator[Document]:
    after: list[Any] | None = None
    size = _PAGE
    try:
        while True:
            with failures(addresses, index):
                answer = client.search(
                    pit={"id": moment, "keep_alive": _KEEP_ALIVE},
                    size=size,
                    sort=[{"_shard_doc": "asc"}],
                    search_after=after,
                    track_total_hits=False,
                    allow_partial_search_results=False,
                    source_excludes=ENRICHMENT,
                )
            moments.discard(moment)
            moment = str(answer["pit_id"])
            moments.add(moment)
            hits = answer["hits"]["hits"]
            for hit in hits:
                yield Document(str(hit["_id"]), hit.get("_source", {}))
            if len(hits) < size:
                return
            after = hits[-1]["sort"]
            size = _next_size(size, int(answer.meta.headers.get("content-length") or 0))
    finally:
        if moment in moments:
            moments.remove(moment)
            with suppress(ApiError, TransportError):
                client.close_point_in_time(id=moment)


def _next_size(size: int, answer_bytes: int) -> int:
    """Fewer documents a page where they are large, so that an answer stays near `_PAGE_BYTES`."""
    if not answer_bytes:
        return size
    return max(1, min(_PAGE, size * _PAGE_BYTES // answer_bytes))
