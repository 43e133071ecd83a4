"""Documents that a job copies, writers beside it, and the comparison with what must be there."""

import random
import threading
import time
from contextlib import suppress
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, NotFoundError, helpers

from enricher.records import Document, fingerprint
from tests.corpora import documents
from tests.server.engines import ServerEngine, client_of

FIELDS = ("title", "text")
SOON = 1.0
"""Seconds of a lease in these tests."""

Truth = dict[tuple[str, str | None], dict[str, Any]]
"""Id and routing → what must be there."""


def fill(engine: ServerEngine, index: str, number: int, **settings: object) -> Truth:
    """An index of somebody's own mapping, and what it holds."""
    engine.client.indices.create(
        index=index,
        settings={
            "number_of_shards": 2,
            "number_of_replicas": 0,
            **engine.server.dialect.needed_settings,
            **settings,
        },
        mappings={
            "properties": {"text": {"type": "text"}, "year": {"type": "integer"}},
            "_meta": {"owner": "us"},
        },
    )
    truth: Truth = {}
    for place, document in enumerate(documents(number)):
        truth[document.id, None] = {**document.source, "year": 1900 + place % 100}
    lines = [{"_index": index, "_id": key[0], "_source": source} for key, source in truth.items()]
    helpers.bulk(engine.client, lines, refresh=True)
    return truth


def nested(depth: int) -> dict[str, Any]:
    """An object in an object, deeper than an enriched index takes."""
    return {"in": nested(depth - 1)} if depth else {}


def assert_copied(engine: ServerEngine, alias: str, truth: Truth, model: str | None) -> None:
    """Document by document: all there, none twice, none stale, each enriched from what it says.

    model: None for an index that was never enriched.
    """
    engine.client.indices.refresh(index=alias)
    found: Truth = {}
    for hit in helpers.scan(engine.client, index=alias):
        key = (hit["_id"], hit.get("_routing"))
        assert key not in found
        source = dict(hit["_source"])
        added = source.pop("enrichment", None)
        found[key] = source
        if added is not None:  # what clients have written since the swap is not enriched yet
            assert added["model"] == model
            assert added["fingerprint"] == fingerprint(Document(hit["_id"], source), FIELDS)
    extra, missing = found.keys() - truth.keys(), truth.keys() - found.keys()
    assert (extra, missing) == (set(), set())
    assert [key for key in truth if found[key] != truth[key]] == []


class Writer(threading.Thread):
    """Inserts, updates, deletes and recreates at random through an alias, and knows what must be there."""

    def __init__(
        self, urls: str | list[str], alias: str, truth: Truth, seed: int, most_per_second: float = 1e6
    ) -> None:
        super().__init__(daemon=True)
        self._pause = 1 / most_per_second
        self.truth, self.operations, self.refused = truth, 0, 0
        self._client = client_of(urls, max_retries=0, request_timeout=60)
        self._alias, self._seed, self._ended = alias, seed, threading.Event()
        self._writing = threading.Lock()
        self._fault: Exception | None = None

    def run(self) -> None:
        chance = random.Random(self._seed)
        names = [key[0] for key in self.truth] + [f"new-{n}" for n in range(200)]
        try:
            while not self._ended.is_set():
                with self._writing:
                    self._write(chance, chance.choice(names))
                time.sleep(self._pause)
        except Exception as error:  # noqa: BLE001  (raised by `stop`)
            self._fault = error
        finally:
            self._client.close()

    def _write(self, chance: random.Random, name: str) -> None:
        """One operation, until the server says that it is done: which it may be without having said so."""
        deleted = chance.random() < 0.35
        source = {"title": "written", "text": f"ocean reef {chance.random()}", "year": 1}
        deadline = time.monotonic() + 120
        while True:
            try:
                if deleted:
                    with suppress(NotFoundError):
                        self._client.delete(index=self._alias, id=name)
                    self.truth.pop((name, None), None)
                else:
                    self._client.index(index=self._alias, id=name, document=source)
                    self.truth[name, None] = source
                self.operations += 1
                return
            except ApiError as error:
                if error.status_code == 403:
                    self.refused += 1
                    time.sleep(0.02)
                    return
                if error.status_code not in {429, 503} or time.monotonic() > deadline:
                    raise
            except TransportError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def pause(self) -> None:
        """Write nothing until `go_on`."""
        self._writing.acquire()

    def go_on(self) -> None:
        """Write again."""
        self._writing.release()

    def wait_for(self, operations: int) -> None:
        """Let it write until it has done so many."""
        while self.operations < operations and self._fault is None:
            time.sleep(0.1)

    def stop(self) -> None:
        """End, and raise what went wrong."""
        self._ended.set()
        self.join(60)
        if self._fault is not None:
            raise self._fault
