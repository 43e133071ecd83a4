"""An engine URL that points at no search server, or at one that refuses the user: a sentence that says so."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from enricher.errors import AccessDenied, ConfigurationError, EngineError
from enricher.records import Query, QueryTerm, SearchEngine, SearchRequest
from indexer.engines import open_engine
from indexer.engines.addresses import keep_secret, masked, parse_addresses

CALLS: dict[str, Callable[[SearchEngine], object]] = {
    "layout": lambda engine: engine.layout("a"),
    "aliases": lambda engine: engine.aliases(),
    "count": lambda engine: engine.count("a"),
    "made_by": lambda engine: engine.count_enriched_with("a", "m"),
    "frequencies": lambda engine: engine.frequencies("a", {"tokens.text": ["x"]}),
    "read": lambda engine: list(engine.read("a")),
    "client_search": lambda engine: engine.client_search("a", SearchRequest(Query("x", (QueryTerm("x"),)))),
    "search": lambda engine: engine.search("a", SearchRequest(Query("x", (QueryTerm("x"),)))),
}


@dataclass(frozen=True)
class Answer:
    """What a server says to every request; product: whether it claims to be Elasticsearch."""

    status: int
    body: bytes
    kind: str = "application/json"
    product: bool = False


class Handler(BaseHTTPRequestHandler):
    """Gives the one answer of its server."""

    server: "Server"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        answer = self.server.answer
        self.send_response(answer.status)
        self.send_header("content-type", answer.kind)
        self.send_header("content-length", str(len(answer.body)))
        if answer.product:
            self.send_header("X-Elastic-Product", "Elasticsearch")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _answer  # noqa: N815

    def log_message(self, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """A web server on a free port."""

    answer: Answer

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@contextmanager
def serving(answer: Answer, certificate: Path | None = None) -> Iterator[int]:
    """Run a server; its port."""
    with Server(("127.0.0.1", 0), Handler) as server:
        server.answer = answer
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


HTML = b"<html><title>Hello</title></html>"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(200, HTML, "text/html"), "is not Elasticsearch"),
        (Answer(200, b'{"ok":true}'), "is not Elasticsearch"),
        (Answer(404, HTML, "text/html"), "status 404, but is not Elasticsearch"),
        (Answer(500, b'{"message":"x"}'), "status 500, but is not Elasticsearch"),
        (Answer(200, b'{"ok":true}', product=True), "gave an answer that is not from Elasticsearch"),
        (Answer(200, b"[1]", product=True), "gave an answer that is not from Elasticsearch"),
        (Answer(200, b'{"a":', product=True), "cannot be read"),
        (Answer(400, b"The plain HTTP request was sent to HTTPS port", "text/html"), "speaks HTTPS"),
    ],
)
def test_what_another_server_answers_is_a_sentence(answer: Answer, said: str) -> None:
    """Of every method, and a failed check of doctor."""
    with serving(answer) as port:
        engine = open_engine(f"http://bob:hunter22@127.0.0.1:{port}")
        for name, call in CALLS.items():
            with pytest.raises(EngineError, match=said) as failure:
                call(engine)
            assert f"127.0.0.1:{port}" in str(failure.value) and "hunter22" not in str(failure.value), name
        (check,) = engine.check()
        assert not check.passed and ("Elasticsearch" in check.detail or "HTTPS" in check.detail)
        engine.close()


def test_a_name_is_not_free_because_another_server_knows_nothing(tmp_path: Path) -> None:
    """Its 404 says nothing of indexes."""
    with serving(Answer(404, HTML, "text/html")) as port, pytest.raises(EngineError, match="status 404"):
        open_engine(f"http://127.0.0.1:{port}").exists("a")


def test_the_wrong_one_of_http_and_https_is_named(tmp_path: Path) -> None:
    """Each way round; a certificate that is not trusted is something else."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl, which makes a certificate, is not here.")
    pem = tmp_path / "both.pem"
    line = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout both.pem -out c.pem"
    subprocess.run([openssl, *line.split()], cwd=tmp_path, check=True, capture_output=True)
    pem.write_text(pem.read_text() + (tmp_path / "c.pem").read_text())
    answer = Answer(200, b"{}", product=True)
    for scheme, certificate, said in (
        ("https", None, "speaks plain HTTP"),
        ("http", pem, "speaks HTTPS"),
        ("https", pem, "not from an authority that is trusted here; give .* with --ca-file"),
    ):
        with serving(answer, certificate) as port, pytest.raises(EngineError, match=said):
            open_engine(f"{scheme}://127.0.0.1:{port}").indexes()


@pytest.mark.parametrize(
    "url",
    [
        "http://bob:12/ret@host:9200",
        "http://bob:12?ret@host:9200",
        "http://bob:12#ret@host:9200",
        "http://bob:sec/ret@host:9200",
        "http://bob:1,2ret@host:9200",
        "http://bob:sec,ret@host:9200,other:9200",
        "https://h1:9200,bob:secret@h2",
        "http://bob:secret@h1,zoe:other@h2",
        "http://bob:secret@h1?x",
        "http://bob:secret@[::1",
        "ftp://bob:secret@host",
    ],
)
def test_a_url_that_cannot_be_read_shows_no_part_of_user_or_password(url: str) -> None:
    """Whatever in it was not escaped."""
    with pytest.raises(ConfigurationError) as failure:
        open_engine(url)
    assert not [part for part in ("bob", "sec", "ret", "zoe", "12") if part in str(failure.value)]


def test_user_info_is_masked_wherever_it_stands() -> None:
    """In every URL, and that of the engine also by itself; the host stays."""
    assert parse_addresses("https://bob:p@ss@h1,h2").password == "p@ss"
    keep_secret("https://bob:p@ss/word,x@h1:9200,h2:9200")
    for text in ("see https://bob:p@ss/word,x@h1:9200/a", "p@ss/word,x", "tcp://a:b@h"):
        shown = masked(text)
        assert "***" in shown and "p@ss" not in shown and "a:b" not in shown
    assert masked("https://h1:9200/path is mail@example.org") == "https://h1:9200/path is mail@example.org"


REFUSAL = "no permissions for [indices:data/read/get] and User [name=bob, backend_roles=[]]"
FORBIDDEN = (
    b'{"error":{"root_cause":[{"type":"security_exception","reason":"%s"}],"type":"security_exception",'
    b'"reason":"%s"},"status":403}' % (REFUSAL.encode(), REFUSAL.encode())
)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(401, b"Unauthorized", "text/plain"), "requires a user, or does not accept this one"),
        (Answer(403, FORBIDDEN), "OpenSearch does not allow this: no permissions for .*name=bob"),
    ],
    ids=["unknown user", "missing privilege"],
)
@pytest.mark.parametrize("family", ["", "opensearch+"])
def test_what_the_security_plugin_of_opensearch_refuses_is_a_sentence(
    answer: Answer, said: str, family: str
) -> None:
    """Also where the user may not even ask for the version; the password is not shown."""
    with serving(answer) as port:
        engine = open_engine(f"{family}http://bob:secret-word@127.0.0.1:{port}")
        with pytest.raises(AccessDenied, match=said) as raised:
            engine.count("a")
        checks = engine.check()
        engine.close()
    assert "secret-word" not in str(raised.value) + str(checks)
