"""A job that is killed, as by a power failure, at every failpoint."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from enricher.enrichment import DocumentEnricher
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.planning import start
from indexer.reindex.cluster.worker import Worker
from indexer.reindex.failpoints import POINTS
from indexer.reindex.job import JobOptions
from indexer.reindex.ledger import Ledger
from tests.conftest import RunCommand
from tests.server.engines import ServerEngine
from tests.server.reindex.judged import write_collection
from tests.server.reindex.truth import SOON, Truth, assert_copied, fill, nested

LOOSE_ALONE = {"swap-noted", "late-pass-done"}
OTHER_COMMANDS = {"target-seen", "replay-written", "model-derived", "model-activated", "words-cut"}
BACK = (
    "job-written", "target-ready", "target-seen", "page-written", "page-noted", "deletes-sent",
    "deletes-noted",
    "block-set", "last-pass-done", "restored", "swap-unsent", "swap-sent", "before-end",
)  # fmt: skip
IN_PLACE = ("job-written", "target-ready", "page-written", "page-noted", "pass-done", "before-end")

Command = Callable[..., list[object]]


@pytest.fixture
def command(server_url: str, models: Path) -> Command:
    """`enricher reindex` on the server."""

    def made(*words: object) -> list[object]:
        return ["--engine", server_url, "--models", models, "reindex", *words]

    return made


def write_after_swap(engine: ServerEngine, alias: str, truth: Truth) -> None:
    """What clients do in the index that the alias points to."""
    for key in list(truth)[:5]:
        engine.client.delete(index=alias, id=key[0])
        del truth[key]
    for name in ("new", list(truth)[-1][0]):
        engine.client.index(index=alias, id=name, document={"text": "reef"})
        truth[name, None] = {"text": "reef"}


@pytest.mark.parametrize("point", [point for point in POINTS if point not in OTHER_COMMANDS])
def test_a_killed_job_is_resumed(
    engine: ServerEngine,
    index: str,
    jobs: Ledger,
    chain: DocumentEnricher,
    run: RunCommand,
    command: Command,
    tmp_path: Path,
    point: str,
) -> None:
    """A resumed job loses nothing, even if clients have written to the new index after the swap."""
    truth = fill(engine, f"{index}-old", 300)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    options: list[object] = [] if point in LOOSE_ALONE else ["--write-block"]
    if point == "refused-kept":
        engine.client.indices.put_settings(index=index, settings={"index.mapping.depth.limit": 40})
        deep = {"text": "ocean", "deep": nested(22)}
        engine.client.index(index=index, id="deep", document=deep, refresh=True)
    if point == "measured":
        options += ["--gate", write_collection(tmp_path, truth)]
    begin = command("start", f"{index}-old", "--to", index, *options, "--lease-seconds", SOON)
    killed = run(*begin, "--fail-at", point)
    assert killed.returncode == -9, (killed.returncode, killed.stderr)
    if point in {"swap-sent", "swap-noted", "late-pass-done", "before-end"}:
        write_after_swap(engine, index, truth)
    done = run(*command("resume", "--lease-seconds", SOON, "--json"))
    report = json.loads(done.stdout)
    assert report["phase"] == "done" and report["rejected"] == (point == "refused-kept")
    assert done.returncode == report["rejected"], done.stderr
    assert_copied(engine, index, truth, chain.model_version)
    assert list(engine.client.indices.get_alias(name=index).body) == [report["target"]]


@pytest.mark.parametrize("point", BACK)
def test_a_killed_rollback_is_resumed(
    engine: ServerEngine,
    cluster: Cluster,
    index: str,
    jobs: Ledger,
    chain: DocumentEnricher,
    run: RunCommand,
    command: Command,
    point: str,
) -> None:
    """The old index has what was written since the swap, as clients wrote it."""
    truth = fill(engine, f"{index}-old", 300)
    engine.client.indices.put_alias(index=f"{index}-old", name=index)
    job = start(jobs, cluster, f"{index}-old", index, chain, JobOptions(write_block=True))
    Worker(jobs, cluster, chain, job.id).run()
    write_after_swap(engine, index, truth)
    killed = run(*command("rollback", job.id, "--lease-seconds", SOON, "--fail-at", point))
    assert killed.returncode == -9, (killed.returncode, killed.stderr)
    if point in {"swap-sent", "before-end"}:
        write_after_swap(engine, index, truth)
    done = run(*command("resume", "--lease-seconds", SOON, "--json"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["target"] == f"{index}-old"
    assert_copied(engine, index, truth, None)
    assert list(engine.client.indices.get_alias(name=index).body) == [f"{index}-old"]


@pytest.mark.parametrize("point", IN_PLACE)
def test_a_killed_job_in_place_is_resumed(
    engine: ServerEngine,
    index: str,
    jobs: Ledger,
    chain: DocumentEnricher,
    run: RunCommand,
    command: Command,
    point: str,
) -> None:
    """Every document is enriched, and none has changed otherwise."""
    truth = fill(engine, index, 300)
    begin = command("start", index, "--in-place", "--lease-seconds", SOON, "--fail-at", point)
    killed = run(*begin)
    assert killed.returncode == -9, (killed.returncode, killed.stderr)
    write_after_swap(engine, index, truth)
    done = run(*command("resume", "--lease-seconds", SOON, "--json"))
    assert done.returncode == 0 and json.loads(done.stdout)["kind"] == "in place", done.stderr
    assert_copied(engine, index, truth, chain.model_version)
    assert engine.count_unenriched(index) <= 2


def test_a_killed_replay_is_done_again(
    engine: ServerEngine,
    cluster: Cluster,
    index: str,
    jobs: Ledger,
    default_chain: DocumentEnricher,
    run: RunCommand,
    command: Command,
) -> None:
    """A replay that was killed writes every document once."""
    truth = fill(engine, f"{index}-old", 10, **{"mapping.depth.limit": 40})
    for name in ("deep", "deeper"):
        engine.client.index(index=f"{index}-old", id=name, document={"text": "reef", "deep": nested(22)})
    job = start(jobs, cluster, f"{index}-old", index, default_chain, JobOptions())
    assert Worker(jobs, cluster, default_chain, job.id).run().rejected == 2
    for name in ("deep", "deeper"):
        engine.client.index(index=f"{index}-old", id=name, document={"text": "reef"})
        truth[name, None] = {"text": "reef"}
    assert run(*command("replay", "--fail-at", "replay-written")).returncode == -9
    done = run(*command("replay", "--json"))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"job": job.id, "written": 0, "settled": 2, "refused": 0}
    assert_copied(engine, index, truth, default_chain.model_version)
    assert run(*command("replay")).returncode == 2
