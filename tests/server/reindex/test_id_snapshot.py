"""An id snapshot finds deleted documents without reading the index again."""

import random
from pathlib import Path

import pytest
from elasticsearch import helpers

from indexer.engines.cluster.jobs.shards import ANY_SEQUENCE
from indexer.reindex.cluster import id_snapshot
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.id_snapshot import IdSnapshot
from tests.server.engines import ServerEngine
from tests.server.reindex.truth import fill


@pytest.mark.parametrize("smallest", [1, 7, 10_000])
def test_deleted_documents_are_found_and_no_others(
    engine: ServerEngine,
    cluster: Cluster,
    index: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    smallest: int,
) -> None:
    """Documents that were updated, recreated or added since are not reported as deleted."""
    monkeypatch.setattr(id_snapshot, "MIN_BUCKET_DOCUMENTS", smallest)
    chance = random.Random(5)
    truth = fill(engine, index, 2500)
    for n in range(20):
        engine.client.index(index=index, id=f"routed-{n}", routing="r", document={"text": "reef"})
        truth[f"routed-{n}", "r"] = {"text": "reef"}
    engine.refresh(index)
    snapshot = IdSnapshot(tmp_path)
    for shard in cluster.shards.points(index):
        identities = cluster.shards.identities(index, shard, ANY_SEQUENCE)
        assert list(snapshot.recorded(shard, identities, len(truth)))
    names = list(truth)
    gone = set(chance.sample(names, 300))
    changed = set(chance.sample(names, 400))
    lines: list[dict[str, object]] = []
    for name, routing in gone:
        lines.append({"_op_type": "delete", "_index": index, "_id": name, "routing": routing})
    for name, routing in changed:
        lines.append({"_index": index, "_id": name, "routing": routing, "text": "anew"})
    lines.append({"_index": index, "_id": "new", "text": "new"})
    helpers.bulk(engine.client, lines, refresh=True)
    found = [key for keys in snapshot.deleted(cluster.shards, cluster.documents, index) for key in keys]
    snapshot.close()
    assert len(found) == len(set(found)) and set(found) == gone - changed
