"""How the service starts, refuses what is too much, takes up changes and ends."""

import asyncio
import json
import shutil
import socket
import threading
import time
import urllib.parse
from pathlib import Path

import pytest

from enricher.bundle.store import BundleStore
from enricher.gateway.pool import Busy, Overdue, Pool
from enricher.text import open_analyzer
from enricher.training.train import train_bundle
from tests.conftest import SMALL, RunCommand
from tests.corpora import documents
from tests.gateway.conftest import Served, fill


def test_a_pool_has_a_limit_and_lets_go() -> None:
    """One works and one waits, the third is refused; what is overdue counts until it has ended."""

    async def main() -> None:
        pool, release = Pool("test", 1, 1, 0.2), threading.Event()
        first, second = (asyncio.ensure_future(pool.run(release.wait)) for _ in range(2))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await pool.run(release.wait)
        for one in (first, second):
            with pytest.raises(Overdue, match=r"longer than 0\.2 s"):
                await one
        await asyncio.sleep(0.05)
        assert pool.held == 1, "the first still has its thread, the second never had one"
        release.set()
        while pool.held:
            await asyncio.sleep(0.01)
        assert await pool.run(lambda: 3) == 3
        with pytest.raises(ValueError, match="mine"):
            await pool.run(lambda: (_ for _ in ()).throw(ValueError("mine")))
        pool.close()

    asyncio.run(main())


def test_it_can_be_checked_without_serving(run: RunCommand, models: Path, tmp_path: Path) -> None:
    """Its model, its engine, its addresses and its configuration."""
    free = ("serve", "--check", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
    done = run("--models", models, *free)
    assert done.returncode == 0 and "Ready to serve" in done.stdout
    empty = run("--models", tmp_path / "none", *free)
    assert empty.returncode == 1 and "No model is active" in empty.stderr
    for address in ("9280", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ":9280"):
        wrong = run("--models", models, "serve", "--check", "--listen", address)
        assert wrong.returncode == 2 and "--listen must be HOST:PORT" in wrong.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("--models", models, "serve", "--check", "--listen", address)
    assert done.returncode == 2 and f"cannot listen on {address}" in done.stderr


def test_requests_in_work_are_answered_before_it_ends(models: Path, tmp_path: Path) -> None:
    """Documents that still arrive after SIGTERM are enriched; new connections are refused."""
    fill(f"tantivy:{tmp_path / 'index'}", models)
    served = Served.start(models, f"tantivy:{tmp_path / 'index'}", tmp_path)
    where = urllib.parse.urlsplit(served.url)
    line = json.dumps({"id": "a", "text": "ocean tide"}).encode() + b"\n"
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        head = f"POST /_enricher/enrich HTTP/1.1\r\nHost: x\r\nContent-Length: {2 * len(line)}\r\n\r\n"
        connection.sendall(head.encode() + line)
        while served.ask("livez").status != 200:
            time.sleep(0.05)
        served.process.terminate()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection((where.hostname, where.port), timeout=1).close()
                time.sleep(0.05)
            except OSError:
                break
        connection.sendall(line)
        answer = b""
        while more := connection.recv(65_536):
            answer += more
    assert answer.startswith(b"HTTP/1.1 200") and answer.count(b'"enrichment"') == 2
    log = served.stop()
    assert '"event":"draining"' in log and "ocean" not in log


def test_another_model_is_taken_up(models: Path, tmp_path: Path) -> None:
    """At the next request; an index keeps its own."""
    shutil.copytree(models, tmp_path / "models")
    fill(f"tantivy:{tmp_path / 'index'}", tmp_path / "models")
    served = Served.start(tmp_path / "models", f"tantivy:{tmp_path / 'index'}", tmp_path)
    store = BundleStore(tmp_path / "models")
    first = store.active_version()
    assert served.ask("readyz").json["model"] == first
    before = served.ask("search", query="事务", **{"in": "docs"}).json["hits"]
    other = train_bundle(store, documents(200), ("title", "text"), open_analyzer(), SMALL)
    store.activate(other)
    assert served.ask("readyz").json["model"] == other != first
    assert served.ask("search", query="事务", **{"in": "docs"}).json["hits"] == before
    (line,) = served.ask("enrich", b'{"text": "ocean"}').body.splitlines()
    assert json.loads(line)["enrichment"]["model"] == other
    served.stop()


def test_it_serves_without_a_model_and_without_its_engine(tmp_path: Path) -> None:
    """And says what is missing, with the status of each reason."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        engine = f"http://127.0.0.1:{free.getsockname()[1]}"
    served = Served.start(tmp_path / "none", engine, tmp_path)
    ready = served.ask("readyz")
    assert ready.status == 503 and any("No model is active" in one for one in ready.json["reasons"])
    assert len(ready.json["reasons"]) == 2
    assert served.ask("livez").status == 200
    assert served.ask("neighbors", word="a").status == 404
    away = served.ask("search", query="a", **{"in": "docs"})
    assert away.status == 503 and away.json["error"]["type"] == "engine_unavailable"
    served.stop()


def test_two_versions_ask_for_the_same_port(models: Path, served: Served, run: RunCommand) -> None:
    """The second is refused with a sentence."""
    address = served.url.removeprefix("http://")
    done = run("--models", models, "serve", "--listen", address, "--admin", "127.0.0.1:0")
    assert done.returncode == 2 and "address already in use" in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [("port = 1", "has no setting 'port'"), ("threads = 0", "must be"), ("threads = true", "must be"),
     ('listen = "x"', "must be HOST:PORT")],
)  # fmt: skip
def test_a_wrong_table_is_a_sentence(
    run: RunCommand, models: Path, tmp_path: Path, line: str, said: str
) -> None:
    """With the file or the option that is meant."""
    (tmp_path / "enricher.toml").write_text(f"[serve]\n{line}\n")
    done = run("--models", models, "serve", "--check")
    assert done.returncode == 2 and said in done.stderr


def test_options_win_over_the_table(run: RunCommand, models: Path, tmp_path: Path) -> None:
    """An address that cannot be is passed over."""
    (tmp_path / "enricher.toml").write_text('[serve]\nlisten = "x"\nadmin = "127.0.0.1:0"\n')
    done = run("--models", models, "serve", "--check", "--listen", "127.0.0.1:0")
    assert done.returncode == 0, done.stderr
