"""A small model's enrichments, and the jobs of the server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import enricher
from enricher.enrichment import DocumentEnricher
from enricher.plugins import PluginContext, load_enrichments
from enricher.settings import IndexConfiguration
from indexer.engines.cluster.jobs.states import INDEX as JOBS
from indexer.engines.cluster.jobs.states import ClusterStates
from indexer.reindex.cluster.cluster import Cluster
from indexer.reindex.ledger import Ledger
from tests.conftest import RunCommand
from tests.server.engines import ServerEngine
from tests.server.reindex.commands import Command
from tests.server.reindex.truth import FIELDS, SOON


@pytest.fixture
def chain(model: enricher.Model) -> DocumentEnricher:
    """Tokens and keywords by the small model."""
    context = PluginContext(FIELDS, model.analyzer, model)
    enrichments = load_enrichments(IndexConfiguration(enrichments=("tokens", "keywords")), context)
    return DocumentEnricher(model.analyzer, FIELDS, enrichments, model.version)


@pytest.fixture(autouse=True)
def jobs(engine: ServerEngine, index: str) -> Iterator[Ledger]:
    """The jobs of the server; those that a test leaves are removed."""
    ledger = Ledger(ClusterStates(engine), SOON)
    yield ledger
    for job in ledger.jobs():
        if job.id.startswith(index):
            engine.client.delete(index=JOBS, id=job.id)


@pytest.fixture
def command(run: RunCommand, models: Path, server_url: str) -> Command:
    """`enricher reindex` on the server."""
    return Command(run, models, server_url)


@pytest.fixture
def cluster(engine: ServerEngine) -> Cluster:
    """The server as jobs work on it."""
    return Cluster(engine)
