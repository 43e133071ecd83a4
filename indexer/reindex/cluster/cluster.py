"""A cluster of Elasticsearch as jobs use it."""

from enricher.records import IndexLayout
from indexer.engines.cluster.engine import ClusterEngine
from indexer.engines.cluster.jobs.aliases import Aliases
from indexer.engines.cluster.jobs.copies import Copies
from indexer.engines.cluster.jobs.documents import Documents
from indexer.engines.cluster.jobs.rejects import Rejects
from indexer.engines.cluster.jobs.shards import Shards
from indexer.engines.cluster.jobs.targets import Targets
from indexer.engines.cluster.mapping import has_vector_codes


class Cluster:
    """An engine, and what jobs read from it and write to it."""

    def __init__(self, engine: ClusterEngine) -> None:
        self.engine = engine
        self.shards = Shards(engine)
        self.documents = Documents(engine)
        self.copies = Copies(engine, self.documents)
        self.rejects = Rejects(engine, self.documents)
        self.targets = Targets(engine)
        self.aliases = Aliases(engine)

    def layout(self, index: str) -> IndexLayout | None:
        """The layout of an index, by its own name; None if it was never enriched."""
        return self.engine.layout(index) if index in self.engine.indexes() else None

    def has_vector_codes(self, index: str) -> bool:
        """Whether documents of an index are written with their vectors in `vector_codes` too."""
        return has_vector_codes(self.targets.described(index)[1])
