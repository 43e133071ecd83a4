"""Several processes behind one address."""

import io
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from enricher.errors import EnricherError
from enricher.gateway.logs import Log
from enricher.gateway.supervisor import supervise
from tests.gateway.conftest import Served, fill


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    with open(f"/proc/{process}/task/{process}/children", encoding="utf-8") as file:
        return [int(one) for one in file.read().split()]


@pytest.fixture(scope="module")
def service(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service of two processes."""
    folder = tmp_path_factory.mktemp("workers")
    fill(f"tantivy:{folder / 'index'}", models)
    served = Served.start(models, f"tantivy:{folder / 'index'}", folder, "--workers", "2")
    yield served
    if served.process.poll() is None:
        served.stop()


def count(service: Served, metric: str) -> float:
    """The value of a metric without labels, or the sum over its labels."""
    text = service.ask("metrics", base=service.admin).body.decode()
    return sum(float(value) for value in re.findall(rf"^{metric}(?:{{[^}}]*}})? (\S+)$", text, re.M))


def test_all_count_together(service: Served) -> None:
    """Each answer is counted once, whichever process gave it, and both are asked."""
    first = service.ask("search", query="事务", **{"in": "docs"}).json["hits"]
    before = count(service, "enricher_queries_total")
    wrong: list[object] = []

    def ask() -> None:
        for _ in range(25):
            hits = service.ask("search", query="事务", **{"in": "docs"}).json["hits"]
            wrong.extend([hits] if hits != first else [])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert count(service, "enricher_queries_total") == before + 100
    assert count(service, "enricher_open_models") == 2.0
    assert count(service, "enricher_requests_held") == 0


def test_the_configuration_is_read_again_by_all(service: Served) -> None:
    """Asked of the admin address, which one process serves."""
    folder = Path(service.engine.removeprefix("tantivy:")).parent
    (folder / "enricher.toml").write_text('[serve]\ncors = ["*"]\n')
    assert service.ask("reload", {}, base=service.admin).json == {"changed": ["cors"], "needs_restart": []}
    page = {"Origin": "https://any.example"}
    missed = 0
    for _ in range(100):
        answers = [service.ask("livez", headers=page) for _ in range(20)]
        missed = sum("Access-Control-Allow-Origin" not in one.headers for one in answers)
        if not missed:
            break
        time.sleep(0.1)
    assert missed == 0


def test_a_lost_process_is_replaced(service: Served) -> None:
    """Also the one with the admin address; counts are kept."""
    before = count(service, "enricher_queries_total")
    for place in (0, 1):
        lost = children(service.process.pid)[place]
        os.kill(lost, signal.SIGKILL)
        for _ in range(200):
            now = children(service.process.pid)
            if lost not in now and len(now) == 2:
                break
            time.sleep(0.1)
        assert len(now) == 2
        for _ in range(10):
            assert service.ask("search", query="事务", **{"in": "docs"}).status == 200
    assert count(service, "enricher_queries_total") == before + 20


def test_all_end_in_order(service: Served) -> None:
    """With the signal, and without a process that stays."""
    mine = children(service.process.pid)
    log = service.stop()
    assert log.count('"event":"draining"') == 2
    assert not [one for one in mine if Path(f"/proc/{one}").exists()]


def test_a_failure_at_the_start_is_a_sentence() -> None:
    """Of any process; then the others end, and no other is started."""
    log, ended = io.StringIO(), []

    def work(number: int, ready: Callable[[], None]) -> None:
        if number == 1:
            raise EnricherError("The engine is not there.")
        ready()
        time.sleep(60)

    with pytest.raises(EnricherError, match="failed at its start"):
        supervise(2, work, lambda: ended.append("started"), ended.append, lambda: None, Log(log))
    assert not ended
