"""Read documents of an index of a cluster: all of them at a point in time, or a sample."""

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, suppress
from typing import Any

from enricher.errors import AccessDenied
from enricher.records import ENRICHMENT, Document
from indexer.engines.cluster.errors import failures
from indexer.engines.cluster.health import as_numbers, versions_of
from indexer.engines.cluster.server import NoAnswer, Refused, Server, Tries

_KEEP_ALIVE = "5m"
"""How long the server keeps a point in time after each page."""

_CLOSE_TIMEOUT_SECONDS = 5.0
"""Time-out for closing a point in time. The server closes it later by itself."""

_MAX_PAGE_DOCUMENTS = 500
_PAGE_BYTES = 20_000_000

_SEED = 1
_SAMPLE_PAGE_DOCUMENTS = 20
"""Number of documents of a sample that one request reads."""

UNNAMED = "*,-*"
"""Names no index: a search of it only checks the request."""
WITHOUT_VECTORS = (9, 2)
"""The first release that omits vectors from `_source` by default."""


def read_documents(
    server: Server,
    index: str,
    points_in_time: set[str],
    source: Mapping[str, object],
    name: str,
    query: Mapping[str, Any] | None = None,
) -> Iterator[Document]:
    """Open a point in time now, and return an iterator over its documents.

    points_in_time: holds the id of the point in time until all documents are read or the iterator is closed.
    source: the `_source` parameters (`whole_source`). name: of the index itself if `index` is an alias: the
    privileges on it are those that reading a point in time needs. query: which documents; None for all.
    """
    point_in_time = _open_point_in_time(server, index, points_in_time)
    body: dict[str, Any] = {"_source": dict(source)} | ({} if query is None else {"query": dict(query)})
    return _documents(_pages(server, name, point_in_time, points_in_time, body))


def _documents(hits: Generator[Mapping[str, Any], None, None]) -> Iterator[Document]:
    with closing(hits):
        for hit in hits:
            yield Document(str(hit["_id"]), hit.get("_source", {}))


def _open_point_in_time(server: Server, index: str, points_in_time: set[str]) -> str:
    with failures(server, index):
        path = server.dialect.point_in_time_path(index)
        point_in_time = server.dialect.point_in_time_of(server.post(*path, keep_alive=_KEEP_ALIVE).body)
    points_in_time.add(point_in_time)
    return point_in_time


def read_with_field(
    server: Server,
    index: str,
    points_in_time: set[str],
    source: Mapping[str, object],
    field: str,
    held: Mapping[str, Any],
    share: float,
) -> Iterator[tuple[Document, str]]:
    """Yield the documents that match a query, each with the value of a field that has doc values.

    share: share of the documents to read, from 0 to 1, drawn at random.
    """
    drawn = {"query": held, "random_score": {"seed": _SEED, "field": "_seq_no"}, "boost_mode": "replace"}
    body = {
        "_source": dict(source),
        "docvalue_fields": [{"field": field}],
        "query": dict(held) if share >= 1 else {"function_score": {**drawn, "min_score": 1 - share}},
    }
    point_in_time = _open_point_in_time(server, index, points_in_time)
    for hit in _pages(server, index, point_in_time, points_in_time, body):
        yield Document(str(hit["_id"]), hit.get("_source", {})), str(hit["fields"][field][0])


def read_sample(server: Server, index: str, source: Mapping[str, object], size: int) -> list[Document]:
    """Up to `size` random documents, the same ones in each call. Large documents reduce the number."""
    drawn = {"query": {"match_all": {}}, "random_score": {"seed": _SEED, "field": "_seq_no"}}
    found: list[Document] = []
    with failures(server, index):
        body = {"query": {"function_score": drawn}, "size": size, "_source": False}
        answer = server.search(index, body, allow_partial=True)
        names = [str(hit["_id"]) for hit in answer["hits"]["hits"]]
        read = 0
        for start in range(0, len(names), _SAMPLE_PAGE_DOCUMENTS):
            part = names[start : start + _SAMPLE_PAGE_DOCUMENTS]
            body = {"query": {"ids": {"values": part}}, "size": len(part), "_source": dict(source)}
            answer = server.search(index, body, allow_partial=True)
            found += [Document(str(hit["_id"]), hit.get("_source", {})) for hit in answer["hits"]["hits"]]
            read += answer.size
            if read > _PAGE_BYTES:
                break
    return found


def close_points_in_time(server: Server, points_in_time: set[str]) -> None:
    """Close all open points in time."""
    hurried = server.trying(Tries(0, seconds=_CLOSE_TIMEOUT_SECONDS))
    with suppress(Refused, NoAnswer):
        while points_in_time:
            _close_point_in_time(hurried, points_in_time.pop())


def _close_point_in_time(server: Server, point_in_time: str) -> None:
    path, body = server.dialect.closing(point_in_time)
    server.delete(*path, body=body)


def _pages(
    server: Server,
    index: str,
    point_in_time: str,
    points_in_time: set[str],
    body: Mapping[str, Any],
) -> Generator[Mapping[str, Any], None, None]:
    """Yield the hits of a search, page by page. body: the query and the requested fields."""
    after: list[Any] | None = None
    size = _MAX_PAGE_DOCUMENTS
    try:
        parts = _parts(server, index)
        part = next(parts)
        while True:
            page = {
                "pit": {"id": point_in_time, "keep_alive": _KEEP_ALIVE},
                "size": size,
                "track_total_hits": False,
                **({} if after is None else {"search_after": after}),
                **part,
                **body,
            }
            with failures(server, index):
                answer = server.search(None, page)
            points_in_time.discard(point_in_time)
            point_in_time = str(answer["pit_id"])
            points_in_time.add(point_in_time)
            hits = answer["hits"]["hits"]
            yield from hits
            if len(hits) == size:
                after = hits[-1]["sort"]
                size = _next_size(size, answer.size)
                continue
            if (following := next(parts, None)) is None:
                return
            part, after = following, None
    finally:
        if point_in_time in points_in_time:
            points_in_time.remove(point_in_time)
            with suppress(Refused, NoAnswer):
                _close_point_in_time(server, point_in_time)


def _parts(server: Server, index: str) -> Iterator[dict[str, Any]]:
    """The parameters of searches that together read a point in time, each in an order without ties.

    Where hits cannot be sorted by `_shard_doc`, each part is one shard, in the order of sequence numbers.
    """
    if server.dialect.sorts_by_shard:
        yield {"sort": [{"_shard_doc": "asc"}]}
        return
    with failures(server, index):
        found = server.get(index, filter_path="*.settings.index.number_of_shards").body
    shards = max(int(one["settings"]["index"]["number_of_shards"]) for one in found.values())
    sequence = {"_seq_no": {"order": "asc", "unmapped_type": "long"}}  # unmapped in an empty index
    order = {"sort": [sequence, {"_index": "asc"}]}
    yield from [order | {"slice": {"id": n, "max": shards}} for n in range(shards)] if shards > 1 else [order]


def whole_source(server: Server) -> dict[str, object]:
    """The `_source` parameters for complete documents without enrichment, as the server knows them."""
    told: dict[str, object] = {"excludes": [ENRICHMENT]}
    if not server.dialect.may_omit_vectors:
        return told
    try:
        oldest = min(map(as_numbers, versions_of(server)), default=(0,))
        excludes = oldest >= WITHOUT_VECTORS
    except AccessDenied:  # reading an index needs no cluster privilege
        excludes = _knows_vectors_of_source(server)
    return told | {"exclude_vectors": False} if excludes else told


def _knows_vectors_of_source(server: Server) -> bool:
    """Whether the server knows the parameter `exclude_vectors`. Searches no index."""
    with failures(server):
        try:
            server.search(UNNAMED, {"size": 0, "_source": {"exclude_vectors": False}})
        except Refused as error:
            if error.status != 400:
                raise
            return False
    return True


def as_parameters(source: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of `whole_source` as query parameters, for requests without a body."""
    told = {"_source_excludes": ",".join(source["excludes"])}
    return told | {"_source_exclude_vectors": "false"} if "exclude_vectors" in source else told


def _next_size(size: int, answer_bytes: int) -> int:
    """The size of the next page: smaller for large documents, so that a response has about `_PAGE_BYTES`."""
    if not answer_bytes:
        return size
    return max(1, min(_MAX_PAGE_DOCUMENTS, size * _PAGE_BYTES // answer_bytes))
