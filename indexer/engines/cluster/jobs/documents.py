"""Documents by id and routing, as an index holds them at this moment, also before a refresh."""

from collections.abc import Sequence
from typing import Any

from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.cluster.errors import explain_refusal, refusal
from indexer.engines.cluster.jobs.versioned import Key, Named, Present, VersionedDocument, document_of
from indexer.engines.cluster.reading import as_parameters

MAX_DOCUMENTS = 1_000
"""Documents in one request."""
UNAVAILABLE = 503
"""The status of a shard that does not answer."""


class Documents:
    """Gets documents of a cluster by id and routing (`_mget`)."""

    def __init__(self, engine: ClusterEngine) -> None:
        self._engine = engine
        self._server = engine.server.patient

    def current(self, index: str, documents: Sequence[Named]) -> list[Present | None]:
        """The last operation on each document, in the same order; None for a document that does not exist."""
        found = self._get(index, documents, source=False)
        return [None if one is None else one.present for one in found]

    def found(self, index: str, keys: Sequence[Key]) -> list[VersionedDocument]:
        """Those of the documents that exist, without their sources."""
        found = self._get(index, [VersionedDocument(*key, 0, 0, 0) for key in keys], source=False)
        return [one for one in found if one is not None]

    def fetch(self, index: str, documents: Sequence[Named]) -> list[VersionedDocument | None]:
        """The documents with their sources, in the same order; None for a document that does not exist."""
        return self._get(index, documents, source=True)

    def _get(self, index: str, documents: Sequence[Named], *, source: bool) -> list[VersionedDocument | None]:
        asked = [{"_id": one.id} | ({"routing": one.routing} if one.routing else {}) for one in documents]
        # With `_source=false` the server omits the routing too.
        parameters: dict[str, Any] = (
            as_parameters(self._engine.whole_source) if source else {"_source_excludes": "*"}
        )
        found: list[VersionedDocument | None] = []
        for start in range(0, len(asked), MAX_DOCUMENTS):
            part = asked[start : start + MAX_DOCUMENTS]
            with self._engine.failures(index):
                answer = self._server.post(index, "_mget", body={"docs": part}, **parameters)
            for one in answer["docs"]:
                if "error" in one:
                    raise explain_refusal(refusal(UNAVAILABLE, one["error"]), self._server, index)
                found.append(document_of(one) if one.get("found") else None)
        return found
