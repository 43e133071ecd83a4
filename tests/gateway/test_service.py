"""What the service answers, without HTTP."""

from pathlib import Path

from enricher.gateway.service import Service
from enricher.settings import Configuration, IndexConfiguration
from indexer.engines import Connection, open_engine
from tests.gateway.conftest import fill

RECIPES = {
    "docs": IndexConfiguration(),
    "split": IndexConfiguration(per_field=True),
    "plain": IndexConfiguration(enrichments=("tokens",), strip_html=True),
}


def test_documents_are_enriched_like_those_of_their_index(models: Path, tmp_path: Path) -> None:
    """Whatever its configuration was; with the model that searches use, which is opened once."""
    url = f"tantivy:{tmp_path / 'index'}"
    for name, configuration in RECIPES.items():
        fill(url, models, (name,), configuration)
    engine = open_engine(Connection(url))
    service = Service(models, engine, Configuration, list)
    for name in RECIPES:
        enricher = service.enricher(name)
        assert enricher.layout() == engine.layout(name)
        assert service.enricher(name) is enricher
    assert service.enricher(None).analyzer is service.model().analyzer
    assert service.open_models() == 1
