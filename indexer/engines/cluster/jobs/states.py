"""The states of jobs and of followers, each kind kept in a small index of the cluster."""

from collections.abc import Mapping
from typing import Any

from enricher.errors import AccessDenied, IndexConflict
from indexer.engines.cluster.engine import ClusterEngine

INDEX = "enricher-jobs"
"""The index of jobs."""
FOLLOWED = "enricher-follow"
"""The index of what is followed."""
SETTINGS = {"number_of_shards": 1, "auto_expand_replicas": "0-1", "refresh_interval": "1s"}
MAPPING = {"dynamic": False, "properties": {"created": {"type": "date"}}}
MAX_LISTED = 1_000
"""States that `names` returns, the newest first."""


class ClusterStates:
    """Keeps one document per state; a change is written only if the state is still as it was read."""

    def __init__(self, engine: ClusterEngine, index: str = INDEX) -> None:
        self._engine, self._index = engine, index
        self._server, self._patient = engine.server.once, engine.server.patient

    def create(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep a new state. Raises EngineError if there is one of that name."""
        try:
            with self._engine.failures(self._index):
                self._server.put(self._index, body={"settings": SETTINGS, "mappings": MAPPING})
        except (IndexConflict, AccessDenied):  # it may exist, where the user may not create it
            pass
        with self._engine.failures(self._index):
            self._server.put(self._index, "_create", name, body=value, refresh=True)

    def load(self, name: str) -> tuple[dict[str, Any], tuple[int, int]] | None:
        """A state and its version, which `save` takes; None if there is none of that name."""
        with self._engine.failures(self._index):
            found = self._patient.get(self._index, "_doc", name, ignored=[404])
        if found.status == 404:
            return None
        return found["_source"], (int(found["_seq_no"]), int(found["_primary_term"]))

    def save(self, name: str, value: Mapping[str, Any], seen: tuple[int, int]) -> tuple[int, int] | None:
        """Write a changed state and return its new version; None, and nothing is written, if it has changed.

        seen: the version that `load` or `save` returned: sequence number and primary term.
        """
        sequence, term = seen
        present = {"if_seq_no": sequence, "if_primary_term": term}
        with self._engine.failures(self._index):
            answer = self._server.put(self._index, "_doc", name, body=value, ignored=[409], **present)
        if answer.status == 409:
            return None
        return int(answer["_seq_no"]), int(answer["_primary_term"])

    def names(self) -> list[str]:
        """The names of the states, the newest first, at most MAX_LISTED."""
        order = [{"created": {"order": "desc", "unmapped_type": "date"}}]
        body = {"sort": order, "size": MAX_LISTED, "_source": False}
        with self._engine.failures(self._index):
            answer = self._engine.server.search(self._index, body, allow_partial=True, ignored=[404])
        if answer.status == 404:
            return []
        return [str(hit["_id"]) for hit in answer["hits"]["hits"]]

    def remove(self, name: str) -> None:
        """Remove a state if it exists."""
        with self._engine.failures(self._index):
            self._engine.server.delete(self._index, "_doc", name, refresh=True, ignored=[404])
