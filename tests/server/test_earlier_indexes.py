"""Indexes and jobs that an earlier commit left on a cluster go on working."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from elasticsearch import helpers

from tests.conftest import RunCommand
from tests.earlier.archive import unpack
from tests.server.engines import ServerEngine

JOBS = "enricher-jobs"


@pytest.fixture
def earlier(engine: ServerEngine, tmp_path: Path) -> Iterator[Path]:
    """The archive, its indexes restored on the server; all of them are removed afterwards."""
    unpack(tmp_path)
    client = engine.client
    held = json.loads((tmp_path / "cluster.json").read_text(encoding="utf-8"))
    jobs = held.pop(JOBS)["documents"]
    for name, index in held.items():
        settings = index["settings"] | {"number_of_replicas": 0}
        client.indices.create(
            index=name, mappings=index["mappings"], settings=settings, aliases=index["aliases"]
        )
        documents = [
            {"_index": name, "_id": id_, "_source": source} for id_, source in index["documents"].items()
        ]
        helpers.bulk(client, documents, refresh=True)
    for id_, job in jobs.items():
        client.index(index=JOBS, id=id_, document=job, refresh=True)
    yield tmp_path
    for name in client.indices.get(index="earlier*", expand_wildcards="all"):
        client.indices.delete(index=name)
    for id_ in jobs:
        client.delete(index=JOBS, id=id_)


@pytest.mark.elasticsearch_only("earlier versions did not run there")
def test_an_earlier_index_is_searched_and_its_jobs_go_on(
    run: RunCommand, earlier: Path, server_url: str
) -> None:
    """The answers are those of the embedded engine; an interrupted job ends, and an ended one is undone."""

    def ask(*arguments: str) -> str:
        done = run("--engine", server_url, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    wanted = json.loads((earlier / "search.json").read_text(encoding="utf-8"))
    for index in ("earlier", "earlier-articles"):
        found = json.loads(ask("search", "事务", "--in", index, "--top", "3", "--json"))
        assert found["expansion"] == wanted["expansion"] and found["total"] == wanted["total"]
        assert {hit["id"] for hit in found["hits"]} == {hit["id"] for hit in wanted["hits"]}
    status = [json.loads(line) for line in ask("reindex", "status", "--json").splitlines()]
    jobs = {job["alias"]: job for job in status if job["source"] == "earlier"}
    assert (jobs["earlier-articles"]["phase"], jobs["earlier-paused"]["phase"]) == ("done", "copying")
    ask("reindex", "resume", jobs["earlier-paused"]["job"])
    assert json.loads(ask("search", "事务", "--in", "earlier-paused", "--json"))["total"] == wanted["total"]
    ask("reindex", "rollback", jobs["earlier-articles"]["job"])
