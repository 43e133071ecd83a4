"""What goes wrong on the way to the server and in it: nothing is lost, and it is said."""

import itertools
import random
from collections.abc import Callable, Iterable, Iterator

import pytest

from enricher.errors import EngineError, EngineUnavailable
from enricher.records import EnrichedDocument, SearchRequest
from indexer.engines import Connection, open_engine
from indexer.engines.cluster.bulk import RetryPolicy
from indexer.engines.cluster.mapping import mapping_of
from tests.engines.congruence import LAYOUT, document, fill, ids, query
from tests.server.conftest import QUICK
from tests.server.engines import ServerEngine, engine_at, is_opensearch
from tests.server.faults import (
    Fault,
    apply_and_reset,
    apply_and_time_out,
    connection_with,
    node_with,
    refuse_items,
    refuse_request,
    reset,
    time_out,
)
from tests.server.node import free_port

Opener = Callable[..., ServerEngine]


@pytest.fixture
def faulty(server_url: str) -> Iterator[Opener]:
    """Opens engines with a way to the server on which faults happen."""
    opened: list[ServerEngine] = []

    def open_with(faults: Iterable[Fault | None], **options: object) -> ServerEngine:
        way: dict[str, object] = (
            {"connection_class": connection_with(faults)}
            if is_opensearch(server_url)
            else {"node_class": node_with(faults)}
        )
        made = engine_at(server_url, **{"retry": QUICK, "chunk_bytes": 20_000, **way, **options})
        opened.append(made)
        return made

    yield open_with
    for made in opened:
        made.close()


def versions(count: int, version: int) -> list[EnrichedDocument]:
    """Documents of one version, large enough for several chunks."""
    return [document(str(number), f"x v{version} " + "y" * 200, version=version) for number in range(count)]


def test_items_refused_for_now_are_written_in_the_end(faulty: Opener, index: str) -> None:
    """With 30 % of the items of every request refused, every document arrives, once."""
    chance = random.Random(3)
    engine = faulty(itertools.repeat(refuse_items(0.3, chance)), retry=RetryPolicy(40, 0.001, 0.01, 60))
    fill(engine, index, *versions(500, 1))
    assert engine.count(index) == 500
    assert sorted(one.id for one in engine.read(index)) == sorted(str(number) for number in range(500))


@pytest.mark.parametrize(
    "fault",
    [
        apply_and_time_out,
        time_out,
        reset,
        apply_and_reset,
        refuse_request(429),
        refuse_request(502),
        refuse_request(503),
    ],
)
def test_a_request_that_failed_is_repeated(faulty: Opener, index: str, fault: Fault) -> None:
    """Lost answers, broken connections and refused requests neither lose nor double a document."""
    engine = faulty([fault, None, fault, fault])
    fill(engine, index, *versions(150, 1))
    assert engine.count(index) == 150


def test_the_last_version_stays_under_any_faults(faulty: Opener, index: str) -> None:
    """Five versions of each document, written through a storm of faults: the fifth is there."""
    chance = random.Random(5)
    kinds = [None, None, refuse_items(0.3, chance), apply_and_time_out, reset, refuse_request(503)]
    storm = (chance.choice(kinds) for _ in itertools.count())
    engine = faulty(storm, retry=RetryPolicy(60, 0.001, 0.01, 60))
    engine.create(index, LAYOUT)
    for version in range(1, 5, 2):
        assert engine.write(index, versions(150, version) + versions(150, version + 1)) == []
    assert engine.write(index, versions(150, 5)) == []
    engine.refresh(index)
    assert {one.source["version"] for one in engine.read(index)} == {5}
    assert engine.count(index) == 150


@pytest.mark.parametrize("fault", [reset, refuse_request(429), refuse_items(1.0, random.Random(1))])
def test_tries_are_bounded(faulty: Opener, index: str, fault: Fault) -> None:
    """A server that never takes the documents is given up in a sentence."""
    engine = faulty(itertools.repeat(fault), retry=RetryPolicy(3, 0.001, 0.01, 60))
    engine.create(index, LAYOUT)
    with pytest.raises(EngineUnavailable, match=r"did not accept \d+ documents .* in 3 tries"):
        engine.write(index, versions(10, 1))


def test_documents_refused_for_good_are_answered(engine: ServerEngine, index: str) -> None:
    """A document that the mapping refuses is a rejection with its reason, and the others are written."""
    fill(engine, index, document("first", "x", year=1998, meta={"a": "b"}))
    good = [document(str(number), "x", year=number) for number in range(20)]
    bad = [document("bad", "x", year="no number"), document("worse", "x", meta="no object")]
    rejections = engine.write(index, [*good[:10], *bad, *good[10:]])
    assert [one.where for one in rejections] == ["bad", "worse"]
    assert "year" in rejections[0].reason
    assert '"no number"' in rejections[0].content
    assert "enrichment" not in rejections[0].content
    engine.refresh(index)
    assert engine.count(index) == 21


def test_a_document_over_the_limit_is_refused_alone(engine: ServerEngine, index: str) -> None:
    """What is larger than a request may be is refused, what is merely large is written."""
    engine.create(index, LAYOUT)
    large = EnrichedDocument("large", {"text": "word " * 1_800_000}, {"tokens": {"text": "x"}})
    immense = EnrichedDocument("immense", {"text": "a" * 105_000_000}, {"tokens": {"text": "x"}})
    rejections = engine.write(index, [document("a", "x"), large, immense, document("b", "x")])
    assert [(one.where, "too large" in one.reason) for one in rejections] == [("immense", True)]
    engine.refresh(index)
    assert engine.count(index) == 3
    assert {one.id: len(str(one.source["text"])) for one in engine.read(index)}["large"] == 9_000_000


def test_a_chunk_refused_as_too_large_is_divided(faulty: Opener, index: str) -> None:
    """When a way to the server takes smaller requests than it says, requests become smaller."""
    engine = faulty([refuse_request(413)] * 3)
    fill(engine, index, *versions(40, 1))
    assert engine.count(index) == 40


def test_a_full_disk_is_said(engine: ServerEngine, index: str) -> None:
    """The block that a server sets on indexes when its disk is full stops the writing at once."""
    fill(engine, index, document("a", "x"))
    block = "index.blocks.read_only_allow_delete"
    engine.client.indices.put_settings(index=index, settings={block: True})
    with pytest.raises(EngineUnavailable, match="disk"):
        engine.write(index, [document("b", "x")])
    assert ids(engine, index, "x") == ["a"]
    engine.client.indices.put_settings(index=index, settings={block: None})
    assert engine.write(index, [document("b", "x")]) == []


def test_a_write_block_is_said(engine: ServerEngine, index: str) -> None:
    """An index that somebody blocked for writing refuses in a sentence, at once."""
    fill(engine, index, document("a", "x"))
    engine.client.indices.add_block(index=index, block="write")
    with pytest.raises(EngineError, match="blocked") as raised:
        engine.write(index, [document("b", "x")])
    assert not isinstance(raised.value, EngineUnavailable)


def test_a_closed_index_is_said(engine: ServerEngine, index: str) -> None:
    """A closed index can be neither written nor searched."""
    fill(engine, index, document("a", "x"))
    engine.client.indices.close(index=index)
    calls = [
        lambda: engine.write(index, [document("b", "x")]),
        lambda: engine.search(index, SearchRequest(query("x"))),
        lambda: engine.count(index),
        lambda: list(engine.read(index)),
    ]
    for call in calls:
        with pytest.raises(EngineUnavailable, match="closed"):
            call()


def test_a_red_index_is_said(server_url: str, engine: ServerEngine, index: str) -> None:
    """An index whose shards are nowhere is unavailable, never empty."""
    nowhere = {"index.routing.allocation.require._name": "nobody", "number_of_replicas": 0}
    engine.client.indices.create(
        index=index,
        settings=nowhere,
        mappings=mapping_of(LAYOUT, engine.server.dialect),
        wait_for_active_shards="0",
    )
    hasty = engine_at(server_url, timeout=3, retry=RetryPolicy(2, 0.01, 0.01, 60))
    try:
        calls = [
            lambda: hasty.search(index, SearchRequest(query("x"))),
            lambda: hasty.count(index),
            lambda: list(hasty.read(index)),
            lambda: hasty.write(index, [document("b", "x")]),
            lambda: hasty.delete(index, ["b"]),
        ]
        for call in calls:
            with pytest.raises(EngineUnavailable, match=index):
                call()
        assert [check.name for check in hasty.check() if not check.passed] == ["cluster"]
    finally:
        hasty.close()


def test_nobody_at_the_address_is_said() -> None:
    """A server that is not there is unavailable, and the sentence names the address, not the password."""
    port = free_port()
    absent = open_engine(Connection(f"http://keeper:secret-word@127.0.0.1:{port}", timeout=2))
    try:
        with pytest.raises(EngineUnavailable, match=str(port)) as raised:
            absent.exists("things")
        (check,) = absent.check()
        assert not check.passed
        for text in [str(raised.value), check.detail, repr(absent)]:
            assert "secret-word" not in text
    finally:
        absent.close()
