"""A cluster of Elasticsearch as jobs work on it."""

from enricher.records import IndexLayout
from indexer.engines.elasticsearch.copies import Copies
from indexer.engines.elasticsearch.engine import ElasticsearchEngine
from indexer.engines.elasticsearch.rejects import Rejects
from indexer.engines.elasticsearch.targets import Targets


class Cluster:
    """An engine, and what jobs do to its documents, its indexes and what was refused."""

    def __init__(self, engine: ElasticsearchEngine) -> None:
        self.engine = engine
        self.copies = Copies(engine)
        self.targets = Targets(engine)
        self.rejects = Rejects(engine, self.copies)

    def layout(self, index: str) -> IndexLayout | None:
        """The layout of an index of ours by its own name, None for somebody else's."""
        return self.engine.layout(index) if index in self.engine.indexes() else None
