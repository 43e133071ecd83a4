"""The engine of a cluster of either family."""

from indexer.engines.addresses import Addresses
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.connection import Connection
from indexer.engines.detected.server import DetectedServer


class DetectedEngine(ClusterEngine):
    """A SearchEngine on a cluster whose family is asked for before the first request."""

    server: DetectedServer

    def __init__(self, addresses: Addresses, connection: Connection) -> None:
        super().__init__(DetectedServer.connect(addresses, connection), timeout=connection.timeout)

    @property
    def name(self) -> str:  # type: ignore[override]
        """The name of the engine of the family; "cluster" before the first request."""
        return self.server.family or "cluster"
