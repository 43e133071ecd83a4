"""The engine on a real server: what only it has, beside the shared behaviour."""

import dataclasses

import pytest

from enricher.errors import EngineError, IndexConflict
from enricher.records import EnrichedDocument, SearchRequest
from indexer.engines import open_engine
from tests.engines.congruence import LAYOUT, document, equal, fill, ids, query
from tests.server.conftest import QUICK
from tests.server.engines import ServerEngine, engine_at


def test_the_mapping_is_the_one_that_is_promised(engine: ServerEngine, index: str) -> None:
    """Words are whitespace text, keywords exact, weights stored, and nothing of ours is dynamic."""
    extra = {"keywords": ["k"], "surprise": {"a": 1}, "keyword_weights": [{"text": "k", "weight": 1}]}
    fill(engine, index, EnrichedDocument("a", {"title": "t"}, extra))
    mappings = engine.client.indices.get_mapping(index=index)[index]["mappings"]
    words = {"type": "text", "analyzer": "whitespace"}
    terms = words | {"index_options": "freqs"}
    exact = {"type": "keyword", "ignore_above": 1024}
    assert mappings["properties"]["enrichment"] == {
        "dynamic": "false",
        "properties": {
            "tokens": {"properties": {"title": words, "text": words}},
            "subwords": {"properties": {"text": terms}},
            "keywords": exact,
            "near": exact | {"doc_values": False},
            "keyword_weights": {"type": "object", "enabled": False},
            "model": exact,
            "fingerprint": {"type": "keyword", "index": False},
        },
    }
    left_out = ["near", "subwords", "tokens"]
    assert sorted(mappings["_source"]["excludes"]) == [f"enrichment.{name}" for name in left_out]
    assert mappings["_meta"]["enricher"]["fields"] == ["title", "text"]
    assert mappings["date_detection"] is False
    source = engine.client.get(index=index, id="a")["_source"]
    assert source["title"] == "t"
    assert source["enrichment"]["surprise"] == {"a": 1}
    assert "tokens" not in source["enrichment"]
    empty = {"term": {"enrichment.tokens.text": "∅"}}
    assert engine.client.count(index=index, query=empty)["count"] == 1


def test_values_that_surprise_a_server_are_taken(engine: ServerEngine, index: str) -> None:
    """What looks like a date, and fractions after integers, make no later document be refused."""
    fill(engine, index, document("a", "x", when="2024-01-01", price=1, prices=[1, 2.5]))
    assert engine.write(index, [document("b", "x", when="yesterday", price=2.5)]) == []
    engine.refresh(index)
    assert ids(engine, index, "x", filters=(equal("price", "2.5"),)) == ["b"]
    assert ids(engine, index, "x", filters=(equal("when", "2024-01-01"),)) == ["a"]


def test_stamp_keeps_what_others_wrote_about_the_index(engine: ServerEngine, index: str) -> None:
    """Only our part of `_meta` is changed."""
    engine.create(index, LAYOUT)
    meta = engine.client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
    engine.client.indices.put_mapping(index=index, meta={**meta, "owner": {"name": "somebody"}})
    engine.stamp(index, "v2")
    after = engine.client.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
    assert after["owner"] == {"name": "somebody"}
    assert after["enricher"]["model"] == "v2"


def test_an_index_of_others_is_read_and_not_written(engine: ServerEngine, index: str) -> None:
    """An index without our layout can be a source, and nothing else."""
    engine.client.index(index=index, id="a", document={"text": "x", "enrichment": {"old": 1}}, refresh=True)
    assert index not in engine.indexes()
    assert engine.exists(index)
    assert engine.count(index) == 1
    assert [(one.id, one.source) for one in engine.read(index)] == [("a", {"text": "x"})]
    for call in [
        lambda: engine.layout(index),
        lambda: engine.stamp(index, "v2"),
        lambda: engine.write(index, [document("b", "x")]),
        lambda: engine.search(index, SearchRequest(query("x"))),
    ]:
        with pytest.raises(IndexConflict, match=f"`enricher reindex start {index} --to ALIAS`"):
            call()


def test_documents_written_by_others_are_foreign(engine: ServerEngine, index: str) -> None:
    """What came into an index of ours without enrichment counts, with a model or without."""
    fill(engine, index, document("a", "x"))
    engine.create(f"{index}-plain", dataclasses.replace(LAYOUT, model_version=None))
    for name in (index, f"{index}-plain"):
        engine.client.index(index=name, id="b", document={"text": "x"}, refresh=True)
        assert engine.count_unenriched(name) == 1


def test_a_reason_is_said_once(engine: ServerEngine, index: str) -> None:
    """What the server repeats below its own reason is left away."""
    engine.create(index, LAYOUT)
    many = EnrichedDocument("many", {f"field{number}": 1 for number in range(1_500)}, {})
    (rejection,) = engine.write(index, [document("a", "x"), many])
    assert rejection.reason.count("Limit of total fields") == 1
    assert engine.write(index, [document("b", "x")]) == []


def test_reading_goes_over_many_pages(engine: ServerEngine, index: str) -> None:
    """More documents than a page are all read, also while others are written."""
    fill(engine, index, *[document(str(number), "x") for number in range(1_203)])
    reading = engine.read(index)
    first = next(reading)
    engine.write(index, [document(f"late-{number}", "x") for number in range(100)])
    engine.refresh(index)
    read = [first, *reading]
    assert sorted(one.id for one in read) == sorted(str(number) for number in range(1_203))


def open_contexts(engine: ServerEngine) -> int:
    """Searches that the server keeps for those who page through them."""
    nodes = engine.client.nodes.stats(metric="indices", index_metric="search")["nodes"]
    return sum(node["indices"]["search"]["open_contexts"] for node in nodes.values())


def test_a_closed_engine_leaves_nothing_open(engine: ServerEngine, server_url: str, index: str) -> None:
    """Documents that were not read to the end, or not at all, hold no moment of the server."""
    fill(engine, index, *[document(str(number), "x") for number in range(3)])
    before = open_contexts(engine)
    opened = engine_at(server_url)
    reading, unread = opened.read(index), opened.read(index)
    assert next(reading).id and open_contexts(engine) == before + 2
    opened.close()
    opened.close()
    assert open_contexts(engine) == before
    del reading, unread
    reading = engine.read(index)
    assert len(list(reading)) == 3
    assert open_contexts(engine) == before


def test_an_alias_for_several_indexes_is_not_one_index(engine: ServerEngine, index: str) -> None:
    """It is searched as one, but its documents are read by the names of the indexes."""
    for number in "12":
        engine.create(f"{index}-{number}", LAYOUT)
        engine.client.indices.put_alias(index=f"{index}-{number}", name=f"{index}-alias")
    assert engine.search(f"{index}-alias", SearchRequest(query("x"))).total == 0
    with pytest.raises(EngineError, match="several"):
        list(engine.read(f"{index}-alias"))
    assert engine.aliases()[f"{index}-alias"] == (f"{index}-1", f"{index}-2")


def test_new_indexes_take_the_given_settings(server_url: str, index: str) -> None:
    """The constructor's settings are those of new indexes, and several shards give one answer."""
    settings = {"number_of_shards": 3, "number_of_replicas": 0}
    opened = engine_at(server_url, settings=settings, retry=QUICK)
    try:
        documents = [document(str(number), f"x w{number % 7}", tag=f"t{number % 3}") for number in range(90)]
        fill(opened, index, *documents)
        made = opened.client.indices.get_settings(index=index)[index]["settings"]["index"]
        assert made["number_of_shards"] == "3"
        response = opened.search(index, SearchRequest(query("w1"), top=50, facets=("tag",)))
        assert response.total == 13
        assert len({round(hit.score, 4) for hit in response.hits}) == 1
        assert sum(one.count for one in response.facets["tag"]) == 13
        assert len(list(opened.read(index))) == 90
    finally:
        opened.close()


def test_a_url_opens_this_engine(server_url: str, engine: ServerEngine) -> None:
    """The engine is found by its URL, with or without a slash at the end."""
    opened = open_engine(f"{server_url}/")
    try:
        assert not opened.exists("enricher-test-nothing")
        assert opened.name == engine.name
    finally:
        opened.close()
