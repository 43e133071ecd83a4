"""Documents that the target of a job refused, kept in an index of their own with the reasons."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from enricher.errors import IndexConflict
from indexer.engines.cluster.bulk import Action
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.cluster.jobs.documents import Documents
from indexer.engines.cluster.jobs.versioned import Named, Refused
from indexer.engines.fields import encode

SETTINGS = {"number_of_shards": 1, "auto_expand_replicas": "0-1"}


class Reject(NamedTuple):
    """A refused document, in the state after the operation with number `sequence` of its shard."""

    id: str
    routing: str | None
    shard: int
    sequence: int
    reason: str


class Rejects:
    """The indexes of rejects of a cluster: one per job, created with its first reject."""

    def __init__(self, engine: ClusterEngine, documents: Documents) -> None:
        self._engine = engine
        self._documents = documents

    def keep(self, rejects: str, shard: int, refused: Sequence[Refused]) -> None:
        """Add refused documents of a shard, each with its reason, to the index `rejects`."""
        try:
            with self._engine.failures(rejects):
                self._engine.server.put(rejects, body={"settings": SETTINGS, "mappings": {"dynamic": False}})
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
        """All rejects of an index; none if the index does not exist."""
        if not self._engine.exists(rejects):
            return []
        self._engine.refresh(rejects)
        return [Reject(**document.source) for document in self._engine.read(rejects)]  # type: ignore[arg-type]

    def settle(self, rejects: str, source: str) -> int:
        """Forget rejects whose document has changed or gone since, and return how many are left."""
        kept = self.load(rejects)
        changed = [
            one
            for one, there in zip(kept, self._documents.current(source, kept), strict=True)
            if there is None or there.sequence != one.sequence
        ]
        self.forget(rejects, changed)
        return len(kept) - len(changed)

    def forget(self, rejects: str, settled: Sequence[Reject]) -> None:
        """Remove rejects from their index."""
        if settled:
            self._engine.delete(rejects, [_key(one) for one in settled])
            self._engine.refresh(rejects)


def _key(document: Named) -> str:
    """The id of a reject: of one length, however long the id of the document is."""
    return hashlib.sha256(f"{document.routing}\0{document.id}".encode()).hexdigest()
