"""Reading documents of an index of Elasticsearch: all of them as they were at one moment, or a sample."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from enricher.records import ENRICHMENT, Document
from indexer.engines.elasticsearch.errors import failures

_KEEP_ALIVE = "5m"
"""How long the server keeps the moment after each page."""

_SECONDS_TO_CLOSE = 5.0
"""How long a server may take to forget a moment, which it does by itself later."""

_PAGE = 500
_PAGE_BYTES = 20_000_000

_SEED = 1
_TOGETHER = 20
"""Documents of a sample that are read in one request."""

WITHOUT_VECTORS = (9, 2)
"""The first release that answers `_source` without the vectors of a document unless it is told otherwise."""


def read_documents(
    client: Elasticsearch, addresses: object, index: str, moments: set[str], source: Mapping[str, object]
) -> Iterator[Document]:
    """Fix the moment now, and answer the documents of it as they are asked for.

    The server's name of it is among `moments` until all documents are read, or the iterator is closed.
    source: what the server is told of `_source` (`whole_source`).
    """
    moment = _open_moment(client, addresses, index, moments)
    return _documents(_pages(client, addresses, index, moment, moments, {"source": dict(source)}))


def _documents(hits: Generator[Mapping[str, Any], None, None]) -> Iterator[Document]:
    with closing(hits):
        for hit in hits:
            yield Document(str(hit["_id"]), hit.get("_source", {}))


def _open_moment(client: Elasticsearch, addresses: object, index: str, moments: set[str]) -> str:
    with failures(addresses, index):
        moment = str(client.open_point_in_time(index=index, keep_alive=_KEEP_ALIVE)["id"])
    moments.add(moment)
    return moment


def read_with_field(
    client: Elasticsearch,
    addresses: object,
    index: str,
    moments: set[str],
    source: Mapping[str, object],
    field: str,
    share: float,
) -> Iterator[tuple[Document, str]]:
    """The documents that have a KEYWORD field, each with its value.

    share: the part of them that is read, drawn at random, from 0 to 1.
    """
    held = {"exists": {"field": field}}
    drawn = {"query": held, "random_score": {"seed": _SEED, "field": "_seq_no"}, "boost_mode": "replace"}
    body = {
        "source": dict(source),
        "docvalue_fields": [{"field": field}],
        "query": held if share >= 1 else {"function_score": {**drawn, "min_score": 1 - share}},
    }
    moment = _open_moment(client, addresses, index, moments)
    for hit in _pages(client, addresses, index, moment, moments, body):
        yield Document(str(hit["_id"]), hit.get("_source", {})), str(hit["fields"][field][0])


def read_sample(
    client: Elasticsearch, addresses: object, index: str, source: Mapping[str, object], size: int
) -> list[Document]:
    """At most `size` documents drawn at random, the same ones each time; fewer where they are large."""
    drawn = {"query": {"match_all": {}}, "random_score": {"seed": _SEED, "field": "_seq_no"}}
    found: list[Document] = []
    with failures(addresses, index):
        answer = client.search(index=index, query={"function_score": drawn}, size=size, source=False)
        names = [str(hit["_id"]) for hit in answer["hits"]["hits"]]
        read = 0
        for start in range(0, len(names), _TOGETHER):
            part = names[start : start + _TOGETHER]
            answer = client.search(
                index=index, query={"ids": {"values": part}}, size=len(part), source=dict(source)
            )
            found += [Document(str(hit["_id"]), hit.get("_source", {})) for hit in answer["hits"]["hits"]]
            read += int(answer.meta.headers.get("content-length") or 0)
            if read > _PAGE_BYTES:
                break
    return found


def close_moments(client: Elasticsearch, moments: set[str]) -> None:
    """Let the server forget moments that are still open."""
    hurried = client.options(request_timeout=_SECONDS_TO_CLOSE, max_retries=0)
    with suppress(ApiError, TransportError):
        while moments:
            hurried.close_point_in_time(id=moments.pop())


def _pages(
    client: Elasticsearch,
    addresses: object,
    index: str,
    moment: str,
    moments: set[str],
    body: Mapping[str, Any],
) -> Generator[Mapping[str, Any], None, None]:
    """The hits of a search, page by page; body: what is asked of each beside its place."""
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
                    **body,
                )
            moments.discard(moment)
            moment = str(answer["pit_id"])
            moments.add(moment)
            hits = answer["hits"]["hits"]
            yield from hits
            if len(hits) < size:
                return
            after = hits[-1]["sort"]
            size = _next_size(size, int(answer.meta.headers.get("content-length") or 0))
    finally:
        if moment in moments:
            moments.remove(moment)
            with suppress(ApiError, TransportError):
                client.close_point_in_time(id=moment)


def whole_source(version: Sequence[int]) -> dict[str, object]:
    """What a server of a version is told, so that it answers `_source` as it was written, without ours."""
    told: dict[str, object] = {"excludes": [ENRICHMENT]}
    return told | {"exclude_vectors": False} if tuple(version) >= WITHOUT_VECTORS else told


def as_parameters(source: Mapping[str, Any]) -> dict[str, str]:
    """The same as parameters of a request whose body has no place for it."""
    told = {"_source_excludes": ",".join(source["excludes"])}
    return told | {"_source_exclude_vectors": "false"} if "exclude_vectors" in source else told


def _next_size(size: int, answer_bytes: int) -> int:
    """Fewer documents a page where they are large, so that an answer stays near `_PAGE_BYTES`."""
    if not answer_bytes:
        return size
    return max(1, min(_PAGE, size * _PAGE_BYTES // answer_bytes))
