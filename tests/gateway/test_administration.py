"""What operators do over HTTP: models, jobs, documents, and the configuration."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from enricher.bundle.store import BundleStore
from enricher.text import open_analyzer
from enricher.training.train import train_bundle
from indexer.engines import Connection, open_engine
from tests.corpora import documents
from tests.gateway.conftest import Response, Served, fill
from tests.gateway.test_serving import SMALL

ENDED = ("done", "cancelled")


@pytest.fixture
def service(models: Path, tmp_path: Path) -> Iterator[Served]:
    """A service of its own models and index."""
    shutil.copytree(models, tmp_path / "models")
    engine = f"tantivy:{tmp_path / 'index'}"
    fill(engine, tmp_path / "models")
    served = Served.start(tmp_path / "models", engine, tmp_path)
    yield served
    if served.process.poll() is None:
        served.stop()


def change(served: Served, path: str, body: object = None, **parameters: object) -> Response:
    """Ask the admin address for a change."""
    return served.ask(path, {} if body is None else body, base=served.admin, **parameters)


def ended(served: Served, name: str) -> dict[str, Any]:
    """The report of a job when it has ended."""
    for _ in range(300):
        for job in served.ask("jobs").json["jobs"]:
            if job["job"] == name and job["phase"] in ENDED:
                return dict(job)
        time.sleep(0.1)
    raise AssertionError(f"the job {name} has not ended")


def test_a_job_is_run_and_rolled_back(service: Served) -> None:
    """In a process of its own; searches go on, and the alias moves."""
    begun = change(service, "jobs/start", {"source": "docs", "to": "shown"})
    assert begun.status == 202 and begun.json["alias"] == "shown"
    assert ended(service, begun.json["job"])["documents"] == 100
    assert service.ask("search", query="事务", **{"in": "shown"}).json["total"]
    again = change(service, "jobs/start", {"source": "shown", "to": "shown"})
    assert ended(service, again.json["job"])["phase"] == "done"
    aliases = service.ask("indexes").json["aliases"]
    assert aliases["shown"] == [again.json["target"]] != [begun.json["target"]]
    back = change(service, "jobs/rollback", {"job": again.json["job"]})
    assert back.status == 202
    ended(service, back.json["job"])
    assert service.ask("indexes").json["aliases"]["shown"] == [begun.json["target"]]
    done = change(service, "jobs/resume", {"job": begun.json["job"]})
    assert (done.status, done.json["phase"]) == (202, "done")


def test_a_job_can_be_cancelled_and_resumed(service: Served) -> None:
    """What a process had begun goes on in another after the service was stopped."""
    begun = change(service, "jobs/start", {"source": "docs", "to": "slow", "rate": 5}).json
    assert change(service, "jobs/cancel", {"job": begun["job"]}).json["phase"] == "cancelled"
    second = change(service, "jobs/start", {"source": "docs", "to": "slow", "rate": 5}).json
    service.stop()
    folder = Path(service.engine.removeprefix("tantivy:")).parent
    other = Served.start(folder / "models", service.engine, folder)
    (job,) = [one for one in other.ask("jobs").json["jobs"] if one["job"] == second["job"]]
    assert job["phase"] not in ENDED
    assert change(other, "jobs/cancel").json["phase"] == "cancelled"
    other.stop()


def test_a_job_that_fails_says_why(service: Served, tmp_path: Path) -> None:
    """In the list of jobs, until it goes on."""
    engine = open_engine(Connection(service.engine))
    with engine.held("docs"):  # as another process does that writes
        job = change(service, "jobs/start", {"source": "docs", "to": "shown"}).json["job"]
        for _ in range(300):
            (report,) = service.ask("jobs").json["jobs"]
            if report["fault"]:
                break
            time.sleep(0.1)
        assert "another process" in report["fault"] and report["phase"] not in ENDED
    engine.close()
    assert change(service, "jobs/resume", {"job": job}).json["fault"] is None
    assert ended(service, job)["phase"] == "done"


def test_wrong_jobs_are_sentences(service: Served) -> None:
    """And nothing is begun."""
    for body, status, said in (
        ({"source": "docs"}, 400, "Name the alias"),
        ({"source": "none", "to": "x"}, 404, "no index 'none'"),
        ({"source": "docs", "to": "x", "only": ["all"]}, 400, "only"),
        ({"source": "docs", "to": "x", "rate": 0}, 400, "rate"),
        ({"source": "docs", "to": "docs"}, 400, "docs"),
        ({"source": "docs", "to": "x", "gate": "nowhere"}, 400, "nowhere"),
        ([], 400, "object"),
    ):
        answer = change(service, "jobs/start", body)
        assert answer.status == status, answer.json
        assert said in answer.json["error"]["reason"]
    for path in ("jobs/resume", "jobs/cancel", "jobs/rollback"):
        answer = change(service, path, {"job": "none"})
        assert answer.status == 404 and "none" in answer.json["error"]["reason"]
    assert service.ask("jobs").json["jobs"] == []


def test_models_are_activated_and_rolled_back(service: Served, tmp_path: Path) -> None:
    """The next request uses the other one."""
    store = BundleStore(tmp_path / "models")
    first = store.active_version()
    other = train_bundle(store, documents(200), ("title", "text"), open_analyzer(), SMALL)
    assert change(service, "models/activate", {"version": other}).json == {"version": other}
    assert service.ask("readyz").json["model"] == other
    assert change(service, "models/rollback").json == {"version": first}
    wrong = change(service, "models/activate", {"version": "../x"})
    assert wrong.status == 404 and service.ask("readyz").json["model"] == first


@pytest.mark.parametrize("form", ["lines", "array"])
def test_documents_are_indexed(service: Served, form: str) -> None:
    """Into a new index and into one that is there; what is no document is counted and named."""
    sources = [dict(one.source) for one in documents(30)]
    lines = [json.dumps(one, ensure_ascii=False) for one in sources]
    body = ("\n".join([*lines, "{broken"]) if form == "lines" else "[" + ",".join(lines) + ",7]").encode()
    for _ in range(2):
        answer = change(service, "documents/fresh", body).json
        assert (answer["written"], answer["rejected"], answer["index"]) == (30, 1, "fresh")
        assert len(answer["rejections"]) == 1 and answer["model"]
    assert service.ask("indexes").json["indexes"][1]["documents"] == 30
    found = service.ask("search", query=str(sources[0]["title"]), **{"in": "fresh"}).json
    assert found["total"] and service.ask("query/fresh", query="事务").status == 200
    named = json.dumps({"key": "k", "headline": "事务", "body": "数据库"}).encode()
    fields = {"id_field": "key", "title_field": "headline", "text_field": "body"}
    assert change(service, "documents/named", named, **fields).json["written"] == 1
    assert service.ask("search", query="事务", **{"in": "named"}).json["hits"][0]["id"] == "k"
    job = change(service, "jobs/start", {"source": "fresh", "to": "moved"}).json
    assert ended(service, job["job"])["phase"] == "done", "nobody holds the lock of an index that was written"
    no_text = b'{"id": "x", "other": "y"}'
    for wrong, said in ((b"", "no documents"), (b"[1,", "not JSON"), (no_text, "no field 'title' or 'text'")):
        refused = change(service, "documents/fresh", wrong)
        assert refused.status == 400 and said in refused.json["error"]["reason"]
    assert change(service, "documents/UPPER", lines[0].encode()).status == 400


def test_changes_need_the_admin_address_and_the_same_origin(service: Served) -> None:
    """A page of another site can reach loopback, but not with these answers."""
    for path in ("jobs/start", "models/activate", "documents/x", "reload", "metrics"):
        assert service.ask(path, {}).status in (404, 405)
        assert service.ask(f"search/../{path}", {}).status in (404, 405)
    foreign = {"Origin": "https://evil.example"}
    for headers in (foreign, {"Host": "evil.example"}, foreign | {"Host": "evil.example"}):
        answer = service.ask("models/rollback", {}, base=service.admin, headers=headers)
        assert (answer.status, answer.json["error"]["type"]) == (403, "foreign_origin")
    own = {"Origin": service.admin}
    assert service.ask("reload", {}, base=service.admin, headers=own).json == {
        "changed": [],
        "needs_restart": [],
    }


def test_the_configuration_is_read_again(service: Served, tmp_path: Path) -> None:
    """By the admin address and by SIGHUP; a wrong one changes nothing."""
    page = {"Origin": "https://shop.example"}
    table = tmp_path / "enricher.toml"
    assert "Access-Control-Allow-Origin" not in service.ask("livez", headers=page).headers
    table.write_text('[serve]\ncors = ["https://shop.example"]\n')
    assert change(service, "reload").json == {"changed": ["cors"], "needs_restart": []}
    answer = service.ask("search", query="事务", headers=page, **{"in": "docs"})
    assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    asks = page | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    preflight = service.ask("search", method="OPTIONS", headers=asks)
    assert preflight.status == 204 and "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]
    other = asks | {"Origin": "https://other.example"}
    assert service.ask("search", method="OPTIONS", headers=other).status == 405
    table.write_text("[serve]\ncors = 3\n")
    wrong = change(service, "reload")
    assert wrong.status >= 400 and "cors" in wrong.json["error"]["reason"]
    assert "Access-Control-Allow-Origin" in service.ask("livez", headers=page).headers
    table.write_text('[serve]\ncors = ["https://shop.example"]\nthreads = 3\n')
    assert change(service, "reload").json == {"changed": [], "needs_restart": ["threads"]}
    table.write_text("[serve]\nrequests_per_second = 2\n")
    service.process.send_signal(1)
    for _ in range(100):
        if "Access-Control-Allow-Origin" not in service.ask("livez", headers=page).headers:
            break
        time.sleep(0.1)
    answers = [service.ask("models") for _ in range(8)]
    refused = [one for one in answers if one.status == 429]
    assert refused and int(refused[0].headers["Retry-After"]) >= 1
    assert refused[0].json["error"]["type"] == "too_often"
    assert service.ask("livez").status == 200
