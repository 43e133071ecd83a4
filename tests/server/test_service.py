"""The service beside a real Elasticsearch."""

import json
from pathlib import Path

import pytest

from tests.conftest import RunCommand
from tests.gateway.conftest import Served, fill
from tests.server.engines import ServerEngine


@pytest.fixture
def filled(server_url: str, engine: ServerEngine, models: Path, index: str) -> str:
    """An index of 100 documents."""
    fill(server_url, models, [index])
    return index


def test_the_service_answers_like_the_command(
    server_url: str, engine: ServerEngine, models: Path, filled: str, run: RunCommand, tmp_path: Path
) -> None:
    """With a native filter too; the body of `query` finds what the search finds by words."""
    served = Served.start(models, server_url, tmp_path)
    native = {"prefix": {"topic.keyword": "数据"}}
    options = ("--models", models, "--engine", server_url, "search", "事务 索引", "--in", filled, "--json")
    expected = json.loads(run(*options, "--query", json.dumps(native)).stdout)
    found = served.ask("search", {"query": "事务 索引", "in": filled, "native": native}).json
    assert found["hits"] == expected["hits"] and found["hits"]
    sent = served.ask(f"query/{filled}", query="事务 索引", top=20).json
    answer = engine.client.search(index=filled, body=sent["body"])
    words = served.ask("search", {"query": "事务 索引", "in": filled, "explain": True}).json
    assert answer["hits"]["total"]["value"] == words["by_words"] and len(answer["hits"]["hits"]) == 20
    assert served.ask("readyz").json["engine"] == engine.name
    assert filled in [one["name"] for one in served.ask("indexes").json["indexes"]]
    wrong = served.ask("search", {"query": "a", "in": filled, "native": {"nonsense": {}}})
    assert wrong.status == 400 and "nonsense" in wrong.json["error"]["reason"]
    done = run("--models", models, "--engine", server_url, "reindex", "start", filled, "--to", f"{filled}-to")
    assert done.returncode == 0, done.stderr
    (job,) = [one for one in served.ask("jobs").json["jobs"] if one["source"] == filled]
    assert (job["phase"], job["documents"], job["rejected"]) == ("done", 100, 0)
    served.stop()
