"""An Elasticsearch that is slow, breaks connections, or is something else."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from enricher.bundle.store import BundleStore
from enricher.errors import ModelNotFound
from enricher.gateway.service import Service
from enricher.settings import Configuration
from enricher.text import open_analyzer
from enricher.training.train import train_bundle
from indexer.engines import Connection, open_engine
from tests.corpora import documents
from tests.gateway.conftest import Served
from tests.gateway.test_serving import SMALL

PAGE = b"<html><body>Welcome</body></html>"
HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(PAGE), PAGE)


def answers_html(connection: socket.socket) -> None:
    """As a proxy or a portal does."""
    while connection.recv(65_536):
        connection.sendall(HTML)


def resets(connection: socket.socket) -> None:
    """In the middle of an answer."""
    connection.recv(65_536)
    connection.sendall(HTML[:40])


def is_silent(connection: socket.socket) -> None:
    """It takes the request, and never answers."""
    while connection.recv(65_536):
        time.sleep(0.01)


@contextmanager
def listening(behave: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of something that behaves like this."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            behave(connection)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        server.close()


@pytest.mark.parametrize("behave", [answers_html, resets, is_silent])
def test_a_bad_engine_is_a_sentence(
    models: Path, tmp_path: Path, behave: Callable[[socket.socket], None]
) -> None:
    """As JSON with a status that is true; questions to the model are answered all the same."""
    with listening(behave) as engine:
        served = Served.start(models, engine, tmp_path, ENRICHER_REQUEST_TIMEOUT="1")
        for path, asked in (
            ("search", {"query": "事务", "in": "docs"}),
            ("query/docs", {"query": "事务"}),
            ("explain", {"query": "事务", "in": "docs"}),
            ("indexes", {}),
            ("jobs", {}),
        ):
            answer = served.ask(path, **asked)
            assert answer.status in (502, 503, 504), (path, answer)
            assert answer.json["error"]["reason"].endswith(".") and "Traceback" not in str(answer.json)
        ready = served.ask("readyz")
        assert ready.status == 503 and ready.json["reasons"]
        assert served.ask("expand", query="事务").status == 200
        served.stop()


def test_many_versions_do_not_stay_open(models: Path, tmp_path: Path) -> None:
    """A thousand that are not there, and more than there is room for."""
    engine = open_engine(Connection(f"tantivy:{tmp_path / 'index'}"))
    store = BundleStore(shutil.copytree(models, tmp_path / "models"))
    first = store.active_version()
    other = train_bundle(store, documents(200), ("title", "text"), open_analyzer(), SMALL)
    service = Service(store.folder, engine, Configuration, list)
    for number in range(1000):
        with pytest.raises(ModelNotFound):
            service.model(f"20260101T120000-{number:06x}")
    assert service.open_models() == 0
    opened = service.model(first)
    assert service.model() is opened and service.open_models() == 1
    service.model(other)
    assert service.open_models() == 2 and service.model(first) is opened
    narrow = Service(store.folder, engine, Configuration, list, model_mb=0)
    assert narrow.model(first) is narrow.model(first)
    assert narrow.model(other).version == other and narrow.open_models() == 1
