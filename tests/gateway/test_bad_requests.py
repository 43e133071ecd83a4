"""Requests that are wrong: one JSON error with a sentence, and the service goes on."""

import json
import re
import socket
import threading
import time
import urllib.parse

import pytest

from enricher.gateway.application import with_parameters
from tests.gateway.conftest import Served

SEARCH = {"query": "事务", "in": "docs"}


def reason(served: Served, status: int, path: str, body: object = None, **parameters: object) -> str:
    """The sentence of an error."""
    response = served.ask(path, body, **parameters)
    assert response.status == status, response.body
    assert response.json["status"] == status and response.json["error"]["type"]
    return str(response.json["error"]["reason"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "The body is not JSON"),
        (b"[1]", "must be a JSON object"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"query": "a", "query": "b", "in": "docs"}', "key 'query' twice"),
        (b'{"query": NaN, "in": "docs"}', "NaN is no JSON number"),
        (b'{"query": "a\\u0000b", "in": "docs"}', "NUL"),
        (b'{"query": "\\ud800", "in": "docs"}', "lone surrogate"),
        (b'{"query": "a", "in": "docs", "native": ' + b'{"a":' * 100 + b"1" + b"}" * 101, "levels deep"),
        (b"[" * 100_000, "levels deep"),
        (json.dumps({"in": "docs"}).encode(), "'query' is missing"),
        (json.dumps(SEARCH | {"top": "3"}).encode(), "'top' must be a whole number"),
        (json.dumps(SEARCH | {"top": -1}).encode(), "'top' must be"),
        (json.dumps(SEARCH | {"top": 100_000}).encode(), "'top' must be"),
        (json.dumps(SEARCH | {"size": 3}).encode(), "size"),
        (json.dumps(SEARCH | {"filter": "a=b"}).encode(), "'filter' must be"),
        (json.dumps(SEARCH | {"filter": ["a"]}).encode(), "a"),
        (json.dumps(SEARCH | {"native": {"match_all": {}}}).encode(), ""),
        (json.dumps(SEARCH | {"query": "…"}).encode(), "no word to search for"),
        (json.dumps(SEARCH | {"sort": "no-such"}).encode(), "no-such"),
    ],
)
def test_a_wrong_body_is_a_sentence(served: Served, body: bytes, said: str) -> None:
    """With status 400."""
    assert said in reason(served, 400, "search", body)


def test_wrong_parameters_are_a_sentence(served: Served) -> None:
    """Unknown, repeated, of a wrong type, or given twice."""
    assert "quer" in reason(served, 400, "search", quer="a", **SEARCH)
    assert "'query' is given twice" in reason(served, 400, "search", query=["a", "b"], **{"in": "docs"})
    assert "'top' must be a whole number" in reason(served, 400, "search", top="many", **SEARCH)
    assert "'expansion' must be" in reason(served, 400, "search", expansion="yes", **SEARCH)
    assert "given twice: in the address and in the body" in reason(served, 400, "search", SEARCH, query="b")
    assert "documents" in reason(served, 400, "models", documents="1")


def test_what_is_missing_is_named(served: Served) -> None:
    """An index, a word, an endpoint; with status 404."""
    assert "'nothing'" in reason(served, 404, "search", SEARCH | {"in": "nothing"})
    assert "'nothing'" in reason(served, 404, "enrich", b"{}", **{"in": "nothing"})
    assert "Closest words" in reason(served, 404, "neighbors", word="数据厍")
    assert "no such endpoint" in reason(served, 404, "nothing")
    assert "no such endpoint" in reason(served, 404, "../_enricher/metrics")
    response = served.ask("search", method="DELETE")
    assert response.status == 405 and "GET" in response.headers["Allow"]


def test_sentences_name_parameters_and_not_options(served: Served) -> None:
    """But commands that they propose stay commands."""
    native = reason(served, 400, "search", SEARCH | {"native": {"match_all": {}}})
    assert native == "The embedded engine has no query language for `native`; use `filter`."
    assert with_parameters("Use --write-block, or `enricher index A --to B`.") == (
        "Use `write_block`, or `enricher index A --to B`."
    )
    missing = reason(served, 404, "search", {"query": "a", "in": "none"})
    assert "`enricher index SOURCE --to none`" in missing


def test_a_large_body_is_refused(served: Served) -> None:
    """With status 413, also if its length is not announced; and a large line of documents with a reason."""
    body = json.dumps(SEARCH | {"query": "a" * 2_000_000}).encode()
    assert "too large" in reason(served, 413, "search", body)
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (b"x" * 500_000,) * 3)
    assert raw(served, chunked + chunks + b"0\r\n\r\n").startswith(b"HTTP/1.1 413")
    line = json.dumps({"id": "a", "text": "b" * 17_000_000}).encode()
    answers = served.ask("enrich", b'{"id": "first", "text": "ocean"}\n' + line).body.splitlines()
    first, last = map(json.loads, answers)
    assert first["id"] == "first" and "more than 16,000,000 bytes" in last["error"]


POST = b"POST /_enricher/search HTTP/1.1\r\nHost: x\r\n"


def raw(served: Served, data: bytes) -> bytes:
    """Send bytes, and return the response."""
    where = urllib.parse.urlsplit(served.url)
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(data)
        found = b""
        while not is_whole(found) and (more := connection.recv(65_536)):
            found += more
    return found


def is_whole(response: bytes) -> bool:
    """Whether a response has as many bytes as it says."""
    head, found, body = response.partition(b"\r\n\r\n")
    length = re.search(rb"Content-Length: ([0-9]+)", head)
    return bool(found) and length is not None and len(body) >= int(length[1])


@pytest.mark.parametrize(
    "request_",
    [
        b"GARBAGE\r\n\r\n",
        "GET /_enricher/search?query=事务 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        POST + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde",
        POST + b"Content-Length: x\r\n\r\nabcde",
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n",
        b"GET /_enricher/livez HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n",
        b"GET /_enricher/livez HTTP/1.1\r\nHost: x\r\nX-A: b\x0bc\r\n\r\n",
        b"GET /_enricher/livez HTTP/1.1\r\nHost: x\r\nX-A: " + b"b" * 100_000 + b"\r\n\r\n",
    ],
    ids=lambda data: repr(data[:70]),
)
def test_what_is_no_http_is_refused(served: Served, request_: bytes) -> None:
    """With status 400 in JSON, and the next request is answered."""
    head, _, body = raw(served, request_).partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert json.loads(body)["error"]["type"] in ("bad_request", "usage_error")
    assert served.ask("livez").status == 200


def test_request_ids_are_sent_back_if_they_are_harmless(served: Served) -> None:
    """Others are replaced."""
    assert served.ask("livez", headers={"X-Request-Id": "trace-1"}).headers["X-Request-Id"] == "trace-1"
    other = served.ask("livez", headers={"X-Request-Id": 'a"b'}).headers["X-Request-Id"]
    assert len(other) == 32


def test_a_slow_client_and_many_connections_disturb_nobody(served: Served) -> None:
    """Half a request that never ends, and 10,000 connections that are opened and closed."""
    where = urllib.parse.urlsplit(served.url)
    slow = socket.create_connection((where.hostname, where.port))
    slow.sendall(b"POST /_enricher/search HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")

    def connect() -> None:
        for _ in range(2_000):
            socket.create_connection((where.hostname, where.port)).close()

    threads = [threading.Thread(target=connect) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert served.ask("search", SEARCH).status == 200
    slow.close()
    time.sleep(0.1)
    assert served.ask("livez").status == 200
