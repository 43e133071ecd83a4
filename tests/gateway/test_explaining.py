"""Why words are added to a query, what enrichment changes, and events of jobs."""

import http.client
import itertools
import json
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

import enricher
from tests.command_forks import command_environment
from tests.conftest import ROOT
from tests.gateway.conftest import Served, fill

COLUMNS = ("term", "origin", "added", "because", "score", "information", "log_prior", "idf", "links")


def test_candidates_are_explained_by_the_model(served: Served, model: enricher.Model) -> None:
    """Every candidate with its numbers, which are those of the model; the added ones first."""
    found = served.ask("explain", query="数据库 事务 qqqq").json
    assert found["unknown"] == ["qqqq"]
    assert [(one["word"], one["known"], one["documents"]) for one in found["words"]] == [
        ("数据库", True, None),
        ("事务", True, None),
        ("qqqq", False, None),
    ]
    added = [one["term"] for one in found["candidates"] if one["added"]]
    assert added == [one["term"] for one in found["terms"] if one["origin"] == "relatedness"] and added
    assert added == [term.term for term in model.expand("数据库 事务 qqqq").terms if not term.is_typed]
    assert len(found["candidates"]) > len(added)
    for one in found["candidates"]:
        assert tuple(one) == COLUMNS and one["because"]
        place = model.word2vec.row(one["term"])
        for link in one["links"]:
            exact = float(model.log_probabilities(link["word"])[place])
            assert link["log_probability"] == pytest.approx(exact, abs=1e-3)
            assert link["information"] == pytest.approx(exact - one["log_prior"], abs=1e-3)
            assert -1.001 <= link["cosine"] <= 1.001
    reasons = {one["because"] for one in found["candidates"] if not one["added"]}
    assert reasons & {
        "belongs to another sense of its query word",
        "has too little mutual information with the query, less than 1",
        "5 words are added, and others rank higher",
        "is in the query already",
    }


def test_candidates_of_an_index_are_those_of_its_searches(served: Served) -> None:
    """With how many documents contain each word; a frequent word keeps all others out."""
    frequent, rare = (served.ask("explain", query=one, **{"in": "docs"}).json for one in ("事务", "珊瑚礁"))
    for found in (frequent, rare):
        terms = served.ask("expand", query=found["query"], **{"in": "docs"}).json["terms"]
        assert found["terms"] == terms
        assert all(isinstance(one["documents"], int) for one in found["words"])
        related = [one["term"] for one in terms if one["origin"] == "relatedness"]
        assert related == [one["term"] for one in found["candidates"] if one["added"]]
    counts = {one["word"]: one["documents"] for one in frequent["words"]}
    if max(counts.values()) >= 20:
        assert any("nothing is added" in one["because"] for one in frequent["candidates"])
    assert served.ask("explain", query="x", **{"in": "none"}).status == 404


def test_judged_queries_are_evaluated(served: Served) -> None:
    """nDCG@10 and the other metrics of the typed words and of the enriched search, and the gain of each."""
    hits = served.ask("search", query="数据库", top=20, **{"in": "docs"}).json["hits"]
    wanted = {hits[0]["id"]: 2, hits[3]["id"]: 1, "not there": 1}
    queries = [{"text": "数据库", "relevant": wanted}, {"id": "tide", "text": "tide", "relevant": {"d0": 1}}]
    found = served.ask("evaluate", {"in": "docs", "queries": queries}).json
    assert (found["index"], found["queries"], set(found["systems"])) == ("docs", 2, {"words", "enriched"})
    assert found["systems"]["words"]["helped"] == found["systems"]["words"]["hurt"] == 0
    details = {one["id"]: one for one in found["details"]}
    assert set(details) == {"1", "tide"}
    for name in ("words", "enriched"):
        mean = sum(one["ndcg@10"][name] for one in details.values()) / 2
        assert found["systems"][name]["ndcg@10"] == pytest.approx(mean, abs=1e-5)
    first = details["1"]
    assert first["hits"]["enriched"] == [hit["id"] for hit in hits[:10]]
    gains = [2 if rank == 1 else 1 for rank in (1, 4)]
    discounts = [1.0, 0.43067655807339306]
    ideal = 2 + 1 / 1.584962500721156 + 1 / 2
    expected = sum(map(lambda gain, discount: gain * discount, gains, discounts)) / ideal
    assert first["ndcg@10"]["enriched"] == pytest.approx(expected, abs=1e-5)
    assert first["gain"] == pytest.approx(first["ndcg@10"]["enriched"] - first["ndcg@10"]["words"])


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"in": "docs", "queries": []}, "queries"),
        ({"in": "docs", "queries": [{"text": "x", "relevant": {}}]}, "relevant"),
        ({"in": "docs", "queries": [{"text": "x", "relevant": {"d": "1"}}]}, "relevant"),
        ({"in": "docs", "queries": [{"text": "!!", "relevant": {"d": 1}}]}, "'!!'"),
        ({"in": "docs", "queries": [{"text": "x", "relevant": {"d": 1}}] * 201}, "queries"),
    ],
)
def test_a_wrong_evaluation_is_a_sentence(served: Served, body: object, said: str) -> None:
    """Also for a query without a word."""
    response = served.ask("evaluate", body)
    assert response.status == 400 and said in response.json["error"]["reason"]
    assert served.ask("evaluate").status == 405


def test_jobs_are_sent_as_events(models: Path, tmp_path: Path) -> None:
    """One event at once, and one when a job has changed; the stream ends with the service."""
    engine = f"tantivy:{tmp_path / 'index'}"
    fill(engine, models)
    service = Served.start(models, engine, tmp_path)
    place = urllib.parse.urlsplit(service.url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    connection.request("GET", "/_enricher/jobs", headers={"Accept": "text/event-stream"})
    stream = connection.getresponse()
    assert (stream.status, stream.headers.get_content_type()) == (200, "text/event-stream")
    lines = (line.decode().rstrip() for line in iter(stream.readline, b""))
    assert list(itertools.islice(lines, 3)) == ["event: jobs", 'data: {"jobs":[]}', ""]
    command = ["--models", str(models), "--engine", engine, "reindex", "start", "docs", "--to", "shown"]
    subprocess.run(
        [sys.executable, "-m", "indexer", *command],
        env=command_environment() | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    left = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    left.request("GET", "/_enricher/jobs", headers={"Accept": "text/event-stream"})
    left.getresponse().close()
    left.close()
    for line in lines:
        if line.startswith("data: ") and '"phase":"done"' in line:
            (job,) = json.loads(line.removeprefix("data: "))["jobs"]
            break
    assert (job["alias"], job["source"]) == ("shown", "docs")
    assert served_as_json(service) == [job["job"]]
    service.process.terminate()
    assert list(lines) == [""]
    assert '"status":500' not in service.stop(), "a client that leaves is no failure of the service"


def served_as_json(service: Served) -> list[str]:
    """The jobs without events."""
    return [job["job"] for job in service.ask("jobs").json["jobs"]]
