"""How the BM25 of a server compares with that of the others."""

import threading
import time

from enricher.errors import AccessDenied
from indexer.engines.cluster.health import as_numbers, versions_of
from indexer.engines.cluster.server import Server

K1_PLUS_1 = 2.2
"""The factor k1 + 1 of BM25, with k1 = 1.2. It does not change an order, so some servers leave it out."""
MAX_AGE_SECONDS = 60.0
"""Age at which the versions of the nodes are read again: a server may be upgraded meanwhile."""


class Bm25Factor:
    """By what the BM25 of a server is multiplied to be that of the other engines. Thread-safe."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._known: tuple[float, float] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """The factor. Raises EngineError."""
        with self._lock:
            known, now = self._known, time.monotonic()
            if known is None or now - known[0] > MAX_AGE_SECONDS:
                known = self._known = now, self._read()
            return known[1]

    def _read(self) -> float:
        first = self._server.dialect.first_plain_bm25
        if first is None:
            return 1.0
        try:
            newest = max(map(as_numbers, versions_of(self._server)), default=first)
        except AccessDenied:  # the user may not see the nodes: it is probably a current version
            newest = first
        return K1_PLUS_1 if newest >= first else 1.0
