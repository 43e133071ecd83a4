"""What an index did not take from a job, kept in an index of its own with the reasons."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from enricher.errors import IndexConflict
from indexer.engines.elasticsearch.bulk import Action
from indexer.engines.elasticsearch.copies import Copies, Named, Refused
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.engines.fields import encode

SETTINGS = {"number_of_shards": 1, "auto_expand_replicas": "0-1"}


class Reject(NamedTuple):
    """A document that was refused, in the state after the operation `sequence` of its shard."""

    id: str
    routing: str | None
    shard: int
    sequence: int
    reason: str


class Rejects:
    """The indexes of rejects of a cluster: one a job, made with its first."""

    def __init__(self, engine: ElasticsearchEngine, copies: Copies) -> None:
        self._engine = engine
        self._copies = copies

    def keep(self, rejects: str, shard: int, refused: Sequence[Refused]) -> None:
        """Keep documents of a shard with the reasons."""
        try:
            with self._engine.failures(rejects):
                self._engine.client.indices.create(
                    index=rejects, settings=SETTINGS, mappings={"dynamic": False}
                )
        except IndexConflict:
            pass
        kept = [
            Reject(document.id, document.routing, shard, document.sequence, reason)
            for document, reason in refused
        ]
        lines = [
            encode({"index": {"_id": _key(one)}}) + b"\n" + encode(one._asdict()) + b"\n" for one in kept
        ]
        self._engine.bulk(rejects).run(Action(one.id, line) for one, line in zip(kept, lines, strict=True))

    def load(self, rejects: str) -> list[Reject]:
        """All that was refused."""
        if not self._engine.exists(rejects):
            return []
        self._engine.refresh(rejects)
        return [Reject(**document.source) for document in self._engine.read(rejects)]  # type: ignore[arg-type]

    def settle(self, rejects: str, source: str) -> int:
        """Forget what was refused and has changed or gone since; answers how many documents are left."""
        kept = self.load(rejects)
        changed = [
            one
            for one, there in zip(kept, self._copies.current(source, kept), strict=True)
            if there is None or there.sequence != one.sequence
        ]
        self.forget(rejects, changed)
        return len(kept) - len(changed)

    def forget(self, rejects: str, settled: Sequence[Reject]) -> None:
        """Take documents out."""
        if settled:
            self._engine.delete(rejects, [_key(one) for one in settled])
            self._engine.refresh(rejects)


def _key(document: Named) -> str:
    """The id of what is kept of a refused document: of the same length whatever its own id is."""
    return hashlib.sha256(f"{document.routing}\0{document.id}".encode()).hexdigest()
