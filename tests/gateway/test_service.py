"""What the service answers, without HTTP."""

import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from enricher.gateway.service import Service, _Recent
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


def test_what_is_removed_while_a_thread_waits_for_it_is_made_again() -> None:
    """The thread that opens a model, and the one that waited, both get it, however small the room is."""
    recent: _Recent[str] = _Recent(1)

    class Evicting(OrderedDict[str, str]):
        """Removes what is looked for, as another thread may do between two looks without the lock."""

        def __contains__(self, key: object) -> bool:
            is_there = super().__contains__(key)
            if is_there and not recent._lock.locked():
                del self[str(key)]
            return is_there

    recent._things = Evicting()
    waiting, opened = threading.Event(), threading.Event()

    def slowly() -> str:
        waiting.set()
        assert opened.wait(10)
        return "first"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(recent.get, "a", slowly)
        assert waiting.wait(10)
        second = pool.submit(recent.get, "a", lambda: "second")
        time.sleep(0.1)
        opened.set()
        assert first.result(10) == "first" and second.result(10) in {"first", "second"}
