"""What was deleted since an index was read is found without reading all of it again."""

import random
from pathlib import Path

import pytest
from elasticsearch import helpers

from indexer.engines.elasticsearch.copies import EVERYTHING
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.reindex.cluster import id_snapshot as census_module
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.cluster.id_snapshot import Census
from tests.server.reindex.truth import fill


@pytest.mark.parametrize("smallest", [1, 7, 10_000])
def test_deleted_documents_are_found_and_no_others(
    engine: ElasticsearchEngine,
    cluster: Cluster,
    index: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    smallest: int,
) -> None:
    """Among some that were written anew, made anew under their id, and new ones; also under a routing."""
    monkeypatch.setattr(census_module, "SMALLEST", smallest)
    chance = random.Random(5)
    truth = fill(engine, index, 2500)
    for n in range(20):
        engine.client.index(index=index, id=f"routed-{n}", routing="r", document={"text": "reef"})
        truth[f"routed-{n}", "r"] = {"text": "reef"}
    engine.refresh(index)
    census = Census(tmp_path)
    for shard in cluster.copies.points(index):
        noted = list(census.noted(shard, cluster.copies.identities(index, shard, EVERYTHING), len(truth)))
        assert noted
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
    found = [key for keys in census.deleted(cluster.copies, index) for key in keys]
    census.close()
    assert len(found) == len(set(found)) and set(found) == gone - changed
