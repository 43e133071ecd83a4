"""Spans that reach a collector."""

import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from enricher.errors import ConfigurationError
from enricher.gateway.tracing import tracing
from tests.gateway.conftest import Served, fill

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a collector, and what it has received."""
    received: list[bytes] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", received
    server.shutdown()


def test_each_request_is_a_span(models: Path, tmp_path: Path, collector: tuple[str, list[bytes]]) -> None:
    """In the trace that its header names, with endpoint and status, and without the query."""
    address, received = collector
    (tmp_path / "enricher.toml").write_text(f'[serve]\ntraces = "{address}"\n')
    fill(f"tantivy:{tmp_path / 'index'}", models)
    served = Served.start(models, f"tantivy:{tmp_path / 'index'}", tmp_path)
    parent = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
    assert served.ask("search", query="鲸鱼", headers=parent, **{"in": "docs"}).status == 200
    assert served.ask("search", query="x", **{"in": "none"}).status == 404
    served.stop()
    spans = [
        span
        for body in received
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    searches = [span for span in spans if span.name == "GET search"]
    assert len(searches) == 2
    first = next(span for span in searches if span.trace_id.hex() == TRACE)
    assert first.parent_span_id.hex() == PARENT
    statuses = {
        one.value.int_value
        for span in searches
        for one in span.attributes
        if one.key == "http.response.status_code"
    }
    assert statuses == {200, 404} and first.end_time_unix_nano > first.start_time_unix_nano
    assert not any("鲸鱼".encode() in body for body in received)


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With how to install them; nothing else needs them."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(ConfigurationError, match=r"search-enricher\[otel\]"):
        tracing("http://127.0.0.1:1")
    tracing(None).request("GET", "search", 200, {}, 0.1)
